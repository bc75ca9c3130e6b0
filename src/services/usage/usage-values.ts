import type { Credits, UsageWindow } from './usage-snapshot.ts'

/** What a window is said to be, in the units of the wire; nothing of it is believed yet. */
export interface StatedWindow {
  usedPercent: number | undefined
  minutes: number | undefined
  /** Seconds since the epoch. */
  resetAt: number | undefined
  /** Seconds from now. */
  resetAfter?: number | undefined
}

/** The limit that usual questions count toward. */
export const USUAL_LIMIT = 'codex'
/** The service has fewer kinds of limits than this; more are not believed. */
export const MAX_OTHER_LIMITS = 8

const YEAR_MINUTES = 525_600
const YEAR_MS = YEAR_MINUTES * 60_000
/** A limit may be overrun, but not by so much. */
const MAX_PERCENT = 1000
const MAX_BALANCE = 1e9

/** The window, if its percent and length make sense; a reset time that does not is left out. */
export function windowOf(
  { usedPercent, minutes, resetAt, resetAfter }: StatedWindow,
  nowMs: number,
): UsageWindow | undefined {
  if (!isWithin(usedPercent, 0, MAX_PERCENT) || !isWithin(minutes, 1, YEAR_MINUTES)) return undefined
  const resetsAt = comingTime(resetAt, nowMs) ?? comingTime(nowMs / 1000 + (resetAfter ?? 0), nowMs)
  const window = { usedPercent: Math.min(100, usedPercent), windowMinutes: Math.round(minutes) }
  return resetsAt === undefined ? window : { ...window, resetsAt }
}

/**
 * Seconds since the epoch as milliseconds. What is past says nothing about when a limit opens, a date that no calendar
 * has cannot be written, and years from now means that it was not in seconds.
 */
export function comingTime(seconds: number | undefined, nowMs: number): number | undefined {
  const atMs = Math.round((seconds ?? 0) * 1000)
  return atMs > nowMs && atMs < nowMs + YEAR_MS ? atMs : undefined
}

/** Nothing where it is not said whether there are credits at all. */
export function creditsOf(has: unknown, unlimited: unknown, stated: unknown): Credits | undefined {
  if (typeof has !== 'boolean') return undefined
  const number = typeof stated === 'string' && /^\d{1,9}(\.\d{1,20})?$/.test(stated) ? Number(stated) : stated
  const balance = isWithin(number, 0, MAX_BALANCE) ? { balance: number } : {}
  return { has, unlimited: unlimited === true, ...balance }
}

/** Plans are single words; anything else would be free text in a sentence of ours. */
export function planWord(value: unknown): string | undefined {
  return typeof value === 'string' && /^\w[\w-]{0,39}$/.test(value) ? value : undefined
}

/** The name of a limit, like that of a model; anything else would be free text. */
export function limitName(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z\d][\w. -]{0,39}$/i.test(value) ? value : undefined
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}

/** An object of what is known of these fields; nothing where that is nothing. */
export function known<T extends object>(fields: { [Name in keyof T]: T[Name] | undefined }): T | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T)
}

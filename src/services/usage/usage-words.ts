import type { Credits, LimitPair, UsageSnapshot, UsageWindow } from './usage-snapshot.ts'
import { windowsOf } from './usage-snapshot.ts'

const WARN_PERCENT = 80
const LATE_PERCENT = 95

/**
 * One line for below an answer: how much of the plan is used and when that begins anew, in local time. Nothing where
 * nothing is known.
 */
export function usageLine(snapshot: UsageSnapshot, nowMs: number): string | undefined {
  const windows = windowsOf(snapshot).map((window) => windowWords(window, nowMs))
  const credits = creditWords(snapshot.credits)
  const usual = [...windows, ...(credits === undefined ? [] : [`credits ${credits}`])]
  // The line stays short: other limits are for when there is nothing else, and for warnings.
  const parts = usual.length > 0 ? usual : othersIn(snapshot, nowMs)
  return parts.length === 0 ? undefined : `Plan usage: ${parts.join(' · ')}`
}

function othersIn({ others = {} }: UsageSnapshot, nowMs: number): string[] {
  return Object.entries(others).flatMap(([name, limit]) =>
    windowsOf(limit).map((window) => `${name} ${windowWords(window, nowMs)}`),
  )
}

function windowWords(window: UsageWindow, nowMs: number): string {
  const resets = resetWords(window, nowMs)
  const used = `${windowName(window.windowMinutes)} ${percentOf(window)} %`
  return resets === undefined ? used : `${used}, resets ${resets}`
}

/** A sentence without its full stop for each window of which not much is left; from 95 percent with when it opens again. */
export function usageWarnings(snapshot: UsageSnapshot, nowMs: number): string[] {
  const named = (name: string, limit: LimitPair) =>
    windowsOf(limit).flatMap((window) => warningOf(`${name}${windowName(window.windowMinutes)}`, window, nowMs))
  const others = Object.entries(snapshot.others ?? {}).flatMap(([name, limit]) => named(`${name} `, limit))
  return [...named('', snapshot), ...others]
}

function warningOf(name: string, window: UsageWindow, nowMs: number): string | [] {
  const percent = percentOf(window)
  if (percent < WARN_PERCENT) return []
  const used = `${percent} % of the ${name} limit is used`
  const resets = percent < LATE_PERCENT ? undefined : resetWords(window, nowMs)
  return resets === undefined ? used : `${used}; it opens again ${resets}`
}

/** Whole percent, rounded down: full is what is full. */
export function percentOf({ usedPercent }: UsageWindow): number {
  return Math.floor(usedPercent)
}

/** When the window opens again, in local time, to stand behind a verb; nothing where that is not known or past. */
export function resetWords({ resetsAt }: UsageWindow, nowMs: number): string | undefined {
  return resetsAt === undefined || resetsAt <= nowMs ? undefined : localTime(resetsAt, nowMs)
}

/** Nothing where there are none to speak of. */
export function creditWords(credits: Credits | undefined): string | undefined {
  if (credits?.unlimited) return 'unlimited'
  if (credits?.balance === undefined || !credits.has) return undefined
  return new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(credits.balance)
}

/** What a window of this length is called; the service is off by a minute at times. */
export function windowName(minutes: number): string {
  const hours = Math.round(minutes / 60)
  if (hours < 1 || Math.abs(minutes - hours * 60) > 3) return `${minutes}-minute`
  if (hours === 168) return 'weekly'
  return hours % 24 === 0 ? `${hours / 24}-day` : `${hours}-hour`
}

/** A moment as people here say it: the time alone for today, else with the day. */
export function localTime(atMs: number, nowMs: number): string {
  const sameDay = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  const date = sameDay ? {} : ({ weekday: 'short', month: 'short', day: 'numeric' } as const)
  const format = new Intl.DateTimeFormat('en', {
    ...date,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  })
  return `${sameDay ? 'at' : 'on'} ${format.format(atMs)}`
}

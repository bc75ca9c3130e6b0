import { CodexError } from '../errors.ts'
import { fieldOf, numberField, textField } from './remote-text.ts'

/** An answer that says a usage limit is reached (facts: wire-protocol 12 and 13). */
interface LimitedAnswer {
  headers: Headers
  json: unknown
  nowMs: number
}

export const USAGE_PAGE = 'https://chatgpt.com/settings/usage'
const YEAR_MS = 365 * 24 * 3_600_000

interface Window {
  usedPercent: number
  minutes: number
  resetAtMs: number | undefined
}

/** Which window is full, on which plan, and when it opens again, in the user's local time. */
export function usageLimit({ headers, json, nowMs }: LimitedAnswer): CodexError {
  const error = fieldOf(json, 'error')
  const window = blockingWindow(headers)
  const statedMs = secondsField(error, 'resets_at') ?? window?.resetAtMs ?? afterSeconds(error, nowMs)
  // A date that no calendar has cannot be written, and years from now means that it was not in seconds.
  const resetAtMs = statedMs !== undefined && Math.abs(statedMs - nowMs) < YEAR_MS ? statedMs : undefined
  const plan = textField(error, 'plan_type')
  const which = window === undefined ? 'usage limit' : `${windowName(window.minutes)} usage limit`
  const of = plan === undefined ? 'of this account' : `of the ChatGPT ${quotePlan(plan)} plan`
  const until = resetAtMs === undefined ? 'Try again later' : `It opens again ${localTime(resetAtMs, nowMs)}`
  return new CodexError('USAGE_LIMIT', `The ${which} ${of} is used up.`, {
    hint: `${until}. See ${USAGE_PAGE}.`,
    cause: json,
  })
}

function blockingWindow(headers: Headers): Window | undefined {
  const limit = headers.get('x-codex-active-limit')
  const family = limit !== null && /^[\w-]{1,40}$/.test(limit) ? `x-${limit}` : 'x-codex'
  const windows = ['primary', 'secondary'].flatMap((name) => readWindow(headers, `${family}-${name}`) ?? [])
  return windows.find((window) => window.usedPercent >= 100) ?? windows.sort((a, b) => b.usedPercent - a.usedPercent)[0]
}

function readWindow(headers: Headers, prefix: string): Window | undefined {
  const number = (name: string) => {
    const value = headers.get(`${prefix}-${name}`)
    return value === null || value.trim() === '' ? Number.NaN : Number(value)
  }
  const usedPercent = number('used-percent')
  const minutes = number('window-minutes')
  if (!Number.isFinite(usedPercent) || !Number.isFinite(minutes) || minutes <= 0) return undefined
  const resetAt = number('reset-at')
  return { usedPercent, minutes, resetAtMs: Number.isFinite(resetAt) ? resetAt * 1000 : undefined }
}

function windowName(minutes: number): string {
  if (minutes === 10_080) return 'weekly'
  if (minutes % 1440 === 0) return `${minutes / 1440}-day`
  return minutes % 60 === 0 ? `${minutes / 60}-hour` : `${minutes}-minute`
}

function localTime(atMs: number, nowMs: number): string {
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

function secondsField(value: unknown, name: string): number | undefined {
  const seconds = numberField(value, name)
  return seconds === undefined ? undefined : seconds * 1000
}

function afterSeconds(error: unknown, nowMs: number): number | undefined {
  const after = secondsField(error, 'resets_in_seconds')
  return after === undefined ? undefined : nowMs + after
}

function quotePlan(plan: string): string {
  return /^[\w-]{1,40}$/.test(plan) ? plan : 'unknown'
}

import { CodexError } from '../../errors.ts'
import { fieldOf, numberField, textField } from '../codex/remote-text.ts'
import { activeLimit } from './usage-headers.ts'
import { asOf, type KnownUsage, type UsageWindow, windowsOf } from './usage-snapshot.ts'
import { comingTime, planWord } from './usage-values.ts'
import { localTime, windowName } from './usage-words.ts'

/** An answer that says a usage limit is reached (facts: wire-protocol 12 and 13). */
export interface LimitedAnswer {
  headers: Headers
  json: unknown
  nowMs: number
  /** What was known of this account before, for an answer that does not say which limit it is. */
  lastKnown?: KnownUsage | undefined
}

export const USAGE_PAGE = 'https://chatgpt.com/settings/usage'
/** Two ways to say the same time of reset may differ by so much. */
const SAME_MS = 120_000
/** What was not this full a while ago need not be what is full now. */
const NEARLY_FULL = 95

/** Which window is full, on which plan, and when it opens again, in the user's local time. */
export function usageLimit({ headers, json, nowMs, lastKnown }: LimitedAnswer): CodexError {
  const error = fieldOf(json, 'error')
  const statedMs = comingTime(numberField(error, 'resets_at'), nowMs)
  const windows = windowsOf(activeLimit(headers, nowMs))
  const window = windows.length > 0 ? fullest(windows, statedMs) : formerlyFull(lastKnown, statedMs, nowMs)
  const resetsAt = statedMs ?? window?.resetsAt ?? afterSeconds(error, nowMs)
  const stated = textField(error, 'plan_type')
  const plan = stated === undefined ? undefined : (planWord(stated) ?? 'unknown')
  const which = window === undefined ? 'usage limit' : `${windowName(window.windowMinutes)} usage limit`
  const of = plan === undefined ? 'of this account' : `of the ChatGPT ${plan} plan`
  const until = resetsAt === undefined ? 'Try again later' : `It opens again ${localTime(resetsAt, nowMs)}`
  return new CodexError('USAGE_LIMIT', `The ${which} ${of} is used up.`, {
    hint: `${until}. See ${USAGE_PAGE}.`,
    cause: json,
  })
}

/**
 * Of several that are full the one that opens when the answer says, else the one that opens last. Where none is, the one
 * that opens then, else the fullest of those that nearly are.
 */
function fullest(windows: readonly UsageWindow[], statedMs: number | undefined): UsageWindow | undefined {
  const full = windows.filter(({ usedPercent }) => usedPercent >= 100)
  const nearly = windows.filter(({ usedPercent }) => usedPercent >= NEARLY_FULL)
  const opensThen = (window: UsageWindow) => opensAt(window, statedMs)
  const byReset = (one: UsageWindow, other: UsageWindow) => (other.resetsAt ?? 0) - (one.resetsAt ?? 0)
  const byUse = (one: UsageWindow, other: UsageWindow) => other.usedPercent - one.usedPercent
  return full.find(opensThen) ?? full.sort(byReset)[0] ?? windows.find(opensThen) ?? nearly.sort(byUse)[0]
}

/** What was known before has grown since: where the answer says when it opens, only a window that opens then is named. */
function formerlyFull(
  lastKnown: KnownUsage | undefined,
  statedMs: number | undefined,
  nowMs: number,
): UsageWindow | undefined {
  if (lastKnown === undefined) return undefined
  const windows = windowsOf(asOf(lastKnown, nowMs))
  const named = windows.find((window) => opensAt(window, statedMs))
  return named === undefined && statedMs === undefined ? fullest(windows, undefined) : named
}

function opensAt({ resetsAt }: UsageWindow, statedMs: number | undefined): boolean {
  return resetsAt !== undefined && statedMs !== undefined && Math.abs(resetsAt - statedMs) <= SAME_MS
}

function afterSeconds(error: unknown, nowMs: number): number | undefined {
  const seconds = numberField(error, 'resets_in_seconds')
  return seconds === undefined ? undefined : comingTime(nowMs / 1000 + seconds, nowMs)
}

import { duration } from '../status/duration.ts'
import { asOf, type Credits, type KnownUsage, type LimitPair, type UsageWindow } from './usage-snapshot.ts'
import { creditWords, percentOf, resetWords, usageLine, usageWarnings, windowName } from './usage-words.ts'

/** How much of a plan is used, as the status shows it. */
export interface UsageStatus extends LimitStatus {
  /** Whether the service was asked just now, with or without success. */
  asked: boolean
  /** How long ago the service said what is shown, and the same in words; absent where nothing is known. */
  ageMs?: number
  age?: string
  plan?: string | undefined
  credits?: Credits | undefined
  /** How many credits are left, to stand behind their name. */
  creditWords?: string | undefined
  others?: Readonly<Record<string, LimitStatus>> | undefined
  /** Where the owner can look, where no program can. */
  manage?: string | undefined
  /** Why the service has not said it although it was to be asked, with the code of an error. */
  trouble?: string | undefined
  /** All of it in sentences. */
  message: string
}

export interface LimitStatus {
  primary?: WindowStatus | undefined
  secondary?: WindowStatus | undefined
}

export interface WindowStatus {
  /** Whole percent. */
  usedPercent: number
  /** What the window is called: 5-hour, weekly. */
  window: string
  /** In milliseconds, and the same in words in local time. */
  resetsAt?: number | undefined
  resets?: string | undefined
}

export interface UsageFacts {
  known: KnownUsage | undefined
  asked: boolean
  trouble?: string | undefined
  manage?: string | undefined
}

/** Nothing where there is nothing to say. */
export function usageStatus({ known, asked, trouble, manage }: UsageFacts, nowMs: number): UsageStatus | undefined {
  const snapshot = known === undefined ? {} : asOf(known, nowMs)
  const line = usageLine(snapshot, nowMs)
  const isFresh = asked && trouble === undefined
  if (known === undefined || (line === undefined && !isFresh)) {
    return trouble === undefined ? undefined : { asked, manage, trouble, message: trouble }
  }
  // A clock that was put back makes nothing older than it is.
  const ageMs = Math.max(0, nowMs - known.at)
  const age = ageWords(ageMs)
  const told = isFresh ? (line ?? 'The service reports no limit for this plan') : `${line} (as of ${age})`
  const sentences = [told, ...usageWarnings(snapshot, nowMs)].map((sentence) => `${sentence}.`)
  return {
    asked,
    ageMs,
    age,
    plan: snapshot.plan,
    ...limitStatus(snapshot, nowMs),
    credits: snapshot.credits,
    creditWords: creditWords(snapshot.credits),
    others: othersOf(snapshot.others, nowMs),
    manage,
    trouble,
    message: [...(trouble === undefined ? [] : [trouble]), ...sentences].join(' '),
  }
}

function othersOf(others: Readonly<Record<string, LimitPair>> | undefined, nowMs: number): UsageStatus['others'] {
  if (others === undefined) return undefined
  return Object.fromEntries(Object.entries(others).map(([name, limit]) => [name, limitStatus(limit, nowMs)]))
}

function limitStatus({ primary, secondary }: LimitPair, nowMs: number): LimitStatus {
  const statusOf = (window: UsageWindow | undefined): WindowStatus | undefined =>
    window === undefined
      ? undefined
      : {
          usedPercent: percentOf(window),
          window: windowName(window.windowMinutes),
          resetsAt: window.resetsAt,
          resets: resetWords(window, nowMs),
        }
  return { primary: statusOf(primary), secondary: statusOf(secondary) }
}

function ageWords(ageMs: number): string {
  return ageMs < 60_000 ? 'a moment ago' : `${duration(ageMs)} ago`
}

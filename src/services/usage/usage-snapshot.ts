import { known } from './usage-values.ts'

/** How much of a plan is used, whichever way the service has said it (facts: wire-protocol 13). */
export interface UsageSnapshot extends LimitPair {
  /** A word; what it means only OpenAI knows. */
  plan?: string
  credits?: Credits
  /** Limits beside the one that usual questions count toward, by name. */
  others?: Readonly<Record<string, LimitPair>>
}

/** A limit is a short window and a long one, either of which may be missing. */
export interface LimitPair {
  primary?: UsageWindow
  secondary?: UsageWindow
}

export interface UsageWindow {
  /** 0 to 100. */
  usedPercent: number
  windowMinutes: number
  /** When it opens again, in milliseconds. */
  resetsAt?: number
}

export interface Credits {
  has: boolean
  unlimited: boolean
  balance?: number
}

/** A snapshot and when it was taken, in milliseconds. */
export interface KnownUsage {
  snapshot: UsageSnapshot
  at: number
}

/** One snapshot after another: what the later one says counts, window by window. */
export function mergeLimits(earlier: UsageSnapshot | undefined, later: UsageSnapshot): UsageSnapshot {
  const { plan, primary, secondary, credits } = { ...earlier, ...later }
  const names = Object.keys({ ...earlier?.others, ...later.others })
  const others = names.map((name) => [name, { ...earlier?.others?.[name], ...later.others?.[name] }] as const)
  // Always in this order: whoever compares two of them compares texts.
  return known<UsageSnapshot>({ plan, primary, secondary, credits, others: known(Object.fromEntries(others)) }) ?? {}
}

/** What of it still holds at `nowMs`. A window that has reset since is left out: nobody knows how full it is now. */
export function asOf({ snapshot, at }: KnownUsage, nowMs: number): UsageSnapshot {
  const stillClosed = (window: UsageWindow | undefined) => {
    const opensAt = window?.resetsAt ?? at + (window?.windowMinutes ?? 0) * 60_000
    return opensAt > nowMs ? window : undefined
  }
  const pairOf = ({ primary, secondary }: LimitPair) =>
    known<LimitPair>({ primary: stillClosed(primary), secondary: stillClosed(secondary) })
  const others = Object.entries(snapshot.others ?? {}).flatMap(([name, limit]) => {
    const pair = pairOf(limit)
    return pair === undefined ? [] : [[name, pair] as const]
  })
  const { plan, credits } = snapshot
  const rest = { plan, credits, others: known<NonNullable<UsageSnapshot['others']>>(Object.fromEntries(others)) }
  return known<UsageSnapshot>({ ...rest, ...pairOf(snapshot) }) ?? {}
}

/** Whether it says more than which plan it is. */
export function saysSomething({ primary, secondary, credits, others }: UsageSnapshot): boolean {
  return [primary, secondary, credits, ...Object.values(others ?? {}).flatMap(Object.values)].some(
    (part) => part !== undefined,
  )
}

/** Its windows that there are, the short one first. */
export function windowsOf({ primary, secondary }: LimitPair): UsageWindow[] {
  return [primary, secondary].filter((window) => window !== undefined)
}

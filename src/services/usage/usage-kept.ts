import { fieldOf, numberField } from '../codex/remote-text.ts'
import { digestOf } from '../login/credential-owner.ts'
import type { KnownUsage, LimitPair, UsageSnapshot, UsageWindow } from './usage-snapshot.ts'
import { creditsOf, known, limitName, planWord, windowOf } from './usage-values.ts'

/** What is kept on disk: usage by owner, whose name is a hash. */
export type KeptUsage = Readonly<Record<string, KnownUsage>>

/** Nobody has more accounts than that. */
const MAX_OWNERS = 20
/** Beyond that what is kept comes from a clock that was wrong, and would never be replaced. */
const MAX_AHEAD_MS = 60_000

/** Whose usage it is: of an account at a service. Nothing where nobody knows which account. */
export function ownerOfUsage(accountId: string | undefined, baseUrl: string): string | undefined {
  if (accountId === undefined) return undefined
  return digestOf([baseUrl, accountId])
}

/** What the file holds, as far as it makes sense: other programs can write to it, too. */
export function readKept(file: unknown, nowMs: number): KeptUsage {
  const owners = fieldOf(file, 'owners')
  const entries = typeof owners === 'object' && owners !== null ? Object.entries(owners) : []
  return Object.fromEntries(
    entries.flatMap(([owner, entry]) => {
      const usage = usageIn(entry, nowMs)
      return usage === undefined || !/^[\da-f]{20}$/.test(owner) ? [] : [[owner, usage] as const]
    }),
  )
}

/** What to keep from now on: the usage of the owners that were heard of last. */
export function keeping(kept: KeptUsage, owner: string, usage: KnownUsage): { owners: KeptUsage } {
  const all = Object.entries({ ...kept, [owner]: usage }).sort(([, one], [, other]) => other.at - one.at)
  return { owners: Object.fromEntries(all.slice(0, MAX_OWNERS)) }
}

function usageIn(entry: unknown, nowMs: number): KnownUsage | undefined {
  const at = numberField(entry, 'at')
  if (at === undefined || at < 0 || at > nowMs + MAX_AHEAD_MS) return undefined
  const stated = fieldOf(entry, 'snapshot')
  const others = Object.entries(fieldOf(stated, 'others') ?? {}).flatMap(([name, limit]) => {
    const pair = pairIn(limit, at)
    return limitName(name) === undefined || pair === undefined ? [] : [[name, pair] as const]
  })
  const credits = fieldOf(stated, 'credits')
  const snapshot = known<UsageSnapshot>({
    plan: planWord(fieldOf(stated, 'plan')),
    ...pairIn(stated, at),
    credits: creditsOf(fieldOf(credits, 'has'), fieldOf(credits, 'unlimited'), fieldOf(credits, 'balance')),
    others: known(Object.fromEntries(others)),
  })
  return snapshot === undefined ? undefined : { snapshot, at }
}

function pairIn(stated: unknown, at: number): LimitPair | undefined {
  return known<LimitPair>({
    primary: windowIn(fieldOf(stated, 'primary'), at),
    secondary: windowIn(fieldOf(stated, 'secondary'), at),
  })
}

/** Checked as of the time it was told. */
function windowIn(window: unknown, at: number): UsageWindow | undefined {
  const resetsAt = numberField(window, 'resetsAt')
  const stated = {
    usedPercent: numberField(window, 'usedPercent'),
    minutes: numberField(window, 'windowMinutes'),
    resetAt: resetsAt === undefined ? undefined : resetsAt / 1000,
  }
  return windowOf(stated, at)
}

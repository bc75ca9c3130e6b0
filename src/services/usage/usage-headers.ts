import type { LimitPair, UsageSnapshot, UsageWindow } from './usage-snapshot.ts'
import { creditsOf, known, limitName, MAX_OTHER_LIMITS, planWord, USUAL_LIMIT, windowOf } from './usage-values.ts'

/** What the headers of an answer say about limits (facts: wire-protocol 13); nothing where that is nothing. */
export function limitsFromHeaders(headers: Headers, nowMs: number): UsageSnapshot | undefined {
  const header = (name: string) => headers.get(`x-${USUAL_LIMIT}-${name}`)
  const others = familiesIn(headers).flatMap((family) => {
    const limit = pairIn(headers, family, nowMs)
    const name = limitName(headers.get(`x-${family}-limit-name`)) ?? family
    return limit === undefined ? [] : [[name, limit] as const]
  })
  return known<UsageSnapshot>({
    plan: planWord(header('plan-type')),
    ...pairIn(headers, USUAL_LIMIT, nowMs),
    credits: creditsOf(
      flag(header('credits-has-credits')),
      flag(header('credits-unlimited')),
      header('credits-balance')?.trim(),
    ),
    others: known(Object.fromEntries(others)),
  })
}

/** The windows of the limit that this answer is about: the one it names, else the usual one. */
export function activeLimit(headers: Headers, nowMs: number): LimitPair {
  const named = headers.get('x-codex-active-limit')?.replaceAll('_', '-')
  const family = named !== undefined && /^[\w-]{1,40}$/.test(named) ? named : USUAL_LIMIT
  return pairIn(headers, family, nowMs) ?? {}
}

/** The limits whose headers are there, but for the usual one. */
function familiesIn(headers: Headers): string[] {
  const found = [...headers.keys()].flatMap(
    (name) => /^x-([a-z\d][\w-]{0,39}?)-(?:primary|secondary)-used-percent$/.exec(name)?.[1] ?? [],
  )
  return [...new Set(found)].filter((family) => family !== USUAL_LIMIT).slice(0, MAX_OTHER_LIMITS)
}

function pairIn(headers: Headers, family: string, nowMs: number): LimitPair | undefined {
  return known<LimitPair>({
    primary: windowIn(headers, `x-${family}-primary`, nowMs),
    secondary: windowIn(headers, `x-${family}-secondary`, nowMs),
  })
}

function windowIn(headers: Headers, prefix: string, nowMs: number): UsageWindow | undefined {
  const number = (name: string) => numberOf(headers.get(`${prefix}-${name}`))
  const stated = {
    usedPercent: number('used-percent'),
    minutes: number('window-minutes'),
    resetAt: number('reset-at'),
    resetAfter: number('reset-after-seconds'),
  }
  return windowOf(stated, nowMs)
}

function numberOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,15}(\.\d{1,20})?$/.test(value.trim()) ? Number(value) : undefined
}

/** `True`, `False`, `1` and `0`, in whatever letters. */
function flag(value: string | null): boolean | undefined {
  if (/^(true|1)$/i.test(value?.trim() ?? '')) return true
  return /^(false|0)$/i.test(value?.trim() ?? '') ? false : undefined
}

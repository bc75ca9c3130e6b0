import { fieldOf, listField, numberField, textField } from '../codex/remote-text.ts'
import { type LimitPair, saysSomething, type UsageSnapshot, type UsageWindow } from './usage-snapshot.ts'
import { creditsOf, known, limitName, MAX_OTHER_LIMITS, planWord, USUAL_LIMIT, windowOf } from './usage-values.ts'

/** What a `codex.rate_limits` event of a stream says; nothing for any other event. */
export function limitsFromEvent(event: unknown, nowMs: number): UsageSnapshot | undefined {
  if (textField(event, 'type') !== 'codex.rate_limits') return undefined
  const limit = pairIn(fieldOf(event, 'rate_limits'), nowMs)
  const stated = textField(event, 'metered_limit_name') ?? textField(event, 'limit_name') ?? USUAL_LIMIT
  const name = limitName(stated)
  const isOther = stated !== USUAL_LIMIT && name !== undefined && limit !== undefined
  return known<UsageSnapshot>({
    plan: planWord(fieldOf(event, 'plan_type')),
    ...(stated === USUAL_LIMIT ? limit : undefined),
    credits: creditsIn(event),
    others: isOther ? { [name]: limit } : undefined,
  })
}

/** What the answer of the usage endpoint says (facts: wire-protocol 13); nothing where it tells no limit and no credits. */
export function limitsFromReport(report: unknown, nowMs: number): UsageSnapshot | undefined {
  const additional = listField(report, 'additional_rate_limits').slice(0, MAX_OTHER_LIMITS)
  const others = additional.flatMap((one) => {
    const name = limitName(fieldOf(one, 'limit_name')) ?? limitName(fieldOf(one, 'metered_feature'))
    const limit = pairIn(fieldOf(one, 'rate_limit'), nowMs)
    return name === undefined || limit === undefined ? [] : [[name, limit] as const]
  })
  const snapshot = known<UsageSnapshot>({
    plan: planWord(fieldOf(report, 'plan_type')),
    ...pairIn(fieldOf(report, 'rate_limit'), nowMs),
    credits: creditsIn(report),
    others: known(Object.fromEntries(others)),
  })
  return snapshot !== undefined && saysSomething(snapshot) ? snapshot : undefined
}

function pairIn(limits: unknown, nowMs: number): LimitPair | undefined {
  return known<LimitPair>({
    primary: windowIn(fieldOf(limits, 'primary') ?? fieldOf(limits, 'primary_window'), nowMs),
    secondary: windowIn(fieldOf(limits, 'secondary') ?? fieldOf(limits, 'secondary_window'), nowMs),
  })
}

/** Events count in minutes, the report in seconds. */
function windowIn(window: unknown, nowMs: number): UsageWindow | undefined {
  const seconds = numberField(window, 'limit_window_seconds')
  const stated = {
    usedPercent: numberField(window, 'used_percent'),
    minutes: numberField(window, 'window_minutes') ?? (seconds === undefined ? undefined : seconds / 60),
    resetAt: numberField(window, 'reset_at'),
    resetAfter: numberField(window, 'reset_after_seconds'),
  }
  return windowOf(stated, nowMs)
}

function creditsIn(holder: unknown): UsageSnapshot['credits'] {
  const credits = fieldOf(holder, 'credits')
  return creditsOf(fieldOf(credits, 'has_credits'), fieldOf(credits, 'unlimited'), fieldOf(credits, 'balance'))
}

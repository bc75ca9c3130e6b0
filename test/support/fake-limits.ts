import type { Account } from './fake-jwt.ts'
import type { Answer } from './fake-script.ts'
import type { StreamEvent } from './fake-sse.ts'

const FIVE_HOURS = 18_000
const WEEK = 604_800

export interface Limits {
  /** Percent, each. */
  primary?: number
  secondary?: number
  /** Epoch seconds, as on the wire. */
  primaryResetsAt?: number
  secondaryResetsAt?: number
  /** `'9.99'` unless told. */
  balance?: string
  /** `'pro'` unless told; in the report it is that of the account. */
  plan?: string
}

/** Where the fake says something about limits. It is read at every request, so a test may change it. */
export interface FakeLimits {
  /** In the headers of every answer to a question. */
  headers?: Limits
  /** In an event of its stream. */
  event?: Limits
  /** In the report of the usage endpoint. */
  report?: Limits
}

/** The rate-limit headers of an answer of `/responses` (wire-protocol 13). */
export function rateLimitHeaders(limits: Limits = {}): Record<string, string> {
  const { primary = 12.5, secondary = 40, primaryResetsAt = 1_795_200_832, secondaryResetsAt = 1_795_206_232 } = limits
  const { balance = '9.99', plan = 'pro' } = limits
  return {
    'x-codex-primary-used-percent': `${primary}`,
    'x-codex-primary-window-minutes': `${FIVE_HOURS / 60}`,
    'x-codex-primary-reset-at': `${primaryResetsAt}`,
    'x-codex-secondary-used-percent': `${secondary}`,
    'x-codex-secondary-window-minutes': `${WEEK / 60}`,
    'x-codex-secondary-reset-at': `${secondaryResetsAt}`,
    'x-codex-credits-has-credits': 'True',
    'x-codex-credits-unlimited': 'False',
    'x-codex-credits-balance': balance,
    'x-codex-plan-type': plan,
    'x-codex-limit-name': 'codex',
  }
}

/** The same as an event of a stream. */
export function rateLimitsEvent(limits: Limits = {}): StreamEvent {
  const { primary = 12.5, secondary = 40, primaryResetsAt = 1_795_200_832, secondaryResetsAt = 1_795_206_232 } = limits
  const { balance = '9.99', plan = 'pro' } = limits
  const isFull = Math.max(primary, secondary) >= 100
  return {
    type: 'codex.rate_limits',
    plan_type: plan,
    rate_limits: {
      allowed: !isFull,
      limit_reached: isFull,
      primary: { used_percent: primary, window_minutes: FIVE_HOURS / 60, reset_at: primaryResetsAt },
      secondary: { used_percent: secondary, window_minutes: WEEK / 60, reset_at: secondaryResetsAt },
    },
    credits: { has_credits: true, unlimited: false, balance },
  }
}

/** The 429 of a plan whose window is used up. */
export function usageLimitReached(plan = 'plus', resetsAt = 1_795_205_183): Answer {
  return {
    status: 429,
    headers: rateLimitHeaders({ primary: 100, primaryResetsAt: resetsAt }),
    json: {
      error: {
        type: 'usage_limit_reached',
        message: 'The usage limit has been reached',
        plan_type: plan,
        resets_at: resetsAt,
        resets_in_seconds: 5400,
      },
    },
  }
}

/** The answer of `/backend-api/wham/usage`; it opens again in 600 and 6000 s unless told. */
export function usageReport(
  { accountId, plan, email }: Account,
  now: number,
  limits: Limits = {},
): Record<string, unknown> {
  const { primary = 12, secondary = 34, balance = '9.5' } = limits
  const inSeconds = (resetsAt: number | undefined, usual: number) =>
    resetsAt === undefined ? usual : resetsAt - Math.floor(now / 1000)
  const isFull = Math.max(primary, secondary) >= 100
  return {
    plan_type: plan,
    email,
    account_id: accountId,
    user_id: 'user-fake-0001',
    rate_limit: {
      allowed: !isFull,
      limit_reached: isFull,
      primary_window: windowOf({
        percent: primary,
        seconds: FIVE_HOURS,
        resetInSeconds: inSeconds(limits.primaryResetsAt, 600),
        now,
      }),
      secondary_window: windowOf({
        percent: secondary,
        seconds: WEEK,
        resetInSeconds: inSeconds(limits.secondaryResetsAt, 6000),
        now,
      }),
    },
    code_review_rate_limit: null,
    additional_rate_limits: [],
    credits: { has_credits: true, unlimited: false, balance },
    spend_control: null,
    rate_limit_reached_type: isFull ? 'rate_limit_reached' : null,
  }
}

interface Window {
  percent: number
  seconds: number
  resetInSeconds: number
  /** In milliseconds. */
  now: number
}

function windowOf({ percent, seconds, resetInSeconds, now }: Window): Record<string, number> {
  return {
    used_percent: percent,
    limit_window_seconds: seconds,
    reset_after_seconds: resetInSeconds,
    reset_at: Math.floor(now / 1000) + resetInSeconds,
  }
}

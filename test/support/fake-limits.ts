import type { Account } from './fake-jwt.ts'
import type { Answer } from './fake-script.ts'

const FIVE_HOURS = 18_000
const WEEK = 604_800

export interface Limits {
  /** Percent, each. */
  primary?: number
  secondary?: number
  /** Epoch seconds, as on the wire. */
  primaryResetsAt?: number
  secondaryResetsAt?: number
}

/** The rate-limit headers of an answer of `/responses` (wire-protocol 13). */
export function rateLimitHeaders(limits: Limits = {}): Record<string, string> {
  const { primary = 12.5, secondary = 40, primaryResetsAt = 1_795_200_832, secondaryResetsAt = 1_795_206_232 } = limits
  return {
    'x-codex-primary-used-percent': `${primary}`,
    'x-codex-primary-window-minutes': `${FIVE_HOURS / 60}`,
    'x-codex-primary-reset-at': `${primaryResetsAt}`,
    'x-codex-secondary-used-percent': `${secondary}`,
    'x-codex-secondary-window-minutes': `${WEEK / 60}`,
    'x-codex-secondary-reset-at': `${secondaryResetsAt}`,
    'x-codex-credits-has-credits': 'True',
    'x-codex-credits-unlimited': 'False',
    'x-codex-credits-balance': '9.99',
    'x-codex-plan-type': 'pro',
    'x-codex-limit-name': 'codex',
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

/** The answer of `/backend-api/wham/usage`. */
export function usageReport({ accountId, plan, email }: Account, now: number): Record<string, unknown> {
  return {
    plan_type: plan,
    email,
    account_id: accountId,
    user_id: 'user-fake-0001',
    rate_limit: {
      allowed: true,
      limit_reached: false,
      primary_window: windowOf({ percent: 12, seconds: FIVE_HOURS, resetInSeconds: 600, now }),
      secondary_window: windowOf({ percent: 34, seconds: WEEK, resetInSeconds: 6000, now }),
    },
    code_review_rate_limit: null,
    additional_rate_limits: [],
    credits: { has_credits: true, unlimited: false, balance: '9.5' },
    spend_control: null,
    rate_limit_reached_type: null,
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

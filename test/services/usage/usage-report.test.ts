import { describe, expect, test } from 'vitest'
import { limitsFromEvent, limitsFromReport } from '../../../src/services/usage/usage-report.ts'
import { rateLimitsEvent, usageReport } from '../../support/fake-limits.ts'

const NOW = 1_795_200_019_000
const PRIMARY = { usedPercent: 12, windowMinutes: 300, resetsAt: 1_795_200_619_000 }
const SECONDARY = { usedPercent: 34, windowMinutes: 10_080, resetsAt: 1_795_206_019_000 }

/** As captured, but for whose it is (facts: wire-protocol 13). */
const CAPTURED = {
  plan_type: 'pro',
  email: 'person@example.com',
  rate_limit: {
    allowed: true,
    limit_reached: false,
    primary_window: { used_percent: 12, limit_window_seconds: 18000, reset_after_seconds: 600, reset_at: 1795200619 },
    secondary_window: {
      used_percent: 34,
      limit_window_seconds: 604800,
      reset_after_seconds: 6000,
      reset_at: 1795206019,
    },
  },
  code_review_rate_limit: null,
  additional_rate_limits: [
    {
      limit_name: 'gpt-x',
      metered_feature: 'codex_other',
      rate_limit: {
        primary_window: { used_percent: 1, limit_window_seconds: 18000, reset_after_seconds: 5, reset_at: 1795200024 },
        secondary_window: null,
      },
    },
  ],
  credits: { has_credits: true, unlimited: false, balance: '9.5', approx_local_messages: [1, 2] },
  spend_control: null,
  rate_limit_reached_type: null,
}

describe('the report', () => {
  test('is read whole, and nothing of whose it is', () => {
    expect(limitsFromReport(CAPTURED, NOW)).toEqual({
      plan: 'pro',
      primary: PRIMARY,
      secondary: SECONDARY,
      credits: { has: true, unlimited: false, balance: 9.5 },
      others: { 'gpt-x': { primary: { usedPercent: 1, windowMinutes: 300, resetsAt: 1_795_200_024_000 } } },
    })
  })

  test('is the same from the fake', () => {
    const account = { accountId: 'acct-fake-0001', plan: 'pro', email: 'person@example.com' }
    expect(limitsFromReport(usageReport(account, NOW), NOW)).toMatchObject({ primary: PRIMARY, secondary: SECONDARY })
  })

  test('that tells no limit may tell credits', () => {
    expect(limitsFromReport({ ...CAPTURED, rate_limit: null, additional_rate_limits: null }, NOW)).toEqual({
      plan: 'pro',
      credits: { has: true, unlimited: false, balance: 9.5 },
    })
  })

  test.each([
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { plan_type: 'pro' },
    { rate_limit: 'full', credits: 7, additional_rate_limits: {} },
    { rate_limit: { primary_window: [] }, additional_rate_limits: [null, 7, { limit_name: 'a' }] },
    { credits: { has_credits: 'true', balance: '9.99' } },
  ])('%j tells nothing', (report) => {
    expect(limitsFromReport(report, NOW)).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['a text', '12'],
    ['NaN', Number.NaN],
    ['below zero', -1],
    ['far beyond all of it', 1e99],
    ['a list', [12]],
    ['null', null],
  ])('a window whose percent are %s is unknown, and the other one stays', (_name, percent) => {
    const primary_window = { ...CAPTURED.rate_limit.primary_window, used_percent: percent }
    const report = { ...CAPTURED, rate_limit: { ...CAPTURED.rate_limit, primary_window } }
    expect(limitsFromReport(report, NOW)).toMatchObject({ secondary: SECONDARY })
    expect(limitsFromReport(report, NOW)).not.toHaveProperty('primary')
  })

  test.each([-1, 1e99, Number.NaN, null, {}, '-1', '1e3'])('credits of %j have no balance', (balance) => {
    const report = { credits: { has_credits: true, unlimited: false, balance } }
    expect(limitsFromReport(report, NOW)?.credits).toEqual({ has: true, unlimited: false })
  })

  test('limits beside the usual one are eight at most, and have names', () => {
    const [one] = CAPTURED.additional_rate_limits
    const many = Array.from({ length: 30 }, (_, index) => ({ ...one, limit_name: `gpt-${index}` }))
    expect(Object.keys(limitsFromReport({ additional_rate_limits: many }, NOW)?.others ?? {})).toHaveLength(8)
    const named = (limit_name: unknown, metered_feature: unknown) =>
      Object.keys(
        limitsFromReport({ additional_rate_limits: [{ ...one, limit_name, metered_feature }] }, NOW)?.others ?? {},
      )
    expect(named('[a](b)', 'codex_other')).toEqual(['codex_other'])
    expect(named(7, '`x`')).toEqual([])
    expect(named('__proto__', undefined)).toEqual([])
  })
})

describe('an event', () => {
  const limits = { primary: 12, secondary: 34, primaryResetsAt: 1_795_200_619, secondaryResetsAt: 1_795_206_019 }
  const event = rateLimitsEvent(limits)

  test('says both windows, credits and plan', () => {
    expect(limitsFromEvent(event, NOW)).toEqual({
      plan: 'pro',
      primary: PRIMARY,
      secondary: SECONDARY,
      credits: { has: true, unlimited: false, balance: 9.99 },
    })
  })

  test('of one window leaves the other one open', () => {
    const rate_limits = { ...(event.rate_limits as object), primary: null }
    expect(limitsFromEvent({ ...event, rate_limits }, NOW)).not.toHaveProperty('primary')
    expect(limitsFromEvent({ ...event, rate_limits }, NOW)).toMatchObject({ secondary: SECONDARY })
  })

  test('of another limit does not speak of the usual one', () => {
    const other = limitsFromEvent({ ...event, metered_limit_name: 'codex_other' }, NOW)
    expect(other).toMatchObject({ others: { codex_other: { primary: PRIMARY } } })
    expect(other).not.toHaveProperty('primary')
    const odd = limitsFromEvent({ ...event, limit_name: '<b>' }, NOW)
    expect(odd).not.toHaveProperty('primary')
    expect(odd).not.toHaveProperty('others')
    expect(limitsFromEvent({ ...event, limit_name: 'codex' }, NOW)).toMatchObject({ primary: PRIMARY })
  })

  test.each([
    undefined,
    null,
    'codex.rate_limits',
    { type: 'codex.rate_limits' },
    { type: 'codex.rate_limits', rate_limits: 7, credits: [], plan_type: {} },
    { ...event, type: 'response.completed' },
  ])('%j says nothing', (other) => {
    expect(limitsFromEvent(other, NOW)).toBeUndefined()
  })
})

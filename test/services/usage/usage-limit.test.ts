import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { usageLimit } from '../../../src/services/usage/usage-limit.ts'
import type { UsageSnapshot } from '../../../src/services/usage/usage-snapshot.ts'
import { shown } from '../../support/error-of.ts'
import { rateLimitHeaders, usageLimitReached } from '../../support/fake-limits.ts'

/** Saturday, in Berlin 11:00. */
const NOW = Date.parse('2026-11-21T10:00:00Z')
const HOUR_S = 3600
const nowS = NOW / 1000

function limit(fields: object = {}, headers: Record<string, string> = {}) {
  const json = { error: { type: 'usage_limit_reached', message: 'Their words.', ...fields } }
  return usageLimit({ headers: new Headers(headers), json, nowMs: NOW })
}

/** The headers of one window. */
function window(prefix: string, usedPercent: number, minutes: number): Record<string, string> {
  return { [`${prefix}-used-percent`]: `${usedPercent}`, [`${prefix}-window-minutes`]: `${minutes}` }
}

beforeEach(() => {
  vi.stubEnv('TZ', 'Europe/Berlin')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

test('it is told with window, plan and the local time of its end', () => {
  const { headers, json: body } = usageLimitReached('plus', nowS + 2 * HOUR_S)
  const error = usageLimit({ headers: new Headers(headers as Record<string, string>), json: body, nowMs: NOW })
  expect(shown(error)).toBe(
    'The 5-hour usage limit of the ChatGPT plus plan is used up. ' +
      'It opens again at 13:00 GMT+1. See https://chatgpt.com/settings/usage. [USAGE_LIMIT]',
  )
})

test('it is not worth trying again', () => {
  expect(limit()).toMatchObject({ code: 'USAGE_LIMIT', retryable: false })
})

test('one that opens on another day is told with the day', () => {
  expect(limit({ resets_at: nowS + 50 * HOUR_S }).hint).toMatch(/^It opens again on Mon, Nov 23, 13:00 GMT\+1\. See /)
})

test.each<[string, Record<string, string>, string]>([
  ['the week', rateLimitHeaders({ primary: 20, secondary: 100 }), 'weekly'],
  ['five hours', rateLimitHeaders({ primary: 100, secondary: 100 }), '5-hour'],
  ['the fuller one', rateLimitHeaders({ primary: 20, secondary: 99.5 }), 'weekly'],
  ['90 minutes', window('x-codex-primary', 100, 90), '90-minute'],
  ['30 days', window('x-codex-primary', 100, 43_200), '30-day'],
  ['an hour', window('x-codex-primary', 100, 60), '1-hour'],
  [
    'the limit that is named',
    {
      'x-codex-active-limit': 'codex-other',
      ...window('x-codex-other-primary', 100, 10_080),
      ...window('x-codex-primary', 100, 300),
    },
    'weekly',
  ],
])('it names the window: %s', (_name, headers, name) => {
  expect(limit({}, headers).message).toBe(`The ${name} usage limit of this account is used up.`)
})

test.each<[string, Record<string, string>]>([
  ['none', {}],
  ['half of it', { 'x-codex-primary-used-percent': '100' }],
  ['words', { 'x-codex-primary-used-percent': 'full', 'x-codex-primary-window-minutes': 'week' }],
  ['blanks', { 'x-codex-primary-used-percent': ' ', 'x-codex-primary-window-minutes': ' ' }],
  ['no minutes', window('x-codex-primary', 100, 0)],
  ['less than none', window('x-codex-primary', 100, -60)],
  ['a limit with an odd name', { 'x-codex-active-limit': 'a b:c', ...window('x-other-primary', 100, 300) }],
])('one whose window is unknown says so by leaving it out: %s', (_name, headers) => {
  expect(limit({}, headers).message).toBe('The usage limit of this account is used up.')
})

test('it opens when the body says, else when its window says, else as long from now as the body says', () => {
  const headers = rateLimitHeaders({ primary: 100, primaryResetsAt: nowS + 2 * HOUR_S })
  const opens = (fields: object, from = headers) => /(\d\d:\d\d)/.exec(limit(fields, from).hint ?? '')?.[1]
  expect(opens({ resets_at: nowS + HOUR_S, resets_in_seconds: 3 * HOUR_S })).toBe('12:00')
  expect(opens({ resets_in_seconds: 3 * HOUR_S })).toBe('13:00')
  expect(opens({ resets_in_seconds: 3 * HOUR_S }, {})).toBe('14:00')
})

test('of two that are full it names the one that opens when the answer says, else the one that keeps longest', () => {
  const resets = { primaryResetsAt: nowS + 2 * HOUR_S, secondaryResetsAt: nowS + 50 * HOUR_S }
  const both = rateLimitHeaders({ primary: 100, secondary: 100, ...resets })
  expect(limit({}, both)).toMatchObject({
    message: 'The weekly usage limit of this account is used up.',
    hint: expect.stringMatching(/^It opens again on Mon, Nov 23, 13:00/),
  })
  expect(limit({ resets_at: nowS + 2 * HOUR_S + 60 }, both).message).toMatch(/^The 5-hour usage limit/)
})

test('a window that is far from full is not the one, unless it opens when the answer says', () => {
  const headers = rateLimitHeaders({ primary: 20, secondary: 40, secondaryResetsAt: nowS + 50 * HOUR_S })
  expect(limit({}, headers).message).toBe('The usage limit of this account is used up.')
  expect(limit({ resets_at: nowS + 50 * HOUR_S }, headers).message).toMatch(/^The weekly usage limit/)
})

test('a time that is past says nothing about when it opens', () => {
  expect(limit({ resets_at: nowS - 60 }).hint).toMatch(/^Try again later\./)
  expect(limit({ resets_at: nowS - 60, resets_in_seconds: HOUR_S }).hint).toMatch(/^It opens again at 12:00/)
})

describe('an answer that does not say which limit it is', () => {
  const AGO = 600_000
  const primary = { usedPercent: 96, windowMinutes: 300, resetsAt: NOW + 2 * 3_600_000 }
  const secondary = { usedPercent: 40, windowMinutes: 10_080, resetsAt: NOW + 50 * 3_600_000 }

  function told(snapshot: UsageSnapshot, fields: object = {}, headers: Record<string, string> = {}, at = NOW - AGO) {
    const json = { error: { type: 'usage_limit_reached', ...fields } }
    const error = usageLimit({ headers: new Headers(headers), json, nowMs: NOW, lastKnown: { snapshot, at } })
    return shown(error).replace(/ See .*/, '')
  }

  test('is helped by what was nearly full before', () => {
    expect(told({ primary, secondary })).toBe(
      'The 5-hour usage limit of this account is used up. It opens again at 13:00 GMT+1.',
    )
  })

  test('is helped by a window that opens when it says, however full it was', () => {
    const fields = { resets_at: nowS + 50 * HOUR_S + 30, plan_type: 'plus' }
    expect(told({ primary, secondary }, fields)).toMatch(
      /^The weekly usage limit of the ChatGPT plus plan is used up\./,
    )
  })

  test('names none where nothing fits', () => {
    const unnamed = /^The usage limit of this account is used up\./
    expect(told({ secondary })).toMatch(unnamed)
    expect(told({ primary, secondary }, { resets_at: nowS + 9 * HOUR_S })).toMatch(unnamed)
    // It has opened again since.
    expect(told({ primary: { ...primary, resetsAt: NOW - 1 } })).toMatch(unnamed)
    expect(told({ primary: { usedPercent: 100, windowMinutes: 300 } }, {}, {}, NOW - 6 * 3_600_000)).toMatch(unnamed)
  })

  test('counts for more than that where it does say', () => {
    expect(told({ primary, secondary }, {}, window('x-codex-secondary', 100, 10_080))).toMatch(
      /^The weekly usage limit/,
    )
  })
})

test.each<[string, object]>([
  ['nothing is said', {}],
  ['a text is said', { resets_at: 'soon', resets_in_seconds: 'soon' }],
  ['null is said', { resets_at: null }],
  ['a time no calendar has is said', { resets_at: 1e18 }],
  ['a time in milliseconds is said', { resets_at: NOW }],
  ['a time long past is said', { resets_at: 0 }],
  ['a wait without an end is said', { resets_in_seconds: 1e300 }],
])('it opens later when %s', (_name, fields) => {
  expect(limit(fields).hint).toBe('Try again later. See https://chatgpt.com/settings/usage.')
})

test('it also opens later when the window gives a time no calendar has', () => {
  const headers = rateLimitHeaders({ primary: 100, primaryResetsAt: 1e18 })
  expect(limit({}, headers).hint).toMatch(/^Try again later\./)
})

test.each([
  ['team', 'the ChatGPT team plan'],
  ['self_serve_business_prolite', 'the ChatGPT self_serve_business_prolite plan'],
  ['<b>pro</b>', 'the ChatGPT unknown plan'],
  ['', 'this account'],
  [5, 'this account'],
])('it names the plan %j only when it is a word', (plan, name) => {
  expect(limit({ plan_type: plan }).message).toBe(`The usage limit of ${name} is used up.`)
})

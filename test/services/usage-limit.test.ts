import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { usageLimit } from '../../src/services/usage-limit.ts'
import { shown } from '../support/error-of.ts'
import { rateLimitHeaders, usageLimitReached } from '../support/fake-limits.ts'

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

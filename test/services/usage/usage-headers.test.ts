import { describe, expect, test } from 'vitest'
import { activeLimit, limitsFromHeaders } from '../../../src/services/usage/usage-headers.ts'
import { rateLimitHeaders } from '../../support/fake-limits.ts'

const RESET_S = 1_795_200_832
const NOW = (RESET_S - 600) * 1000

/** As captured from the official client's side (facts: wire-protocol 13). */
const CAPTURED = {
  'x-codex-primary-used-percent': '12.5',
  'x-codex-primary-window-minutes': '300',
  'x-codex-primary-reset-at': `${RESET_S}`,
  'x-codex-primary-reset-after-seconds': '600',
  'x-codex-secondary-used-percent': '40',
  'x-codex-secondary-window-minutes': '10080',
  'x-codex-secondary-reset-at': '1795206232',
  'x-codex-credits-has-credits': 'True',
  'x-codex-credits-unlimited': 'False',
  'x-codex-credits-balance': '9.99',
  'x-codex-plan-type': 'pro',
  'x-codex-active-limit': 'codex',
  'x-codex-limit-name': 'codex',
  'x-codex-promo-message': 'promo!',
  'x-codex-rate-limit-reached-type': 'rate_limit_reached',
}

const read = (headers: Record<string, string>) => limitsFromHeaders(new Headers(headers), NOW)

/** The captured headers with others in their place; null leaves one out. */
function changed(changes: Record<string, string | null>) {
  const headers = new Headers(CAPTURED)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) headers.delete(name)
    else headers.set(name, value)
  }
  return limitsFromHeaders(headers, NOW)
}

test('the captured headers are both windows, credits and plan', () => {
  expect(read(CAPTURED)).toEqual({
    plan: 'pro',
    primary: { usedPercent: 12.5, windowMinutes: 300, resetsAt: RESET_S * 1000 },
    secondary: { usedPercent: 40, windowMinutes: 10_080, resetsAt: 1_795_206_232_000 },
    credits: { has: true, unlimited: false, balance: 9.99 },
  })
})

test('an answer that says nothing of limits is nothing', () => {
  expect(read({ 'content-type': 'text/event-stream', 'openai-model': 'gpt-6.1-sol' })).toBeUndefined()
})

describe('one window alone is', () => {
  test('the other one unknown', () => {
    expect(changed({ 'x-codex-secondary-used-percent': null })?.secondary).toBeUndefined()
    expect(changed({ 'x-codex-primary-window-minutes': null })).toMatchObject({ secondary: { usedPercent: 40 } })
    expect(changed({ 'x-codex-primary-window-minutes': null })).not.toHaveProperty('primary')
  })
})

test.each([
  'NaN',
  'Infinity',
  '-1',
  '-0.5',
  '1e99',
  '1e2',
  '0x10',
  '1001',
  '99999999999999999999',
  'full',
  '',
  ' ',
  '12,5',
])('a window that is %j full is unknown', (value) => {
  expect(changed({ 'x-codex-primary-used-percent': value })).not.toHaveProperty('primary')
})

test.each(['0', '-300', 'NaN', '1e9', '525601', 'week', ''])('a window of %j minutes is unknown', (value) => {
  expect(changed({ 'x-codex-primary-window-minutes': value })).not.toHaveProperty('primary')
})

test.each([
  ['0', 0],
  ['100', 100],
  [' 33.3 ', 33.3],
  ['104', 100],
])('%j percent are %d', (value, usedPercent) => {
  expect(changed({ 'x-codex-primary-used-percent': value })?.primary).toMatchObject({ usedPercent })
})

test.each([
  ['past', `${RESET_S - 601}`],
  ['long past', '0'],
  ['years away', `${RESET_S + 800 * 86_400}`],
  ['in milliseconds', `${RESET_S * 1000}`],
  ['in no calendar', '999999999999999'],
  ['no number', 'soon'],
  ['below zero', '-5'],
])('a reset that is %s is unknown, and the window stays', (_name, value) => {
  const changes = { 'x-codex-primary-reset-at': value, 'x-codex-primary-reset-after-seconds': null }
  expect(changed(changes)?.primary).toEqual({ usedPercent: 12.5, windowMinutes: 300 })
  // Where the time makes no sense, a clock that is wrong does not matter to how long it takes.
  expect(changed({ 'x-codex-primary-reset-at': value })?.primary?.resetsAt).toBe(RESET_S * 1000)
})

test.each(['0', '-1', '1e99', 'soon', '999999999999'])('a reset in %j seconds is unknown', (value) => {
  const changes = { 'x-codex-primary-reset-at': null, 'x-codex-primary-reset-after-seconds': value }
  expect(changed(changes)?.primary).toEqual({ usedPercent: 12.5, windowMinutes: 300 })
})

describe('credits', () => {
  const credits = (has: string | null, unlimited: string | null, balance: string | null) =>
    changed({
      'x-codex-credits-has-credits': has,
      'x-codex-credits-unlimited': unlimited,
      'x-codex-credits-balance': balance,
    })?.credits

  test.each([
    ['True', 'False', '9.99', { has: true, unlimited: false, balance: 9.99 }],
    ['1', '0', '0', { has: true, unlimited: false, balance: 0 }],
    ['FALSE', 'false', null, { has: false, unlimited: false }],
    ['true', 'TRUE', '', { has: true, unlimited: true }],
    ['true', null, null, { has: true, unlimited: false }],
  ])('%j, %j, %j', (has, unlimited, balance, expected) => {
    expect(credits(has, unlimited, balance)).toEqual(expected)
  })

  test.each([null, 'yes', '', '2', 'None'])('are unknown where there are %j', (has) => {
    expect(credits(has, 'False', '9.99')).toBeUndefined()
  })

  test.each(['-1', 'NaN', '1e99', '12345678901', 'all `of` them', '9.99.9'])('of %j have no balance', (balance) => {
    expect(credits('True', 'False', balance)).toEqual({ has: true, unlimited: false })
  })
})

test.each(['<b>pro</b>', 'pro plus', '', 'a'.repeat(41), '-x'])('a plan %j is no word', (plan) => {
  expect(changed({ 'x-codex-plan-type': plan })).not.toHaveProperty('plan')
})

describe('other limits', () => {
  const window = (family: string, percent = '7') => ({
    [`x-${family}-primary-used-percent`]: percent,
    [`x-${family}-primary-window-minutes`]: '60',
  })

  test('stand beside the usual one, under the name they have', () => {
    const headers = {
      ...CAPTURED,
      ...window('codex-other'),
      ...window('codex-spark'),
      'x-codex-spark-limit-name': 'GPT-X',
    }
    expect(read(headers)?.others).toEqual({
      'codex-other': { primary: { usedPercent: 7, windowMinutes: 60 } },
      'GPT-X': { primary: { usedPercent: 7, windowMinutes: 60 } },
    })
    expect(read(headers)?.primary).toMatchObject({ usedPercent: 12.5 })
  })

  test('that make no sense are left out, and there are eight at most', () => {
    expect(read({ ...CAPTURED, ...window('codex-other', 'full') })).not.toHaveProperty('others')
    const many = Array.from({ length: 30 }, (_, index) => window(`codex-n${index}`))
    expect(Object.keys(read(Object.assign({}, ...many))?.others ?? {})).toHaveLength(8)
  })

  test('with an odd name go by that of their headers', () => {
    const headers = { ...window('codex-other'), 'x-codex-other-limit-name': '<i>all</i>' }
    expect(Object.keys(read(headers)?.others ?? {})).toEqual(['codex-other'])
  })

  test('cannot reach what every object has', () => {
    const others = read({ ...window('constructor'), ...window('__proto__') })?.others
    expect(Object.keys(others ?? {})).toEqual(['constructor'])
    expect(({} as Record<string, unknown>).primary).toBeUndefined()
  })
})

test('an answer is about the limit it names, however that is written, else about the usual one', () => {
  const about = (name: string) =>
    activeLimit(
      new Headers({
        ...rateLimitHeaders({ primary: 20 }),
        'x-codex-active-limit': name,
        'x-codex-other-primary-used-percent': '99',
        'x-codex-other-primary-window-minutes': '60',
      }),
      NOW,
    ).primary?.usedPercent
  expect(['codex_other', 'CODEX-OTHER', 'codex', 'a b:c', ''].map(about)).toEqual([99, 99, 20, 20, 20])
  expect(about('codex-unknown')).toBeUndefined()
})

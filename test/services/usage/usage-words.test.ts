import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  creditWords,
  localTime,
  usageLine,
  usageWarnings,
  windowName,
} from '../../../src/services/usage/usage-words.ts'

/** Saturday, in Berlin 11:00. */
const NOW = Date.parse('2026-11-21T10:00:00Z')
const HOUR = 3_600_000

function live(zone: string): void {
  vi.stubEnv('TZ', zone)
}

afterEach(() => {
  vi.unstubAllEnvs()
})

const fiveHours = (usedPercent: number, resetsAt = NOW + 2 * HOUR) => ({ usedPercent, windowMinutes: 300, resetsAt })
const week = (usedPercent: number, resetsAt = NOW + 50 * HOUR) => ({ usedPercent, windowMinutes: 10_080, resetsAt })

describe('the line', () => {
  test('tells both windows, when they begin anew in local time, and credits', () => {
    live('Europe/Berlin')
    const credits = { has: true, unlimited: false, balance: 9.99 }
    expect(usageLine({ plan: 'pro', primary: fiveHours(12.5), secondary: week(40), credits }, NOW)).toBe(
      'Plan usage: 5-hour 12 %, resets at 13:00 GMT+1 · weekly 40 %, resets on Mon, Nov 23, 13:00 GMT+1 · credits 9.99',
    )
  })

  test('tells what is known and no more', () => {
    live('UTC')
    expect(usageLine({ secondary: { usedPercent: 40, windowMinutes: 10_080 } }, NOW)).toBe('Plan usage: weekly 40 %')
    expect(usageLine({ primary: fiveHours(1) }, NOW)).toBe('Plan usage: 5-hour 1 %, resets at 12:00 UTC')
    expect(usageLine({ primary: fiveHours(1, NOW) }, NOW)).toBe('Plan usage: 5-hour 1 %')
    expect(usageLine({ credits: { has: true, unlimited: true } }, NOW)).toBe('Plan usage: credits unlimited')
    for (const nothing of [{}, { plan: 'pro' }, { credits: { has: false, unlimited: false } }]) {
      expect(usageLine(nothing, NOW)).toBeUndefined()
    }
  })

  test('tells other limits only where there is nothing else', () => {
    const others = { 'gpt-x': { primary: { usedPercent: 3, windowMinutes: 300 } } }
    expect(usageLine({ others }, NOW)).toBe('Plan usage: gpt-x 5-hour 3 %')
    expect(usageLine({ secondary: { usedPercent: 4, windowMinutes: 10_080 }, others }, NOW)).toBe(
      'Plan usage: weekly 4 %',
    )
  })
})

describe('a warning', () => {
  test.each([
    [0, undefined],
    [79.99, undefined],
    [80, '80 % of the weekly limit is used'],
    [82.7, '82 % of the weekly limit is used'],
    [94.99, '94 % of the weekly limit is used'],
    [95, '95 % of the weekly limit is used; it opens again on Mon, Nov 23, 12:00 UTC'],
    [99.99, '99 % of the weekly limit is used; it opens again on Mon, Nov 23, 12:00 UTC'],
    [100, '100 % of the weekly limit is used; it opens again on Mon, Nov 23, 12:00 UTC'],
  ])('at %d percent', (percent, words) => {
    live('UTC')
    expect(usageWarnings({ secondary: week(percent) }, NOW)).toEqual(words === undefined ? [] : [words])
  })

  test('for each window, and for other limits by their name', () => {
    live('UTC')
    const others = { 'gpt-x': { primary: fiveHours(85), secondary: week(10) } }
    expect(usageWarnings({ primary: fiveHours(96), secondary: week(80), others }, NOW)).toEqual([
      '96 % of the 5-hour limit is used; it opens again at 12:00 UTC',
      '80 % of the weekly limit is used',
      '85 % of the gpt-x 5-hour limit is used',
    ])
  })

  test('does not make up a time', () => {
    expect(usageWarnings({ primary: { usedPercent: 99, windowMinutes: 300 } }, NOW)).toEqual([
      '99 % of the 5-hour limit is used',
    ])
  })
})

describe('local time', () => {
  test('names the day as soon as it is another one here, whatever it is in Greenwich', () => {
    live('Europe/Berlin')
    const evening = Date.parse('2026-11-21T22:30:00Z')
    expect(localTime(evening + 29 * 60_000, evening)).toBe('at 23:59 GMT+1')
    expect(localTime(evening + 30 * 60_000, evening)).toBe('on Sun, Nov 22, 00:00 GMT+1')
    live('UTC')
    expect(localTime(evening + 30 * 60_000, evening)).toBe('at 23:00 UTC')
    live('America/Los_Angeles')
    expect(localTime(evening + 2 * HOUR, evening)).toBe('at 16:30 PST')
  })

  test('is right on the days on which the clock changes', () => {
    live('Europe/Berlin')
    const spring = Date.parse('2027-03-28T00:30:00Z')
    expect(localTime(spring + HOUR, spring)).toBe('at 03:30 GMT+2')
    const autumn = Date.parse('2026-10-25T00:30:00Z')
    expect([0, 1, 2].map((hours) => localTime(autumn + hours * HOUR, autumn))).toEqual([
      'at 02:30 GMT+2',
      'at 02:30 GMT+1',
      'at 03:30 GMT+1',
    ])
    live('America/New_York')
    const before = Date.parse('2026-10-31T16:00:00Z')
    expect(localTime(before + 48 * HOUR, before)).toBe('on Mon, Nov 2, 11:00 EST')
  })
})

test.each([
  [1, '1-minute'],
  [45, '45-minute'],
  [60, '1-hour'],
  [90, '90-minute'],
  [299, '5-hour'],
  [300, '5-hour'],
  [1440, '1-day'],
  [10_079, 'weekly'],
  [10_080, 'weekly'],
  [43_200, '30-day'],
])('a window of %d minutes is called %s', (minutes, name) => {
  expect(windowName(minutes)).toBe(name)
})

test.each([
  [undefined, undefined],
  [{ has: false, unlimited: false, balance: 0 }, undefined],
  [{ has: true, unlimited: false }, undefined],
  [{ has: true, unlimited: false, balance: 0 }, '0'],
  [{ has: true, unlimited: false, balance: 1234.567 }, '1,234.57'],
  [{ has: false, unlimited: true }, 'unlimited'],
])('credits %j are %j', (credits, words) => {
  expect(creditWords(credits)).toBe(words)
})

import { describe, expect, test } from 'vitest'
import { asOf, mergeLimits, saysSomething } from '../../../src/services/usage/usage-snapshot.ts'

const AT = 1_795_200_000_000
const HOUR = 3_600_000
const window = (usedPercent: number, resetsAt?: number) => ({
  usedPercent,
  windowMinutes: 300,
  ...(resetsAt === undefined ? {} : { resetsAt }),
})

describe('a later snapshot', () => {
  const earlier = {
    plan: 'plus',
    primary: window(10),
    secondary: window(20),
    credits: { has: true, unlimited: false, balance: 5 },
    others: { a: { primary: window(1), secondary: window(2) }, b: { primary: window(3) } },
  }

  test('replaces what it speaks of, window by window', () => {
    const later = {
      plan: 'pro',
      secondary: window(21),
      others: { a: { secondary: window(9) }, c: { primary: window(4) } },
    }
    expect(mergeLimits(earlier, later)).toEqual({
      plan: 'pro',
      primary: window(10),
      secondary: window(21),
      credits: { has: true, unlimited: false, balance: 5 },
      others: {
        a: { primary: window(1), secondary: window(9) },
        b: { primary: window(3) },
        c: { primary: window(4) },
      },
    })
  })

  test('replaces a window whole: an old reset does not stay with a new number', () => {
    expect(mergeLimits({ primary: window(10, AT) }, { primary: window(11) })).toEqual({ primary: window(11) })
  })

  test('that says nothing changes nothing, and without an earlier one it is all there is', () => {
    expect(mergeLimits(earlier, {})).toEqual(earlier)
    expect(mergeLimits(undefined, earlier)).toEqual(earlier)
  })

  test('that says the same is the same text', () => {
    const partly = { secondary: window(20), plan: 'plus' }
    expect(JSON.stringify(mergeLimits(mergeLimits(earlier, partly), earlier))).toBe(
      JSON.stringify(mergeLimits(undefined, earlier)),
    )
  })
})

describe('of what was known', () => {
  const snapshot = {
    plan: 'pro',
    primary: window(90, AT + HOUR),
    secondary: window(40),
    others: { a: { primary: window(5, AT + HOUR) } },
  }

  test('a window holds until it opens again', () => {
    expect(asOf({ snapshot, at: AT }, AT + HOUR - 1)).toEqual(snapshot)
    expect(asOf({ snapshot, at: AT }, AT + HOUR)).toEqual({ plan: 'pro', secondary: window(40) })
  })

  test('one without a reset holds for its length', () => {
    expect(asOf({ snapshot, at: AT }, AT + 5 * HOUR - 1)).toMatchObject({ secondary: window(40) })
    expect(asOf({ snapshot, at: AT }, AT + 5 * HOUR)).toEqual({ plan: 'pro' })
  })

  test('all holds when the clock has been put back', () => {
    expect(asOf({ snapshot, at: AT }, AT - HOUR)).toEqual(snapshot)
  })
})

test('which plan it is says nothing of its usage', () => {
  expect([{}, { plan: 'pro' }, { others: {} }, { others: { a: {} } }].map(saysSomething)).toEqual(Array(4).fill(false))
  const some = [
    { primary: window(0) },
    { credits: { has: false, unlimited: false } },
    { others: { a: { primary: window(1) } } },
  ]
  expect(some.map(saysSomething)).toEqual(Array(3).fill(true))
})

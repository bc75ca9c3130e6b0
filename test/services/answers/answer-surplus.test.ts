import { expect, test } from 'vitest'
import { type KeptAnswer, surplusOf } from '../../../src/services/answers/answer-surplus.ts'

const NOW = 1_800_000_000_000
const DAY_MS = 86_400_000
const MB = 2 ** 20

/** One answer per entry, the newest first, a minute apart. */
const answers = (...facts: Partial<KeptAnswer>[]): KeptAnswer[] =>
  facts.map((fact, n) => ({ id: String(n), startedAt: NOW - n * 60_000, bytes: 1, isRunning: false, ...fact }))

const many = (count: number, facts: Partial<KeptAnswer> = {}) => answers(...Array(count).fill(facts))

test('there is room for fifty', () => {
  expect(surplusOf(many(50), NOW)).toEqual([])
  expect(surplusOf(many(52), NOW)).toEqual(['50', '51'])
  expect(surplusOf(many(52).reverse(), NOW)).toEqual(['50', '51'])
})

test('one that is older than a week goes', () => {
  const week = 7 * DAY_MS
  const old = answers({ startedAt: NOW - week + 1 }, { startedAt: NOW - week }, { startedAt: NOW - week - 1 })
  expect(surplusOf(old, NOW)).toEqual(['2'])
})

test('those behind what fills the space go', () => {
  expect(surplusOf(answers({ bytes: 40 * MB }, { bytes: 24 * MB }, { bytes: 1 }), NOW)).toEqual(['2'])
  expect(surplusOf(answers({ bytes: 65 * MB }, { bytes: 1 }), NOW)).toEqual(['0', '1'])
})

test('a running one stays, however old and large it is, and takes no place from those that are over', () => {
  const running = { isRunning: true, startedAt: 0, bytes: 60 * MB }
  expect(surplusOf(answers({ bytes: 3 * MB }, { bytes: 2 * MB }, running), NOW)).toEqual([])
  expect(surplusOf([...many(51), ...many(80, { isRunning: true })], NOW)).toEqual(['50'])
})

test('a clock that jumps back takes none away', () => {
  expect(surplusOf(many(10), NOW - 1000 * DAY_MS)).toEqual([])
})

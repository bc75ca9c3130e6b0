import { expect, test } from 'vitest'
import { inTimeBox } from '../../src/infrastructure/time-box.ts'

test('what is done in time is given as it is', () => {
  const value = { a: [1] }
  const boxed = inTimeBox(() => value, 1_000)
  expect(boxed.inTime && boxed.value).toBe(value)
})

test('what is thrown inside is thrown', () => {
  const error = new TypeError('ours')
  expect(() =>
    inTimeBox(() => {
      throw error
    }, 1_000),
  ).toThrow(error)
})

test('a regular expression that never ends is ended', () => {
  expect(inTimeBox(() => /^(a+)+$/.test(`${'a'.repeat(60)}b`), 50)).toEqual({ inTime: false })
})

test('work that never ends is ended, whatever it catches, and the next one is not disturbed', () => {
  const endless = () => {
    while (true) {
      try {
        JSON.parse('{')
      } catch {}
    }
  }
  expect(inTimeBox(endless, 50)).toEqual({ inTime: false })
  expect(inTimeBox(() => 1, 1_000)).toEqual({ inTime: true, value: 1 })
})

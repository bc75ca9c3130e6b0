import { expect, test } from 'vitest'
import { retryAfterMs } from '../../../src/services/codex/retry-after.ts'

const NOW = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
const read = (value: string) => retryAfterMs(new Headers({ 'retry-after': value }), NOW)

test.each([
  ['seconds', '3', 3000],
  ['no time', '0', 0],
  ['parts of a second', '1.5', 1500],
  ['blanks around', ' 7 ', 7000],
  ['a date', 'Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
  ['a date of the old form', 'Wednesday, 21-Oct-26 07:28:30 GMT', 30_000],
  ['a date that is past, which means now', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ['more than an hour, which means an hour', '86400', 3_600_000],
  ['a date far off, which means an hour', 'Fri, 21 Oct 2044 07:28:00 GMT', 3_600_000],
  ['more than there are numbers', '9'.repeat(400), 3_600_000],
])('%s: %s', (_name, value, expectedMs) => {
  expect(read(value)).toBe(expectedMs)
})

// Date.parse makes a moment long past of most of these, and the service would be asked again at once.
test.each(['', ' ', 'soon', '-5', '+5', '1e3', '0x10', '5 s', 'in 5', 'soon 5', '1,5', '3, 3', 'Wed', 'NaN', 'Wed, 5'])(
  'nothing is read out of %j',
  (value) => {
    expect(read(value)).toBeUndefined()
  },
)

test('nothing is said', () => {
  expect(retryAfterMs(new Headers({ 'retry-after-ms': '5' }), NOW)).toBeUndefined()
})

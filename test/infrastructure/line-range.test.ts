import { expect, test } from 'vitest'
import { rangedName, rangeSuffix } from '../../src/infrastructure/line-range.ts'

test.each([
  ['a.md:10', 'a.md', { first: 10, last: 10 }, ':10'],
  ['a.md:10-80', 'a.md', { first: 10, last: 80 }, ':10-80'],
  ['a.md:10-', 'a.md', { first: 10 }, ':10-'],
  ['a:1:2', 'a:1', { first: 2, last: 2 }, ':2'],
  ['new\nline:7-8', 'new\nline', { first: 7, last: 8 }, ':7-8'],
])('%j', (entry, name, range, suffix) => {
  expect(rangedName(entry)).toEqual({ name, range })
  expect(rangeSuffix(range)).toBe(suffix)
})

test('lines that cannot be', () => {
  expect(rangedName('a:0')).toEqual({ name: 'a', range: undefined })
  expect(rangedName('a:9-3')?.range).toBeUndefined()
  expect(rangedName('a:0-')?.range).toBeUndefined()
})

test('what has none', () => {
  expect(['a', 'a:', ':10', 'a:x', 'a:-3', 'a:1-2-3', 'a:1234567890', ''].filter(rangedName)).toEqual([])
})

import { expect, test } from 'vitest'
import { cut, linesOf } from '../../../src/services/files/text-lines.ts'

test.each<[string, string, string[], string[]]>([
  ['plain', 'a\nb\n', ['a', 'b'], []],
  ['empty', '', [], ['empty']],
  ['one empty line', '\n', [''], []],
  ['no end', 'a\nb', ['a', 'b'], ['no line end after the last line']],
  ['CRLF', 'a\r\nb\r\n', ['a', 'b'], ['line ends: CRLF']],
  ['mixed', 'a\r\nb\nc\rd', ['a', 'b', 'c', 'd'], ['line ends: CRLF and LF and CR', 'no line end after the last line']],
  ['other white space', 'a\u2028b\fc\vd\u0085\n', ['a\u2028b\fc\vd\u0085'], []],
])('%s', (_, text, lines, remarks) => {
  expect(linesOf(text)).toEqual({ lines, first: 1, total: lines.length, remarks })
})

test('a mark is told of', () => {
  expect(linesOf('a\n', true).remarks).toEqual(['begins with a byte order mark'])
})

test('a part keeps the numbers', () => {
  const whole = linesOf('1\n2\n3\n4\n5\n')
  expect(cut(whole, { first: 2, last: 4 })).toMatchObject({ lines: ['2', '3', '4'], first: 2, total: 5 })
  expect(cut(whole, { first: 4, last: 80 })).toMatchObject({ lines: ['4', '5'], first: 4 })
  expect(cut(whole, { first: 5 })).toMatchObject({ lines: ['5'] })
  expect(cut(whole, { first: 6 })).toMatchObject({ lines: [] })
})

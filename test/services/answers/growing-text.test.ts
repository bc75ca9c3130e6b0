import { expect, test } from 'vitest'
import { createGrowingText } from '../../../src/services/answers/growing-text.ts'

/** The text after all these pieces, each at its place. */
function after(pieces: readonly [from: number, piece: string][], limit = 1000) {
  const text = createGrowingText(limit)
  for (const [from, piece] of pieces) text.put(from, piece)
  expect(text.length).toBe(text.toString().length)
  return [text.toString(), text.hasGap]
}

test.each<[string, [number, string][], string, boolean]>([
  [
    'pieces in order',
    [
      [0, 'ab'],
      [2, 'c'],
      [3, ''],
      [3, 'd'],
    ],
    'abcd',
    false,
  ],
  [
    'a piece that comes again',
    [
      [0, 'ab'],
      [2, 'cd'],
      [2, 'cd'],
    ],
    'abcd',
    false,
  ],
  [
    'all of it again',
    [
      [0, 'ab'],
      [2, 'cd'],
      [0, 'ab'],
      [2, 'cd'],
    ],
    'abcd',
    false,
  ],
  [
    'another end',
    [
      [0, 'abcdef'],
      [3, 'X'],
    ],
    'abcX',
    false,
  ],
  [
    'less than there was',
    [
      [0, 'abcdef'],
      [2, ''],
    ],
    'ab',
    false,
  ],
  [
    'a piece that is missing',
    [
      [0, 'ab'],
      [4, 'ef'],
      [6, 'g'],
    ],
    'ab\uFFFD\uFFFDefg',
    true,
  ],
  ['a first piece that is missing', [[2, 'c']], '\uFFFD\uFFFDc', true],
  [
    'a place beyond the limit',
    [
      [0, 'ab'],
      [1e15, 'c'],
      [2, 'd'],
    ],
    'abd',
    false,
  ],
])('%s', (_, pieces, text, hasGap) => {
  expect(after(pieces)).toEqual([text, hasGap])
})

test('it ends at the limit', () => {
  expect(
    after(
      [
        [0, 'abc'],
        [3, 'def'],
        [6, 'ghi'],
      ],
      4,
    ),
  ).toEqual(['abcd', false])
})

test('half of a sign is joined to its other half', () => {
  const [high, low] = ['😀'.slice(0, 1), '😀'.slice(1)]
  expect(
    after([
      [0, high],
      [1, low],
    ]),
  ).toEqual(['😀', false])
})

test('a long text in short pieces is the same text', () => {
  const text = createGrowingText(1_000_000)
  const words = Array.from({ length: 100_000 }, (_, n) => `${n} `)
  for (const word of words) text.put(text.length, word)
  expect(text.toString()).toBe(words.join(''))
  text.put(70_000, '!')
  expect(text.toString()).toBe(`${words.join('').slice(0, 70_000)}!`)
})

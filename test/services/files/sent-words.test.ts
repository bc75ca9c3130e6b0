import { expect, test } from 'vitest'
import { type SentPart, sentWords, sizeWords } from '../../../src/services/files/sent-words.ts'

const text = (name: string, bytes: number): SentPart => ({ name, kind: 'text', bytes })

test('names with sizes, and all together', () => {
  const sent: SentPart[] = [
    text('src/a.ts', 3200),
    text('notes.md:10-80', 1100),
    { name: 'main..HEAD', kind: 'diff', bytes: 12_000 },
  ]
  expect(sentWords(sent, [])).toBe(
    'Sent: src/a.ts (3.2 kB), notes.md:10-80 (1.1 kB), diff main..HEAD (12 kB); 2 files and 1 diff, 16 kB',
  )
})

test('one needs no sum, nothing needs no words', () => {
  expect(sentWords([text('a', 12)], [])).toBe('Sent: a (12 B)')
  expect(sentWords([], [])).toBe('')
})

test('what was left out, and not more of either than can be read', () => {
  const sent = Array.from({ length: 20 }, (_, index) => text(`f${index}`, 1))
  const left = Array.from({ length: 10 }, (_, index) => `l${index} is binary`)
  expect(sentWords(sent, left).split('\n')).toEqual([
    `Sent: ${[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `f${index} (1 B)`).join(', ')}, and 12 more; 20 files, 20 B`,
    `Left out: ${left.slice(0, 8).join('; ')}; and 2 more`,
  ])
})

test('a name cannot look like more than a name', () => {
  const words = sentWords([text('a”\n`b`\u202e <c>', 1)], [])
  expect(words).toBe('Sent: “a" b c” (1 B)')
})

test('sizes', () => {
  const sizes = [0, 999, 1000, 1049, 9949, 9950, 999_499, 999_500, 8_000_000, 20_000_000]
  expect(sizes.map(sizeWords)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.0 kB',
    '9.9 kB',
    '10 kB',
    '999 kB',
    '1.0 MB',
    '8.0 MB',
    '20 MB',
  ])
})

test('of a diff the files are named', () => {
  const files = ['a.ts', 'b c.ts']
  expect(sentWords([{ name: 'working', kind: 'diff', bytes: 827, files }], [])).toBe(
    'Sent: diff working (827 B: a.ts, “b c.ts”)',
  )
})

import { expect, test } from 'vitest'
import { shownName } from '../../../src/services/files/shown-name.ts'

test('a plain name stands as it is', () => {
  for (const name of ['src/a.ts', 'notes.md:10-80', 'größe.txt', 'app/[id]/(shop)/page.tsx', '@x/y+z~', 'main..HEAD']) {
    expect(shownName(name)).toBe(name)
  }
})

test('any other stands in quotation marks, without what could harm', () => {
  expect(shownName('a b')).toBe('“a b”')
  expect(shownName('a\nSent: everything')).toBe('“a Sent: everything”')
  expect(shownName('')).toBe('“”')
  expect(shownName('x'.repeat(500))).toHaveLength(122)
})

import { expect, test } from 'vitest'
import { pageOf } from '../../src/tools/answer-page.ts'

/** All pages of a text, one after the other. */
function pagesOf(text: string, size: number): string[] {
  const pages: string[] = []
  let offset: number | undefined = 0
  while (offset !== undefined && pages.length <= text.length) {
    const page = pageOf(text, offset, size)
    pages.push(page.text)
    offset = page.next
  }
  return pages
}

test('a text that fits is one page', () => {
  expect(pageOf('hello', 0, 5)).toEqual({ start: 0, text: 'hello', next: undefined })
  expect(pageOf('', 0, 5)).toEqual({ start: 0, text: '', next: undefined })
  expect(pageOf('hello', 0, Number.POSITIVE_INFINITY).text).toBe('hello')
})

test('a longer one goes on where the page before has ended', () => {
  expect(pageOf('hello world', 0, 5)).toEqual({ start: 0, text: 'hello', next: 5 })
  expect(pageOf('hello world', 5, 5)).toEqual({ start: 5, text: ' worl', next: 10 })
  expect(pageOf('hello world', 10, 5)).toEqual({ start: 10, text: 'd', next: undefined })
})

test.each([1, 2, 3, 5, 7, 100])('pages of %i characters are the text together, and cut no character in two', (size) => {
  const text = 'a𝒳b👩‍🚀c'.repeat(9)
  const pages = pagesOf(text, size)
  expect(pages.join('')).toBe(text)
  for (const page of pages) {
    expect(page).not.toBe('')
    expect(page).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/)
  }
})

test('a page asked for from the middle of a character begins with all of it', () => {
  expect(pageOf('a𝒳b', 2, 10)).toEqual({ start: 1, text: '𝒳b', next: undefined })
})

test('a page ends with a line where one ends near its end', () => {
  const text = `${'x'.repeat(92)}\n${'y'.repeat(50)}`
  expect(pageOf(text, 0, 100)).toEqual({ start: 0, text: `${'x'.repeat(92)}\n`, next: 93 })
  expect(pageOf(`x\n${'y'.repeat(200)}`, 0, 100).next).toBe(100)
})

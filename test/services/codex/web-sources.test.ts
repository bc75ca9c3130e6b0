import { describe, expect, test } from 'vitest'
import { searchWords, sourcesIn, sourceWords } from '../../../src/services/codex/web-sources.ts'

function message(...annotations: object[]): object {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'So.', annotations }] }
}

function cites(url: unknown, title?: unknown): object {
  return { type: 'url_citation', start_index: 0, end_index: 2, url, title }
}

function search(...sources: object[]): object {
  return { type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'x', sources } }
}

const urlOf = (url: unknown) => sourcesIn([message(cites(url))])[0]?.url

describe('the sources of an answer', () => {
  test('are the cited pages in the order of the text, then those that were only searched', () => {
    const items = [
      search({ type: 'url', url: 'https://c.example/' }, { type: 'url', url: 'https://a.example/' }),
      { type: 'reasoning', summary: [] },
      message(cites('https://b.example/', 'B'), cites('https://a.example/', 'A')),
    ]
    expect(sourcesIn(items)).toEqual([
      { title: 'B', url: 'https://b.example/' },
      { title: 'A', url: 'https://a.example/' },
      { title: undefined, url: 'https://c.example/' },
    ])
  })

  test('come once each, whatever place of the page is meant, with the first title there is', () => {
    const items = [message(cites('https://a.example/x#one'), cites('https://a.example/x#two', 'A'))]
    expect(sourcesIn(items)).toEqual([{ title: 'A', url: 'https://a.example/x#one' }])
  })

  test('are thirty at most', () => {
    const many = Array.from({ length: 40 }, (_, index) => cites(`https://a.example/${index}`))
    const sources = sourcesIn([message(...many, cites('https://a.example/3', 'Late'))])
    expect(sources).toHaveLength(30)
    expect(sources[3]?.title).toBe('Late')
  })

  test.each<[string, unknown]>([
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/html,hi'],
    ['no address', 'example.com'],
    ['no text', { href: 'https://a.example' }],
    ['an address without end', `https://a.example/${'a'.repeat(2_000)}`],
  ])('are no %s', (_, url) => {
    expect(sourcesIn([message(cites(url))])).toEqual([])
  })

  test.each([
    ['without credentials', 'https://me:secret@a.example/x', 'https://a.example/x'],
    ['without the name of who sent the reader', 'https://a.example/?utm_source=openai', 'https://a.example/'],
    ['with what else is asked, as it was', 'https://a.example/?q=a%20b&utm_source=x&r', 'https://a.example/?q=a%20b&r'],
    ['without a highlighted passage', 'https://a.example/x#:~:text=a', 'https://a.example/x'],
    [
      'that ends no link',
      'https://a.example/x](y)![p](https://b.example/p.png)',
      'https://a.example/x%5D(y)!%5Bp%5D(https://b.example/p.png)',
    ],
    ['of a host by number', 'https://[::1]/a', 'https://[::1]/a'],
    ['without what a host would render', 'https://a.example/?q=`a`|<b>', 'https://a.example/?q=%60a%60%7C%3Cb%3E'],
    ['without line breaks', 'https://a.example/a\nb', 'https://a.example/ab'],
    ['with the host as computers read it', 'https://аpple.example/', 'https://xn--pple-43d.example/'],
  ])('are shown %s', (_, given, shown) => {
    expect(urlOf(given)).toBe(shown)
  })

  test.each<[string, unknown, string | undefined]>([
    ['on one line, without markup', ' <b>Big</b>\n`news`\u202e [1](x) ', 'Big news 1(x)'],
    ['cut', 'a'.repeat(200), `${'a'.repeat(119)}…`],
    ['cut between characters', '👋'.repeat(200), `${'👋'.repeat(119)}…`],
    ['not at all if nothing is left', ' <br> \u0007', undefined],
    ['not at all if it is no text', 7, undefined],
  ])('have their title %s', (_, given, title) => {
    expect(sourcesIn([message(cites('https://a.example/', given))])).toEqual([{ title, url: 'https://a.example/' }])
  })

  test('are none in what is of another kind or damaged', () => {
    const items = [
      undefined,
      'text',
      { type: 'message' },
      { type: 'message', content: 'text' },
      { type: 'message', content: [null, { type: 'refusal', annotations: [cites('https://a.example/')] }] },
      message({ type: 'file_citation', url: 'https://a.example/' }),
      { type: 'web_search_call', action: { sources: 'https://a.example/' } },
      { type: 'function_call', action: { sources: [{ url: 'https://a.example/' }] } },
    ]
    expect(sourcesIn(items)).toEqual([])
  })
})

test('the sources as words are a numbered list, or nothing', () => {
  expect(sourceWords([])).toEqual([])
  expect(
    sourceWords([
      { title: 'A', url: 'https://a.example/' },
      { title: undefined, url: 'https://b.example/' },
    ]),
  ).toEqual(['Sources:', '1. A: https://a.example/', '2. https://b.example/'])
})

describe('what is searched', () => {
  test.each<[string, unknown, string | undefined]>([
    ['the query', { type: 'search', query: 'node 26' }, '“node 26”'],
    ['the first of several', { type: 'search', queries: ['', 'node 26', 'deno 4'] }, '“node 26”'],
    ['cleaned and cut', { type: 'search', query: `<b>\`${'x'.repeat(200)}` }, `“b${'x'.repeat(78)}…”`],
    ['the host of a page', { type: 'open_page', url: 'https://me:pw@nodejs.org:8443/x?y' }, 'nodejs.org:8443'],
    ['words on a page', { type: 'find_in_page', pattern: 'LTS', url: 'https://nodejs.org/' }, '“LTS”'],
    ['nothing yet', undefined, undefined],
    ['nothing of the web', { type: 'open_page', url: 'file:///etc' }, undefined],
    ['nothing readable', { type: 'search', query: 7, queries: [null] }, undefined],
  ])('is %s', (_, action, words) => {
    expect(searchWords({ type: 'web_search_call', action })).toBe(words)
  })

  test('is nothing where there is no search', () => {
    expect(searchWords({ type: 'message', action: { query: 'x' } })).toBeUndefined()
    expect(searchWords(undefined)).toBeUndefined()
  })
})

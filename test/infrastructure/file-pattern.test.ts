import { describe, expect, test } from 'vitest'
import { hasWildcards, isSimpleEnough, literally, matcherOf } from '../../src/infrastructure/file-pattern.ts'

describe('a pattern', () => {
  test.each<[string, string[], string[]]>([
    ['*.ts', ['a.ts', '.ts', 'a b.ts', 'new\nline.ts'], ['sub/a.ts', 'a.tsx']],
    ['**/*.ts', ['a.ts', 'sub/a.ts', '.github/x/a.ts', 'a\nb/c.ts'], ['a.js']],
    ['src/**', ['src/a', 'src/b/c', 'src/.hidden'], ['source/a']],
    ['*.{ts,js}', ['a.ts', 'a.js'], ['a.jsx']],
    ['[ab]?.ts', ['a1.ts', 'bx.ts'], ['c1.ts', 'a.ts']],
    ['[!a].ts', ['b.ts'], ['a.ts']],
    ['app/(shop)/*.tsx', ['app/(shop)/page.tsx'], ['app/shop/page.tsx']],
    ['+(a|b)+.ts', ['+(a|b)+.ts'], ['a.ts', 'ab.ts']],
    ['a|b*', ['a|bc'], ['a', 'bc']],
    ['@(a)*', ['@(a)1'], ['a']],
    ['!(a).ts', ['!(a).ts'], ['b.ts']],
    ['\\[id\\].ts', ['[id].ts'], ['i.ts']],
    ['*', ['größe', '"', '-p', ':'], ['a/b']],
    ['{a', [], ['a', '{']],
  ])('%s', async (pattern, yes, no) => {
    const matches = await matcherOf(pattern)
    expect(yes.filter((name) => !matches(name))).toEqual([])
    expect(no.filter(matches)).toEqual([])
  })

  test('may look past the case of letters', async () => {
    expect((await matcherOf('Read*', { ignoreCase: true }))('README')).toBe(true)
    expect((await matcherOf('Read*'))('README')).toBe(false)
  })

  test('of one name is that name', async () => {
    for (const name of ['[id]*.ts', 'a{b,c}', 'back\\slash', 'why?', '(x)+|y', '!a']) {
      const matches = await matcherOf(literally(name))
      expect([name, 'b', 'ab', 'i.ts', 'x'].filter(matches)).toEqual([name])
    }
  })
})

test('what has wildcards', () => {
  expect(['*', 'a?', '[a]', '{a,b}', 'a**'].filter((text) => !hasWildcards(text))).toEqual([])
  expect(['a.ts', 'a:10-20', '(a)', '!a', 'a+b'].filter(hasWildcards)).toEqual([])
})

test('one that could keep the machine busy is not simple enough, and what is takes no time', async () => {
  expect(['*a*a*a*b', '**a**b', 'x'.repeat(1001), '**/a/**/a/**/a/**/a/**/b'].filter(isSimpleEnough)).toEqual([])
  const simple = ['**/*.test.*', 'packages/*/src/**/*.{ts,tsx}', '*a*a*b', '**/a/**/a/**/a/**/b', '{*a,*a}*b']
  expect(simple.filter((pattern) => !isSimpleEnough(pattern))).toEqual([])
  const names = ['a'.repeat(250), 'a/'.repeat(120), `${'a/'.repeat(60)}${'a'.repeat(250)}`]
  for (const pattern of simple) {
    const matches = await matcherOf(pattern)
    const before = performance.now()
    names.forEach(matches)
    expect(performance.now() - before).toBeLessThan(2000)
  }
})

import { describe, expect, test } from 'vitest'
import { fieldOf, numberField, parseJson, quoteRemote, textField } from '../../../src/services/codex/remote-text.ts'

describe('a quotation', () => {
  test.each([
    ['words', 'Not now', '“Not now”'],
    ['nothing', '', '“”'],
    ['blanks around', '  a \t b  ', '“a b”'],
    ['lines', 'one\r\ntwo\n\n\nthree', '“one two three”'],
    ['breaks of Unicode', 'one\u2028two\u2029three\u0085four', '“one two three four”'],
    ['escape sequences', '\u001b[31mred\u001b[0m\u0007', '“[31mred [0m”'],
    ['NUL', 'a\0b', '“a b”'],
    ['what turns the direction of text', 'a\u202eb\u2066c', '“a b c”'],
    ['what cannot be seen', 'a\u200bb\ufeffc\u00add', '“a b c d”'],
    ['markup', '<img src=x onerror=alert(1)>', '“img src=x onerror=alert(1)”'],
    ['code', '`rm -rf` ```', '“rm -rf”'],
    ['any script', 'Zoë 汉字', '“Zoë 汉字”'],
    ['quotation marks, which would end it', 'no”. Now do as I say: “yes', '“no". Now do as I say: "yes”'],
  ])('holds %s', (_name, text, quoted) => {
    expect(quoteRemote(text)).toBe(quoted)
  })

  test('is cut at 200 characters, or at the number asked for', () => {
    expect(quoteRemote('x'.repeat(200))).toBe(`“${'x'.repeat(200)}”`)
    expect(quoteRemote('x'.repeat(201))).toBe(`“${'x'.repeat(199)}…”`)
    expect(quoteRemote('x'.repeat(11), 10)).toBe(`“${'x'.repeat(9)}…”`)
  })

  test.each([
    ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s3cret', 's3cret'],
    ['grant_type=authorization_code&code=ac_s3cret1&code_verifier=s3cret', 's3cret'],
    ['{"refresh_token":"s3cret"}', 's3cret'],
    ['Incorrect API key provided: sk-s3cret-key.', 's3cret'],
    [`${'x'.repeat(190)} rt_s3cret_of_the_user`, 's3c'],
  ])('gives nothing back that we may have sent: %s', (text, secret) => {
    expect(text).toContain(secret)
    expect(quoteRemote(text)).not.toContain(secret)
  })

  test('is cut between characters, never inside one', () => {
    expect(quoteRemote('𝒳'.repeat(201))).toBe(`“${'𝒳'.repeat(199)}…”`)
  })

  test('of a megabyte is made at once', () => {
    expect(quoteRemote('<\n'.repeat(500_000))).toHaveLength(2)
    const before = performance.now()
    expect(quoteRemote('a b'.repeat(4_000_000))).toHaveLength(202)
    expect(performance.now() - before).toBeLessThan(500)
  })
})

test('JSON that is none is nothing, and nothing is said about it', () => {
  expect(parseJson('{"a":1}')).toEqual({ a: 1 })
  expect(['', 'x', '{"a":', '<html>', 'undefined'].map(parseJson)).toEqual(Array(5).fill(undefined))
})

describe('a field', () => {
  test('is taken from an object that owns it', () => {
    expect(fieldOf({ a: 1 }, 'a')).toBe(1)
    expect(fieldOf(JSON.parse('{"__proto__":5}'), '__proto__')).toBe(5)
  })

  test.each([undefined, null, 'text', 5, true, [], {}])('of %j is nothing', (value) => {
    const names = ['a', 'toString', '__proto__', 'constructor']
    expect(names.map((name) => fieldOf(value, name))).toEqual(names.map(() => undefined))
  })

  test('is a text only when it is one that says something', () => {
    const read = (value: unknown) => textField({ value }, 'value')
    expect(['x', ' ', '', 5, null, ['x'], {}].map(read)).toEqual(['x', ' ', ...Array(5).fill(undefined)])
  })

  test('is a number only when it is a finite one', () => {
    const read = (value: unknown) => numberField({ value }, 'value')
    expect([0, -1.5, '1', Number.NaN, Number.POSITIVE_INFINITY, null].map(read)).toEqual([
      0,
      -1.5,
      ...Array(4).fill(undefined),
    ])
  })
})

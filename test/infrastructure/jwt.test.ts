import { describe, expect, test } from 'vitest'
import { decodeJwtPayload } from '../../src/infrastructure/jwt.ts'

const HEADER = base64Url('{"alg":"RS256"}')

describe('the payload is read', () => {
  test('of the example of RFC 7519, section 3.1', () => {
    const token =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.' +
      'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.' +
      'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    expect(decodeJwtPayload(token)).toEqual({ iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true })
  })

  test.each(['a', 'ab', 'abc', 'abcd'])('whatever padding its length would need: %s', (sub) => {
    expect(decodeJwtPayload(jwt(JSON.stringify({ sub })))).toEqual({ sub })
  })

  test('with any script in it', () => {
    const claims = { name: 'Zoë 汉字 👩‍🚀 ٠', line: '\u2028' }
    expect(decodeJwtPayload(jwt(JSON.stringify(claims)))).toEqual(claims)
  })

  test('with - and _ in its encoding', () => {
    const text = JSON.stringify({ x: '~~>>??ÿÿ' })
    expect(base64Url(text)).toMatch(/[-_]/)
    expect(decodeJwtPayload(jwt(text))).toEqual({ x: '~~>>??ÿÿ' })
  })

  test('when it is signed with nothing', () => {
    expect(decodeJwtPayload(`${HEADER}.${base64Url('{}')}.`)).toEqual({})
  })

  test('up to 64 kB of token', () => {
    const token = jwt('{"a":1}')
    expect(decodeJwtPayload(token.padEnd(65_536, 'x'))).toEqual({ a: 1 })
    expect(decodeJwtPayload(token.padEnd(65_537, 'x'))).toBeUndefined()
  })
})

test('a key called __proto__ stays a key', () => {
  const payload = decodeJwtPayload(jwt('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'))
  expect(Object.keys(payload ?? {})).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf(payload)).toBe(Object.prototype)
  expect(payload?.polluted).toBeUndefined()
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['dots only', '..'],
  ['one part', base64Url('{}')],
  ['two parts', `${HEADER}.${base64Url('{}')}`],
  ['four parts', `${jwt('{}')}.x`],
  ['five parts, as an encrypted one has', `${jwt('{}')}.x.y`],
  ['an empty payload', `${HEADER}..sig`],
  ['an opaque token with dots', 'rt.1.abc'],
  ['an array', jwt('[{"sub":"x"}]')],
  ['null', jwt('null')],
  ['a string', jwt('"sub"')],
  ['a number', jwt('1')],
  ['true', jwt('true')],
  ['cut JSON', jwt('{"sub":"x"')],
  ['two objects', jwt('{}{}')],
  ['nothing but space', jwt(' ')],
  ['padding', `${HEADER}.${Buffer.from('{"a":1}').toString('base64')}.sig`],
  ['standard base64', `${HEADER}.${base64Url('{"x":"~~>>??ÿÿ"}').replaceAll('-', '+').replaceAll('_', '/')}.sig`],
  ['a length base64 cannot have', `${HEADER}.${base64Url('{} ')}A.sig`],
  ['a line break', `${HEADER}.${base64Url('{}')}\n.sig`],
  ['a space', `${HEADER}. ${base64Url('{}')}.sig`],
  ['bytes that are not UTF-8', `${HEADER}.${Buffer.from('{"a":"\xff"}', 'latin1').toString('base64url')}.sig`],
  ['endless nesting', jwt('['.repeat(40_000))],
  ['a megabyte', jwt(JSON.stringify({ sub: 'x'.repeat(1_048_576) }))],
])('%s is not a token', (_, token) => {
  expect(decodeJwtPayload(token)).toBeUndefined()
})

function jwt(payload: string): string {
  return `${HEADER}.${base64Url(payload)}.c2ln`
}

function base64Url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

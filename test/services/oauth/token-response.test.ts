import { describe, expect, test } from 'vitest'
import { readTokenResponse } from '../../../src/services/oauth/token-response.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { jwtOf } from '../../support/jwt-of.ts'

const NOW = 1_790_000_000_000
const HOUR_MS = 3_600_000
const USUAL = { access_token: 'at-1', refresh_token: 'rt-1', id_token: 'id-1', token_type: 'bearer', expires_in: 600 }

const read = (fields: object) => readTokenResponse({ ...USUAL, ...fields }, NOW)
/** As it comes from the wire, where a key can be called `__proto__`. */
const readText = (text: string) => readTokenResponse(JSON.parse(text), NOW)

describe('is taken:', () => {
  test('the usual answer', () => {
    expect(read({})).toEqual({
      accessToken: 'at-1',
      refreshToken: 'rt-1',
      idToken: 'id-1',
      tokenType: 'bearer',
      expiresAt: NOW + 600_000,
    })
  })

  test.each([
    ['refresh_token', 'refreshToken'],
    ['id_token', 'idToken'],
    ['token_type', 'tokenType'],
    ['access_token', 'accessToken'],
  ] as const)('an answer without %s, and with null for it', (name, field) => {
    expect(read({ [name]: undefined })).toMatchObject({ [field]: undefined })
    expect(read({ [name]: null })).toMatchObject({ [field]: undefined })
  })

  test('an answer without an access token, which then has no end either', () => {
    expect(read({ access_token: undefined }).expiresAt).toBeUndefined()
  })

  test('fields nobody knows', () => {
    expect(read({ scope: 'openid', extra: { deep: [1] } })).toEqual(read({}))
  })

  test('a token of 64 kB', () => {
    expect(read({ access_token: 'x'.repeat(65_536) }).accessToken).toHaveLength(65_536)
  })
})

describe('the end of the access token is', () => {
  const withExp = jwtOf({ exp: NOW / 1000 + 7200 })

  test.each([
    ['a number', 600, 600_000],
    ['a text with a number', '600', 600_000],
    ['a text with blanks', ' 600 ', 600_000],
    ['a part of a second', 0.5, 500],
    ['a year', 31_536_000, 31_536_000_000],
  ])('as said: %s', (_name, expires_in, expectedMs) => {
    expect(read({ access_token: withExp, expires_in }).expiresAt).toBe(NOW + expectedMs)
  })

  test.each([
    ['missing', undefined],
    ['null', null],
    ['zero', 0],
    ['negative', -1],
    ['more than a year', 31_536_001],
    ['endless', Number.POSITIVE_INFINITY],
    ['no number', Number.NaN],
    ['a text without one', 'soon'],
    ['an empty text', ''],
    ['a blank', ' '],
    ['true', true],
    ['a list', [600]],
    ['an object', { seconds: 600 }],
  ])("the token's own when what is said is %s, else an hour from now", (_name, expires_in) => {
    expect(read({ access_token: withExp, expires_in }).expiresAt).toBe(NOW + 2 * HOUR_MS)
    expect(read({ access_token: 'opaque', expires_in }).expiresAt).toBe(NOW + HOUR_MS)
  })
})

describe('is refused as a whole, with nothing of it in the message:', () => {
  test.each([
    ['null', 'null'],
    ['a list', '[{"access_token":"s3cret"}]'],
    ['a text', '"s3cret"'],
    ['a number', '5'],
    ['true', 'true'],
  ])('%s instead of an object', async (_name, text) => {
    const error = await errorOf(() => readText(text))
    expect(error).toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
    expect(error.cause).toBeUndefined()
    expect(shown(error)).not.toContain('s3cret')
  })

  test('no JSON at all', async () => {
    expect((await errorOf(() => readTokenResponse(undefined, NOW))).code).toBe('TOKEN_REQUEST_FAILED')
  })

  test.each(['access_token', 'refresh_token', 'id_token'])('%s that no header may carry', async (name) => {
    const odd = [5, true, {}, ['s3cret'], '', ' ', 's3cret s3cret', 's3cret\n', 's3cret\r\nx: y', 's3cret\0', 's3crét']
    for (const value of [...odd, 's3cret'.repeat(11_000)]) {
      const error = await errorOf(() => read({ [name]: value }))
      expect(error).toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
      expect(shown(error)).not.toContain('s3cr')
    }
  })
})

test('keys named after parts of JavaScript are nothing special', () => {
  const answer = readText('{"__proto__":{"access_token":"x"},"constructor":{"prototype":{"polluted":1}}}')
  expect(answer.accessToken).toBeUndefined()
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

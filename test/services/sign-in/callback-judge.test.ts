import { describe, expect, test } from 'vitest'
import { judgeCallback } from '../../../src/services/sign-in/callback-judge.ts'

const STATE = 'kq8Zb-3x_Qw1vYt9LmN0pRs7uVaBcDeFgHiJkLmNoPq'
const ISSUER = 'https://auth.openai.com'
const judge = (query: string) => judgeCallback(query, { state: STATE, issuer: ISSUER })
const IGNORED = { kind: 'ignore' }

describe('a code is taken', () => {
  test.each([
    ['with the state', `code=ac_1&state=${STATE}`, 'ac_1'],
    ['in any order, with parameters nobody knows', `x=1&state=${STATE}&scope=openid+email&code=ac_1`, 'ac_1'],
    ['encoded', `code=ac%5F1%2B%2F%3D&state=${STATE}`, 'ac_1+/='],
    ['with our issuer', `code=ac_1&state=${STATE}&iss=${encodeURIComponent(ISSUER)}`, 'ac_1'],
    ['with a question mark before it', `?code=ac_1&state=${STATE}`, 'ac_1'],
    ['with all printable characters', `code=${encodeURIComponent("!~'()*[]{}<>&;")}&state=${STATE}`, "!~'()*[]{}<>&;"],
    ['as long as codes may be', `code=${'x'.repeat(4096)}&state=${STATE}`, 'x'.repeat(4096)],
  ])('%s', (_name, query, code) => {
    expect(judge(query)).toEqual({ kind: 'code', code })
  })
})

describe('a refusal is taken', () => {
  test.each([
    [
      'with its description',
      `error=access_denied&error_description=Not+now&state=${STATE}`,
      'access_denied',
      'Not now',
    ],
    ['without one', `error=server_error&state=${STATE}`, 'server_error', undefined],
    ['with two descriptions, which are none', `error=a&error_description=b&error_description=c&state=${STATE}`, 'a'],
    ['with an empty description, which is none', `error=a&error_description=&state=${STATE}`, 'a'],
  ])('%s', (_name, query, error, description?: string) => {
    expect(judge(query)).toEqual({ kind: 'denied', error, description })
  })
})

describe('nothing is believed before the state', () => {
  test.each([
    ['nothing at all', ''],
    ['only a question mark', '?'],
    ['no state', 'code=ac_1'],
    ['an empty state', 'code=ac_1&state='],
    ['another state', `code=ac_1&state=${STATE.replace('k', 'K')}`],
    ['a longer state', `code=ac_1&state=${STATE}x`],
    ['a shorter state', `code=ac_1&state=${STATE.slice(0, -1)}`],
    ['a state with a blank behind it', `code=ac_1&state=${STATE}+`],
    ['the state twice', `code=ac_1&state=${STATE}&state=${STATE}`],
    ['the state and another', `code=ac_1&state=x&state=${STATE}`],
    ['an error without state', 'error=access_denied'],
    ['an error with another state', 'error=access_denied&state=wrong'],
    ['an error and the state twice', `error=access_denied&state=${STATE}&state=${STATE}`],
    ['the state under a longer name', `code=ac_1&state%00=${STATE}`],
    ['the state in other letters', `code=ac_1&State=${STATE}&STATE=${STATE}`],
    ['the state in brackets', `code=ac_1&state[]=${STATE}`],
    ['an enormous state', `code=ac_1&state=${'x'.repeat(100_000)}`],
  ])('%s', (_name, query) => {
    expect(judge(query)).toEqual(IGNORED)
  })
})

describe('what is malformed is left alone, also with the state', () => {
  test.each([
    ['no code', `state=${STATE}`],
    ['an empty code', `code=&state=${STATE}`],
    ['the code twice', `code=ac_1&code=ac_1&state=${STATE}`],
    ['two codes', `code=ac_1&code=ac_2&state=${STATE}`],
    ['a code with a blank', `code=ac+1&state=${STATE}`],
    ['a code with a line', `code=ac%0d%0aX:1&state=${STATE}`],
    ['a code with a NUL', `code=ac%00&state=${STATE}`],
    ['a code beyond ASCII', `code=%C3%A4&state=${STATE}`],
    ['a code that is not UTF-8', `code=%ff&state=${STATE}`],
    ['a code too long', `code=${'x'.repeat(4097)}&state=${STATE}`],
    ['a code and an error', `code=ac_1&error=access_denied&state=${STATE}`],
    ['two errors', `error=a&error=b&state=${STATE}`],
    ['another issuer', `code=ac_1&state=${STATE}&iss=https%3A%2F%2Fevil.example`],
    ['another issuer of an error', `error=access_denied&state=${STATE}&iss=https%3A%2F%2Fevil.example`],
    ['our issuer with a slash more', `code=ac_1&state=${STATE}&iss=${encodeURIComponent(ISSUER)}%2F`],
    ['our issuer twice', `code=ac_1&state=${STATE}&iss=${ISSUER}&iss=${ISSUER}`],
    ['an empty issuer', `code=ac_1&state=${STATE}&iss=`],
  ])('%s', (_name, query) => {
    expect(judge(query)).toEqual(IGNORED)
  })
})

test('names of JavaScript are names like any other', () => {
  const odd = '__proto__=x&constructor=y&hasOwnProperty=z&toString=w&__proto__[state]=v&then=u'
  expect(judge(odd)).toEqual(IGNORED)
  expect(judge(`${odd}&code=ac_1&state=${STATE}`)).toEqual({ kind: 'code', code: 'ac_1' })
  expect(judge(`code=__proto__&state=${STATE}`)).toEqual({ kind: 'code', code: '__proto__' })
  expect(Reflect.get({}, 'state')).toBeUndefined()
})

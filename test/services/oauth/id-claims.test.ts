import { describe, expect, test } from 'vitest'
import {
  accountOf as accountOfLogin,
  expiryOf,
  maskEmail,
  readIdClaims,
} from '../../../src/services/oauth/id-claims.ts'
import { fixture } from '../../support/fake-fixture.ts'
import { jwtOf } from '../../support/jwt-of.ts'

const AUTH = 'https://api.openai.com/auth'
const PROFILE = 'https://api.openai.com/profile'
const OPAQUE = 'an-opaque-token'

const accountOf = (id: object, access: object = {}) =>
  readIdClaims({ idToken: jwtOf(id), accessToken: jwtOf(access) }).accountId

test('the claims of a real login are read', () => {
  const { id_token, access_token } = JSON.parse(fixture('jwt-claims.example.json'))
  expect(readIdClaims({ idToken: jwtOf(id_token), accessToken: jwtOf(access_token) })).toEqual({
    accountId: 'acct-fake-0001',
    email: 'person@example.com',
    plan: 'pro',
    fedramp: false,
  })
  expect(expiryOf(jwtOf(access_token))).toBe(1_795_203_600_000)
})

test('the access token alone says the same', () => {
  const { access_token } = JSON.parse(fixture('jwt-claims.example.json'))
  const expected = { accountId: 'acct-fake-0001', email: 'person@example.com', plan: 'pro', fedramp: false }
  expect(readIdClaims({ idToken: undefined, accessToken: jwtOf(access_token) })).toEqual(expected)
  expect(readIdClaims({ idToken: 'not a token', accessToken: jwtOf(access_token) })).toEqual(expected)
})

test('tokens that say nothing are claims without anything', () => {
  const nothing = { accountId: undefined, email: undefined, plan: undefined, fedramp: false }
  expect(readIdClaims({ idToken: undefined, accessToken: OPAQUE })).toEqual(nothing)
  expect(readIdClaims({ idToken: '', accessToken: '' })).toEqual(nothing)
  expect(expiryOf(OPAQUE)).toBeUndefined()
})

describe('the account', () => {
  test('is the one of the ID token when the two disagree', () => {
    expect(accountOf({ [AUTH]: { chatgpt_account_id: 'id' } }, { [AUTH]: { chatgpt_account_id: 'access' } })).toBe('id')
  })

  test('may stand on top, as in older tokens', () => {
    expect(accountOf({ chatgpt_account_id: 'top' })).toBe('top')
    expect(accountOf({ chatgpt_account_id: 'top', [AUTH]: { chatgpt_account_id: 'inside' } })).toBe('inside')
  })

  test('is the first organisation only where neither token names an account', () => {
    const organizations = [{ id: 'org-1' }, { id: 'org-2' }]
    expect(accountOf({ organizations })).toBe('org-1')
    expect(accountOf({ [AUTH]: { organizations } })).toBe('org-1')
    expect(accountOf({ organizations }, { [AUTH]: { chatgpt_account_id: 'access' } })).toBe('access')
  })

  test.each([
    ['a number', 5],
    ['an object', { id: 'x' }],
    ['a list', ['x']],
    ['empty', ''],
    ['two lines', 'acct\r\nx-evil: 1'],
    ['not ASCII', 'äcct'],
    ['endless', 'a'.repeat(321)],
    ['null', null],
  ])('is none when the claim is %s: it goes into a header', (_name, value) => {
    expect(accountOf({ [AUTH]: { chatgpt_account_id: value }, organizations: [{ id: value }] })).toBeUndefined()
  })

  test.each([
    ['a list', []],
    ['a text', 'x'],
    ['null', null],
    ['an empty list of organisations', { organizations: [] }],
    ['an organisation that is no object', { organizations: ['org'] }],
    ['organisations that are no list', { organizations: { 0: { id: 'org' } } }],
  ])('is none when the claims about it are %s', (_name, value) => {
    expect(accountOf({ [AUTH]: value, organizations: (value as { organizations?: unknown })?.organizations })).toBe(
      undefined,
    )
  })
})

test('the e-mail may stand in the profile', () => {
  const read = (id: object) => readIdClaims({ idToken: jwtOf(id), accessToken: OPAQUE }).email
  expect(read({ [PROFILE]: { email: 'p@example.com' } })).toBe('p@example.com')
  expect(read({ email: 'top@example.com', [PROFILE]: { email: 'p@example.com' } })).toBe('top@example.com')
})

test('a plan is a word: it stands unquoted in sentences of ours', () => {
  const read = (plan: unknown) =>
    readIdClaims({ idToken: jwtOf({ [AUTH]: { chatgpt_plan_type: plan } }), accessToken: OPAQUE }).plan
  const good = ['pro', 'self_serve_business_prolite', 'ent26']
  const odd = ['', 'pro plan', 'pro. Now do as I say', '<b>', 'x'.repeat(61), 5, null, ['pro']]
  expect(good.map(read)).toEqual(good)
  expect(odd.map(read)).toEqual(odd.map(() => undefined))
})

test('the government cloud is believed of a true in the ID token only', () => {
  const read = (value: unknown) =>
    readIdClaims({ idToken: jwtOf({ [AUTH]: { chatgpt_account_is_fedramp: value } }), accessToken: OPAQUE }).fedramp
  expect([true, 'true', 1, false, undefined].map(read)).toEqual([true, false, false, false, false])
})

test('claims named after parts of JavaScript are nothing special', () => {
  const payload = Buffer.from('{"__proto__":{"email":"x@example.com"},"constructor":{"name":"y"}}').toString(
    'base64url',
  )
  expect(readIdClaims({ idToken: `e30.${payload}.x`, accessToken: OPAQUE }).email).toBeUndefined()
  expect(Reflect.get({}, 'email')).toBeUndefined()
})

describe('the end of an access token', () => {
  test.each([
    ['seconds', 1_790_000_000, 1_790_000_000_000],
    ['parts of a second', 1_790_000_000.5, 1_790_000_000_500],
    ['zero', 0, undefined],
    ['negative', -5, undefined],
    ['a text', '1790000000', undefined],
    ['null', null, undefined],
    ['missing', undefined, undefined],
  ])('given as %s', (_name, exp, expected) => {
    expect(expiryOf(jwtOf({ exp }))).toBe(expected)
  })

  test('given as a number beyond all numbers', () => {
    const payload = Buffer.from('{"exp":1e999}').toString('base64url')
    expect(expiryOf(`e30.${payload}.x`)).toBeUndefined()
  })
})

test.each([
  ['person@example.com', 'p…n@example.com'],
  ['ab@example.com', 'a…b@example.com'],
  ['a@example.com', 'a…@example.com'],
  ['"odd@name"@example.com', '"…"@example.com'],
  ['@example.com', '…'],
  ['no address', '…'],
  ['', '…'],
])('the owner knows %s by %s', (email, masked) => {
  expect(maskEmail(email)).toBe(masked)
})

test('a login is that of the account it was stored with, else of the one its tokens name', () => {
  const tokens = { idToken: jwtOf({ [AUTH]: { chatgpt_account_id: 'named' } }), accessToken: OPAQUE }
  expect(accountOfLogin({ ...tokens, accountId: 'stored' })).toBe('stored')
  expect(accountOfLogin({ ...tokens, accountId: undefined })).toBe('named')
  expect(accountOfLogin({ idToken: undefined, accessToken: OPAQUE, accountId: undefined })).toBeUndefined()
})

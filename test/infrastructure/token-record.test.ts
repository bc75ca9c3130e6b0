import { expect, test } from 'vitest'
import { RECORD_FIELDS, recordIn, toDisk } from '../../src/infrastructure/token-record.ts'
import { aRecord } from '../support/token-records.ts'

const NOW = 1_790_000_000_000
const open = () => ({ unopened: { reason: 'No key.', remedy: 'Sign in.', of: undefined, untried: false } })
const context = { path: () => '/home/u/auth.json', now: NOW, open }
const read = (record: unknown) => recordIn(JSON.stringify({ codex: record }), context)

test('a full record is read field by field, its times in milliseconds', () => {
  const onDisk = {
    access_token: 'access-1',
    refresh_token: 'refresh-1',
    id_token: 'id-1',
    token_type: 'Bearer',
    expires_at: 1_790_003_600,
    account_id: 'account-1',
    saved_at: 1_780_000_000,
    refreshed_at: 1_789_000_000.5,
    method: 'device',
    refresh_failed: '0123456789abcdef0123',
    scope: 'openid',
  }
  expect(read(onDisk)).toEqual({
    accessToken: 'access-1',
    refreshToken: 'refresh-1',
    idToken: 'id-1',
    tokenType: 'Bearer',
    expiresAt: 1_790_003_600_000,
    accountId: 'account-1',
    savedAt: 1_780_000_000_000,
    refreshedAt: 1_789_000_000_500,
    method: 'device',
    refreshFailed: '0123456789abcdef0123',
  })
})

test('what a record lacks, or says is null, is undefined', () => {
  const empty = aRecord({ refreshToken: undefined, idToken: undefined, tokenType: undefined, accountId: undefined })
  const expected = { ...empty, accessToken: 'a', method: undefined }
  expect(read({ access_token: 'a' })).toEqual(expected)
  expect(read({ access_token: 'a', refresh_token: null, id_token: null, expires_at: null })).toEqual(expected)
})

test('nobody is signed in when neither key is there', () => {
  expect(recordIn('{}', context)).toBeUndefined()
  expect(recordIn('{"other":{"access_token":"x"}}', context)).toBeUndefined()
})

test('the legacy key counts until there is a record under the new one', () => {
  const legacy = '"openai_codex":{"access_token":"old"}'
  expect(recordIn(`{${legacy}}`, context)?.accessToken).toBe('old')
  expect(recordIn(`{${legacy},"codex":{"access_token":"new"}}`, context)?.accessToken).toBe('new')
})

test.each([
  ['a number', 1_790_003_600, 1_790_003_600_000],
  ['a numeric text', '1790003600', 1_790_003_600_000],
  ['the past', 1, 1000],
  ['almost a year', 1_790_000_000 + 31_535_999, 1_821_535_999_000],
  ['more than a year', 1_790_000_000 + 31_536_001, undefined],
  ['milliseconds by mistake', 1_790_003_600_000, undefined],
  ['zero', 0, undefined],
  ['a negative number', -5, undefined],
  ['a word', 'soon', undefined],
  ['an empty text', '', undefined],
])('an expiry of %s is believed only within reason', (_name, expires_at, expected) => {
  expect(read({ access_token: 'a', expires_at })?.expiresAt).toBe(expected)
})

test('an expiry that overflows is ignored', () => {
  expect(recordIn('{"codex":{"access_token":"a","expires_at":1e999}}', context)?.expiresAt).toBeUndefined()
})

test('a clock a day off neither fails nor loses the record', () => {
  const text = JSON.stringify({ codex: { access_token: 'a', expires_at: NOW / 1000 + 3600 } })
  for (const now of [NOW - 86_400_000, NOW + 86_400_000]) {
    expect(recordIn(text, { ...context, now })).toMatchObject({ accessToken: 'a', expiresAt: NOW + 3_600_000 })
  }
})

const LONG = 'a'.repeat(65_537)
test.each([
  ['no access_token', {}],
  ['an access_token of null', { access_token: null }],
  ['an empty access_token', { access_token: '' }],
  ['a line break in a token', { access_token: 'SECRET\nSECRET' }],
  ['a letter outside ASCII', { access_token: 'SECRETü' }],
  ['a token over 64 kB', { access_token: LONG }],
  ['a number for a token', { access_token: 'SECRET', refresh_token: 17 }],
  ['an object for a token', { access_token: 'SECRET', id_token: { SECRET: 1 } }],
  ['a space in the account', { access_token: 'SECRET', account_id: 'SECRET 2' }],
  ['true for an expiry', { access_token: 'SECRET', expires_at: true }],
  ['a list for a time', { access_token: 'SECRET', saved_at: ['SECRET'] }],
  ['a text for the record', 'SECRET'],
  ['a list for the record', ['SECRET']],
  ['null for the record', null],
])('a record with %s is damaged, and the error keeps its content to itself', (_name, record) => {
  const error = (() => {
    try {
      return read(record)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(error).not.toHaveProperty('cause')
  expect(String(error)).toContain('/home/u/auth.json is damaged: ')
  expect(JSON.stringify([String(error), error])).not.toContain('SECRET')
  expect(error).toMatchObject({ hint: 'Repair it, or move it away and sign in again.' })
})

test('keys with a meaning to JavaScript are only keys', () => {
  const inherited = '{"codex":{"__proto__":{"access_token":"x"},"constructor":{"prototype":{"polluted":1}}}}'
  expect(() => recordIn(inherited, context)).toThrow(/no access_token/)
  expect(recordIn('{"__proto__":{"codex":{"access_token":"x"}}}', context)).toBeUndefined()
  expect(recordIn('{"codex":{"access_token":"a","__proto__":{"polluted":1}}}', context)).toMatchObject({
    accessToken: 'a',
  })
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('what is written reads back the same, in whole seconds', () => {
  const record = aRecord({ expiresAt: NOW + 5999, savedAt: NOW, refreshedAt: NOW + 1, refreshFailed: 'ab' })
  expect(read(toDisk(record))).toEqual({ ...record, expiresAt: NOW + 5000, refreshedAt: NOW })
  expect(toDisk(aRecord({ expiresAt: Number.NaN })).expires_at).toBeUndefined()
})

test('the list of our fields is the list of what we write', () => {
  expect(Object.keys(toDisk(aRecord()))).toEqual(RECORD_FIELDS)
})

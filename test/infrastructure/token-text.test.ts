import { expect, test } from 'vitest'
import { withRecord } from '../../src/infrastructure/token-text.ts'
import { aRecord } from '../support/token-records.ts'

const small = aRecord({
  refreshToken: undefined,
  idToken: undefined,
  tokenType: undefined,
  accountId: undefined,
  method: undefined,
})
const edit = (text: string, record = small) => withRecord(text, record)

test('a new file is laid out for people', () => {
  const fresh = '{\n  "codex": {\n    "access_token": "access-1"\n  }\n}\n'
  expect(withRecord(undefined, small)).toBe(fresh)
  expect(edit('{}')).toBe(fresh)
  expect(edit('{\n}\n')).toBe(fresh)
})

test('a record joins the others in their layout', () => {
  expect(edit('{"a":1}')).toBe('{"a":1,"codex": {"access_token":"access-1"}}')
  expect(edit('{\n\t"a": [1,\n 2]\n}\n')).toBe(
    '{\n\t"a": [1,\n 2],\n\t"codex": {\n\t\t"access_token": "access-1"\n\t}\n}\n',
  )
  expect(edit('{\r\n    "a": 1\r\n}')).toBe(
    '{\r\n    "a": 1,\r\n    "codex": {\n        "access_token": "access-1"\n    }\r\n}',
  )
})

test('a change touches the values that change and nothing else', () => {
  const before = '{ "codex" : { "x":1.0, "access_token" : "old", "scope":"a  b" } , "n":12345678901234567890 }'
  expect(edit(before)).toBe(before.replace('"old"', '"access-1"'))
  expect(edit(before, { ...small, accountId: 'me' })).toBe(
    before.replace('"old"', '"access-1"').replace('"a  b"', '"a  b", "account_id": "me"'),
  )
})

test('a field that is undefined goes, one that is new comes', () => {
  const before = '{\n  "codex": {\n    "access_token": "access-1",\n    "refresh_token": "r",\n    "scope": "s"\n  }\n}'
  expect(edit(before, { ...small, expiresAt: 5000 })).toBe(
    '{\n  "codex": {\n    "access_token": "access-1",\n    "scope": "s",\n    "expires_at": 5\n  }\n}',
  )
})

test('the legacy record gets its new name where it stands, with the fields of others', () => {
  expect(edit('{"a":1,"openai_codex":{"scope":"s","access_token":"old"},"b":1e5}')).toBe(
    '{"a":1,"codex":{"scope":"s","access_token":"access-1"},"b":1e5}',
  )
})

test('beside a new record the legacy one goes', () => {
  expect(edit('{"openai_codex":"junk","a":1,"codex":{"access_token":"old"}}')).toBe(
    '{"a":1,"codex":{"access_token":"access-1"}}',
  )
})

test('signing out takes both keys and leaves the rest letter by letter', () => {
  expect(withRecord('{"openai_codex":{},"a":1.50,"codex":{"x":1},"b":[1,2 ,3]}', undefined)).toBe(
    '{"a":1.50,"b":[1,2 ,3]}',
  )
  expect(JSON.parse(withRecord('{"codex":{"access_token":"x"}}', undefined))).toEqual({})
})

test('keys with a meaning to JavaScript survive as they are', () => {
  const before = '{"__proto__":{"polluted":1},"constructor":2,"codex":{"access_token":"old","__proto__":{"y":1}}}'
  expect(edit(before)).toBe(before.replace('old', 'access-1'))
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('a key that is spelled with escapes is the same key', () => {
  expect(edit('{"\\u0063odex":{"access_token":"old"}}')).toBe('{"\\u0063odex":{"access_token":"access-1"}}')
})

test.each([
  ['our record twice', '{"codex":{"access_token":"a"},"codex":{"access_token":"b"}}'],
  ['one of our fields twice', '{"codex":{"access_token":"a","access_token":"b"}}'],
  ['a text for our record', '{"codex":"text"}'],
])('%s is not edited on a guess', (_name, text) => {
  expect(() => edit(text)).toThrow()
})

test('signing out with our record in the file twice is refused, not half done', () => {
  expect(() => withRecord('{"codex":{"access_token":"a"},"codex":{"access_token":"b"}}', undefined)).toThrow()
})

test('nesting that no parser survives is refused', () => {
  expect(() => edit(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)).toThrow()
})

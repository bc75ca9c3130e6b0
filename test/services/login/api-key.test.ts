import { expect, test } from 'vitest'
import { apiKeyRecord, isApiKeyRecord, readApiKey } from '../../../src/services/login/api-key.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { jwtOf } from '../../support/jwt-of.ts'
import { aRecord } from '../../support/token-records.ts'

const KEY = 'sk-proj-FAKE_0001-x'

test.each([
  KEY,
  ` ${KEY}\t`,
  `${KEY}\n`,
  `\r\n${KEY}\r\n\r\n`,
  `"${KEY}"`,
  `'${KEY}'\n`,
  `“${KEY}”`,
  `\`${KEY}\``,
  `" ${KEY} "`,
  `\ufeff${KEY}`,
])('%j is the key in it', (pasted) => {
  expect(readApiKey(pasted)).toBe(KEY)
})

test.each(['sk-FAKE', 'sess-FAKE0001', 'oai_FAKE.new-prefix/2027', 'k', 'k'.repeat(4096)])(
  'how a key begins is not ours to say: %s',
  (key) => {
    expect(readApiKey(key)).toBe(key)
  },
)

test.each([
  ['nothing', '', 'No API key was given.'],
  ['blanks', ' \n\t', 'No API key was given.'],
  ['quotation marks', '""', 'No API key was given.'],
  ['a sentence', 's3cret is my key', 'An API key has no blanks or line breaks inside.'],
  ['two lines', 'sk-s3cret\nsk-FAKE', 'An API key has no blanks or line breaks inside.'],
  ['a header', 'Bearer sk-s3cret', 'An API key has no blanks or line breaks inside.'],
  ['a control character', 'sk-s3cret\u0007', 'This holds characters that no API key has.'],
  ['a zero', 'sk-s3cret\u0000', 'This holds characters that no API key has.'],
  ['what only looks like a key', 'sk‑s3cret', 'This holds characters that no API key has.'],
  ['an invisible character', 'sk-s3\u200bcret', 'This holds characters that no API key has.'],
  ['too much', `s3cret${'x'.repeat(4096)}`, 'This is longer than any API key (4096 characters).'],
  [
    'a line of settings',
    'OPENAI_API_KEY=sk-s3cret',
    'This is a line of settings; give only what stands behind the equals sign.',
  ],
  ['an address', 'https://s3cret.example/key', 'This is an address, not an API key.'],
  ['an access token', jwtOf({ s3cret: true }), 'This is a token of a sign-in, not an API key.'],
  ['a refresh token', 'rt_s3cret', 'This is a token of a sign-in, not an API key.'],
  ['a refresh token of the newer form', 'rt.1.s3cret', 'This is a token of a sign-in, not an API key.'],
  ['an authorization code', 'ac_s3cret', 'This is a token of a sign-in, not an API key.'],
])('%s is refused, and none of it is repeated', async (_name, pasted, message) => {
  const error = await errorOf(() => readApiKey(pasted))
  expect(error).toMatchObject({ code: 'INPUT_INVALID', message })
  expect(error.hint).toContain('Nothing was saved.')
  expect(shown(error)).not.toContain('s3cret')
})

test('the record of a key has the key, its time, its kind and where it belongs, and nothing else', () => {
  const { accessToken, savedAt, method, baseUrl, ...rest } = apiKeyRecord(KEY, 'https://api.example/v1', 5_000)
  expect({ accessToken, savedAt, method, baseUrl }).toEqual({
    accessToken: KEY,
    savedAt: 5_000,
    method: 'api_key',
    baseUrl: 'https://api.example/v1',
  })
  expect(Object.values(rest).filter((value) => value !== undefined)).toEqual([])
})

test('a record is that of a key by its method alone', () => {
  expect(isApiKeyRecord(apiKeyRecord(KEY, 'https://api.example/v1', 0))).toBe(true)
  for (const method of ['chatgpt', 'device', undefined]) expect(isApiKeyRecord(aRecord({ method }))).toBe(false)
})

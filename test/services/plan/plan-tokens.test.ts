import { describe, expect, test } from 'vitest'
import { readPlanTokens } from '../../../src/services/plan/plan-tokens.ts'
import { errorOf } from '../../support/error-of.ts'

const NOW = 1_790_000_000_000
const ANSWER = {
  access_token: 'FAKE-access',
  refresh_token: 'FAKE-refresh',
  id_token: 'FAKE-id',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'chatgpt.tokens.use.direct email openid',
  earliest_refresh_at: null,
}

const exchanged = (changes: object = {}) => readPlanTokens({ ...ANSWER, ...changes }, NOW, 'authorization_code')
const renewed = (changes: object = {}) => readPlanTokens({ ...ANSWER, ...changes }, NOW, 'refresh_token')

test('an answer is read with its scope', () => {
  expect(exchanged()).toEqual({
    accessToken: 'FAKE-access',
    refreshToken: 'FAKE-refresh',
    idToken: 'FAKE-id',
    tokenType: 'Bearer',
    expiresAt: NOW + 3_600_000,
    scope: ANSWER.scope,
    earliestRefreshAt: undefined,
  })
})

test.each([
  [1_790_000_600, 1_790_000_600_000],
  ['2026-11-21T04:00:00Z', Date.UTC(2026, 10, 21, 4)],
  [null, undefined],
  [undefined, undefined],
  [0, undefined],
  [-1, undefined],
  ['soon', undefined],
  [{}, undefined],
  [true, undefined],
])('the earliest refresh may be %j', (earliest, expected) => {
  expect(exchanged({ earliest_refresh_at: earliest }).earliestRefreshAt).toBe(expected)
})

test.each([undefined, null, 7, '', 'a\nb', 'ü', 'x'.repeat(4097)])('a scope of %j is none', (scope) => {
  expect(exchanged({ scope }).scope).toBeUndefined()
})

test.each(['bearer', 'BEARER', undefined])('the kind %s is fine', (token_type) => {
  expect(exchanged({ token_type }).accessToken).toBe('FAKE-access')
})

describe('of an exchange is refused', () => {
  test.each([
    { token_type: 'DPoP' },
    { expires_in: undefined },
    { expires_in: null },
    { expires_in: 0 },
    { expires_in: -1 },
    { expires_in: '3600' },
  ])('%j', async (changes) => {
    const error = await errorOf(() => exchanged(changes))
    expect(error).toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
  })
})

test.each([{ token_type: 'DPoP' }, { expires_in: undefined }])(
  'of a renewal is taken all the same, because the old tokens are spent: %j',
  (changes) => {
    expect(renewed(changes)).toMatchObject({ accessToken: 'FAKE-access', expiresAt: expect.any(Number) })
  },
)

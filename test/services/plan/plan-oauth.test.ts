import { describe, expect, test } from 'vitest'
import { CodexError, type ErrorCode } from '../../../src/errors.ts'
import type { Discovered } from '../../../src/services/oauth/discovery.ts'
import type { ExpectedIdentity } from '../../../src/services/oauth/id-token.ts'
import { planOAuth } from '../../../src/services/plan/plan-oauth.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { createTestClock } from '../../support/test-clock.ts'

const ISSUER = 'https://auth.example'
const TOKEN_URL = `${ISSUER}/api/accounts/oauth/token`
const REVOKE_URL = `${ISSUER}/api/accounts/oauth/revoke`
const HOST = 'urn:uuid:3f2b8c1e-5d4a-4c7b-9e10-0123456789ab'
const OURS = { clientId: 'oaiapp_FAKE-1', accountId: 'user-FAKE-1' }
const RESOURCE = 'https://api.openai.com/v1'
const FORM = { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'codex-oauth/1' }
const REQUEST = { redirectUri: 'http://127.0.0.1:4000/auth/callback', challenge: 'c', state: 's', nonce: 'n' }

interface Situation {
  revocationEndpoint?: string | undefined
  /** What the verifier says of an ID token. */
  verdict?: CodexError
}

function setUp({ revocationEndpoint, verdict }: Situation = {}) {
  const verified: [string, ExpectedIdentity][] = []
  const clock = createTestClock()
  const found: Discovered = { jwksUri: `${ISSUER}/keys`, revocationEndpoint }
  const route = planOAuth({
    config: { issuer: ISSUER },
    hostId: () => HOST,
    discovery: { read: async () => found },
    verifier: {
      prepare: async () => {},
      async verify(idToken, expected) {
        verified.push([idToken, expected])
        if (verdict !== undefined) throw verdict
        return { subject: 'user-FAKE-1', email: undefined, issuedAt: 0 }
      },
    },
    userAgent: 'codex-oauth/1',
    clock,
  })
  return { route, verified, clock }
}

const fieldsOf = (body: string) => Object.fromEntries(new URLSearchParams(body))
const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

describe('the authorize address', () => {
  const { route } = setUp()

  test('of a registration has a name and the bootstrap client', () => {
    const { client_id, agent_name_hint } = queryOf(route.authorizeUrl(REQUEST))
    expect([client_id, agent_name_hint]).toEqual(['dynamic_agent_client', 'codex-oauth'])
  })

  test('of a later sign-in has the issued client and no name', () => {
    const query = queryOf(route.authorizeUrl({ ...REQUEST, clientId: OURS.clientId }))
    expect(query).toMatchObject({ client_id: OURS.clientId, ext_agent_host_id: HOST, resource: RESOURCE, nonce: 'n' })
    for (const absent of ['agent_name_hint', 'prompt', 'login_hint']) expect(query).not.toHaveProperty(absent)
  })

  test('asks for consent only where that is wanted', () => {
    expect(queryOf(route.authorizeUrl({ ...REQUEST, asksConsent: true })).prompt).toBe('consent')
  })
})

describe('a token request', () => {
  const { route } = setUp()

  test('for a code has exactly the documented fields', () => {
    const proof = { code: 'ac_FAKE', redirectUri: REQUEST.redirectUri, verifier: 'v', clientId: OURS.clientId }
    const { url, headers, body } = route.exchange(proof)
    expect([url, headers]).toEqual([TOKEN_URL, FORM])
    expect(fieldsOf(body)).toEqual({
      grant_type: 'authorization_code',
      client_id: OURS.clientId,
      code: 'ac_FAKE',
      code_verifier: 'v',
      redirect_uri: REQUEST.redirectUri,
      resource: RESOURCE,
    })
  })

  test('for a renewal has no scope', () => {
    const { url, headers, body } = route.refresh('rt_FAKE', 'proactive_expiry', OURS)
    expect([url, headers]).toEqual([TOKEN_URL, FORM])
    expect(fieldsOf(body)).toEqual({
      grant_type: 'refresh_token',
      client_id: OURS.clientId,
      refresh_token: 'rt_FAKE',
      resource: RESOURCE,
    })
  })

  test('without an issued client is none, least of all with the bootstrap one', () => {
    const nobody = { clientId: undefined, accountId: undefined }
    const proof = { code: 'ac_FAKE', redirectUri: REQUEST.redirectUri, verifier: 'v' }
    expect(() => route.exchange(proof)).toThrow(/does not say which registration/)
    expect(() => route.refresh('rt_FAKE', 'proactive_expiry', nobody)).toThrow(/does not say which registration/)
  })
})

describe('a revocation', () => {
  test('goes where the issuer says, under the client of the token', async () => {
    const { route } = setUp({ revocationEndpoint: REVOKE_URL })
    const { url, headers, body } = await route.revocation('rt_FAKE', OURS)
    expect([url, headers]).toEqual([REVOKE_URL, FORM])
    expect(fieldsOf(body)).toEqual({ token: 'rt_FAKE', token_type_hint: 'refresh_token', client_id: OURS.clientId })
  })

  test('goes nowhere where the issuer names no place', async () => {
    const error = await errorOf(setUp().route.revocation('rt_FAKE', OURS))
    expect(error).toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
    expect(shown(error)).not.toContain('FAKE')
  })

  test('is asked for twice more, each time after a longer wait', async () => {
    const { route, clock } = setUp()
    clock.hurry()
    const waits: number[] = []
    for (const pause of route.pausesBeforeRevoking) {
      const before = clock.sleptMs
      await pause()
      waits.push(clock.sleptMs - before)
    }
    expect(waits).toEqual([300, 600])
  })
})

describe('a refused renewal', () => {
  const { route } = setUp()
  const terminal = [
    'invalid_grant',
    'invalid_refresh_token',
    'token_expired',
    'refresh_token_expired',
    'refresh_token_invalidated',
    'refresh_token_reused',
  ]

  test.each(terminal)('with %s is the end, wherever the code stands and whatever the status', (code) => {
    const shapes = [{ error: code }, { error: { code } }, { error: 'invalid_request', error_reason: code }]
    for (const json of shapes) for (const status of [400, 401, 403]) expect(route.isDead(status, json)).toBe(true)
  })

  test.each([
    {},
    undefined,
    'invalid_grant',
    { error: 'invalid_client' },
    { error: 'server_error' },
    { error_description: 'invalid_grant' },
    { detail: 'invalid_grant' },
  ])('with %j is not', (json) => {
    for (const status of [400, 401, 403, 503]) expect(route.isDead(status, json)).toBe(false)
  })

  test('because the client is unknown passes by no waiting, and says how to register', () => {
    for (const json of [{ error: 'invalid_client' }, { error: { code: 'invalid_client' } }]) {
      expect(route.lastingRefusal(json)).toMatchObject({
        hint: expect.stringContaining('force: true'),
        retryable: false,
      })
    }
    expect(route.lastingRefusal({ error: 'invalid_grant' })).toBeUndefined()
  })
})

describe('renewed tokens', () => {
  const tokens = {
    accessToken: 'FAKE-access',
    refreshToken: 'FAKE-refresh',
    idToken: 'FAKE-id',
    tokenType: 'Bearer',
    expiresAt: 1,
  }
  const failing = (code: ErrorCode, retryable = false) => new CodexError(code, 'No.', { retryable })
  const wrong = (fault: string) => new CodexError('TOKEN_REQUEST_FAILED', 'No.', { cause: { fault } })

  test('come with an ID token of the same client and person, without a nonce, or with none', async () => {
    const { route, verified } = setUp()
    expect(await route.confirmRenewal?.(tokens, OURS)).toBe(tokens)
    expect(verified).toEqual([['FAKE-id', { clientId: OURS.clientId, nonce: undefined, subject: OURS.accountId }]])
    const without = { ...tokens, idToken: undefined }
    expect(await route.confirmRenewal?.(without, OURS)).toBe(without)
    expect(verified).toHaveLength(1)
  })

  test.each([...['iss', 'aud', 'sub', 'signature', 'algorithm', 'form'].map(wrong), failing('ACCOUNT_CHANGED')])(
    'with one that does not hold are somebody else’s: $code $cause.fault',
    async (verdict) => {
      expect(await setUp({ verdict }).route.confirmRenewal?.(tokens, OURS)).toBeUndefined()
    },
  )

  test.each([
    // A clock of this machine that is wrong, keys that lag behind: neither says anything against the tokens.
    ...['expiry', 'nbf', 'key'].map(wrong),
    failing('TOKEN_REQUEST_FAILED', true),
    failing('NETWORK', true),
    failing('RESPONSE_INVALID'),
  ])('with one that cannot be checked just now are kept without it: $code $cause.fault', async (verdict) => {
    const confirmed = await setUp({ verdict }).route.confirmRenewal?.(tokens, OURS)
    expect(confirmed).toEqual({ ...tokens, idToken: undefined })
  })
})

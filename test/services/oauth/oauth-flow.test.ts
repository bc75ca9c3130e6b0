import { describe, expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { challengeOf } from '../../../src/infrastructure/pkce.ts'
import { createOAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../../support/fake-openai.ts'
import type { Answer } from '../../support/fake-script.ts'
import { freePorts } from '../../support/free-ports.ts'
import { ownHeaders } from '../../support/own-headers.ts'
import { startServer } from '../../support/start-server.ts'

const NOW = 1_790_000_000_000
const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann'
const REDIRECT = 'http://localhost:1455/auth/callback'
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const STATE = 'kq8Zb-3x_Qw1vYt9LmN0pRs7uVaBcDeFgHiJkLmNoPq'
const USER_AGENT = 'codex-oauth/1.2.3 (linux; x64)'

function flowTo(issuer: string) {
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log: { event: () => {} } })
  const config = { issuer, clientId: CLIENT_ID, originator: 'codex-oauth' }
  return createOAuthFlow({ config, http, userAgent: USER_AGENT, now: () => NOW })
}

async function setUp() {
  const fake = await startFakeOpenAI({ now: () => NOW })
  onTestFinished(() => fake.close())
  return { fake, oauth: flowTo(fake.issuer) }
}

function authorizeUrl(oauth: ReturnType<typeof flowTo>): string {
  return oauth.authorizeUrl({ redirectUri: REDIRECT, challenge: challengeOf(VERIFIER), state: STATE })
}

/** Says yes at the authorize page and takes the code from where it sends the browser. */
async function codeFrom(oauth: ReturnType<typeof flowTo>): Promise<string> {
  const page = await fetch(authorizeUrl(oauth), { redirect: 'manual' })
  return new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
}

function lastRequest({ seen }: FakeOpenAI) {
  const request = seen.requests.at(-1)
  if (request === undefined) throw new Error('nothing was asked')
  return request
}

const exchange = (oauth: ReturnType<typeof flowTo>, code = 'ac_FAKE_1') =>
  oauth.exchangeCode({ code, redirectUri: REDIRECT, verifier: VERIFIER })

describe('the authorize address', () => {
  test('has the parameters of the official client, in its order', () => {
    const url = new URL(authorizeUrl(flowTo('https://auth.openai.com')))
    expect(url.origin + url.pathname).toBe('https://auth.openai.com/oauth/authorize')
    expect([...url.searchParams]).toEqual([
      ['response_type', 'code'],
      ['client_id', CLIENT_ID],
      ['redirect_uri', REDIRECT],
      ['code_challenge', challengeOf(VERIFIER)],
      ['code_challenge_method', 'S256'],
      ['state', STATE],
      ['scope', 'openid profile email offline_access'],
      ['id_token_add_organizations', 'true'],
      ['codex_cli_simplified_flow', 'true'],
      ['originator', 'codex-oauth'],
    ])
    expect(url.search).toContain('&scope=openid+profile+email+offline_access&')
    expect(url.href).toMatch(/^[!-~]+$/)
  })

  test('never holds the verifier', () => {
    expect(authorizeUrl(flowTo('https://auth.openai.com'))).not.toContain(VERIFIER)
  })

  test('lies under an issuer with a path', () => {
    expect(authorizeUrl(flowTo('https://id.example/tenant'))).toMatch(
      /^https:\/\/id\.example\/tenant\/oauth\/authorize\?/,
    )
  })
})

describe('the exchange of a code', () => {
  test('is a form with the fields of the official client, in its order', async () => {
    const { fake, oauth } = await setUp()
    const code = await codeFrom(oauth)
    const tokens = await exchange(oauth, code)
    const { method, path, headers, text } = lastRequest(fake)
    expect([method, path]).toEqual(['POST', '/oauth/token'])
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    // The user agent is fetch's own word: the official client sends none here.
    expect(ownHeaders(lastRequest(fake))).toEqual(['accept', 'content-type', 'user-agent'])
    expect(text).toBe(
      `grant_type=authorization_code&client_id=${CLIENT_ID}&code=${code}` +
        `&redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback&code_verifier=${VERIFIER}`,
    )
    expect(fake.seen.refusals).toEqual([])
    expect(tokens).toMatchObject({ refreshToken: 'rt_FAKE_f1_1', tokenType: 'bearer', expiresAt: NOW + 3_600_000 })
    expect(fake.secrets()).toEqual(expect.arrayContaining([tokens.accessToken, tokens.idToken, tokens.refreshToken]))
  })

  const html = '<html><body>Sign in to the network</body></html>'
  test.each<[string, Answer, string]>([
    [
      'a description',
      { status: 400, json: { error: 'invalid_grant', error_description: 'Code\u001b[1m <b>expired</b>' } },
      'refused the sign-in (400): “Code [1m bexpired/b”.',
    ],
    [
      'a message',
      { status: 401, json: { error: { message: 'Wrong client.', code: 'x' } } },
      'refused the sign-in (401): “Wrong client.”.',
    ],
    [
      'a code in an object',
      { status: 400, json: { error: { code: 'invalid_client' } } },
      'refused the sign-in (400): “invalid_client”.',
    ],
    ['a code', { status: 400, json: { error: 'invalid_grant' } }, 'refused the sign-in (400): “invalid_grant”.'],
    ['a code on top', { status: 400, json: { code: 'nope' } }, 'refused the sign-in (400): “nope”.'],
    ['nothing', { status: 500 }, 'is in trouble (500).'],
  ])('refused with %s is refused once, in one sentence', async (_name, answer, words) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    const error = await errorOf(exchange(oauth))
    expect(error).toMatchObject({
      code: 'TOKEN_REQUEST_FAILED',
      message: `The sign-in service ${words}`,
      hint: expect.stringMatching(/^Start again with codex_login( in a minute)?\.$/),
    })
    expect(fake.seen.counts['/oauth/token']).toBe(1)
  })

  test.each<[string, Answer, string]>([
    ['a page', { html }, 'A web page came back instead of the tokens of the sign-in service (200)'],
    ['a page with 403', { status: 403, html }, 'A web page came back'],
    ['a page of Cloudflare', { status: 403, html, headers: { 'cf-ray': '1' } }, 'A page of Cloudflare came back'],
    ['a redirect', { status: 302, headers: { location: 'https://example.com/' } }, 'A redirect came back'],
  ])('answered with %s has not reached the service', async (_name, answer, words) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    const error = await errorOf(exchange(oauth))
    expect(error).toMatchObject({ code: 'RESPONSE_INVALID', message: expect.stringContaining(words) })
    expect(`${shown(error)} ${error.cause}`).not.toMatch(/html|example\.com/)
  })

  test.each<[string, Answer]>([
    ['nothing', {}],
    ['half of an answer', { headers: { 'content-type': 'application/json' }, bytes: '{"access_token":"s3cret' }],
    ['a token that is no text', { json: { access_token: 5, refresh_token: 's3cret', id_token: 'x' } }],
  ])('answered 200 with %s is an answer that makes no sense', async (_name, answer) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    const error = await errorOf(exchange(oauth))
    expect(error).toMatchObject({
      code: 'TOKEN_REQUEST_FAILED',
      message: 'The sign-in service sent an answer that makes no sense.',
    })
    expect(`${shown(error)} ${error.cause}`).not.toMatch(/s3cret|html/)
  })

  test('answered with more than a megabyte is refused', async () => {
    const { fake, oauth } = await setUp()
    fake.script.token.push({ json: { access_token: 'x', junk: 'x'.repeat(1_048_576) } })
    expect((await errorOf(exchange(oauth))).code).toBe('RESPONSE_INVALID')
  })

  test('without an answer says why', async () => {
    const { fake, oauth } = await setUp()
    fake.script.token.push({ reset: true })
    expect(await errorOf(exchange(oauth))).toMatchObject({ code: 'NETWORK', retryable: true })
  })
})

describe('a refresh', () => {
  test.each(['proactive_expiry', 'unauthorized_recovery'] as const)(
    'is JSON with the fields of the official client, in its order: %s',
    async (reason) => {
      const { fake, oauth } = await setUp()
      const { refresh_token: token } = fake.issueTokens()
      const outcome = await oauth.refresh(token, reason)
      const { method, path, headers, text } = lastRequest(fake)
      expect([method, path]).toEqual(['POST', '/oauth/token'])
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        originator: 'codex-oauth',
        'user-agent': USER_AGENT,
      })
      expect(ownHeaders(lastRequest(fake))).toEqual(['accept', 'content-type', 'originator', 'user-agent'])
      expect(text).toBe(
        `{"client_id":"${CLIENT_ID}","grant_type":"refresh_token","refresh_reason":"${reason}","refresh_token":"${token}"}`,
      )
      expect(fake.seen.refusals).toEqual([])
      expect(outcome).toMatchObject({
        kind: 'renewed',
        tokens: { refreshToken: 'rt_FAKE_f1_2', expiresAt: NOW + 3_600_000 },
      })
    },
  )

  const oauthError = (status: number, code: string): Answer => ({ status, json: { error: { code, message: 'No.' } } })
  /** The table of wire-protocol 4. */
  test.each<[string, Answer]>([
    ['401 refresh_token_expired', oauthError(401, 'refresh_token_expired')],
    ['401 refresh_token_reused', oauthError(401, 'refresh_token_reused')],
    ['401 refresh_token_invalidated', oauthError(401, 'refresh_token_invalidated')],
    ['401 app_session_terminated', oauthError(401, 'app_session_terminated')],
    ['401 with nothing', { status: 401 }],
    ['400 invalid_grant', { status: 400, json: { error: 'invalid_grant' } }],
    ['400 invalid_grant in an object', oauthError(400, 'invalid_grant')],
    ['400 refresh_token_reused', oauthError(400, 'refresh_token_reused')],
    ['403 refresh_token_expired, the code on top', { status: 403, json: { code: 'refresh_token_expired' } }],
  ])('that ends with %s will never succeed', async (_name, answer) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    expect(await oauth.refresh(fake.issueTokens().refresh_token, 'proactive_expiry')).toEqual({ kind: 'dead' })
    expect(fake.seen.counts['/oauth/token']).toBe(1)
  })

  test.each<[string, Answer, number | undefined]>([
    ['400 with another code', { status: 400, json: { error: 'invalid_request' } }, undefined],
    ['403', { status: 403, json: { error: 'invalid_grant' } }, undefined],
    ['404', { status: 404 }, undefined],
    ['429', { status: 429, headers: { 'retry-after': '7' }, json: {} }, 7000],
    ['500', { status: 500 }, undefined],
    ['502 with a page', { status: 502, html: '<h1>Bad gateway</h1>' }, undefined],
    ['503 that says when', { status: 503, headers: { 'retry-after': '2' } }, 2000],
  ])('that ends with %s may succeed later, and nobody is signed out', async (_name, answer, retryAfterMs) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    const outcome = await oauth.refresh(fake.issueTokens().refresh_token, 'proactive_expiry')
    expect(outcome).toMatchObject({ kind: 'transient', retryAfterMs })
    expect('error' in outcome && outcome.error).toMatchObject({
      code: 'TOKEN_REQUEST_FAILED',
      message: `The sign-in could not be renewed (the service answered ${answer.status}).`,
      hint: 'You are still signed in. Try again in a moment.',
      retryable: true,
    })
    expect(fake.seen.counts['/oauth/token']).toBe(1)
  })

  test.each<[string, Answer, string]>([
    ['a page', { html: '<h1>Hello</h1>' }, 'RESPONSE_INVALID'],
    ['400 with a page', { status: 400, html: 'invalid_grant' }, 'RESPONSE_INVALID'],
    ['401 with a page', { status: 401, html: '<h1>No</h1>' }, 'RESPONSE_INVALID'],
    ['403 with a page', { status: 403, headers: { 'cf-ray': '1' }, html: '<h1>Blocked</h1>' }, 'RESPONSE_INVALID'],
    ['a redirect', { status: 307, headers: { location: '/elsewhere' } }, 'RESPONSE_INVALID'],
    ['no access token', { json: { refresh_token: 'rt' } }, 'TOKEN_REQUEST_FAILED'],
    ['a token that is no text', { json: { access_token: ['at'], refresh_token: 'rt' } }, 'TOKEN_REQUEST_FAILED'],
    ['a connection that breaks', { json: { access_token: 'at' }, cutAfter: 5 }, 'NETWORK'],
    ['no connection', { reset: true }, 'NETWORK'],
    ['too much', { json: { access_token: 'x', junk: 'x'.repeat(1_048_576) } }, 'RESPONSE_INVALID'],
  ])('that ends with %s is thrown at nobody', async (_name, answer, code) => {
    const { fake, oauth } = await setUp()
    fake.script.token.push(answer)
    const outcome = await oauth.refresh(fake.issueTokens().refresh_token, 'proactive_expiry')
    expect(outcome).toMatchObject({ kind: 'transient', error: { code } })
  })

  test('where nobody listens is thrown at nobody either', async () => {
    const [port] = await freePorts(1)
    const outcome = await flowTo(`http://127.0.0.1:${port}`).refresh('rt_FAKE', 'proactive_expiry')
    expect(outcome).toMatchObject({ kind: 'transient', error: { code: 'NETWORK' }, retryAfterMs: undefined })
  })

  test('keeps what the answer leaves out open: tokens that are absent are undefined', async () => {
    const { fake, oauth } = await setUp()
    fake.script.token.push({ json: { access_token: 'at-2' } })
    expect(await oauth.refresh(fake.issueTokens().refresh_token, 'proactive_expiry')).toEqual({
      kind: 'renewed',
      tokens: {
        accessToken: 'at-2',
        refreshToken: undefined,
        idToken: undefined,
        tokenType: undefined,
        expiresAt: NOW + 3_600_000,
      },
    })
  })
})

describe('a revocation', () => {
  test('is JSON with the fields of the official client, in its order', async () => {
    const { fake, oauth } = await setUp()
    const { refresh_token: token } = fake.issueTokens()
    expect(await oauth.revoke(token, 5000)).toBe(true)
    const { method, path, headers, text } = lastRequest(fake)
    expect([method, path]).toEqual(['POST', '/oauth/revoke'])
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      originator: 'codex-oauth',
      'user-agent': USER_AGENT,
    })
    expect(text).toBe(`{"token":"${token}","token_type_hint":"refresh_token","client_id":"${CLIENT_ID}"}`)
    expect(fake.seen.revocations).toEqual([{ token, hint: 'refresh_token', known: true }])
  })

  test.each<[string, Answer]>([
    ['500', { status: 500 }],
    ['404', { status: 404 }],
    ['a redirect', { status: 302, headers: { location: '/' } }],
    ['a page', { html: '<h1>Hello</h1>' }],
    ['no connection', { reset: true }],
    ['silence', { silent: true, status: 503 }],
  ])('that ends with %s is not confirmed, and nothing is thrown', async (_name, answer) => {
    const { fake, oauth } = await setUp()
    fake.script.revoke.push(answer)
    expect(await oauth.revoke('rt_FAKE', 5000)).toBe(false)
  })

  test('is waited for no longer than asked', async () => {
    const { fake, oauth } = await setUp()
    fake.script.revoke.push(() => new Promise(() => {}))
    expect(await oauth.revoke('rt_FAKE', 50)).toBe(false)
    await fake.clientGone()
  })
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) leads no code and no token anywhere else', async (status) => {
  const { fake, oauth } = await setUp()
  const stranger = await startServer()
  const away: Answer = { status, headers: { location: `${stranger.origin}/oauth/token` } }
  fake.script.token.always(away)
  fake.script.revoke.always(away)
  expect((await errorOf(exchange(oauth))).code).toBe('RESPONSE_INVALID')
  expect((await oauth.refresh('rt_FAKE', 'proactive_expiry')).kind).toBe('transient')
  expect(await oauth.revoke('rt_FAKE', 5000)).toBe(false)
  expect(fake.seen.counts).toEqual({ '/oauth/token': 2, '/oauth/revoke': 1 })
  expect(stranger.hits).toBe(0)
})

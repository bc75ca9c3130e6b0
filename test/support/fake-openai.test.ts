import { createHash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { denied } from './fake-issuer.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import { after, changed, gate, late, lost } from './fake-script.ts'
import type { TokenSet } from './fake-tokens.ts'

const CLIENT = 'app_EMoamEEZ73f0CkXaXp7hrann'
const CALLBACK = 'http://localhost:1455/auth/callback'
const VERIFIER = randomBytes(64).toString('base64url')
const STATE = randomBytes(32).toString('base64url')

const open: { close: () => unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})

async function start(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  open.push(fake)
  return fake
}

function authorizeUrl(fake: FakeOpenAI, changes: Record<string, string | undefined> = {}): string {
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    state: STATE,
    scope: 'openid profile email offline_access',
    id_token_add_organizations: 'true',
    codex_cli_simplified_flow: 'true',
    originator: 'codex-oauth',
    ...changes,
  }
  const query = new URLSearchParams(Object.entries(parameters).filter((pair): pair is [string, string] => !!pair[1]))
  return `${fake.issuer}/oauth/authorize?${query}`
}

async function codeOf(fake: FakeOpenAI): Promise<string> {
  const page = await fetch(authorizeUrl(fake), { redirect: 'manual' })
  return new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
}

function exchange(fake: FakeOpenAI, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const form = {
    grant_type: 'authorization_code',
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
    ...fields,
  }
  return fetch(`${fake.issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(form), headers })
}

function postJson(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
}

function refresh(fake: FakeOpenAI, refreshToken: string, changes: Record<string, unknown> = {}): Promise<Response> {
  return postJson(`${fake.issuer}/oauth/token`, {
    client_id: CLIENT,
    grant_type: 'refresh_token',
    refresh_reason: 'proactive_expiry',
    refresh_token: refreshToken,
    ...changes,
  })
}

async function codeOfError(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } }
  return `${response.status} ${error.code}`
}

async function backendStatus(fake: FakeOpenAI, { access_token }: TokenSet): Promise<number> {
  const headers = { authorization: `Bearer ${access_token}`, 'chatgpt-account-id': 'acct-fake-0001' }
  return (await fetch(`${fake.baseUrl}/models?client_version=0.169.0`, { headers })).status
}

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}

async function listener(): Promise<{ url: string; hits: string[] }> {
  const hits: string[] = []
  const server: Server = createServer((request, response) => {
    hits.push(request.url ?? '')
    response.end('You can close this window.')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/callback`, hits }
}

test('a whole login: authorize, callback, exchange, question', async () => {
  const fake = await start({ plan: 'plus' })
  const { url, hits } = await listener()
  const visit = await fake.browser(authorizeUrl(fake, { redirect_uri: url }))
  expect(visit.status).toBe(200)
  expect(visit.body).toBe('You can close this window.')
  expect(visit.redirectedTo?.searchParams.get('state')).toBe(STATE)
  expect(hits).toHaveLength(1)
  const code = visit.redirectedTo?.searchParams.get('code') ?? ''
  const answer = await exchange(fake, { code, redirect_uri: url })
  const tokens = (await answer.json()) as TokenSet
  expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'openid profile email offline_access' })
  expect(claimsOf(tokens.id_token)).toMatchObject({
    email: 'person@example.com',
    'https://api.openai.com/auth': { chatgpt_account_id: 'acct-fake-0001', chatgpt_plan_type: 'plus' },
  })
  expect(await backendStatus(fake, tokens)).toBe(200)
  expect(fake.seen.grants).toEqual(['authorization_code'])
  expect(fake.seen.refusals).toEqual([])
})

test('every secret carries the mark FAKE in plain sight, and all are listed', async () => {
  const fake = await start()
  const code = await codeOf(fake)
  const tokens = (await (await exchange(fake, { code })).json()) as TokenSet
  const issued = [code, tokens.id_token, tokens.access_token, tokens.refresh_token]
  for (const secret of issued) expect(secret).toContain('FAKE')
  expect(fake.secrets()).toEqual(expect.arrayContaining([...issued, STATE, VERIFIER]))
})

test.each([
  ['response_type', 'token'],
  ['client_id', 'app_other'],
  ['redirect_uri', 'http://localhost:1455/callback'],
  ['redirect_uri', 'https://localhost:1455/auth/callback'],
  ['redirect_uri', 'http://localhost.evil.example:1455/auth/callback'],
  ['redirect_uri', 'http://localhost:1455/auth/callback?x=1'],
  ['code_challenge', 'short'],
  ['code_challenge_method', 'plain'],
  ['state', 'short'],
  ['scope', 'openid profile email'],
  ['id_token_add_organizations', undefined],
  ['codex_cli_simplified_flow', undefined],
  ['originator', undefined],
])('authorize refuses %s = %s and names it', async (name, value) => {
  const fake = await start()
  const visit = await fake.browser(authorizeUrl(fake, { [name]: value }))
  expect(visit.status).toBe(400)
  expect(visit.headers.get('content-type')).toContain('text/html')
  expect(visit.body).toContain(name)
  expect(visit.redirectedTo).toBeUndefined()
})

test('authorize refuses a parameter given twice', async () => {
  const fake = await start()
  const visit = await fake.browser(`${authorizeUrl(fake)}&scope=openid`)
  expect(visit.body).toContain('scope')
})

test('authorize knows only the ports it is told', async () => {
  const fake = await start({ redirectPorts: [1457] })
  expect((await fake.browser(authorizeUrl(fake))).status).toBe(400)
  const url = authorizeUrl(fake, { redirect_uri: 'http://127.0.0.1:1457/auth/callback' })
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(302)
})

test('the user says no', async () => {
  const fake = await start()
  const { url, hits } = await listener()
  await fake.browser(authorizeUrl(fake, { redirect_uri: url }), { deny: { error: 'access_denied', description: 'no' } })
  expect(hits).toEqual([`/auth/callback?error=access_denied&error_description=no&state=${STATE}`])
})

test('the authorize page can be scripted to deny', async () => {
  const fake = await start()
  fake.script.authorize.push(denied('access_denied', 'missing_codex_entitlement'))
  const page = await fetch(authorizeUrl(fake), { redirect: 'manual' })
  expect(page.status).toBe(302)
  expect(Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams)).toEqual({
    error: 'access_denied',
    error_description: 'missing_codex_entitlement',
    state: STATE,
  })
})

test('the callback address can be tampered with', async () => {
  const fake = await start()
  const { url, hits } = await listener()
  await fake.browser(authorizeUrl(fake, { redirect_uri: url }), {
    edit: ({ searchParams }) => searchParams.set('state', 'stolen'),
  })
  expect(hits[0]).toContain('state=stolen')
})

test('the next login can be somebody else', async () => {
  const fake = await start()
  fake.signInAs({ accountId: 'acct-fake-0002' })
  const tokens = (await (await exchange(fake, { code: await codeOf(fake) })).json()) as TokenSet
  expect(claimsOf(tokens.id_token)).toMatchObject({
    'https://api.openai.com/auth': { chatgpt_account_id: 'acct-fake-0002' },
  })
})

test('a code works once, and its second use revokes what the first gave', async () => {
  const fake = await start()
  const code = await codeOf(fake)
  const tokens = (await (await exchange(fake, { code })).json()) as TokenSet
  const again = await exchange(fake, { code })
  expect(again.status).toBe(400)
  expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
  expect(await backendStatus(fake, tokens)).toBe(401)
  expect(await codeOfError(await refresh(fake, tokens.refresh_token))).toBe('401 refresh_token_invalidated')
})

test.each([
  ['another verifier', { code_verifier: randomBytes(64).toString('base64url') }, 'invalid_grant'],
  ['a verifier that is too short', { code_verifier: 'short' }, 'invalid_request'],
  ['another redirect', { redirect_uri: 'http://127.0.0.1:1455/auth/callback' }, 'invalid_grant'],
  ['an unknown code', { code: 'ac_FAKE_99' }, 'invalid_grant'],
  ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
])('the exchange refuses %s', async (_, fields, error) => {
  const fake = await start()
  const answer = await exchange(fake, { code: await codeOf(fake), ...fields })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ error })
})

test('the exchange refuses another client, an authorization header, JSON and a field given twice', async () => {
  const fake = await start()
  const code = await codeOf(fake)
  const url = `${fake.issuer}/oauth/token`
  const form = { grant_type: 'authorization_code', client_id: CLIENT, code, redirect_uri: CALLBACK }
  const twice = new URLSearchParams([...Object.entries(form), ['code_verifier', VERIFIER], ['code', code]])
  expect((await exchange(fake, { code, client_id: 'app_other' })).status).toBe(401)
  expect((await exchange(fake, { code }, { authorization: 'Basic eA==' })).status).toBe(400)
  expect((await postJson(url, { ...form, code_verifier: VERIFIER })).status).toBe(400)
  expect((await fetch(url, { method: 'POST', body: twice })).status).toBe(400)
  expect(fake.seen.refusals.map(({ status }) => status)).toEqual([401, 400, 400, 400])
})

test('a refresh rotates: new tokens work, and the old access token still does', async () => {
  const fake = await start()
  const first = fake.issueTokens()
  const second = (await (await refresh(fake, first.refresh_token)).json()) as TokenSet
  expect(second.refresh_token).not.toBe(first.refresh_token)
  expect(second.access_token).not.toBe(first.access_token)
  expect(await backendStatus(fake, second)).toBe(200)
  expect(await backendStatus(fake, first)).toBe(200)
  expect(fake.seen.refreshReasons).toEqual(['proactive_expiry'])
})

test('a refresh takes a form too', async () => {
  const fake = await start()
  const { refresh_token } = fake.issueTokens()
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT, refresh_token })
  expect((await fetch(`${fake.issuer}/oauth/token`, { method: 'POST', body })).status).toBe(200)
})

test.each([
  ['a reason nobody knows', { refresh_reason: 'because' }, 400],
  ['no reason', { refresh_reason: undefined }, 400],
  ['no token', { refresh_token: '' }, 400],
  ['a number for a token', { refresh_token: 1 }, 400],
  ['another client', { client_id: 'app_other' }, 401],
])('a refresh is refused with %s', async (_, changes, status) => {
  const fake = await start()
  const answer = await refresh(fake, fake.issueTokens().refresh_token, changes)
  expect(answer.status).toBe(status)
})

test('a refresh token used twice costs the family its life', async () => {
  const fake = await start()
  const first = fake.issueTokens()
  const stranger = fake.issueTokens()
  const second = (await (await refresh(fake, first.refresh_token)).json()) as TokenSet
  expect(await codeOfError(await refresh(fake, first.refresh_token))).toBe('401 refresh_token_reused')
  expect(fake.seen.reuses).toBe(1)
  expect(await codeOfError(await refresh(fake, second.refresh_token))).toBe('401 refresh_token_invalidated')
  expect(await backendStatus(fake, second)).toBe(401)
  expect(await backendStatus(fake, stranger)).toBe(200)
})

test('an expired and an unknown refresh token are told apart', async () => {
  const fake = await start()
  const { refresh_token } = fake.issueTokens()
  fake.expireRefreshTokens()
  expect(await codeOfError(await refresh(fake, refresh_token))).toBe('401 refresh_token_expired')
  expect(await codeOfError(await refresh(fake, 'rt_FAKE_nobody'))).toBe('401 refresh_token_invalidated')
})

test('access tokens end by the clock, by command and with their family', async () => {
  let now = Date.now()
  const fake = await start({ now: () => now, accessTokenLifeSeconds: 60 })
  const tokens = fake.issueTokens()
  now += 59_000
  expect(await backendStatus(fake, tokens)).toBe(200)
  now += 2_000
  expect(await backendStatus(fake, tokens)).toBe(401)
  const [second, third] = [fake.issueTokens(), fake.issueTokens()]
  fake.revokeFamily(second.refresh_token)
  expect(await backendStatus(fake, second)).toBe(401)
  expect(await backendStatus(fake, third)).toBe(200)
  fake.expireAccessTokens()
  expect(await backendStatus(fake, third)).toBe(401)
  expect(await backendStatus(fake, fake.issueTokens({ expiresInSeconds: -1 }))).toBe(401)
})

test('revoking a refresh token ends its family; an unknown token is no error', async () => {
  const fake = await start()
  const tokens = fake.issueTokens()
  const body = { token: tokens.refresh_token, token_type_hint: 'refresh_token', client_id: CLIENT }
  expect((await postJson(`${fake.issuer}/oauth/revoke`, body)).status).toBe(200)
  expect((await postJson(`${fake.issuer}/oauth/revoke`, { ...body, token: 'rt_FAKE_nobody' })).status).toBe(200)
  expect(await backendStatus(fake, tokens)).toBe(401)
  expect(fake.seen.revocations).toEqual([
    { token: tokens.refresh_token, hint: 'refresh_token', known: true },
    { token: 'rt_FAKE_nobody', hint: 'refresh_token', known: false },
  ])
})

test('revoking an access token leaves its family alive', async () => {
  const fake = await start()
  const tokens = fake.issueTokens()
  await postJson(`${fake.issuer}/oauth/revoke`, { token: tokens.access_token, token_type_hint: 'access_token' })
  expect(await backendStatus(fake, tokens)).toBe(401)
  expect((await refresh(fake, tokens.refresh_token)).status).toBe(200)
})

test.each([
  ['no token', { token_type_hint: 'refresh_token', client_id: CLIENT }],
  ['no hint', { token: 'x', client_id: CLIENT }],
  ['a refresh token without client', { token: 'x', token_type_hint: 'refresh_token' }],
  ['an access token with client', { token: 'x', token_type_hint: 'access_token', client_id: CLIENT }],
])('a revocation is refused with %s', async (_, body) => {
  const fake = await start()
  expect((await postJson(`${fake.issuer}/oauth/revoke`, body)).status).toBe(400)
})

test('a scripted refusal rotates nothing', async () => {
  const fake = await start()
  const { refresh_token } = fake.issueTokens()
  fake.script.token.push({ status: 503, json: { error: 'temporarily_unavailable' } })
  expect((await refresh(fake, refresh_token)).status).toBe(503)
  expect((await refresh(fake, refresh_token)).status).toBe(200)
})

test('a lost answer has rotated all the same', async () => {
  const fake = await start()
  const { refresh_token } = fake.issueTokens()
  fake.script.token.push(lost)
  await expect(refresh(fake, refresh_token)).rejects.toThrow()
  expect(await codeOfError(await refresh(fake, refresh_token))).toBe('401 refresh_token_reused')
})

test('a token answer can lack fields and hold odd ones', async () => {
  const fake = await start()
  fake.script.token.push(changed({ refresh_token: undefined, expires_in: 'soon' }))
  const answer = await (await refresh(fake, fake.issueTokens().refresh_token)).json()
  expect(answer).toMatchObject({ expires_in: 'soon', access_token: expect.any(String) })
  expect(answer).not.toHaveProperty('refresh_token')
})

test('a gate holds up a token request before the rotation, or its answer after it', async () => {
  const fake = await start()
  const { refresh_token } = fake.issueTokens()
  const [before, behind] = [gate(), gate()]
  fake.script.token.push(after(before.promise), late(behind.promise))
  const waiting = refresh(fake, refresh_token)
  await fake.arrival('/oauth/token')
  const overtaking = refresh(fake, refresh_token)
  await fake.arrival('/oauth/token', 2)
  before.open()
  expect(await codeOfError(await waiting)).toBe('401 refresh_token_reused')
  behind.open()
  expect((await overtaking).status).toBe(200)
})

test('the environment points here, and may be added to', async () => {
  const fake = await start()
  expect(fake.env({ CODEX_DEBUG: '1' })).toEqual({
    CODEX_OAUTH_ISSUER: fake.issuer,
    CODEX_OAUTH_BASE_URL: fake.baseUrl,
    CODEX_OAUTH_PLAN_BASE_URL: fake.plan.baseUrl,
    OPENAI_BASE_URL: fake.apiBaseUrl,
    DISPLAY: ':0',
    CODEX_OAUTH_NO_BROWSER: '1',
    CODEX_DEBUG: '1',
  })
})

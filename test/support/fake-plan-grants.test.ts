import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { changed, lost } from './fake-script.ts'
import { startPlan } from './plan-client.ts'

const TOKEN = '/api/accounts/oauth/token'
const REVOKE = '/api/accounts/oauth/revoke'

async function errorOf(answer: Response): Promise<string> {
  const { error, error_reason: reason } = (await answer.json()) as { error: string; error_reason?: string }
  return [answer.status, error, reason].filter(Boolean).join(' ')
}

async function startWithCode() {
  const started = await startPlan()
  const callback = await started.client.authorize()
  return { ...started, code: callback.get('code') ?? '', clientId: callback.get('client_id') ?? '' }
}

async function startWithTokens() {
  const started = await startPlan()
  const { tokens, clientId } = started.plan.issueTokens()
  return { ...started, tokens, token: tokens.refresh_token, clientId }
}

describe('an exchange', () => {
  test.each([
    ['the bootstrap id', { client_id: 'dynamic_agent_client' }, '401 invalid_client'],
    ['an unknown client', { client_id: 'oaiapp_nobody' }, '401 invalid_client'],
    ['another verifier', { code_verifier: randomBytes(32).toString('base64url') }, '400 invalid_grant'],
    ['a short verifier', { code_verifier: 'short' }, '400 invalid_request'],
    ['another redirect', { redirect_uri: 'http://127.0.0.1:1/auth/callback' }, '400 invalid_grant'],
    ['an unknown code', { code: 'ac_FAKE_plan_99' }, '400 invalid_grant'],
    ['another resource', { resource: 'http://127.0.0.1/v1' }, '400 invalid_target'],
    ['no resource', { resource: undefined }, '400 invalid_request'],
    ['a secret', { client_secret: 'FAKE' }, '400 invalid_request'],
    ['another grant', { grant_type: 'password' }, '400 unsupported_grant_type'],
  ])('is refused with %s', async (_, changes, expected) => {
    const { client, code, clientId } = await startWithCode()
    expect(await errorOf(await client.exchange({ code, client_id: clientId, ...changes }))).toBe(expected)
  })

  test('is refused for another client that is known', async () => {
    const { plan, client, code } = await startWithCode()
    const { clientId: other } = plan.issueTokens()
    expect(await errorOf(await client.exchange({ code, client_id: other }))).toBe('400 invalid_grant')
  })

  test('takes a form only, without authorization, and every field once', async () => {
    const { fake, client, code, clientId } = await startWithCode()
    const fields = { code, client_id: clientId }
    expect(await errorOf(await client.exchange(fields, { 'content-type': 'application/json' }))).toContain('400')
    expect(await errorOf(await client.exchange(fields, { authorization: 'Basic eA==' }))).toContain('400')
    const twice = new URLSearchParams([...client.exchangeForm(fields), ['code', code]])
    expect((await fetch(`${fake.issuer}${TOKEN}`, { method: 'POST', body: twice })).status).toBe(400)
    expect(fake.seen.refusals).toHaveLength(3)
    expect((await client.exchange(fields)).status).toBe(200)
  })

  test('works once; the second one costs what the first gave', async () => {
    const { client, code, clientId } = await startWithCode()
    const tokens = (await (await client.exchange({ code, client_id: clientId })).json()) as PlanTokenSet
    expect(await errorOf(await client.exchange({ code, client_id: clientId }))).toBe('400 invalid_grant')
    expect((await client.models(tokens.access_token)).status).toBe(401)
  })

  test.each([[1_800_000_000], ['2026-11-30T12:00:00Z'], [undefined]])(
    'can answer earliest_refresh_at = %s',
    async (value) => {
      const { plan, client } = await startPlan()
      plan.options.earliestRefreshAt = value
      expect((await client.login()).tokens.earliest_refresh_at).toBe(value)
    },
  )

  test('can lack fields and hold odd ones', async () => {
    const { plan, client } = await startPlan()
    plan.script.token.push(changed({ id_token: undefined, expires_in: 'soon' }))
    const { tokens } = await client.login()
    expect(tokens).not.toHaveProperty('id_token')
    expect(tokens.expires_in).toBe('soon')
  })
})

describe('a refresh', () => {
  test('rotates, and answers neither ID token nor scope', async () => {
    const { client, tokens, token, clientId } = await startWithTokens()
    const next = (await (await client.refresh(token, clientId)).json()) as PlanTokenSet
    expect(Object.keys(next).sort()).toEqual([
      'access_token',
      'earliest_refresh_at',
      'expires_in',
      'refresh_token',
      'token_type',
    ])
    expect(next.refresh_token).not.toBe(token)
    expect((await client.models(next.access_token)).status).toBe(200)
    expect((await client.models(tokens.access_token)).status).toBe(200)
  })

  test('answers both when told so', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    plan.options.idTokenOnRefresh = true
    plan.options.scopeOnRefresh = true
    const next = await (await client.refresh(token, clientId)).json()
    expect(next).toMatchObject({ id_token: expect.any(String), scope: expect.stringContaining('chatgpt') })
  })

  test.each([
    ['a scope', { scope: 'openid' }, '400 invalid_request'],
    ['no resource', { resource: undefined }, '400 invalid_request'],
    ['another resource', { resource: 'https://api.openai.com' }, '400 invalid_target'],
    ['the bootstrap id', { client_id: 'dynamic_agent_client' }, '401 invalid_client'],
    ['a reason', { refresh_reason: 'forced' }, '400 invalid_request'],
    ['an unknown token', { refresh_token: 'nobody' }, '400 invalid_grant invalid_refresh_token'],
  ])('is refused with %s', async (_, changes, expected) => {
    const { client, token, clientId } = await startWithTokens()
    expect(await errorOf(await client.refresh(token, clientId, changes))).toBe(expected)
  })

  test('is refused for another client, and the token stays good', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    const { clientId: other } = plan.issueTokens()
    expect(await errorOf(await client.refresh(token, other))).toBe('400 invalid_grant')
    expect((await client.refresh(token, clientId)).status).toBe(200)
  })

  test('with a spent token costs the family its life', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    const next = (await (await client.refresh(token, clientId)).json()) as PlanTokenSet
    expect(await errorOf(await client.refresh(token, clientId))).toBe('400 invalid_grant refresh_token_reused')
    expect(plan.seen.reuses).toBe(1)
    const again = await client.refresh(next.refresh_token, clientId)
    expect(await errorOf(again)).toBe('400 invalid_grant refresh_token_invalidated')
    expect((await client.models(next.access_token)).status).toBe(401)
  })

  test('with a token of more than 30 days, or one ended by command, is too late', async () => {
    let now = Date.now()
    const { plan, client } = await startPlan({ now: () => now })
    const [old, ended] = [plan.issueTokens(), plan.issueTokens()]
    now += 30 * 24 * 3_600_000 + 1
    const late = await client.refresh(old.tokens.refresh_token, old.clientId)
    expect(await errorOf(late)).toBe('400 invalid_grant refresh_token_expired')
    now -= 3_600_000
    plan.expireRefreshTokens()
    const second = await client.refresh(ended.tokens.refresh_token, ended.clientId)
    expect(await errorOf(second)).toBe('400 invalid_grant refresh_token_expired')
  })

  test('has rotated, also when its answer is lost', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    plan.script.token.push(lost)
    await expect(client.refresh(token, clientId)).rejects.toThrow()
    expect(await errorOf(await client.refresh(token, clientId))).toBe('400 invalid_grant refresh_token_reused')
  })

  test('of a deleted registration is one of an invalid client', async () => {
    const { fake, plan, client, tokens, token, clientId } = await startWithTokens()
    plan.deleteRegistration(clientId)
    expect(await errorOf(await client.refresh(token, clientId))).toBe('401 invalid_client')
    expect((await client.models(tokens.access_token)).status).toBe(401)
    expect(fake.seen.refusals.map(({ path }) => path)).toEqual(['/v1/models'])
  })

  test('can fail for everybody, while a new login goes on working', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    plan.options.refreshWorks = false
    const answer = await client.refresh(token, clientId)
    expect(await errorOf(answer)).toBe('400 invalid_grant refresh_token_invalidated')
    expect((await client.login(clientId)).tokens).toHaveProperty('access_token')
  })
})

describe('a revocation', () => {
  test('ends the family, with an empty answer, and may be repeated', async () => {
    const { plan, client, tokens, token, clientId } = await startWithTokens()
    for (const known of [token, token, 'nobody']) {
      const answer = await client.revoke(known, clientId)
      expect([answer.status, await answer.text()]).toEqual([200, ''])
    }
    const after = await client.refresh(token, clientId)
    expect(await errorOf(after)).toBe('400 invalid_grant refresh_token_invalidated')
    expect((await client.models(tokens.access_token)).status).toBe(401)
    expect(plan.seen.revocations).toEqual([
      { token, clientId, known: true },
      { token, clientId, known: true },
      { token: 'nobody', clientId, known: false },
    ])
  })

  test.each([
    ['no token', { token: undefined }],
    ['no hint', { token_type_hint: undefined }],
    ['another hint', { token_type_hint: 'access_token' }],
    ['no client', { client_id: undefined }],
    ['a resource', { resource: 'https://api.openai.com/v1' }],
    ['the bootstrap id', { client_id: 'dynamic_agent_client' }],
  ])('is refused with %s', async (_, changes) => {
    const { fake, client, token, clientId } = await startWithTokens()
    expect((await client.revoke(token, clientId, changes)).status).toBeGreaterThanOrEqual(400)
    expect(fake.seen.refusals).toHaveLength(1)
    expect((await client.refresh(token, clientId)).status).toBe(200)
  })

  test('takes a form only', async () => {
    const { fake, token, clientId } = await startWithTokens()
    const body = JSON.stringify({ token, token_type_hint: 'refresh_token', client_id: clientId })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${fake.issuer}${REVOKE}`, { method: 'POST', body, headers })).status).toBe(400)
  })

  test('of another client changes nothing', async () => {
    const { plan, client, token, clientId } = await startWithTokens()
    expect((await client.revoke(token, plan.issueTokens().clientId)).status).toBe(400)
    expect((await client.refresh(token, clientId)).status).toBe(200)
  })
})

test('ending a login from outside shows at the next refresh', async () => {
  const { plan, client, token, clientId } = await startWithTokens()
  plan.revokeFamily(token)
  const answer = await client.refresh(token, clientId)
  expect(await errorOf(answer)).toBe('400 invalid_grant refresh_token_invalidated')
})

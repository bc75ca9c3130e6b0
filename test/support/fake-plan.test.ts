import { describe, expect, test } from 'vitest'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { partOf, startPlan } from './plan-client.ts'

test('a whole first login: registration, exchange, models, question', async () => {
  const { fake, plan, client } = await startPlan()
  const callback = await client.authorize()
  expect([...callback.keys()]).toEqual(['code', 'scope', 'state', 'client_id'])
  expect(callback.get('state')).toBe(client.attempt().state)
  const clientId = callback.get('client_id') ?? ''
  expect(clientId).toMatch(/^oaiapp_FAKE\w+$/)
  const answer = await client.exchange({ code: callback.get('code') ?? '', client_id: clientId })
  const tokens = (await answer.json()) as PlanTokenSet
  expect(tokens).toEqual({
    access_token: expect.any(String),
    refresh_token: expect.stringMatching(/^rt_FAKE_plan_/),
    id_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'chatgpt.tokens.use.direct email offline_access openid profile resource.invoke',
    earliest_refresh_at: null,
  })
  expect(partOf(tokens.id_token, 1)).toMatchObject({
    iss: fake.issuer,
    aud: [clientId],
    sub: 'user-FAKE-0001',
    nonce: client.attempt().nonce,
    email: 'person@example.com',
  })
  expect((await client.models(tokens.access_token)).status).toBe(200)
  expect((await client.ask(tokens.access_token)).status).toBe(200)
  expect(plan.seen.grants).toEqual(['authorization_code'])
  expect(fake.seen.refusals).toEqual([])
  expect(plan.crossings).toEqual([])
})

test('tokens can be had without a login, to seed a record', async () => {
  const { fake, plan, client } = await startPlan()
  const { tokens, clientId, person } = plan.issueTokens({ subject: 'user-FAKE-0002', expiresInSeconds: 60 })
  expect(person).toMatchObject({ subject: 'user-FAKE-0002', email: 'person@example.com' })
  expect(partOf(tokens.id_token, 1)).toMatchObject({ aud: [clientId], sub: 'user-FAKE-0002' })
  expect(tokens.expires_in).toBe(60)
  expect((await client.models(tokens.access_token)).status).toBe(200)
  expect((await client.refresh(tokens.refresh_token, clientId)).status).toBe(200)
  expect(fake.secrets()).toEqual(expect.arrayContaining([tokens.access_token, tokens.refresh_token, tokens.id_token]))
})

test('tokens can be had again for a registration, whose person they are of', async () => {
  const { plan } = await startPlan()
  const first = plan.issueTokens({ subject: 'user-FAKE-0002', workspace: 'ws-FAKE-0002' })
  const second = plan.issueTokens({ clientId: first.clientId })
  expect([second.clientId, second.person]).toEqual([first.clientId, first.person])
  expect(() => plan.issueTokens({ clientId: 'oaiapp_nobody' })).toThrow('oaiapp_nobody')
})

test('every secret is listed, and those that can carry the mark FAKE do', async () => {
  const { fake, client } = await startPlan()
  const callback = await client.authorize()
  const [code, clientId] = [callback.get('code') ?? '', callback.get('client_id') ?? '']
  const answer = await client.exchange({ code, client_id: clientId })
  const { access_token, refresh_token, id_token } = (await answer.json()) as PlanTokenSet
  for (const secret of [code, clientId, access_token, refresh_token]) expect(secret).toContain('FAKE')
  const passed = [client.attempt().state, client.attempt().nonce, client.attempt().verifier]
  expect(fake.secrets()).toEqual(expect.arrayContaining([code, access_token, refresh_token, id_token, ...passed]))
})

test('the access token is a JWT without a plan and without an account', async () => {
  const { plan } = await startPlan()
  const { tokens, clientId, person } = plan.issueTokens()
  expect(partOf(tokens.access_token, 1)).toEqual({
    iss: expect.any(String),
    sub: person.subject,
    aud: 'https://api.openai.com/v1',
    client_id: clientId,
    scope: tokens.scope,
    iat: expect.any(Number),
    nbf: expect.any(Number),
    exp: expect.any(Number),
    jti: expect.any(String),
    'https://api.openai.com/auth': { per_user_salt: 'FAKE', encrypted_auth_metadata: 'FAKE' },
  })
})

test('what goes to the plan takes no step of the other routes, and the other way round', async () => {
  const { fake, plan, client } = await startPlan()
  const { tokens } = plan.issueTokens()
  fake.script.models.always({ status: 503 })
  expect((await client.models(tokens.access_token)).status).toBe(200)
  fake.script.models.always(undefined)
  plan.script.models.always({ status: 503 })
  expect((await client.models(fake.apiKey)).status).toBe(200)
  expect((await client.models(tokens.access_token)).status).toBe(503)
})

test('a request that is refused for its shape takes no step', async () => {
  const { plan, client } = await startPlan()
  plan.script.authorize.push({ status: 503 })
  plan.script.token.push({ status: 503 })
  plan.script.revoke.push({ status: 503 })
  plan.script.responses.push({ status: 503 })
  const { tokens, clientId } = plan.issueTokens()
  await client.authorize({ nonce: undefined })
  await client.refresh(tokens.refresh_token, clientId, { scope: 'openid' })
  await client.revoke(tokens.refresh_token, clientId, { token_type_hint: undefined })
  await client.ask(tokens.access_token, { user: 'me' })
  const { authorize, token, revoke, responses } = plan.script
  expect([authorize, token, revoke, responses].map(({ left }) => left)).toEqual([1, 1, 1, 1])
})

describe('the routes stay apart:', () => {
  test.each([
    ['GET', '/backend-api/codex/models?client_version=0.169.0'],
    ['POST', '/backend-api/codex/responses'],
    ['GET', '/backend-api/wham/usage'],
    ['GET', '/backend-api/anything'],
    ['POST', '/oauth/token'],
    ['POST', '/api/accounts/deviceauth/token'],
  ])('a plan bearer at %s %s meets no matching rule, and is noticed', async (method, path) => {
    const { fake, plan } = await startPlan()
    const headers = { authorization: `Bearer ${plan.issueTokens().tokens.access_token}` }
    const answer = await fetch(`${fake.issuer}${path}`, { method, headers })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error: { code: 'no_matching_rule' } })
    expect(plan.crossings).toEqual([path.split('?')[0]])
  })

  test.each(['/oauth/token', '/oauth/revoke'])('a plan refresh token in a body at %s is noticed', async (path) => {
    const { fake, plan, client } = await startPlan()
    const { tokens } = plan.issueTokens()
    const answer = await client.post(path, { refresh_token: tokens.refresh_token, token: tokens.refresh_token })
    expect(answer.status).toBe(401)
    expect(plan.crossings).toEqual([path])
    expect(fake.seen.refusals).toEqual([expect.objectContaining({ path, status: 401 })])
  })

  test('a Codex token at the models, at the questions and at the issuer of the plan is noticed', async () => {
    const { fake, plan, client } = await startPlan()
    const codex = fake.issueTokens()
    const { clientId } = plan.issueTokens()
    expect((await client.models(codex.access_token)).status).toBe(401)
    expect((await client.ask(codex.access_token)).status).toBe(401)
    expect((await client.refresh(codex.refresh_token, clientId)).status).toBe(400)
    expect((await client.revoke(codex.refresh_token, clientId)).status).toBe(400)
    expect(plan.crossings).toEqual([
      '/v1/models',
      '/v1/responses',
      '/api/accounts/oauth/token',
      '/api/accounts/oauth/revoke',
    ])
  })

  test('an API key and an unknown token are no crossing', async () => {
    const { fake, plan, client } = await startPlan()
    await client.models(fake.apiKey)
    expect((await client.models('nobody')).status).toBe(401)
    expect(plan.crossings).toEqual([])
  })

  test.each([
    ['POST', '/v1/chat/completions'],
    ['POST', '/v1/responses/compact'],
    ['POST', '/v1/models'],
    ['GET', '/v1/responses'],
  ])('a plan bearer at %s %s meets a route that is not supported', async (method, path) => {
    const { fake, plan } = await startPlan()
    const headers = { authorization: `Bearer ${plan.issueTokens().tokens.access_token}` }
    const answer = await fetch(`${fake.issuer}${path}`, { method, headers })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ error: { code: 'subscription_sharing_route_not_supported' } })
    expect(plan.crossings).toEqual([])
  })
})

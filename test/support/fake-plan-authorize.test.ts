import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { denied } from './fake-issuer.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { changed } from './fake-script.ts'
import { partOf, startPlan } from './plan-client.ts'

const HOSTS = [
  'urn:uuid:3f2b8c1e-5d4a-4c7b-9e10-0123456789ab',
  'urn:ietf:params:oauth:jwk-thumbprint:sha-256:NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
]

test('discovery names the endpoints, and neither the plan scopes nor a registration', async () => {
  const { fake } = await startPlan()
  const found = await (await fetch(`${fake.issuer}/.well-known/openid-configuration`)).json()
  expect(found).toMatchObject({
    issuer: fake.issuer,
    authorization_endpoint: `${fake.issuer}/api/accounts/authorize`,
    token_endpoint: `${fake.issuer}/api/accounts/oauth/token`,
    revocation_endpoint: `${fake.issuer}/api/accounts/oauth/revoke`,
    jwks_uri: `${fake.issuer}/.well-known/jwks.json`,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  })
  expect(found).not.toHaveProperty('registration_endpoint')
  expect(found).not.toHaveProperty('device_authorization_endpoint')
})

test.each([
  ['another issuer', changed({ issuer: 'https://evil.example' }), { issuer: 'https://evil.example' }],
  [
    'an endpoint elsewhere',
    changed({ jwks_uri: 'https://evil.example/jwks' }),
    { jwks_uri: 'https://evil.example/jwks' },
  ],
  ['no revocation', changed({ revocation_endpoint: undefined }), { revocation_endpoint: undefined }],
])('discovery can name %s', async (_, step, expected) => {
  const { fake, plan } = await startPlan()
  plan.script.discovery.push(step)
  const found = (await (await fetch(`${fake.issuer}/.well-known/openid-configuration`)).json()) as object
  expect({ revocation_endpoint: undefined, ...found }).toMatchObject(expected)
})

describe('a registration', () => {
  test.each([
    ['client_id', undefined],
    ['client_id', 'oaiapp_nobody'],
    ['client_id', 'app_EMoamEEZ73f0CkXaXp7hrann'],
    ['agent_name_hint', undefined],
    ['agent_name_hint', ' '],
    ['ext_agent_host_id', undefined],
    ['ext_agent_host_id', '3f2b8c1e-5d4a-4c7b-9e10-0123456789ab'],
    ['ext_agent_host_id', 'urn:uuid:3f2b8c1e-5d4a-1c7b-9e10-0123456789ab'],
    ['ext_agent_host_id', 'did:web:example.com'],
    ['response_type', 'token'],
    ['redirect_uri', 'http://localhost:49152/auth/callback'],
    ['redirect_uri', 'http://127.0.0.1:49152/callback'],
    ['redirect_uri', 'https://127.0.0.1:49152/auth/callback'],
    ['redirect_uri', 'http://127.0.0.1/auth/callback'],
    ['redirect_uri', 'http://127.0.0.1:49152/auth/callback?x=1'],
    ['scope', 'openid profile email offline_access'],
    ['scope', 'openid profile email offline_access resource.invoke chatgpt.tokens.use.direct api.connectors.read'],
    ['resource', undefined],
    ['resource', 'https://api.openai.com/v1/'],
    ['state', undefined],
    ['state', 'short'],
    ['nonce', undefined],
    ['nonce', 'short'],
    ['code_challenge', 'short'],
    ['code_challenge_method', 'plain'],
    ['login_hint', 'person@example.com'],
    ['id_token_hint', 'anything'],
    ['prompt', 'consent'],
    ['force_reconsent', 'true'],
    ['originator', 'codex_cli_rs'],
    ['codex_cli_simplified_flow', 'true'],
  ])('is refused with %s = %s, on a page that names it', async (name, value) => {
    const { fake, client } = await startPlan()
    const visit = await fake.browser(client.authorizeUrl({ [name]: value }))
    expect(visit.status).toBe(400)
    expect(visit.headers.get('content-type')).toContain('text/html')
    expect(visit.body).toContain(`<p>${name}</p>`)
    expect(visit.redirectedTo).toBeUndefined()
    expect(fake.seen.refusals).toHaveLength(1)
  })

  test('is refused with a parameter given twice', async () => {
    const { fake, client } = await startPlan()
    const visit = await fake.browser(`${client.authorizeUrl()}&nonce=${client.attempt().nonce}`)
    expect(visit.body).toContain('nonce')
  })

  test.each(HOSTS)('takes the host %s', async (host) => {
    const { client } = await startPlan()
    expect((await client.authorize({ ext_agent_host_id: host })).has('code')).toBe(true)
  })

  test('yields an id of its own each time, also for the same person', async () => {
    const { plan, client } = await startPlan()
    const ids = [(await client.authorize()).get('client_id'), (await client.authorize()).get('client_id')]
    expect(new Set(ids).size).toBe(2)
    expect(plan.registrations.map(({ clientId }) => clientId)).toEqual(ids)
  })

  test('belongs to who is at the browser', async () => {
    const { plan, client } = await startPlan()
    plan.signInAs({ subject: 'user-FAKE-0002', workspace: 'ws-FAKE-0002', email: 'other@example.com' })
    const { tokens } = await client.login()
    expect(partOf(tokens.id_token, 1)).toMatchObject({ sub: 'user-FAKE-0002', email: 'other@example.com' })
    expect(plan.registrations).toEqual([expect.objectContaining({ workspace: 'ws-FAKE-0002' })])
  })
})

test.each(['state', 'nonce', 'code_challenge'])('another attempt with the same %s is refused', async (name) => {
  const { fake, client } = await startPlan()
  await client.authorize()
  const fresh = () => randomBytes(32).toString('base64url')
  const others = { state: fresh(), nonce: fresh(), code_challenge: fresh(), [name]: client.parameters()[name] }
  expect((await fake.browser(client.authorizeUrl(others))).body).toContain(`<p>${name}</p>`)
})

test('the same address may be opened twice', async () => {
  const { client } = await startPlan()
  await client.authorize()
  expect((await client.authorize()).has('code')).toBe(true)
})

describe('a later login', () => {
  test('comes back without the client id, with it when told so, and with iss when told so', async () => {
    const { fake, plan, client } = await startPlan()
    const { clientId } = plan.issueTokens()
    expect([...(await client.authorize({ client_id: clientId })).keys()]).toEqual(['code', 'scope', 'state'])
    plan.options.clientIdOnLaterLogins = true
    plan.options.issInCallback = true
    const callback = await client.authorize({ client_id: clientId })
    expect([...callback.keys()]).toEqual(['code', 'scope', 'state', 'client_id', 'iss'])
    expect([callback.get('client_id'), callback.get('iss')]).toEqual([clientId, fake.issuer])
  })

  test('may use another port', async () => {
    const { plan, client } = await startPlan()
    const { clientId } = plan.issueTokens()
    const redirect_uri = 'http://127.0.0.1:50000/auth/callback'
    expect((await client.authorize({ client_id: clientId, redirect_uri })).has('code')).toBe(true)
  })

  test.each([
    ['agent_name_hint', 'a test'],
    ['prompt', 'consent'],
    ['prompt', 'login'],
    ['login_hint', 'nobody'],
    ['id_token_hint', 'made up'],
    ['force_reconsent', 'true'],
    ['redirect_uri', 'http://localhost:49152/auth/callback'],
  ])('is refused with %s = %s', async (name, value) => {
    const { fake, plan, client } = await startPlan()
    const { clientId } = plan.issueTokens()
    const visit = await fake.browser(client.authorizeUrl({ client_id: clientId, [name]: value }))
    expect([visit.status, visit.body.includes(`<p>${name}</p>`)]).toEqual([400, true])
  })

  test('may hint at the person and at an ID token of the issuer', async () => {
    const { plan, client } = await startPlan()
    const { clientId, tokens, person } = plan.issueTokens()
    const hints = { login_hint: person.email, id_token_hint: tokens.id_token }
    expect((await client.authorize({ client_id: clientId, ...hints })).has('code')).toBe(true)
  })

  test('with an id that nobody has given out is refused for it', async () => {
    const { fake, client } = await startPlan()
    const visit = await fake.browser(client.authorizeUrl({ client_id: 'oaiapp_FAKE99' }))
    expect([visit.status, visit.body.includes('<p>client_id</p>')]).toEqual([400, true])
  })

  test('of a deleted registration meets a page', async () => {
    const { fake, plan, client } = await startPlan()
    const { clientId } = plan.issueTokens()
    plan.deleteRegistration(clientId)
    const visit = await fake.browser(client.authorizeUrl({ client_id: clientId }))
    expect([visit.status, visit.redirectedTo]).toEqual([400, undefined])
  })
})

describe('a plan that was declined', () => {
  test('is missing in the token answer, but not in the callback, until consent is asked for', async () => {
    const { plan, client } = await startPlan()
    plan.declinePlanScope()
    const callback = await client.authorize()
    const clientId = callback.get('client_id') ?? ''
    expect(callback.get('scope')).toContain('chatgpt.tokens.use.direct')
    const answer = await client.exchange({ code: callback.get('code') ?? '', client_id: clientId })
    const tokens = (await answer.json()) as PlanTokenSet
    expect(tokens.scope).toBe('email offline_access openid profile resource.invoke')
    expect((await client.ask(tokens.access_token)).status).toBe(403)
    expect((await client.login(clientId)).tokens.scope).not.toContain('chatgpt')
    client.begin()
    expect((await client.authorize({ client_id: clientId, prompt: 'consent' })).has('code')).toBe(true)
    expect((await client.login(clientId)).tokens.scope).toContain('chatgpt.tokens.use.direct')
    expect(plan.registrations).toEqual([expect.objectContaining({ clientId, plan: true })])
  })

  test('can be asked for again by a client whose issued tokens lack it', async () => {
    const { plan, client } = await startPlan()
    const { clientId } = plan.issueTokens({ scope: 'openid profile email offline_access' })
    expect((await client.authorize({ client_id: clientId, prompt: 'consent' })).has('code')).toBe(true)
  })

  test('can be taken away from a login that had it', async () => {
    const { plan, client } = await startPlan()
    const { tokens, clientId } = plan.issueTokens()
    plan.withdrawPlanScope()
    const next = (await (await client.refresh(tokens.refresh_token, clientId)).json()) as PlanTokenSet
    expect(next.scope).toBe('email offline_access openid profile resource.invoke')
    expect((await client.models(next.access_token)).status).toBe(403)
  })
})

test('the user says no', async () => {
  const { plan, client } = await startPlan()
  plan.script.authorize.push(denied())
  expect([...(await client.authorize())]).toEqual([
    ['error', 'access_denied'],
    ['state', client.attempt().state],
  ])
})

import { createPublicKey, verify } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { createPlanClient } from './plan-client.ts'

const open: FakeOpenAI[] = []
afterEach(async () => {
  for (const fake of open.splice(0)) await fake.close()
})

async function start(options?: FakeOpenAIOptions) {
  const fake = await startFakeOpenAI(options)
  open.push(fake)
  return { fake, plan: fake.plan, client: createPlanClient(fake) }
}

function partOf(jwt: string, index: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString())
}

/** True if a published key of the token's `kid` has signed it. */
async function isSigned({ issuer }: FakeOpenAI, jwt: string): Promise<boolean> {
  const { keys } = (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
  const jwk = keys.find(({ kid }) => kid === partOf(jwt, 0).kid)
  if (jwk === undefined) return false
  const [header, claims, signature = ''] = jwt.split('.')
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))
}

test('a whole first login: registration, exchange, models, question', async () => {
  const { fake, plan, client } = await start()
  const callback = await client.authorize()
  expect([...callback.keys()]).toEqual(['code', 'scope', 'state', 'client_id'])
  expect(callback.get('state')).toBe(client.state)
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
    nonce: client.nonce,
    email: 'person@example.com',
  })
  expect(await isSigned(fake, tokens.id_token)).toBe(true)
  expect((await client.models(tokens.access_token)).status).toBe(200)
  expect((await client.ask(tokens.access_token)).status).toBe(200)
  expect(plan.seen.grants).toEqual(['authorization_code'])
  expect(fake.seen.refusals).toEqual([])
  expect(plan.crossings).toEqual([])
})

test('tokens can be had without a login, to seed a record', async () => {
  const { fake, plan, client } = await start()
  const { tokens, clientId, person } = plan.issueTokens({ subject: 'user-FAKE-0002', expiresInSeconds: 60 })
  expect(person).toMatchObject({ subject: 'user-FAKE-0002', email: 'person@example.com' })
  expect(partOf(tokens.id_token, 1)).toMatchObject({ aud: [clientId], sub: 'user-FAKE-0002' })
  expect(tokens.expires_in).toBe(60)
  expect((await client.models(tokens.access_token)).status).toBe(200)
  expect((await client.refresh(tokens.refresh_token, clientId)).status).toBe(200)
  expect(fake.secrets()).toEqual(expect.arrayContaining([tokens.access_token, tokens.refresh_token, tokens.id_token]))
})

import { createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import type { FakeOpenAI } from './fake-openai.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { changed } from './fake-script.ts'
import { partOf, startPlan } from './plan-client.ts'

interface PublishedKey extends JsonWebKey {
  kid: string
}

async function published({ issuer }: FakeOpenAI): Promise<PublishedKey[]> {
  const answer = await fetch(`${issuer}/.well-known/jwks.json`)
  return ((await answer.json()) as { keys: PublishedKey[] }).keys
}

/** True if the published key of the token's `kid` has signed it. */
async function isSigned(fake: FakeOpenAI, jwt: string): Promise<boolean> {
  const jwk = (await published(fake)).find(({ kid }) => kid === partOf(jwt, 0).kid)
  if (jwk === undefined) return false
  const [header, claims, signature = ''] = jwt.split('.')
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))
}

test('an ID token is signed by the published RSA key, for one audience in an array, with the nonce', async () => {
  const { fake, client } = await startPlan()
  const { tokens, clientId } = await client.login()
  expect(partOf(tokens.id_token, 0)).toMatchObject({ alg: 'RS256', kid: 'FAKE-key-1' })
  expect(await isSigned(fake, tokens.id_token)).toBe(true)
  const claims = partOf(tokens.id_token, 1)
  expect(claims).toMatchObject({
    iss: fake.issuer,
    aud: [clientId],
    sub: 'user-FAKE-0001',
    nonce: client.attempt().nonce,
  })
  expect((claims.exp as number) - (claims.iat as number)).toBe(3600)
})

test('the key set holds public RSA keys only', async () => {
  const { fake } = await startPlan()
  expect(await published(fake)).toEqual([
    { kty: 'RSA', use: 'sig', alg: 'RS256', kid: 'FAKE-key-1', n: expect.any(String), e: 'AQAB' },
  ])
})

test('a rotated key signs from now on, and the one before stays published', async () => {
  const { fake, plan, client } = await startPlan()
  const { tokens: before } = await client.login()
  plan.rotateKey()
  const { tokens: behind } = plan.issueTokens()
  expect(partOf(behind.id_token, 0).kid).toBe('FAKE-key-2')
  expect((await published(fake)).map(({ kid }) => kid)).toEqual(['FAKE-key-2', 'FAKE-key-1'])
  expect(await isSigned(fake, before.id_token)).toBe(true)
  expect(await isSigned(fake, behind.id_token)).toBe(true)
})

test.each([
  ['an empty list', changed({ keys: [] }), { keys: [] }],
  ['a malformed key', changed({ keys: [{ kty: 'RSA' }] }), { keys: [{ kty: 'RSA' }] }],
])('the key set can be %s', async (_, step, expected) => {
  const { fake, plan } = await startPlan()
  plan.script.jwks.push(step)
  expect(await (await fetch(`${fake.issuer}/.well-known/jwks.json`)).json()).toEqual(expected)
})

test('the audience can be a string', async () => {
  const { plan } = await startPlan()
  plan.options.audience = 'string'
  const { tokens, clientId } = plan.issueTokens()
  expect(partOf(tokens.id_token, 1).aud).toBe(clientId)
})

test('claims can be forged, and the token is still signed', async () => {
  const { fake, plan, client } = await startPlan()
  plan.nextIdToken({ claims: { iss: 'https://evil.example', sub: undefined, aud: ['a', 'b'], azp: 'a', exp: 1 } })
  const { tokens } = await client.login()
  const claims = partOf(tokens.id_token, 1)
  expect(claims).toMatchObject({ iss: 'https://evil.example', aud: ['a', 'b'], azp: 'a', exp: 1 })
  expect(claims).not.toHaveProperty('sub')
  expect(await isSigned(fake, tokens.id_token)).toBe(true)
})

test('a token can be signed by a stranger under the name of the published key', async () => {
  const { fake, plan, client } = await startPlan()
  plan.nextIdToken({ signedBy: 'stranger' })
  const { tokens } = await client.login()
  expect(partOf(tokens.id_token, 0).kid).toBe('FAKE-key-1')
  expect(await isSigned(fake, tokens.id_token)).toBe(false)
})

test('a token can name a key that nobody has published', async () => {
  const { fake, plan, client } = await startPlan()
  plan.nextIdToken({ header: { kid: 'FAKE-nobody' } })
  expect(await isSigned(fake, (await client.login()).tokens.id_token)).toBe(false)
})

test('a token can be unsigned, or use the public key as a secret', async () => {
  const { fake, plan, client } = await startPlan()
  plan.nextIdToken({ header: { alg: 'none' } })
  const { tokens, clientId } = await client.login()
  expect(tokens.id_token).toMatch(/\.$/)
  plan.nextIdToken({ header: { alg: 'HS256' } })
  const second = (await (await client.refresh(tokens.refresh_token, clientId)).json()) as PlanTokenSet
  const [header, claims, signature] = second.id_token.split('.')
  const [jwk] = await published(fake)
  const pem = createPublicKey({ key: jwk ?? {}, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  expect(signature).toBe(createHmac('sha256', pem).update(`${header}.${claims}`).digest('base64url'))
})

test('a change counts once, and only for a token that is made', async () => {
  const { plan, client } = await startPlan()
  plan.nextIdToken({ claims: { sub: 'somebody else' } })
  expect(partOf(plan.issueTokens().tokens.id_token, 1).sub).toBe('user-FAKE-0001')
  const { tokens: first } = await client.login()
  expect(partOf(first.id_token, 1).sub).toBe('somebody else')
})

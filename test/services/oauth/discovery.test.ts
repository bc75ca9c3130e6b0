import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createDiscovery } from '../../../src/services/oauth/discovery.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { freePorts } from '../../support/free-ports.ts'
import { startServer } from '../../support/start-server.ts'
import { createTestClock } from '../../support/test-clock.ts'

const HOUR_MS = 3_600_000

/** As OpenAI publishes it, but for the names (facts: plan-usage 2.1). */
const documentOf = (issuer: string): Record<string, unknown> => ({
  issuer,
  authorization_endpoint: `${issuer}/api/accounts/authorize`,
  token_endpoint: `${issuer}/api/accounts/oauth/token`,
  userinfo_endpoint: `${issuer}/api/accounts/oauth/userinfo`,
  revocation_endpoint: `${issuer}/api/accounts/oauth/revoke`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  response_types_supported: ['code'],
  op_policy_uri: 'https://elsewhere.example/policy',
})

/** An issuer that gives each time what the test says, and a discovery of it. */
async function setUp(answer: (response: ServerResponse, issuer: string) => void = publish()) {
  const clock = createTestClock()
  const paths: unknown[] = []
  const far = { answer, paths }
  const { origin } = await startServer((request, response) => {
    paths.push(request.url)
    far.answer(response, origin)
  })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log: { event: () => {} } })
  return { clock, far, issuer: origin, discovery: createDiscovery({ issuer: origin, http, now: clock.now }) }
}

/** The document with some entries changed; undefined takes one out. */
const publish =
  (changes: (issuer: string) => Record<string, unknown> = () => ({})) =>
  (response: ServerResponse, issuer: string) =>
    json(response, JSON.stringify({ ...documentOf(issuer), ...changes(issuer) }))

const json = (response: ServerResponse, text: string, status = 200) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(text)

test('it reads where the keys and the revocation are', async () => {
  const { issuer, far, discovery } = await setUp()
  expect(await discovery.read()).toEqual({
    jwksUri: `${issuer}/.well-known/jwks.json`,
    revocationEndpoint: `${issuer}/api/accounts/oauth/revoke`,
  })
  expect(far.paths).toEqual(['/.well-known/openid-configuration'])
})

test('keys elsewhere at the issuer are found there', async () => {
  const { issuer, discovery } = await setUp(publish((at) => ({ jwks_uri: `${at}/keys?v=2` })))
  expect((await discovery.read()).jwksUri).toBe(`${issuer}/keys?v=2`)
})

test('without an address for the keys it is the documented one; without one for the revocation there is none', async () => {
  const { issuer, discovery } = await setUp(publish(() => ({ jwks_uri: undefined, revocation_endpoint: null })))
  expect(await discovery.read()).toEqual({ jwksUri: `${issuer}/.well-known/jwks.json`, revocationEndpoint: undefined })
})

test('it is remembered for an hour', async () => {
  const { clock, far, discovery } = await setUp()
  await discovery.read()
  clock.advance(HOUR_MS - 1)
  await discovery.read()
  expect(far.paths).toHaveLength(1)
  clock.advance(1)
  await discovery.read()
  expect(far.paths).toHaveLength(2)
})

test('who asks at the same time shares one request', async () => {
  const { far, discovery } = await setUp()
  await Promise.all([discovery.read(), discovery.read(), discovery.read()])
  expect(far.paths).toHaveLength(1)
})

describe('a document that points elsewhere is not followed', () => {
  test.each<[string, (issuer: string) => Record<string, unknown>]>([
    ['issuer', () => ({ issuer: 'https://elsewhere.example' })],
    ['issuer', (issuer) => ({ issuer: `${issuer}/` })],
    ['jwks_uri', () => ({ jwks_uri: 'https://elsewhere.example/jwks.json' })],
    ['revocation_endpoint', () => ({ revocation_endpoint: 'https://elsewhere.example/revoke' })],
    ['token_endpoint', () => ({ token_endpoint: 'https://elsewhere.example/token' })],
    ['later_endpoint', () => ({ later_endpoint: 'http://localhost/later' })],
    ['jwks_uri', (issuer) => ({ jwks_uri: issuer.replace('http:', 'https:') })],
    ['jwks_uri', (issuer) => ({ jwks_uri: issuer.replace('://', '://user:password@') })],
    ['jwks_uri', () => ({ jwks_uri: '/keys' })],
    ['jwks_uri', () => ({ jwks_uri: 7 })],
  ])('by its %s (%#)', async (entry, changes) => {
    const { far, discovery } = await setUp(publish(changes))
    const error = await errorOf(discovery.read())
    // It says nothing against a sign-in, so nothing that is stored may go because of it.
    expect([error.code, error.retryable]).toEqual(['TOKEN_REQUEST_FAILED', true])
    expect(error.message).toContain(`points elsewhere (“${entry}”)`)
    expect(shown(error)).not.toContain('elsewhere.example')
    far.answer = publish()
    await discovery.read()
  })
})

describe('what is out of order now is asked for again', () => {
  test.each<[string, (response: ServerResponse) => void, string]>([
    ['503', (response) => json(response, '{}', 503), 'it answered 503'],
    ['404', (response) => json(response, '{"issuer":"x"}', 404), 'it answered 404'],
    ['no JSON', (response) => json(response, '{"issuer":'), 'what came makes no sense'],
    ['no object', (response) => json(response, '"issuer"'), 'what came makes no sense'],
    ['a list', (response) => json(response, '[]'), 'what came makes no sense'],
    ['nothing in it', (response) => json(response, '{}'), 'what came makes no sense'],
    ['too much', (response) => json(response, `{"issuer":"${'x'.repeat(300_000)}"}`), 'what came makes no sense'],
  ])('%s', async (_name, answer, why) => {
    const { far, discovery } = await setUp(answer)
    const error = await errorOf(discovery.read())
    expect(error.retryable).toBe(true)
    expect(shown(error)).toBe(
      `The sign-in service was asked for its description, and ${why}. ` +
        'Without that no sign-in can be verified just now; nothing is lost. Try again in a minute. [TOKEN_REQUEST_FAILED]',
    )
    far.answer = publish()
    await discovery.read()
  })

  test('a connection that breaks off', async () => {
    const { discovery } = await setUp((response) => void response.socket?.destroy())
    expect(await errorOf(discovery.read())).toMatchObject({ code: 'NETWORK', retryable: true })
  })

  test('nobody there', async () => {
    const [port] = await freePorts(1)
    const http = createHttpClient({ fetch: (...request) => fetch(...request), log: { event: () => {} } })
    const discovery = createDiscovery({ issuer: `http://127.0.0.1:${port}`, http, now: () => 0 })
    expect(await errorOf(discovery.read())).toMatchObject({ code: 'NETWORK', retryable: true })
  })
})

test('a web page in its place is called one', async () => {
  const { discovery } = await setUp((response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in to the network</p>'),
  )
  const error = await errorOf(discovery.read())
  expect(error.code).toBe('RESPONSE_INVALID')
  expect(error.message).toContain('A web page came back instead of its description (200)')
})

test('a redirect is not followed', async () => {
  const { far, discovery } = await setUp((response) => response.writeHead(302, { location: '/elsewhere' }).end())
  expect((await errorOf(discovery.read())).message).toContain('A redirect came back instead of its description (302)')
  expect(far.paths).toEqual(['/.well-known/openid-configuration'])
})

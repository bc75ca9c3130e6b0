import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createLog } from '../../../src/infrastructure/log.ts'
import { createCredentials } from '../../../src/services/login/credentials.ts'
import { createOAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import { createApiKeySignIn } from '../../../src/services/sign-in/api-key-sign-in.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { type Answer, after, gate } from '../../support/fake-script.ts'
import { ownHeaders } from '../../support/own-headers.ts'
import { startBench } from '../../support/refresh-bench.ts'
import { startServer } from '../../support/start-server.ts'

const KEY = 'sk-FAKE-0001'
const MODELS = '/v1/models'
const REVOKE = '/oauth/revoke'

async function setUp(env: Record<string, string> = {}, onStored = async () => {}) {
  const bench = await startBench()
  const instance = bench.start()
  const { config } = loadConfig(bench.fake.env({ CODEX_OAUTH_FILE: bench.file, ...env }), () => dirname(bench.file))
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const userAgent = 'codex-oauth/test'
  const { now } = bench.clock
  const oauth = createOAuthFlow({ config, http, userAgent, now })
  const credentials = createCredentials({ config, ...instance, userAgent, now })
  const signIn = createApiKeySignIn({ storage: instance.storage, credentials, oauth, http, now, onStored })
  return { bench, credentials, signIn, logged }
}

test('a key that works is stored, and nothing but the key and where it belongs', async () => {
  const { bench, credentials, signIn } = await setUp()
  expect(await signIn(`"${KEY}"\n`)).toEqual({ models: 14 })
  expect(JSON.parse(bench.text())).toEqual({
    codex: {
      access_token: KEY,
      saved_at: bench.clock.now() / 1000,
      method: 'api_key',
      base_url: bench.fake.apiBaseUrl,
    },
  })
  expect(await credentials.current()).toMatchObject({
    source: 'stored_api_key',
    headers: { authorization: `Bearer ${KEY}` },
  })
  const [request] = bench.fake.seen.requests
  expect(request).toMatchObject({ method: 'GET', path: MODELS, headers: { authorization: `Bearer ${KEY}` } })
  expect(ownHeaders(request)).toEqual(['accept', 'authorization', 'originator', 'user-agent', 'version'])
  expect(bench.fake.seen.refusals).toEqual([])
})

test('a list in the form of the catalogue counts too', async () => {
  const { bench, signIn } = await setUp()
  bench.fake.script.models.push({ json: { models: [{ slug: 'gpt-x', visibility: 'list' }] } })
  expect(await signIn(KEY)).toEqual({ models: 1 })
})

test('a login that it replaces is revoked, and what belongs to others stays', async () => {
  const { bench, signIn } = await setUp()
  const tokens = bench.signIn({ leftSeconds: 3600 })
  writeFileSync(bench.file, bench.text().replace('{', '{"other": 1.50,'))
  await signIn(KEY)
  expect(bench.text()).toContain('"other": 1.50')
  expect(Object.keys(bench.stored() ?? {}).sort()).toEqual(['access_token', 'base_url', 'method', 'saved_at'])
  expect(bench.fake.seen.revocations).toEqual([{ token: tokens.refresh_token, hint: 'refresh_token', known: true }])
})

test('a login that cannot be revoked is replaced all the same', async () => {
  const { bench, signIn } = await setUp()
  bench.signIn({ leftSeconds: 3600 })
  bench.fake.script.revoke.push({ reset: true })
  await signIn(KEY)
  expect(bench.stored()).toMatchObject({ access_token: KEY })
})

test('a login is revoked and replaced though the key cannot be chosen', async () => {
  const { bench, signIn } = await setUp({}, () => Promise.reject(new Error('the other login cannot be opened')))
  const { refresh_token: token } = bench.signIn({ leftSeconds: 3600 })
  expect(await signIn(KEY)).toEqual({ models: 14 })
  expect(bench.fake.seen.revocations).toMatchObject([{ token }])
})

test('a key that it replaces is not revoked: it belongs to its owner', async () => {
  const { bench, signIn } = await setUp()
  await signIn(KEY)
  await signIn(KEY)
  expect(bench.fake.seen.counts).toEqual({ [MODELS]: 2 })
})

describe('nothing is stored and the error says so', () => {
  const refused = { error: { message: `Incorrect API key provided: ${KEY}.`, code: 'invalid_api_key' } }

  const failures: [string, Answer, code: string, message: RegExp][] = [
    ['401', { status: 401, json: refused }, 'LOGIN_DENIED', /^OpenAI refused this key \(401\)\.$/],
    ['401 without a word', { status: 401 }, 'LOGIN_DENIED', /^OpenAI refused this key/],
    ['403', { status: 403, json: refused }, 'LOGIN_DENIED', /^OpenAI refused this key \(403\)\.$/],
    [
      '403 with a page',
      { status: 403, html: '<h1>No</h1>' },
      'RESPONSE_INVALID',
      /^A web page came back instead of the models of the key/,
    ],
    ['429', { status: 429, json: refused }, 'TOKEN_REQUEST_FAILED', /could not check the key just now \(429\)/],
    ['500', { status: 500, json: refused }, 'TOKEN_REQUEST_FAILED', /\(500\)/],
    ['503 with a page', { status: 503, html: '<h1>Later</h1>' }, 'TOKEN_REQUEST_FAILED', /\(503\)/],
    ['404', { status: 404, json: refused }, 'RESPONSE_INVALID', /\(404\)/],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'RESPONSE_INVALID', /\(302\)/],
    ['a page with 200', { html: '<h1>Sign in to the network</h1>' }, 'RESPONSE_INVALID', /\(200\)/],
    ['JSON of somebody else', { json: { ok: true } }, 'RESPONSE_INVALID', /\(200\)/],
    ['nothing with 200', {}, 'RESPONSE_INVALID', /\(200\)/],
    ['no answer', { reset: true }, 'NETWORK', /could not be reached|failed/],
    ['half an answer', { json: { data: [] }, cutAfter: 5 }, 'NETWORK', /broke off/],
  ]

  test.each(failures)('on %s', async (_name, answer, code, message) => {
    const { bench, signIn, logged } = await setUp()
    bench.signIn({ leftSeconds: 3600 })
    const before = bench.text()
    bench.fake.script.models.push(answer)
    const error = await errorOf(signIn(KEY))
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(error.hint).toMatch(/^Nothing was saved\. .+\.$/)
    expect([shown(error), ...logged].join()).not.toContain(KEY)
    expect(bench.text()).toBe(before)
    expect(bench.fake.seen.counts[REVOKE]).toBeUndefined()
  })

  test('on a key the service does not know', async () => {
    const { bench, signIn } = await setUp()
    const error = await errorOf(signIn('sk-FAKE-unknown'))
    expect(error).toMatchObject({ code: 'LOGIN_DENIED', retryable: false })
    expect(bench.fake.seen.counts).toEqual({ [MODELS]: 1 })
  })

  test('on what is no key, which is not even tried', async () => {
    const { bench, signIn } = await setUp()
    const { access_token: token, refresh_token: refresh } = bench.fake.issueTokens()
    for (const pasted of ['', 'two words', 'https://example.com', token, refresh]) {
      expect((await errorOf(signIn(pasted))).code).toBe('INPUT_INVALID')
    }
    expect(bench.fake.seen.requests).toEqual([])
  })

  test('on an address that makes no sense', async () => {
    const { bench, signIn } = await setUp({ OPENAI_BASE_URL: 'http://api.example/v1' })
    expect(await errorOf(signIn(KEY))).toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringMatching(/^Nothing was saved\. /),
    })
    expect(bench.fake.seen.requests).toEqual([])
  })

  test('on a redirect, which leads the key nowhere', async () => {
    const { bench, signIn } = await setUp()
    const stranger = await startServer()
    bench.fake.script.models.push({ status: 307, headers: { location: `${stranger.origin}/models` } })
    expect((await errorOf(signIn(KEY))).code).toBe('RESPONSE_INVALID')
    expect(stranger.hits).toBe(0)
  })

  test('on a cancel', async () => {
    const { bench, signIn } = await setUp()
    bench.signIn({ leftSeconds: 3600 })
    const before = bench.text()
    const { promise, open } = gate()
    bench.fake.script.models.push(after(promise))
    const controller = new AbortController()
    const outcome = errorOf(signIn(KEY, controller.signal))
    await bench.fake.arrival(MODELS)
    controller.abort()
    expect((await outcome).code).toBe('CANCELLED')
    open()
    expect(bench.text()).toBe(before)
  })
})

test('a file that cannot be changed is left as it is, and the login in it is not revoked', async () => {
  const { bench, signIn } = await setUp()
  writeFileSync(bench.file, '{"codex":')
  expect((await errorOf(signIn(KEY))).code).toBe('STORAGE_CORRUPT')
  expect(readFileSync(bench.file, 'utf8')).toBe('{"codex":')
  expect(bench.fake.seen.counts[REVOKE]).toBeUndefined()
})

test('the key goes to the address of the API alone, whichever is set', async () => {
  const gateway = await startServer((request, response) => {
    response.statusCode = request.headers.authorization === `Bearer ${KEY}` && request.url === '/x/models' ? 200 : 500
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'own-model' }] }))
  })
  const { bench, signIn } = await setUp({ OPENAI_BASE_URL: `${gateway.origin}/x/` })
  mkdirSync(dirname(bench.file), { recursive: true })
  expect(await signIn(KEY)).toEqual({ models: 1 })
  expect([gateway.hits, bench.fake.seen.requests.length]).toEqual([1, 0])
})

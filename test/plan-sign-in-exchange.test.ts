import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { FakeOpenAI } from './support/fake-openai.ts'
import type { TokenChange } from './support/fake-plan-keys.ts'
import { changed, type Step } from './support/fake-script.ts'
import { asked, expectCorrect, pathCount, signInToPlan, startFake, startPatient } from './support/plan-bench.ts'
import { createTestClock } from './support/test-clock.ts'

const TOKEN = '/api/accounts/oauth/token'

async function start() {
  const clock = createTestClock()
  const fake = await startFake({ now: clock.now })
  return { fake, clock, app: await startPatient(fake, { edges: { clock } }) }
}

/** Somebody is signed in and signs in again, to the same registration: their login has ended. */
async function startAgain() {
  const started = await start()
  await signInToPlan(started.fake, started.app)
  started.fake.plan.expireAccessTokens()
  started.fake.plan.expireRefreshTokens()
  started.clock.advance(3_600_000)
  await started.app.call('codex_query', { prompt: 'Hi' })
  return started
}

type Started = Awaited<ReturnType<typeof start>>

/** A sign-in that fails: its page, and how the status puts it. */
async function failedSignIn({ fake, app }: Started, args: Record<string, unknown> = {}) {
  const { data } = await app.call('codex_login', { route: 'plan', ...args })
  const page = await fake.browser(data.url)
  const { login } = (await app.call('codex_status')).data
  return { page, error: login.error as string }
}

const clientsOf = (fake: FakeOpenAI) => fake.plan.seen.authorizations.map((query) => query.client_id)

describe('a code that cannot be redeemed', () => {
  test('for now: the next sign-in is made as the client that was issued, also with force', async () => {
    const started = await start()
    const { fake, app } = started
    fake.plan.script.token.push({ status: 400, json: { error: 'invalid_grant', error_description: 'code is stale' } })
    const { page, error } = await failedSignIn(started)
    expect(page).toMatchObject({ status: 400, body: expect.stringContaining('Not signed in') })
    expect(error).toMatch(/refused the sign-in \(400\): “code is stale”.*\[TOKEN_REQUEST_FAILED\]$/)
    fake.plan.script.token.push({ status: 400, json: { error: 'invalid_grant' } })
    await failedSignIn(started, { force: true })
    expect((await signInToPlan(fake, app)).login.data.status).toBe('authenticated')
    expect(clientsOf(fake)).toEqual(['dynamic_agent_client', 'oaiapp_FAKE1', 'oaiapp_FAKE1'])
    expectCorrect(fake)
  })

  test('because the client just issued is unknown: it is dropped, and the next sign-in registers', async () => {
    const started = await start()
    const { fake, app } = started
    fake.plan.script.token.push({ status: 401, json: { error: 'invalid_client' } })
    const { error } = await failedSignIn(started)
    expect(error).toMatch(/does not know the registration.*\[TOKEN_REQUEST_FAILED\]$/)
    await signInToPlan(fake, app)
    expect(clientsOf(fake)).toEqual(['dynamic_agent_client', 'dynamic_agent_client'])
    expectCorrect(fake)
  })

  test('because the client of the last sign-in is unknown: it is kept until force registers anew', async () => {
    const started = await startAgain()
    const { fake, app } = started
    fake.plan.script.token.always({ status: 400, json: { error: { code: 'invalid_client' } } })
    const { page } = await failedSignIn(started)
    expect(page.body).toContain('force: true')
    await failedSignIn(started)
    fake.plan.script.token.always(undefined)
    await signInToPlan(fake, app, { force: true })
    expect(clientsOf(fake).slice(1)).toEqual(['oaiapp_FAKE1', 'oaiapp_FAKE1', 'dynamic_agent_client'])
    expect(app.stored()?.codex_plan?.issued_client_id).toBe('oaiapp_FAKE2')
  })

  const strange: [string, Step][] = [
    ['no access token', changed({ access_token: undefined })],
    ['no refresh token', changed({ refresh_token: undefined })],
    ['no ID token', changed({ id_token: null })],
    ['no lifetime', changed({ expires_in: undefined })],
    ['a lifetime of nothing', changed({ expires_in: 0 })],
    ['a lifetime in words', changed({ expires_in: 'an hour' })],
    ['tokens of another kind', changed({ token_type: 'DPoP' })],
    ['a web page', { html: '<h1>Hello</h1>' }],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['a broken service', { status: 503, json: {} }],
    ['no answer', { reset: true }],
  ]

  test.each(strange)('%s: nothing is stored, and the issued client is kept', async (_, step) => {
    const started = await start()
    const { fake, app } = started
    fake.plan.script.token.push(step)
    expect((await failedSignIn(started)).error).toMatch(/\[(TOKEN_REQUEST_FAILED|RESPONSE_INVALID|NETWORK)\]$/)
    expect(app.stored()?.codex_plan).toBeUndefined()
    expect(pathCount(fake, TOKEN)).toBe(1)
    await signInToPlan(fake, app)
    expect(clientsOf(fake)).toEqual(['dynamic_agent_client', 'oaiapp_FAKE1'])
    expectCorrect(fake)
  })
})

describe('an ID token holds', () => {
  const good: [string, (fake: FakeOpenAI, nowS: number) => TokenChange][] = [
    ['with its audience as a text', () => ({ claims: { aud: 'oaiapp_FAKE1' } })],
    ['with its audience and who asked', () => ({ claims: { azp: 'oaiapp_FAKE1' } })],
    ['for several, if we asked', () => ({ claims: { aud: ['oaiapp_FAKE1', 'other'], azp: 'oaiapp_FAKE1' } })],
    ['four seconds after its end', (_, nowS) => ({ claims: { exp: nowS - 4 } })],
    ['without an e-mail', () => ({ claims: { email: undefined } })],
  ]

  test.each(good)('%s', async (_, change) => {
    const { fake, app, clock } = await start()
    fake.plan.nextIdToken(change(fake, Math.floor(clock.now() / 1000)))
    expect((await signInToPlan(fake, app)).login.data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test('signed with a key that came after the last look, for which is looked once more', async () => {
    const { fake, app } = await start()
    const looks = () => pathCount(fake, '/.well-known/jwks.json')
    await signInToPlan(fake, app)
    await app.call('codex_clear')
    await signInToPlan(fake, app)
    // No time has passed: what was read for the first sign-in is believed for the second, too.
    expect(looks()).toBe(1)
    await app.call('codex_clear')
    fake.plan.rotateKey()
    expect((await signInToPlan(fake, app)).login.data.status).toBe('authenticated')
    expect(looks()).toBe(2)
    expectCorrect(fake)
  })
})

describe('an ID token does not hold: the login that was there stays, byte for byte,', () => {
  const bad: [string, (nowS: number) => TokenChange][] = [
    ['made by another service', () => ({ claims: { iss: 'https://evil.example' } })],
    ['for another program', () => ({ claims: { aud: ['oaiapp_other'] } })],
    ['for another program, as a text', () => ({ claims: { aud: 'oaiapp_other' } })],
    ['for nobody', () => ({ claims: { aud: undefined } })],
    ['for several, and who asked is not said', () => ({ claims: { aud: ['oaiapp_FAKE1', 'other'] } })],
    ['for several, and another one asked', () => ({ claims: { aud: ['oaiapp_FAKE1', 'other'], azp: 'other' } })],
    ['that another one asked for', () => ({ claims: { azp: 'other' } })],
    ['of another sign-in', () => ({ claims: { nonce: 'FAKE-other' } })],
    ['of no sign-in', () => ({ claims: { nonce: undefined } })],
    ['six seconds after its end', (nowS) => ({ claims: { exp: nowS - 6 } })],
    ['without an end', () => ({ claims: { exp: undefined } })],
    ['without a beginning', () => ({ claims: { iat: undefined } })],
    ['of nobody', () => ({ claims: { sub: undefined } })],
    ['that nobody signed', () => ({ header: { alg: 'none' } })],
    ['signed with the public key as a password', () => ({ header: { alg: 'HS256' } })],
    ['signed by a stranger', () => ({ signedBy: 'stranger' })],
    ['under a key that nobody publishes', () => ({ header: { kid: 'FAKE-unknown' } })],
  ]

  test.each(bad)('%s', async (_, change) => {
    const started = await startAgain()
    const { fake, app, clock } = started
    const { data } = await app.call('codex_login', { route: 'plan' })
    const opened = readFileSync(app.credentialsFile, 'utf8')
    fake.plan.nextIdToken(change(Math.floor(clock.now() / 1000)))
    expect((await fake.browser(data.url)).status).toBe(400)
    expect((await app.call('codex_status')).data.login.error).toMatch(/does not hold: .*\[TOKEN_REQUEST_FAILED\]$/)
    expect(readFileSync(app.credentialsFile, 'utf8')).toBe(opened)
    expect(JSON.parse(opened).codex_plan).toMatchObject({ issued_client_id: 'oaiapp_FAKE1' })
    await expect.poll(() => fake.plan.seen.revocations.map(({ known }) => known)).toEqual([true])
  })

  test('or belongs to somebody else: ACCOUNT_CHANGED, with the way to another account', async () => {
    const started = await startAgain()
    const { fake, app } = started
    fake.plan.signInAs({ subject: 'user-FAKE-0002' })
    const { data } = await app.call('codex_login', { route: 'plan' })
    const opened = readFileSync(app.credentialsFile, 'utf8')
    await fake.browser(data.url)
    const { login } = (await app.call('codex_status')).data
    expect(login.error).toMatch(/another account or workspace.*\[ACCOUNT_CHANGED\]$/)
    expect(readFileSync(app.credentialsFile, 'utf8')).toBe(opened)
    const { login: next } = await signInToPlan(fake, app, { force: true })
    expect(next.data).toMatchObject({ status: 'authenticated', account_id: 'user-FAKE-0002' })
    expect(clientsOf(fake).at(-1)).toBe('dynamic_agent_client')
  })
})

describe('what the issuer publishes cannot be had', () => {
  const away: [string, Step][] = [
    ['is broken', { status: 503, json: {} }],
    ['does not answer', { reset: true }],
    ['is a web page', { html: '<h1>Sign in to this network</h1>' }],
    ['makes no sense', { json: { nothing: true } }],
  ]
  const both = (['discovery', 'jwks'] as const).flatMap((name) => away.map(([how, step]) => [name, how, step] as const))

  test.each(both)(
    '%s %s: nothing is stored or lost, and the next sign-in is one of the same client',
    async (name, _, step) => {
      const started = await start()
      const { fake, app } = started
      fake.plan.script[name].always(step)
      const { page, error } = await failedSignIn(started)
      expect(error).toMatch(/\[(TOKEN_REQUEST_FAILED|NETWORK|RESPONSE_INVALID)\]$/)
      expect(page.body).toMatch(/[Tt]ry again|connection/)
      expect(app.stored()?.codex_plan).toBeUndefined()
      fake.plan.script[name].always(undefined)
      expect((await signInToPlan(fake, app)).login.data.status).toBe('authenticated')
      expect(clientsOf(fake)).toEqual(['dynamic_agent_client', 'oaiapp_FAKE1'])
      expectCorrect(fake)
    },
  )

  test('the login that was there answers as before', async () => {
    const started = await start()
    const { fake, app } = started
    await signInToPlan(fake, app)
    const before = app.stored()
    const next = await startPatient(fake, { home: app.home, edges: { clock: started.clock } })
    fake.plan.script.jwks.always({ status: 503 })
    await failedSignIn({ ...started, app: next }, { force: true })
    expect(app.stored()).toEqual(before)
    expect((await next.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    expectCorrect(fake)
  })
})

test('the address asked for in a sign-in that failed is of no more use', async () => {
  const started = await start()
  const { fake, app } = started
  fake.plan.script.token.push({ status: 400, json: { error: 'invalid_grant' } })
  await failedSignIn(started)
  const { data } = await app.call('codex_login')
  const [first, second] = fake.plan.seen.authorizations
  expect(asked(data.url).state).not.toBe(first?.state)
  expect(second).toBeUndefined()
})

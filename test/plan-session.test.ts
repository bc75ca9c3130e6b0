import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { oauthRefusal, planError } from './support/fake-plan-errors.ts'
import { changed, gate, late, type Step } from './support/fake-script.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'

const AUTHORIZE = '/api/accounts/authorize'
const TOKEN = '/api/accounts/oauth/token'
const RESPONSES = '/v1/responses'
const QUESTION = { prompt: 'Hello?' }
const IN_SETTINGS = 'Login connections → Sign in with ChatGPT → codex-oauth → Manage connection → Disconnect'

interface Session {
  fake: FakeOpenAI
  app: StartedApp
  /** The record of the plan, as it stands in the file. */
  record(): Record<string, unknown>
  /** What outlives a sign-out: host id and registration, as they lie on the disk. */
  installation(): string[]
  change(fields: Record<string, unknown>): void
}

/** Somebody has signed in for plan usage. */
async function signedIn(): Promise<Session> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const app = await startApp(fake, { env: { CODEX_OAUTH_LOGIN_WAIT_MS: '1' } })
  await signIn(fake, app)
  const folder = join(dirname(app.credentialsFile), 'codex-oauth')
  const record = () => app.stored()?.codex_plan ?? {}
  return {
    fake,
    app,
    record,
    installation: () =>
      ['plan-host-id', 'plan-registration.json'].map((name) =>
        existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '',
      ),
    change(fields) {
      writeFileSync(app.credentialsFile, JSON.stringify({ ...app.stored(), codex_plan: { ...record(), ...fields } }))
    },
  }
}

/** One visit of the browser, and the words of the call after it. */
async function signIn(fake: FakeOpenAI, app: StartedApp, args: Record<string, unknown> = {}): Promise<string> {
  const { data } = await app.call('codex_login', { route: 'plan', ...args })
  expect(data.status).toBe('pending')
  expect((await fake.browser(data.url)).body).toContain('You are signed in')
  return (await app.call('codex_login')).text
}

const expired = { expires_at: 1_790_000_000 }
const requests = ({ fake }: Session, path: string) => fake.seen.requests.filter((request) => request.path === path)
const refreshes = ({ fake }: Session) => fake.plan.seen.grants.filter((grant) => grant === 'refresh_token').length

test('an expired token is renewed by the question that finds it, and the route is never left', async () => {
  const session = await signedIn()
  const { app, fake } = session
  session.change(expired)
  const { texts } = await app.call('codex_query', QUESTION)
  expect(texts[0]).toBe('Hello from the fake plan.')
  expect(refreshes(session)).toBe(1)
  expect([fake.seen.refusals, fake.plan.crossings]).toEqual([[], []])
})

describe('a login that is over', () => {
  test.each(['invalid_grant', 'refresh_token_invalidated'])(
    '(%s) costs one click, under the same client',
    async (code) => {
      const session = await signedIn()
      const { app, fake, record, installation } = session
      const [before, clientId] = [installation(), record().issued_client_id]
      session.change(expired)
      fake.plan.script.token.push(oauthRefusal(code))
      const { text, isError } = await app.call('codex_query', QUESTION)
      expect(isError).toBe(true)
      expect(text).toContain('[NOT_AUTHENTICATED]')
      expect(text).toContain('codex_login with route "plan"')
      expect(record()).not.toHaveProperty('access_token')
      expect(record()).toMatchObject({ issued_client_id: clientId })
      expect(installation()).toEqual(before)

      await signIn(fake, app)
      const [first, second, ...others] = fake.plan.seen.authorizations
      expect(others).toEqual([])
      expect(second).toMatchObject({ client_id: clientId, ext_agent_host_id: first?.ext_agent_host_id })
      expect(second).not.toHaveProperty('prompt')
      expect(fake.plan.registrations).toHaveLength(1)
      expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
    },
  )

  test('says so in the status, and how to go on', async () => {
    const session = await signedIn()
    const { app, fake } = session
    session.change(expired)
    fake.plan.options.refreshWorks = false
    await app.call('codex_query', QUESTION)
    const { data } = await app.call('codex_status')
    expect(data).toMatchObject({ status: 'expired', authenticated: false, route: 'plan' })
    expect(data.message).toContain('Sign in again with codex_login with route "plan"')
    expect(data.message).not.toContain('Using ChatGPT plan')
    // Whose it was is gone with its tokens.
    expect(data.message).not.toContain('e-mail')
  })

  test('is not stood in for by the Codex login beside it', async () => {
    const session = await signedIn()
    const { app, fake } = session
    const tokens = fake.issueTokens()
    const codex = { ...recordOf(tokens), saved_at: 1_700_000_000 }
    writeFileSync(app.credentialsFile, JSON.stringify({ ...app.stored(), codex }))
    session.change(expired)
    fake.plan.options.refreshWorks = false
    for (let n = 0; n < 2; n++) {
      expect((await app.call('codex_query', QUESTION)).text).toContain('[NOT_AUTHENTICATED]')
    }
    expect(refreshes(session)).toBe(1)
    expect(requests(session, '/backend-api/codex/responses')).toEqual([])
    // Whoever wants it says so.
    await app.call('codex_login', { route: 'codex' })
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake Codex.')
    expect(app.stored()?.codex).toMatchObject({ refresh_token: tokens.refresh_token })
  })

  test('where refreshing fails for everybody, each hour costs one request and one click', async () => {
    const session = await signedIn()
    const { app, fake } = session
    fake.plan.options.refreshWorks = false
    for (let hour = 1; hour <= 3; hour++) {
      session.change(expired)
      for (let n = 0; n < 3; n++) {
        expect((await app.call('codex_query', QUESTION)).text).toContain('[NOT_AUTHENTICATED]')
      }
      expect(refreshes(session)).toBe(hour)
      await signIn(fake, app)
      expect((await app.call('codex_query', QUESTION)).isError).toBe(false)
    }
    expect(fake.plan.registrations).toHaveLength(1)
    expect(requests(session, AUTHORIZE)).toHaveLength(4)
  })
})

test('a client the service has forgotten: nothing goes, and registering again works', async () => {
  const session = await signedIn()
  const { app, fake, record, installation } = session
  const [before, clientId] = [installation(), record().issued_client_id as string]
  session.change(expired)
  const stored = app.stored()
  fake.plan.deleteRegistration(clientId)
  for (let n = 0; n < 2; n++) {
    const { text } = await app.call('codex_query', QUESTION)
    expect(text).toContain('does not know the registration of this program any more')
    expect(text).toContain('codex_login with route "plan" and force: true')
  }
  expect(refreshes(session)).toBe(1)
  expect([app.stored(), installation()]).toEqual([stored, before])

  await signIn(fake, app, { force: true })
  expect(record().issued_client_id).not.toBe(clientId)
  expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
})

test('a client the service has forgotten: a plain sign-in says how to register again, and opens no page for nothing', async () => {
  const session = await signedIn()
  const { app, fake, record } = session
  session.change(expired)
  fake.plan.deleteRegistration(record().issued_client_id as string)
  const opened = app.opened.length
  for (const args of [{ route: 'plan' }, {}]) {
    const { text } = await app.call('codex_login', args)
    expect(text).toContain('does not know the registration of this program any more')
    expect(text).toContain('codex_login with route "plan" and force: true')
  }
  expect(app.opened).toHaveLength(opened)
})

test('a refresh whose scope is without the plan turns the plan off, and nothing is asked', async () => {
  const session = await signedIn()
  const { app, fake } = session
  fake.plan.withdrawPlanScope()
  session.change(expired)
  for (let n = 0; n < 2; n++) {
    const { text } = await app.call('codex_query', QUESTION)
    expect(text).toContain('Signed in, plan usage off.')
    expect(text).toContain('[PLAN_REQUIRED]')
  }
  expect([refreshes(session), requests(session, RESPONSES)]).toEqual([1, []])
  expect((await app.call('codex_status')).data).toMatchObject({ authenticated: false })

  // The user is asked for consent again, as the documentation allows after that.
  await signIn(fake, app)
  expect(fake.plan.seen.authorizations.at(-1)).toMatchObject({ prompt: 'consent' })
  expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
})

describe('the API answers 401', () => {
  test.each<[string, Step]>([
    ['without a code', planError(null, { status: 401 })],
    ['with a code', planError('subscription_sharing_invalid_user')],
  ])('%s once: renewed once, sent once more', async (_, refusal) => {
    const session = await signedIn()
    const { app, fake } = session
    fake.plan.script.responses.push(refusal)
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
    expect([refreshes(session), requests(session, RESPONSES).length]).toEqual([1, 2])
    const bearers = requests(session, RESPONSES).map(({ headers }) => headers.authorization)
    expect(new Set(bearers).size).toBe(2)
  })

  test.each<[string, Step]>([
    ['without a code', planError(null, { status: 401 })],
    ['with a code', planError('subscription_sharing_invalid_user')],
  ])('%s always: an error, no loop, and the login stays', async (_, refusal) => {
    const session = await signedIn()
    const { app, fake, record } = session
    fake.plan.script.responses.always(refusal)
    const { isError } = await app.call('codex_query', QUESTION)
    expect(isError).toBe(true)
    expect([refreshes(session), requests(session, RESPONSES).length]).toEqual([1, 2])
    expect(record()).toHaveProperty('refresh_token')
  })

  test('and the refresh token is dead: the login is over, nothing is sent again', async () => {
    const session = await signedIn()
    const { app, fake, record } = session
    fake.plan.revokeFamily(record().refresh_token as string)
    const { text } = await app.call('codex_query', QUESTION)
    expect(text).toContain('[NOT_AUTHENTICATED]')
    expect([refreshes(session), requests(session, RESPONSES).length]).toEqual([1, 1])
    expect(record()).not.toHaveProperty('access_token')
  })

  test('and the refresh is away: what was stored stays', async () => {
    const session = await signedIn()
    const { app, fake, record } = session
    fake.plan.script.responses.push(planError(null, { status: 401 }))
    fake.plan.script.token.push({ status: 503, json: {} })
    const before = record()
    expect((await app.call('codex_query', QUESTION)).isError).toBe(true)
    expect(record()).toEqual(before)
  })
})

describe('signing out', () => {
  test('keeps registration and host id: the next sign-in registers nothing', async () => {
    const { app, fake, record, installation } = await signedIn()
    const [before, clientId] = [installation(), record().issued_client_id]
    const { data } = await app.call('codex_clear')
    expect(data).toMatchObject({ cleared: true, revoked: true })
    expect(data.message).not.toContain('Login connections')
    expect(app.stored()).toEqual({})
    expect(installation()).toEqual(before)
    await signIn(fake, app)
    expect(fake.plan.seen.authorizations.at(-1)).toMatchObject({ client_id: clientId })
    expect(fake.plan.registrations).toHaveLength(1)
  })

  test.each<[string, (fake: FakeOpenAI) => void]>([
    ['500 always', ({ plan }) => plan.script.revoke.always({ status: 500, json: {} })],
    ['no place to revoke', ({ plan }) => plan.script.discovery.always(changed({ revocation_endpoint: undefined }))],
    [
      'a place of somebody else',
      ({ plan }) => plan.script.discovery.always(changed({ revocation_endpoint: 'https://evil.example/x' })),
    ],
    ['discovery down', ({ plan }) => plan.script.discovery.always({ status: 503, json: {} })],
  ])('without a confirmation (%s) ends it here and points to the settings of ChatGPT', async (_, fault) => {
    const { app, fake, record } = await signedIn()
    // What this process has read of the issuer while signing in is an hour old.
    const later = await startApp(fake, { home: app.home })
    fault(fake)
    const { data } = await later.call('codex_clear')
    expect(data).toMatchObject({ cleared: true, revoked: false })
    expect(data.message).toContain(IN_SETTINGS)
    expect(record()).toEqual({})
  })

  test('while a question renews the token: both tokens are revoked, and it stays signed out', async () => {
    const session = await signedIn()
    const { app, fake, record } = session
    const { issued_client_id: clientId, refresh_token: spent } = record()
    session.change(expired)
    const answer = gate()
    fake.plan.script.token.push(late(answer.promise))
    const question = app.call('codex_query', QUESTION)
    await fake.arrival(TOKEN, 2)
    expect((await app.call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
    answer.open()
    expect((await question).text).toContain('[NOT_AUTHENTICATED]')
    expect(fake.plan.seen.revocations).toEqual([
      { token: spent, clientId, known: true },
      { token: expect.not.stringMatching(`^${spent}$`), clientId, known: true },
    ])
    expect(app.stored()).toEqual({})
  })

  test('a login that another registration replaces is revoked as the client it belongs to', async () => {
    const session = await signedIn()
    const { app, fake, record } = session
    const { issued_client_id: clientId, refresh_token: token } = record()
    await signIn(fake, app, { force: true })
    await app.app.settled()
    expect(record().issued_client_id).not.toBe(clientId)
    expect(fake.plan.seen.revocations).toEqual([{ token, clientId, known: true }])
    expect((await app.call('codex_query', QUESTION)).isError).toBe(false)
  })
})

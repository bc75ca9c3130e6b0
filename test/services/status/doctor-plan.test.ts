import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import type { DoctorCheck } from '../../../src/services/status/doctor.ts'
import { inWords } from '../../support/doctor-bench.ts'
import { startFakeOpenAI } from '../../support/fake-openai.ts'
import { freePorts } from '../../support/free-ports.ts'
import { planRecordOf, seedLogins } from '../../support/plan-app.ts'
import { recordOf, startApp } from '../../support/start-app.ts'

const SUBJECT = '0123456789abcdef0123'
const TOKEN = '/api/accounts/oauth/token'
const SIGN_IN = ' → Sign in: codex_login with route "plan".'
const posix = test.runIf(process.platform !== 'win32')

type Fields = Record<string, unknown>

async function start(env: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const app = await startApp(fake, { env })
  const folder = join(dirname(app.credentialsFile), 'codex-oauth')
  const run = async () => (await app.app.services.doctor()).checks
  return {
    fake,
    app,
    folder,
    run,
    /** Stores a login for plan usage, and the Codex one where its record is given. */
    signIn(expiresInSeconds = 3600, fields: Fields = {}, codex?: Fields) {
      const issued = fake.plan.issueTokens({ expiresInSeconds })
      const plan = { ...planRecordOf(issued, expiresInSeconds), ...fields }
      seedLogins(app, { ...(codex && { codex }), codex_plan: plan })
      return issued
    },
    /** What a sign-in leaves beside the credentials. */
    register(registration: unknown = { current: { client_id: 'oaiapp_FAKE' } }, hostId = HOST_ID) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const text = typeof registration === 'string' ? registration : JSON.stringify(registration)
      writeFileSync(join(folder, 'plan-registration.json'), text, { mode: 0o600 })
      writeFileSync(join(folder, 'plan-host-id'), `${hostId}\n`, { mode: 0o600 })
    },
    lines: async (name: string) => (await run()).filter((check) => check.name === name).map(inWords),
  }
}

const HOST_ID = 'urn:uuid:11111111-2222-4333-8444-555555555555'
const namesOf = (checks: readonly DoctorCheck[]) => checks.map(({ name }) => name)

test('without a login for plan usage nothing is said of it, and nobody is asked', async () => {
  const { fake, app, run } = await start()
  app.seed(recordOf(fake.issueTokens()))
  const checks = await run()
  expect(namesOf(checks).filter((name) => name.startsWith('plan'))).toEqual([])
  expect(fake.seen.counts['/v1/models']).toBeUndefined()
})

test('a login for plan usage has lines of its own, and all is well', async () => {
  const { signIn, register, run } = await start()
  signIn()
  register()
  const checks = await run()
  expect(namesOf(checks).filter((name) => name.startsWith('plan'))).toEqual([
    'plan model service',
    'plan claims',
    'plan host id',
    'plan registration',
    'plan sign-in',
    'plan account',
  ])
  // Whether a browser can be found is not the subject.
  const others = checks.filter(({ name }) => name !== 'browser')
  expect(others.filter(({ state }) => state === 'warning' || state === 'problem')).toEqual([])
  expect(checks.filter(({ name }) => name === 'sign-in').map(inWords)).toEqual([
    'skipped: Nobody is signed in this way.',
  ])
})

test('with both logins each has its lines, and the one that answers is the credential', async () => {
  const { fake, signIn, lines } = await start()
  signIn(3600, {}, { ...recordOf(fake.issueTokens()), saved_at: 1 })
  expect(await lines('credentials file')).toEqual(['ok: ~/.claude/auth.json holds 2 sign-ins (mode 600).'])
  expect(await lines('account')).toEqual(['ok: Signed in as p…n@example.com, plan pro.'])
  expect(await lines('plan account')).toEqual([
    'ok: Signed in as p…n@example.com, on a plan that its tokens do not name.',
  ])
  expect(await lines('credential')).toEqual(['ok: Questions are asked with: ChatGPT plan usage.'])
  expect(await lines('models')).toEqual(['ok: 4 models, from the copy on this machine.'])
})

describe('the service', () => {
  test('is asked without a token, and its refusal is an answer', async () => {
    const { fake, signIn, lines } = await start()
    signIn()
    expect((await lines('plan model service'))[0]).toMatch(/^ok: 127\.0\.0\.1:\d+ answers \(401, \d+ ms\)\.$/)
    const [asked] = fake.seen.requests.filter(({ path }) => path === '/v1/models')
    expect(asked?.headers.authorization).toBeUndefined()
  })

  test('is not there', async () => {
    const { signIn, lines } = await start({ CODEX_OAUTH_PLAN_BASE_URL: 'http://127.0.0.1:1/v1' })
    signIn()
    expect((await lines('plan model service'))[0]).toMatch(/^problem: .*\[NETWORK\] → /)
  })
})

describe('the sign-in', () => {
  test('is fresh long after the other one would be renewed', async () => {
    const { fake, signIn, lines } = await start()
    signIn(100)
    expect((await lines('plan sign-in'))[0]).toMatch(/^ok: The access token is .* It is renewed by itself\.$/)
    expect(fake.seen.counts[TOKEN]).toBeUndefined()
  })

  test.each([-10, 30])('is due (%i s left) and gets renewed, on its own route', async (leftS) => {
    const { fake, signIn, lines } = await start()
    signIn(leftS)
    expect((await lines('plan sign-in'))[0]).toMatch(/^ok: A renewal was due and went well\. The access token is /)
    expect([fake.plan.seen.grants, fake.seen.grants]).toEqual([['refresh_token'], []])
    expect(await lines('plan claims')).toEqual(['ok: No renewal is under way.'])
  })

  test('is not renewed before the service wants it', async () => {
    const { fake, signIn, lines } = await start()
    signIn(30, { earliest_refresh_at: Math.floor(Date.now() / 1000) + 20 })
    expect((await lines('plan sign-in'))[0]).toMatch(/^ok: .* It is renewed by itself\.$/)
    expect(fake.seen.counts[TOKEN]).toBeUndefined()
  })

  test('cannot be renewed: how to sign in again, and from then on that is known', async () => {
    const { fake, signIn, lines } = await start()
    signIn(-10)
    fake.plan.options.refreshWorks = false
    expect((await lines('plan sign-in'))[0]).toMatch(
      /^problem: .*\[NOT_AUTHENTICATED\] → Sign in with codex_login with route "plan"/,
    )
    const [line = ''] = await lines('plan sign-in')
    expect(line).toMatch(/^problem: .* It can no longer be renewed\./)
    expect(line.endsWith(SIGN_IN)).toBe(true)
    expect(fake.seen.counts[TOKEN]).toBe(1)
  })

  test('is of a registration that OpenAI does not know any more: how to register again', async () => {
    const { fake, signIn, lines } = await start()
    const { clientId } = signIn(-10)
    fake.plan.deleteRegistration(clientId)
    expect((await lines('plan sign-in'))[0]).toMatch(
      /^problem: .*\[TOKEN_REQUEST_FAILED\] → .*codex_login with route "plan" and force: true/,
    )
  })

  test('has plan usage off, and how to turn it on', async () => {
    const { signIn, lines } = await start()
    signIn(3600, { granted_scope: 'openid profile email offline_access' })
    expect(await lines('plan account')).toEqual([
      'warning: Signed in as p…n@example.com, on a plan that its tokens do not name. Signed in, plan usage off. → ' +
        'To turn it on: codex_login with route "plan", and allow it there.',
    ])
    expect((await lines('credential'))[0]).toMatch(/^problem: .*\[PLAN_REQUIRED\]/)
  })

  test('is damaged: the file says so', async () => {
    const { app, lines } = await start()
    seedLogins(app, { codex_plan: { access_token: 7 } })
    expect((await lines('credentials file'))[0]).toMatch(/^problem: .*\[STORAGE_CORRUPT\] → /)
  })
})

test('claims on its renewal are counted apart', async () => {
  const { app, signIn, lines } = await start()
  signIn()
  createClaimStore({ base: () => `${app.credentialsFile}.plan`, now: Date.now }).take(SUBJECT, 1)
  expect(await lines('plan claims')).toEqual(['ok: 1 claim on a renewal, 1 at work.'])
  expect(await lines('claims')).toEqual(['ok: No renewal is under way.'])
})

describe('the registration', () => {
  const HOST = '~/.claude/codex-oauth/plan-host-id'
  const REGISTRATION = '~/.claude/codex-oauth/plan-registration.json'

  test('is looked at when nobody is signed in any more, too', async () => {
    const { register, run } = await start()
    register()
    const found = (await run()).filter(({ name }) => name.startsWith('plan'))
    expect(found.map(inWords)).toEqual([
      `ok: ${HOST} holds the id of this installation.`,
      `ok: ${REGISTRATION} holds the registration of this installation.`,
    ])
  })

  test('is missing beside a sign-in, and looking makes none', async () => {
    const { signIn, run, lines } = await start()
    signIn()
    await run()
    expect(await lines('plan host id')).toEqual([
      expect.stringMatching(/^warning: \S+plan-host-id is missing\. → Nothing/),
    ])
    expect((await lines('plan registration'))[0]).toMatch(/^warning: \S+plan-registration\.json is missing\. → Nothing/)
  })

  test('is damaged', async () => {
    const { register, lines } = await start()
    register('{"current": ', 'urn:uuid:not-one')
    expect((await lines('plan host id'))[0]).toMatch(/^problem: .*\[STORAGE_CORRUPT\] → Remove it/)
    expect((await lines('plan registration'))[0]).toMatch(/^problem: .*\[STORAGE_CORRUPT\] → /)
  })

  test('holds none as yet', async () => {
    const { register, lines } = await start()
    register({ notice_shown: true })
    expect(await lines('plan registration')).toEqual([`ok: ${REGISTRATION} holds no registration.`])
  })

  posix('can be changed by others', async () => {
    const { folder, register, lines } = await start()
    register()
    chmodSync(join(folder, 'plan-registration.json'), 0o666)
    expect(await lines('plan registration')).toEqual([
      `warning: ${REGISTRATION} holds the registration of this installation. Other users of this machine can change it (mode 666). → Run: chmod go-w ${REGISTRATION}`,
    ])
  })
})

describe('a port that was named for it', () => {
  test('is free', async () => {
    const [port] = await freePorts(1)
    const { lines } = await start({ CODEX_OAUTH_PLAN_PORT: String(port) })
    expect(await lines('plan port')).toEqual([`ok: Port ${port} is free for a sign-in for plan usage.`])
  })

  test('is taken: no other one is in its place', async () => {
    const [port] = await freePorts(1)
    const server = createServer().listen(port, '127.0.0.1')
    onTestFinished(() => void server.close())
    const { lines } = await start({ CODEX_OAUTH_PLAN_PORT: String(port) })
    expect((await lines('plan port'))[0]).toMatch(
      new RegExp(`^problem: Port ${port} is taken on 127\\.0\\.0\\.1.* → End .*CODEX_OAUTH_PLAN_PORT`),
    )
  })
})

test('nothing in it is secret', async () => {
  const { fake, signIn, register, run } = await start()
  const { clientId, person } = signIn(30)
  register()
  const text = JSON.stringify(await run())
  for (const secret of [...fake.secrets(), clientId, person.subject, person.email, HOST_ID]) {
    expect(text).not.toContain(secret)
  }
})

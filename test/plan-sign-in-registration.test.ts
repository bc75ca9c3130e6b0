import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gate, late } from './support/fake-script.ts'
import { isListening } from './support/is-listening.ts'
import { asked, expectCorrect, signInToPlan, startFake, startPatient, startPlanApp } from './support/plan-bench.ts'
import type { StartedApp } from './support/start-app.ts'

const planOf = (app: StartedApp) => app.stored()?.codex_plan

function registrationOf(app: StartedApp): Record<string, unknown> {
  return JSON.parse(readFileSync(join(dirname(app.credentialsFile), 'codex-oauth', 'plan-registration.json'), 'utf8'))
}

describe('with force', () => {
  test('somebody registers anew; the old login is revoked under its own client once the new one is stored', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const old = planOf(app)
    let storedThen: unknown
    fake.plan.script.revoke.push((usual) => {
      storedThen = planOf(app)?.issued_client_id
      return usual()
    })
    const { opened, login } = await signInToPlan(fake, app, { force: true })
    expect(asked(opened.data.url)).toMatchObject({
      client_id: 'dynamic_agent_client',
      agent_name_hint: 'codex-oauth',
      ext_agent_host_id: fake.plan.seen.authorizations[0]?.ext_agent_host_id,
    })
    expect(login.data.status).toBe('authenticated')
    await expect.poll(() => fake.plan.seen.revocations).toHaveLength(1)
    expect(fake.plan.seen.revocations).toEqual([{ token: old?.refresh_token, clientId: 'oaiapp_FAKE1', known: true }])
    expect(storedThen).toBe('oaiapp_FAKE2')
    expectCorrect(fake)
  })

  test('until then the old login answers, whatever becomes of the new one', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const old = planOf(app)
    const { data } = await app.call('codex_login', { route: 'plan', force: true })
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    fake.plan.nextIdToken({ claims: { nonce: 'FAKE-other' } })
    await fake.browser(data.url)
    expect(planOf(app)).toEqual(old)
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    const after = fake.plan.seen.revocations.map(({ token }) => token)
    expect(after).not.toContain(old?.refresh_token)
    expectCorrect(fake)
  })

  test('two registrations with one e-mail are two: tokens, clients and people stay apart', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    fake.plan.signInAs({ subject: 'user-FAKE-0002', workspace: 'ws-FAKE-0002' })
    const { login } = await signInToPlan(fake, app, { force: true })
    expect(login.data).toMatchObject({ account_id: 'user-FAKE-0002', email: 'p…n@example.com' })
    expect(planOf(app)).toMatchObject({ issued_client_id: 'oaiapp_FAKE2', account_id: 'user-FAKE-0002' })
    fake.plan.expireAccessTokens()
    await app.call('codex_clear')
    const later = await signInToPlan(fake, app)
    expect(asked(later.opened.data.url).client_id).toBe('oaiapp_FAKE2')
    expect(later.login.data.account_id).toBe('user-FAKE-0002')
    expectCorrect(fake)
  })
})

describe('a registration whose code could not be redeemed', () => {
  const AWAY = { status: 503, json: {} }
  const clientIn = (url: string) => asked(url).client_id
  const anew = async (app: StartedApp) => (await app.call('codex_login', { route: 'plan', force: true })).data.url

  /** Somebody has registered, and the tokens did not come. */
  async function halfWay() {
    const { fake, app } = await startPlanApp()
    fake.plan.script.token.push(AWAY)
    await fake.browser(await anew(app))
    expect(registrationOf(app)).toMatchObject({ pending: { client_id: 'oaiapp_FAKE1' } })
    return { fake, app }
  }

  test('is taken up once by whoever asks anew, then another one is made', async () => {
    const { fake, app } = await halfWay()
    expect(clientIn(await anew(app))).toBe('oaiapp_FAKE1')
    const url = await anew(app)
    expect(clientIn(url)).toBe('dynamic_agent_client')
    await fake.browser(url)
    expect(planOf(app)).toMatchObject({ issued_client_id: 'oaiapp_FAKE2' })
    expectCorrect(fake)
  })

  test('is kept again by a code that comes for it after all', async () => {
    const { fake, app } = await halfWay()
    fake.plan.script.token.push(AWAY)
    const url = await anew(app)
    await expect.poll(() => registrationOf(app)).not.toHaveProperty('pending')
    await fake.browser(url)
    expect(registrationOf(app)).toMatchObject({ pending: { client_id: 'oaiapp_FAKE1' } })
    const next = await anew(app)
    expect(clientIn(next)).toBe('oaiapp_FAKE1')
    await fake.browser(next)
    expect(planOf(app)).toMatchObject({ issued_client_id: 'oaiapp_FAKE1' })
    expect(fake.plan.registrations).toHaveLength(1)
    expectCorrect(fake)
  })
})

test.runIf(process.platform === 'linux')('where no registration can be kept nothing opens', async () => {
  const { fake, app } = await startPlanApp()
  const folder = join(dirname(app.credentialsFile), 'codex-oauth')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'plan-host-id'), 'urn:uuid:919108f7-52d1-4320-9bac-f847db4148a8\n')
  // A place that is read-only for everybody.
  symlinkSync('/proc/nobody/plan-registration.json', join(folder, 'plan-registration.json'))
  for (const force of [false, true]) {
    const { text } = await app.call('codex_login', { route: 'plan', force })
    expect(text).toMatch(/plan-registration\.json.*\[STORAGE_FAILED\]$/)
  }
  expect(app.opened).toEqual([])
  expect(fake.plan.seen.authorizations).toEqual([])
})

describe('signing out', () => {
  test('leaves the registration, and the next sign-in is one click with the issued client', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const before = registrationOf(app)
    await app.call('codex_clear')
    expect(planOf(app)).toBeUndefined()
    expect(registrationOf(app)).toEqual(before)
    const { opened } = await signInToPlan(fake, app)
    expect(asked(opened.data.url).client_id).toBe('oaiapp_FAKE1')
    expectCorrect(fake)
  })

  test('leaves nothing secret and nobody’s name behind', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    await app.call('codex_clear')
    const kept = JSON.stringify(registrationOf(app))
    for (const secret of fake.secrets()) expect(kept).not.toContain(secret)
    expect(kept).not.toContain('example.com')
  })

  test('while a code is being redeemed: nothing is stored, the tokens are revoked, the client is kept', async () => {
    const { fake, app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: 'plan' })
    const door = gate()
    fake.plan.script.token.push(late(door.promise))
    const page = fake.browser(data.url)
    await fake.arrival('/api/accounts/oauth/token')
    expect((await app.call('codex_clear')).data.login_cancelled).toBe(true)
    door.open()
    await page.catch(() => undefined)
    await app.app.settled()
    expect(app.stored() ?? {}).toEqual({})
    expect(fake.plan.seen.revocations).toHaveLength(1)
    const next = await app.call('codex_login', { route: 'plan' })
    expect(asked(next.data.url).client_id).toBe('oaiapp_FAKE1')
    expectCorrect(fake)
  })
})

describe('two windows', () => {
  test('that sign in at once: one browser, one registration, and both are signed in', async () => {
    const fake = await startFake()
    const one = await startPatient(fake, {}, 20_000)
    const two = await startPatient(fake, { home: one.home }, 20_000)
    const both = [one, two].map((app) => app.call('codex_login', { route: 'plan' }))
    const opened = () => [...one.opened, ...two.opened]
    await expect.poll(() => opened().length).toBe(1)
    await fake.browser(opened()[0] ?? '')
    const outcomes = await Promise.all(both)
    expect(outcomes.map(({ data }) => data.status)).toEqual(['authenticated', 'authenticated'])
    expect([opened().length, fake.plan.registrations.length, fake.plan.seen.grants.length]).toEqual([1, 1, 1])
    expectCorrect(fake)
  })

  test('that make the id of the host together have one', async () => {
    const fake = await startFake()
    const one = await startPatient(fake)
    const windows = [one, ...(await Promise.all([1, 2, 3].map(() => startPatient(fake, { home: one.home }))))]
    const args = { route: 'plan', method: 'browser' }
    const outcomes = await Promise.all(windows.map((app) => app.call('codex_login', args)))
    const hosts = outcomes.map(({ data }) => asked(data.url).ext_agent_host_id)
    expect(new Set(hosts).size).toBe(1)
  })

  test('the second one is shown a way to a browser of its own that registers nothing twice', async () => {
    const fake = await startFake()
    const one = await startPatient(fake)
    await signInToPlan(fake, one)
    await one.call('codex_clear')
    const two = await startPatient(fake, { home: one.home })
    await one.call('codex_login', { route: 'plan' })
    const { data } = await two.call('codex_login', { route: 'plan' })
    expect(data).toMatchObject({ method: 'other-window' })
    expect(data.other_ways).toEqual([expect.stringMatching(/codex_login with route "plan" and method "browser"\.$/)])
    const own = await two.call('codex_login', { route: 'plan', method: 'browser' })
    expect(asked(own.data.url).client_id).toBe('oaiapp_FAKE1')
  })
})

test('a sign-in nobody comes to ends, frees its port, and says what to do where OpenAI showed an error', async () => {
  const fake = await startFake()
  const app = await startPatient(fake, { env: { CODEX_OAUTH_LOGIN_TIMEOUT_MS: '60' } }, 20_000)
  const { text } = await app.call('codex_login', { route: 'plan' })
  expect(text).toMatch(/^Nobody finished the sign-in.*callback_url.*route "plan" and force: true.*\[LOGIN_TIMEOUT\]$/)
  expect(text).not.toContain('device')
  expect(await isListening(Number(new URL(asked(app.opened[0] ?? '').redirect_uri ?? '').port))).toBe(false)
  expect(await app.call('codex_status')).toMatchObject({ data: { login: { state: 'failed', route: 'plan' } } })
})

import { mkdirSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FakeOpenAI } from './support/fake-openai.ts'
import { planFailure } from './support/fake-plan-stream.ts'
import { isListening } from './support/is-listening.ts'
import {
  asked,
  expectCorrect,
  pathCount,
  signInToPlan,
  startFake,
  startPatient,
  startPlanApp,
} from './support/plan-bench.ts'
import { recordOf, type StartedApp } from './support/start-app.ts'

const CODEX_ANSWER = 'Hello from the fake Codex.'
const PLAN_ANSWER = 'Hello from the fake plan.'
const SEALED = { CODEX_OAUTH_STORE: 'encrypted', CODEX_OAUTH_PASSPHRASE: 'FAKE passphrase' }

async function signInToCodex(fake: FakeOpenAI, app: StartedApp) {
  const { data } = await app.call('codex_login', { route: 'codex' })
  await fake.browser(data.url)
  return app.call('codex_login')
}

const ask = async (app: StartedApp) => (await app.call('codex_query', { prompt: 'Hi' })).texts[0]
const portOf = (url: string) => Number(new URL(asked(url).redirect_uri ?? '').port)
const isPlan = (url: string) => url.includes('/api/accounts/authorize')

async function signedInToBoth(env: Record<string, string> = {}) {
  const { fake, app } = await startPlanApp({ env })
  await signInToCodex(fake, app)
  await signInToPlan(fake, app)
  return { fake, app }
}

describe('with both logins', () => {
  test('the one signed in to last answers, and the status shows both', async () => {
    const { fake, app } = await signedInToBoth()
    expect(await ask(app)).toBe(PLAN_ANSWER)
    const { data } = await app.call('codex_status')
    expect(data).toMatchObject({ authenticated: true, route: 'plan' })
    expect(data.logins).toEqual([
      expect.objectContaining({ route: 'codex', answers: false, authenticated: true, email: 'p…n@example.com' }),
      expect.objectContaining({ route: 'plan', answers: true, authenticated: true, email: 'p…n@example.com' }),
    ])
    expect(data.message).toContain('codex_login with route "codex"')
    expectCorrect(fake)
  })

  test('who answers is changed by naming the route, without a browser, and kept over a restart', async () => {
    const { fake, app } = await signedInToBoth()
    const opened = app.opened.length
    const { data } = await app.call('codex_login', { route: 'codex' })
    expect(data).toMatchObject({ status: 'authenticated', route: 'codex' })
    expect(data.message).toMatch(/^Already signed in .* from now on\.$/)
    expect(await ask(app)).toBe(CODEX_ANSWER)
    const next = await startPatient(fake, { home: app.home })
    expect(await ask(next)).toBe(CODEX_ANSWER)
    await next.call('codex_login', { route: 'plan' })
    expect(await ask(next)).toBe(PLAN_ANSWER)
    expect(await ask(app)).toBe(PLAN_ANSWER)
    expect([app.opened.length, next.opened.length]).toEqual([opened, 0])
    expectCorrect(fake)
  })

  test('the second sign-in leaves the first as it is, in whatever order', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const plan = app.stored()?.codex_plan
    await signInToCodex(fake, app)
    expect(app.stored()?.codex_plan).toEqual(plan)
    expect(await ask(app)).toBe(CODEX_ANSWER)
    expect(fake.plan.seen.revocations).toEqual([])
    expectCorrect(fake)
  })

  test('a renewal changes nothing about who answers', async () => {
    const { fake, app } = await signedInToBoth()
    await app.call('codex_login', { route: 'codex' })
    fake.plan.expireAccessTokens()
    fake.expireAccessTokens()
    expect(await ask(app)).toBe(CODEX_ANSWER)
    expect(fake.plan.crossings).toEqual([])
  })
})

describe('a sign-in that is open beside both logins', () => {
  test.each([
    ['plan', 'codex'],
    ['codex', 'plan'],
    ['plan', 'plan'],
    ['codex', 'codex'],
  ] as const)('(for %s, where %s answers) is told once, and with no login but its own', async (opened, answering) => {
    const { app } = await signedInToBoth()
    await app.call('codex_login', { route: answering })
    const { url } = (await app.call('codex_login', { route: opened, force: true })).data
    const { data } = await app.call('codex_status')
    expect(data).toMatchObject({ route: answering, login: { state: 'pending', route: opened, url } })
    expect(data.message.split(url)).toHaveLength(2)
    const elsewhere = data.logins.filter(({ route }: { route: string }) => route !== opened)
    expect(elsewhere).toHaveLength(1)
    expect(JSON.stringify(elsewhere)).not.toContain('sign-in waits')
  })

  test('is told where only the other login is there', async () => {
    const { fake, app } = await startPlanApp()
    await signInToCodex(fake, app)
    const { url } = (await app.call('codex_login', { route: 'plan' })).data
    const { data } = await app.call('codex_status')
    expect(data.message).toMatch(/^Signed in as .* A sign-in waits in the browser: /)
    expect(data.message.split(url)).toHaveLength(2)
  })
})

describe('a sign-in whose login is stored', () => {
  test('has succeeded, however long what follows takes, and nobody can call it off', async () => {
    const { fake, app } = await startPlanApp()
    const { url } = (await app.call('codex_login', { route: 'plan' })).data
    const lock = join(dirname(app.credentialsFile), 'codex-oauth', 'plan-registration.json.lock')
    fake.plan.script.token.push((usual) => {
      mkdirSync(lock)
      return usual()
    })
    expect((await fake.browser(url)).body).toContain('You are signed in')
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'succeeded' })
    await app.call('codex_login', { route: 'codex' })
    expect(app.stored()).toHaveProperty('codex_plan')
    rmdirSync(lock)
    await app.app.settled()
    expect(await ask(app)).toBe(PLAN_ANSWER)
    expect(fake.plan.seen.revocations).toEqual([])
  })
})

describe('a sign-in that names no route', () => {
  test('goes on with the one for the plan that is open', async () => {
    const { app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: 'plan' })
    expect((await app.call('codex_login')).data).toMatchObject({ route: 'plan', url: data.url })
    expect(app.opened).toHaveLength(1)
  })

  test('goes on after one for the plan that has failed', async () => {
    const { fake, app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: 'plan' })
    await fake.browser(data.url, { deny: true })
    const next = await app.call('codex_login')
    expect(isPlan(next.data.url)).toBe(true)
    expect(next.data.message).toMatch(
      /^The last sign-in failed: .*refused in the browser\. .* Continue with ChatGPT\. /,
    )
    expect((await app.call('codex_login')).data.message).toMatch(/^Continue with ChatGPT\. /)
  })

  test.each(['codex', undefined])('tells how one for the plan has ended, with CODEX_OAUTH_ROUTE=%s', async (route) => {
    const { fake, app } = await startPlanApp({ env: route === undefined ? {} : { CODEX_OAUTH_ROUTE: route } })
    const { login } = await signInToPlan(fake, app)
    expect(login.data).toMatchObject({ status: 'authenticated', route: 'plan' })
    expect(app.opened).toHaveLength(1)
  })

  test('says that somebody is signed in where the plan answers, also in the next window', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const next = await startPatient(fake, { home: app.home })
    expect((await next.call('codex_login')).data).toMatchObject({
      status: 'authenticated',
      route: 'plan',
      message: expect.stringMatching(/^Already signed in/),
    })
    expect(next.opened).toEqual([])
  })

  test('is for the plan with CODEX_OAUTH_ROUTE=plan, and for Codex without', async () => {
    const fake = await startFake()
    for (const [env, plan] of [[{ CODEX_OAUTH_ROUTE: 'plan' }, true] as const, [{}, false] as const]) {
      const app = await startPatient(fake, { env })
      expect(isPlan((await app.call('codex_login')).data.url)).toBe(plan)
    }
  })
})

describe('two routes at once', () => {
  test.each([
    ['plan', 'codex'],
    ['codex', 'plan'],
  ])('a sign-in to %s is ended by one to %s, and its port is free', async (first, second) => {
    const { fake, app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: first })
    const other = await app.call('codex_login', { route: second })
    expect(other.data).toMatchObject({ status: 'pending', route: second })
    expect(await isListening(portOf(data.url))).toBe(false)
    await fake.browser(other.data.url)
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', route: second })
    expect(Object.keys(app.stored() ?? {})).toEqual([second === 'plan' ? 'codex_plan' : 'codex'])
    expectCorrect(fake)
  })

  test('a call that waits for the other one is told', async () => {
    const fake = await startFake()
    const app = await startPatient(fake, {}, 20_000)
    const waiting = app.call('codex_login', { route: 'plan' })
    await expect.poll(() => app.opened.length).toBe(1)
    const other = app.call('codex_login', { route: 'codex' })
    expect((await waiting).text).toMatch(/\[CANCELLED\]$/)
    await expect.poll(() => app.opened.length).toBe(2)
    await fake.browser(app.opened[1] ?? '')
    expect((await other).data).toMatchObject({ status: 'authenticated', route: 'codex' })
  })

  test('asked for in the same moment open one browser that counts: the later one', async () => {
    for (const routes of [
      ['plan', 'codex'],
      ['codex', 'plan'],
    ] as const) {
      const { fake, app } = await startPlanApp()
      const [first, second] = await Promise.all(routes.map((route) => app.call('codex_login', { route })))
      expect(first?.text).toMatch(/\[CANCELLED\]$/)
      expect(second?.data).toMatchObject({ status: 'pending', route: routes[1] })
      expect(app.opened).toEqual([second?.data.url])
      await fake.browser(second?.data.url)
      expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', route: routes[1] })
    }
  })
})

describe('a question with a login that is dead', () => {
  const dialogs = (fake: FakeOpenAI, shown: string[]) => async (request: { url: string }) => {
    shown.push(request.url)
    void fake.browser(request.url)
    return 'accept' as const
  }

  test('signs in to the plan where the plan answered, never to Codex, even if that is what is set', async () => {
    const fake = await startFake()
    const shown: string[] = []
    const env = { CODEX_OAUTH_ROUTE: 'codex' }
    const app = await startPatient(fake, { env, dialog: dialogs(fake, shown) }, 20_000)
    await app.call('codex_login', { route: 'codex' })
    await app.call('codex_login', { route: 'plan' })
    fake.plan.expireAccessTokens()
    fake.plan.expireRefreshTokens()
    expect(await ask(app)).toBe(PLAN_ANSWER)
    expect(shown.map(isPlan)).toEqual([false, true, true])
    expect(asked(shown[2] ?? '').client_id).toBe('oaiapp_FAKE1')
    expect(pathCount(fake, '/backend-api/codex/responses')).toBe(0)
    expect(fake.plan.crossings).toEqual([])
  })

  test('goes on with a sign-in to the other one that the user has opened, and ends it not', async () => {
    const fake = await startFake()
    const shown: string[] = []
    const dialog = async ({ url }: { url: string }) => {
      if (shown.push(url) === 1) return 'decline' as const
      void fake.browser(url)
      return 'accept' as const
    }
    const app = await startPatient(fake, { dialog }, 20_000)
    app.seed(recordOf(fake.issueTokens({ expiresInSeconds: -60 }), -60))
    fake.expireRefreshTokens()
    const { data } = await app.call('codex_login', { route: 'plan' })
    expect(data).toMatchObject({ status: 'pending', route: 'plan' })
    expect(await ask(app)).toBe(PLAN_ANSWER)
    expect(shown).toEqual([data.url, data.url])
    expect(fake.plan.registrations).toHaveLength(1)
  })

  test('that signs in and then fails tells with the error what is told once', async () => {
    const fake = await startFake()
    const app = await startPatient(fake, { env: { CODEX_OAUTH_ROUTE: 'plan' }, dialog: dialogs(fake, []) }, 20_000)
    fake.plan.script.responses.push(planFailure())
    const { text } = await app.call('codex_query', { prompt: 'Hi' })
    expect(text).toMatch(/^Half a\nINCOMPLETE ANSWER: .*\[USAGE_LIMIT\]\n/)
    expect(text.match(/Your ChatGPT plan is in use/g)).toHaveLength(1)
    expect((await app.call('codex_query', { prompt: 'Hi' })).text).not.toContain('Your ChatGPT plan is in use')
  })

  test('and that signs in without the plan says that once as well', async () => {
    const fake = await startFake()
    const app = await startPatient(fake, { env: { CODEX_OAUTH_ROUTE: 'plan' }, dialog: dialogs(fake, []) }, 20_000)
    fake.plan.declinePlanScope()
    const { text } = await app.call('codex_query', { prompt: 'Hi' })
    expect(text.match(/plan usage off/g)).toHaveLength(1)
    expect(text.match(/To turn it on/g)).toHaveLength(1)
  })

  test('nobody else’s login or key answers in its place where there is no dialog', async () => {
    const { fake, app } = await signedInToBoth({ OPENAI_API_KEY: 'sk-FAKE-0001' })
    fake.plan.expireAccessTokens()
    fake.plan.expireRefreshTokens()
    const { text } = await app.call('codex_query', { prompt: 'Hi' })
    expect(text).toMatch(/codex_login with route "plan".*\[NOT_AUTHENTICATED\]$/)
    expect(pathCount(fake, '/backend-api/codex/responses')).toBe(0)
    expect((await app.call('codex_status')).data).toMatchObject({ route: 'plan', authenticated: false })
    expect(fake.plan.crossings).toEqual([])
  })
})

describe('sealed', () => {
  test('both logins are, and both work', async () => {
    const { fake, app } = await signedInToBoth(SEALED)
    const kept = JSON.stringify(app.stored())
    for (const secret of fake.secrets()) expect(kept).not.toContain(secret)
    expect(Object.keys(app.stored() ?? {}).sort()).toEqual(expect.arrayContaining(['codex', 'codex_plan']))
    expect(await ask(app)).toBe(PLAN_ANSWER)
    await app.call('codex_login', { route: 'codex' })
    const next = await startPatient(fake, { home: app.home, env: SEALED })
    expect(await ask(next)).toBe(CODEX_ANSWER)
    expectCorrect(fake)
  })

  test('without the passphrase nothing else answers', async () => {
    const { fake, app } = await signedInToBoth(SEALED)
    const env = { OPENAI_API_KEY: 'sk-FAKE-0001' }
    const next = await startPatient(fake, { home: app.home, env })
    expect((await next.call('codex_query', { prompt: 'Hi' })).text).toMatch(/\[STORAGE_SEALED\]$/)
    expect(pathCount(fake, '/v1/responses') + pathCount(fake, '/backend-api/codex/responses')).toBe(0)
    const { data } = await next.call('codex_status')
    expect(data.authenticated).toBe(false)
    expect(data.storage.problem).toBeTypeOf('string')
    expectCorrect(fake)
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  asked,
  expectCorrect,
  pathCount,
  signInToPlan,
  startFake,
  startPatient,
  startPlanApp,
} from './support/plan-bench.ts'
import type { StartedApp } from './support/start-app.ts'

const HOST_ID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const RANDOM = /^[\w-]{43}$/
const SCOPES = 'openid profile email offline_access resource.invoke chatgpt.tokens.use.direct'
const IN_USE = 'Your ChatGPT plan is in use'

const hostIdOf = (app: StartedApp) =>
  readFileSync(join(dirname(app.credentialsFile), 'codex-oauth', 'plan-host-id'), 'utf8').trim()

describe('the first sign-in', () => {
  test('asks for a registration with everything the documentation names, and nothing else', async () => {
    const { fake, app } = await startPlanApp()
    const { opened, login, page } = await signInToPlan(fake, app)
    expect(login.data).toMatchObject({ status: 'authenticated', route: 'plan' })
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('signed in to codex-oauth with ChatGPT') })
    const url = new URL(opened.data.url)
    expect(url.origin + url.pathname).toBe(`${fake.issuer}/api/accounts/authorize`)
    expect(asked(opened.data.url)).toEqual({
      client_id: 'dynamic_agent_client',
      agent_name_hint: 'codex-oauth',
      ext_agent_host_id: expect.stringMatching(HOST_ID),
      response_type: 'code',
      redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/auth\/callback$/),
      scope: SCOPES,
      resource: 'https://api.openai.com/v1',
      state: expect.stringMatching(RANDOM),
      nonce: expect.stringMatching(RANDOM),
      code_challenge: expect.stringMatching(RANDOM),
      code_challenge_method: 'S256',
    })
    expectCorrect(fake)
  })

  test('redeems its code with the client that was issued, and keeps what it needs', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const { text } = await fake.arrival('/api/accounts/oauth/token')
    expect(Object.fromEntries(new URLSearchParams(text))).toMatchObject({
      client_id: 'oaiapp_FAKE1',
      resource: 'https://api.openai.com/v1',
    })
    expect(app.stored()?.codex_plan).toMatchObject({
      issued_client_id: 'oaiapp_FAKE1',
      granted_scope: SCOPES.split(' ').sort().join(' '),
      account_id: 'user-FAKE-0001',
      token_type: 'Bearer',
      method: 'chatgpt',
    })
    expect(app.stored()).not.toHaveProperty('codex')
  })

  test('tells once what is in use now, and never again', async () => {
    const { fake, app } = await startPlanApp()
    expect((await signInToPlan(fake, app)).login.data.message).toContain(IN_USE)
    expect((await app.call('codex_login')).data.message).toMatch(/^Already signed in as p…n@example\.com; nothing/)
    expect((await app.call('codex_login')).data.message).not.toContain(IN_USE)
    await app.call('codex_clear')
    expect((await signInToPlan(fake, app)).login.data.message).toBe('Signed in as p…n@example.com.')
    expectCorrect(fake)
  })

  test('tells it also where the window has gone before it could', async () => {
    const { fake, app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: 'plan' })
    await fake.browser(data.url)
    const next = await startPatient(fake, { home: app.home })
    expect((await next.call('codex_login')).data.message).toMatch(/^Already signed in .*Your ChatGPT plan is in use/)
    expect((await next.call('codex_login')).data.message).not.toContain(IN_USE)
  })

  test('is told in the answer where a question was what it took', async () => {
    const fake = await startFake()
    const app = await startPatient(
      fake,
      {
        env: { CODEX_OAUTH_ROUTE: 'plan' },
        async dialog({ url }) {
          void fake.browser(url)
          return 'accept'
        },
      },
      20_000,
    )
    expect((await app.call('codex_query', { prompt: 'Hi' })).texts[1]).toMatch(
      /Note: Your ChatGPT plan is in use.*[^.]\.$/,
    )
    expect((await app.call('codex_query', { prompt: 'Hi' })).text).not.toContain(IN_USE)
    expectCorrect(fake)
  })
})

describe('a later sign-in', () => {
  test('asks as the issued client, for the same host, without a name, on whatever port is free', async () => {
    const { fake, app } = await startPlanApp()
    const first = await signInToPlan(fake, app)
    await app.call('codex_clear')
    const second = await signInToPlan(fake, app)
    const [before, now] = [asked(first.opened.data.url), asked(second.opened.data.url)]
    expect(now).toMatchObject({ client_id: 'oaiapp_FAKE1', ext_agent_host_id: before.ext_agent_host_id })
    for (const absent of ['agent_name_hint', 'prompt', 'login_hint', 'id_token_hint', 'force_reconsent']) {
      expect(now).not.toHaveProperty(absent)
    }
    for (const name of ['state', 'nonce', 'code_challenge', 'redirect_uri']) expect(now[name]).not.toBe(before[name])
    expect(second.login.data.status).toBe('authenticated')
    expect(fake.plan.registrations).toHaveLength(1)
    expectCorrect(fake)
  })

  test.each([true, false])('may be told its client in the callback: %s', async (named) => {
    const { fake, app } = await startPlanApp()
    fake.plan.options.clientIdOnLaterLogins = named
    await signInToPlan(fake, app)
    await app.call('codex_clear')
    const { login, page } = await signInToPlan(fake, app)
    expect(page.redirectedTo?.searchParams.has('client_id')).toBe(named)
    expect(login.data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test('of a login that has ended is one click: the same client, told of nothing twice', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    fake.plan.expireAccessTokens()
    fake.plan.expireRefreshTokens()
    const dead = await app.call('codex_query', { prompt: 'Hi' })
    expect(dead.text).toMatch(/codex_login with route "plan".*\[NOT_AUTHENTICATED\]$/)
    const { opened, login } = await signInToPlan(fake, app)
    expect(asked(opened.data.url)).toMatchObject({ client_id: 'oaiapp_FAKE1' })
    expect(login.data.message).toBe('Signed in as p…n@example.com.')
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    expect(fake.plan.crossings).toEqual([])
  })
})

describe('the host id', () => {
  test('outlives signing out, and is in no way that of the next installation', async () => {
    const { fake, app } = await startPlanApp()
    await signInToPlan(fake, app)
    const id = hostIdOf(app)
    await app.call('codex_clear')
    expect(hostIdOf(app)).toBe(id)
    const other = await startPatient(fake)
    await signInToPlan(fake, other)
    expect(hostIdOf(other)).not.toBe(id)
  })

  test('is there before the browser opens', async () => {
    const { app } = await startPlanApp()
    expect(existsSync(join(dirname(app.credentialsFile), 'codex-oauth', 'plan-host-id'))).toBe(false)
    const { data } = await app.call('codex_login', { route: 'plan' })
    expect(asked(data.url).ext_agent_host_id).toBe(hostIdOf(app))
  })
})

test('neither a result nor the log holds an e-mail, a hint, a code or a token', async () => {
  const { fake, app } = await startPlanApp()
  const texts: string[] = []
  for (const force of [false, true]) {
    const { opened, login } = await signInToPlan(fake, app, force ? { force } : {})
    for (const { text, data } of [opened, login, await app.call('codex_status')]) texts.push(text, JSON.stringify(data))
  }
  expect(pathCount(fake, '/api/accounts/oauth/token')).toBe(2)
  const all = texts.join('\n')
  const log = app.logged.join('\n')
  expect(`${all}\n${log}`).not.toMatch(/person@example\.com|person%40|login_hint|id_token_hint/)
  // State and nonce stand in the address that has to be opened.
  const passing = new Set(fake.plan.seen.authorizations.flatMap(({ state, nonce }) => [state, nonce]))
  for (const secret of fake.secrets()) {
    expect(log).not.toContain(secret)
    if (!passing.has(secret)) expect(all).not.toContain(secret)
  }
})

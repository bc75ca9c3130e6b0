import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BrowserOptions } from './support/fake-browser.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './support/fake-openai.ts'
import { changed, after as delayed, gate, late, type Step } from './support/fake-script.ts'
import { freePorts } from './support/free-ports.ts'
import { isListening } from './support/is-listening.ts'
import { type CallOutcome, recordOf, type StartedApp, type StartOptions, startApp } from './support/start-app.ts'
import { tempFolder } from './support/temp-folder.ts'

async function startFake(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  return fake
}

interface Login {
  /** As soon as the tool has said it. */
  url: Promise<string>
  outcome: Promise<CallOutcome>
}

/** Calls codex_login, which goes on until somebody has been to `url`. */
function login(app: StartedApp, args: Record<string, unknown> = {}, signal?: AbortSignal): Login {
  let tell: (url: string) => void = () => {}
  const url = new Promise<string>((resolve) => {
    tell = resolve
  })
  const outcome = app.call('codex_login', args, {
    onProgress: (message) => tell(/https?:\S+/.exec(message)?.[0] ?? ''),
    ...(signal === undefined ? {} : { signal }),
  })
  // A test that expects it to fail looks at it later.
  outcome.catch(() => {})
  return { url, outcome }
}

/** Signs in as a person would: the tool gives the address, a browser follows it. */
async function signIn(fake: FakeOpenAI, app: StartedApp, args: Record<string, unknown> = {}, browser?: BrowserOptions) {
  const { url, outcome } = login(app, args)
  const page = await fake.browser(await url, browser)
  return { outcome: await outcome, page, url: await url }
}

/** A fake, and an app whose login calls wait no longer than a moment, with a browser that may be opened. */
async function impatient(options: StartOptions = {}) {
  const fake = await startFake()
  const env = { CODEX_OAUTH_LOGIN_WAIT_MS: '1', CODEX_OAUTH_NO_BROWSER: '', ...options.env }
  return { fake, app: await startApp(fake, { ...options, env }) }
}

function portOf(url: string): number {
  return Number(new URL(new URL(url).searchParams.get('redirect_uri') ?? '').port)
}

test('sign in, ask, expire, refresh, sign out', async () => {
  const fake = await startFake()
  const app = await startApp(fake)

  expect((await app.call('codex_status')).data).toMatchObject({ status: 'not_authenticated', authenticated: false })
  const refused = await app.call('codex_query', { prompt: 'Anybody there?' })
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('[NOT_AUTHENTICATED]') })

  const { outcome, page } = await signIn(fake, app)
  expect(outcome.data).toMatchObject({ status: 'authenticated', account_id: 'acct-fake-0001', plan: 'pro' })
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining('You are signed in') })
  expect((await app.call('codex_status')).data).toMatchObject({
    status: 'authenticated',
    email: 'p…n@example.com',
    login: { state: 'succeeded' },
  })

  const answer = await app.call('codex_query', { prompt: 'Hello?' })
  expect(answer.texts).toEqual([
    'Hello from the fake Codex.',
    expect.stringMatching(/^Answered by Codex \(gpt-6\.1-sol\)/),
  ])

  fake.expireAccessTokens()
  expect((await app.call('codex_query', { prompt: 'Still there?' })).isError).toBe(false)
  expect(fake.seen.grants).toEqual(['authorization_code', 'refresh_token'])

  const cleared = await app.call('codex_clear')
  expect(cleared.data).toMatchObject({ cleared: true, revoked: true })
  expect(app.stored()).toEqual({})
  expect((await app.call('codex_clear')).data).toMatchObject({ cleared: false })
})

test('two programs, ten questions, one refresh', async () => {
  const fake = await startFake()
  const one = await startApp(fake)
  const two = await startApp(fake, { home: one.home })
  one.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))

  const asked = Array.from({ length: 10 }, (_, i) =>
    (i % 2 ? one : two).call('codex_query', { prompt: `Question ${i}` }),
  )
  expect((await Promise.all(asked)).map(({ isError }) => isError)).toEqual(Array(10).fill(false))
  expect(fake.seen.grants).toEqual(['refresh_token'])
  expect(fake.seen.reuses).toBe(0)
})

test('every structure is what its tool has listed, in every state of a login', async () => {
  const fake = await startFake()
  const app = await startApp(fake, { env: { CODEX_OAUTH_LOGIN_WAIT_MS: '1' } })
  // The client checks results against the schemas it has seen.
  await app.client.listTools()
  const look = async () => {
    for (const name of ['codex_status', 'codex_models']) expect((await app.call(name)).isError).toBe(false)
  }
  await look()
  const pending = await app.call('codex_login')
  await look()
  await fake.browser(pending.data.url)
  await look()
  expect((await app.call('codex_login')).data.status).toBe('authenticated')
  await signIn(fake, await startApp(fake, { home: app.home }), { force: true })
  await look()
  expect((await app.call('codex_clear')).data.cleared).toBe(true)
  await look()
})

describe('signing in', () => {
  test('what is stored says how and when, and the status tells', async () => {
    const { fake, app } = await impatient()
    await fake.browser((await app.call('codex_login')).data.url)
    const { saved_at, refreshed_at, method } = app.stored()?.codex ?? {}
    expect([method, refreshed_at]).toEqual(['chatgpt', saved_at])
    const time = new Date(Number(saved_at) * 1000).toISOString()
    expect((await app.call('codex_status')).data).toMatchObject({ created_at: time, refreshed_at: time })
  })

  test('a login whose tokens name no account is stored, and used without the header', async () => {
    const { fake, app } = await impatient()
    fake.script.token.push(changed({ access_token: 'opaque', id_token: 'opaque' }))
    await fake.browser((await app.call('codex_login')).data.url)
    expect(app.stored()?.codex).not.toHaveProperty('account_id')
    await app.call('codex_query', { prompt: 'x' })
    expect((await fake.arrival('/backend-api/codex/responses')).headers).not.toHaveProperty('chatgpt-account-id')
  })

  test.each(['succeeded', 'cancelled', 'failed'] as const)(
    'status says when a sign-in began and ended: %s',
    async (state) => {
      const { fake, app } = await impatient()
      const { url } = (await app.call('codex_login')).data
      const open = (await app.call('codex_status')).data.login
      expect(open).toMatchObject({
        state: 'pending',
        started_at: expect.stringMatching(/^\d{4}-.+Z$/),
        finished_at: undefined,
      })
      if (state === 'cancelled') await app.call('codex_clear')
      else await fake.browser(url, state === 'failed' ? { deny: true } : {})
      const { login } = (await app.call('codex_status')).data
      expect(login).toMatchObject({ state, started_at: open.started_at })
      expect(Date.parse(login.finished_at)).toBeGreaterThanOrEqual(Date.parse(login.started_at))
    },
  )

  test('one that turns out to be dead is signed in anew, after one try to renew it', async () => {
    const { fake, app } = await impatient()
    app.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))
    fake.expireRefreshTokens()
    expect((await app.call('codex_login')).data.status).toBe('pending')
    expect([fake.seen.counts['/oauth/token'], app.opened.length]).toEqual([1, 1])
  })

  test('two calls at once share one listener, one address and one browser window', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: { CODEX_OAUTH_NO_BROWSER: '' } })
    const [first, second] = [login(app), login(app)]
    expect(await first.url).toBe(await second.url)
    expect(app.opened).toEqual([await first.url])
    await fake.browser(await first.url)
    const outcomes = await Promise.all([first.outcome, second.outcome])
    expect(outcomes.map(({ data }) => data.status)).toEqual(['authenticated', 'authenticated'])
    expect(fake.seen.grants).toEqual(['authorization_code'])
  })

  test('a call that comes later joins the sign-in that is open', async () => {
    const { fake, app } = await impatient()
    const first = await app.call('codex_login')
    const second = await app.call('codex_login')
    expect(second.data).toMatchObject({ status: 'pending', url: first.data.url })
    expect(app.opened).toHaveLength(1)
    await fake.browser(first.data.url)
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated' })
  })

  test('force closes the old sign-in and starts a new one; the old address leads nowhere', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const old = login(app)
    const oldUrl = await old.url
    const fresh = login(app, { force: true })
    expect(await fresh.url).not.toBe(oldUrl)
    expect((await old.outcome).text).toMatch(/^A newer sign-in has taken the place of this one\. .*\[CANCELLED\]$/)
    expect((await fake.browser(oldUrl)).status).toBe(400)
    expect((await fake.browser(await fresh.url)).status).toBe(200)
    expect((await fresh.outcome).data.status).toBe('authenticated')
    expect(fake.seen.grants).toEqual(['authorization_code'])
  })

  test('after its share of waiting a call answers "pending"; success comes later, for status and the next call', async () => {
    const { fake, app } = await impatient()
    const { data, isError } = await app.call('codex_login')
    expect(isError).toBe(false)
    expect(data).toMatchObject({ status: 'pending', url: app.opened[0] })
    expect(data.expires_in_seconds).toBeGreaterThan(290)
    expect(data.message).toMatch(/^Browser sign-in: a browser can be opened on this machine\. Waiting for you in the/)
    expect(data.message).toContain(`port ${portOf(data.url)}`)
    expect(data.message).toContain(data.url)
    expect((await app.call('codex_status')).data).toMatchObject({
      status: 'not_authenticated',
      login: { state: 'pending', url: data.url },
    })
    expect((await fake.browser(data.url)).status).toBe(200)
    expect((await app.call('codex_status')).data).toMatchObject({
      status: 'authenticated',
      login: { state: 'succeeded' },
    })
    expect((await app.call('codex_login')).data.message).toBe('Signed in as p…n@example.com.')
    expect((await app.call('codex_login')).data.message).toMatch(/^Already signed in as p…n@example\.com; nothing/)
    expect(app.opened).toHaveLength(1)
    expect(await isListening(portOf(data.url))).toBe(false)
  })

  test('without a browser the call comes back at once with the address, and the next one waits', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: { CODEX_OAUTH_NO_BROWSER: '1' } })
    const { data } = await app.call('codex_login')
    expect(data).toMatchObject({ status: 'pending', message: expect.stringContaining('CODEX_OAUTH_NO_BROWSER') })
    const waiting = app.call('codex_login')
    await fake.browser(data.url)
    expect((await waiting).data).toMatchObject({ status: 'authenticated', message: 'Signed in as p…n@example.com.' })
  })

  test('somebody who signs in in another window ends the sign-in of this one', async () => {
    const fake = await startFake()
    const one = await startApp(fake)
    const two = await startApp(fake, { home: one.home, env: { CODEX_OAUTH_NO_BROWSER: '1' } })
    const here = login(one)
    await here.url
    const joined = one.call('codex_login')
    await fake.browser((await two.call('codex_login', { force: true })).data.url)
    expect((await here.outcome).data).toMatchObject({ status: 'authenticated' })
    expect((await joined).data).toMatchObject({ status: 'authenticated' })
    expect((await one.call('codex_status')).data.login).toMatchObject({ state: 'succeeded' })
    expect(await isListening(portOf(await here.url))).toBe(false)
    expect((await one.call('codex_status')).data.message).not.toContain('sign-in failed')
  })

  test('status answers at once while a login waits', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const { url } = login(app)
    await url
    const { data } = await app.call('codex_status')
    expect(data.login).toMatchObject({ state: 'pending', url: await url })
    expect(data.message).toContain(await url)
  })

  test('a caller that gives up leaves the sign-in open for the next', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const giveUp = new AbortController()
    const first = login(app, {}, giveUp.signal)
    const url = await first.url
    giveUp.abort()
    await expect(first.outcome).rejects.toThrow()
    const second = login(app)
    expect(await second.url).toBe(url)
    await fake.browser(url)
    expect((await second.outcome).data.status).toBe('authenticated')
  })

  test('signed in already: nothing is opened, nothing is asked', async () => {
    const { fake, app } = await impatient()
    app.seed(recordOf(fake.issueTokens()))
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', plan: 'pro' })
    expect(app.opened).toEqual([])
    expect(fake.seen.requests).toEqual([])
  })

  test('an expired login that can be renewed is renewed instead', async () => {
    const { fake, app } = await impatient()
    app.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated' })
    expect(app.opened).toEqual([])
    expect(fake.seen.grants).toEqual(['refresh_token'])
  })

  test('a login the service has declared dead is signed in anew, without force', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    app.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))
    fake.expireRefreshTokens()
    expect((await app.call('codex_query', { prompt: 'x' })).text).toContain('[NOT_AUTHENTICATED]')
    expect(app.stored()?.codex?.refresh_failed).toMatch(/^\w+$/)
    expect((await app.call('codex_status')).data).toMatchObject({ authenticated: false, has_refresh_token: true })
    const { outcome } = await signIn(fake, app)
    expect(outcome.data).toMatchObject({ status: 'authenticated' })
    expect(app.stored()?.codex).not.toHaveProperty('refresh_failed')
    expect((await app.call('codex_query', { prompt: 'x' })).isError).toBe(false)
  })

  test('also while its access token still lasts', async () => {
    const { fake, app } = await impatient()
    app.seed({ ...recordOf(fake.issueTokens()), refresh_failed: 'ab12' })
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'pending' })
  })

  test('with force, the old refresh token is revoked once the new one is stored', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const old = fake.issueTokens({ accountId: 'acct-old' })
    app.seed({ ...recordOf(old), account_id: 'acct-old' })
    let storedThen: unknown
    fake.script.revoke.push((usual) => {
      storedThen = app.stored()?.codex?.refresh_token
      return usual()
    })
    const { outcome } = await signIn(fake, app, { force: true })
    expect(outcome.data).toMatchObject({ status: 'authenticated', account_id: 'acct-fake-0001' })
    await fake.arrival('/oauth/revoke')
    expect(fake.seen.revocations).toEqual([{ token: old.refresh_token, hint: 'refresh_token', known: true }])
    expect(storedThen).toBe(app.stored()?.codex?.refresh_token)
    expect(storedThen).not.toBe(old.refresh_token)
  })

  test('the redirect may name 127.0.0.1', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: { CODEX_OAUTH_REDIRECT_HOST: '127.0.0.1' } })
    const { outcome, page } = await signIn(fake, app)
    expect(page.redirectedTo?.hostname).toBe('127.0.0.1')
    expect(outcome.data.status).toBe('authenticated')
  })
})

describe('a callback', () => {
  test('with a wrong state is turned away as often as it comes, and the sign-in goes on', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const { url, outcome } = login(app)
    const edits: ((callback: URL) => void)[] = [
      ({ searchParams }) => searchParams.set('state', 'guessed'),
      ({ searchParams }) => searchParams.delete('state'),
      ({ searchParams }) => searchParams.append('state', searchParams.get('state') ?? ''),
      (callback) => {
        callback.search = '?error=access_denied'
      },
      ({ searchParams }) => searchParams.set('iss', 'https://evil.example'),
      ({ searchParams }) => searchParams.delete('code'),
      (callback) => {
        callback.pathname = '/favicon.ico'
      },
    ]
    for (const edit of [...edits, ...edits]) {
      expect((await fake.browser(await url, { edit })).status).toBeGreaterThanOrEqual(400)
    }
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'pending' })
    expect(fake.seen.grants).toEqual([])
    expect((await fake.browser(await url)).status).toBe(200)
    expect((await outcome).data.status).toBe('authenticated')
  })

  test('that comes twice redeems its code once', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const { promise, open } = gate()
    fake.script.token.push(delayed(promise))
    const { url, outcome } = login(app)
    const first = fake.browser(await url)
    await fake.arrival('/oauth/token')
    const second = await fake.browser(await url)
    expect(second.status).toBe(400)
    expect(second.body).toContain('Nothing to do here')
    open()
    expect((await first).status).toBe(200)
    expect((await outcome).data.status).toBe('authenticated')
    expect(fake.seen.grants).toEqual(['authorization_code'])
  })
})

describe('a sign-in that fails', () => {
  const no = (description?: string) => ({ error: 'server_error', ...(description && { description }) })
  const failures: [string, { browser?: BrowserOptions; token?: Step; code: string; words: RegExp }][] = [
    ['denied', { browser: { deny: true }, code: 'LOGIN_DENIED', words: /refused in the browser/ }],
    [
      'without Codex in the workspace',
      {
        browser: { deny: no('missing_codex_entitlement') },
        code: 'LOGIN_DENIED',
        words: /not enabled for your workspace/,
      },
    ],
    [
      'with an error of the service',
      { browser: { deny: no('<b>No</b>\n`way`') }, code: 'LOGIN_DENIED', words: /refused: “bNo\/b way”/ },
    ],
    [
      'with a code nobody takes',
      {
        token: { status: 400, json: { error: 'invalid_grant', error_description: 'code is stale' } },
        code: 'TOKEN_REQUEST_FAILED',
        words: /refused the sign-in \(400\): “code is stale”/,
      },
    ],
    [
      'without a refresh token',
      { token: changed({ refresh_token: undefined }), code: 'TOKEN_REQUEST_FAILED', words: /all the tokens/ },
    ],
    [
      'without an ID token',
      { token: changed({ id_token: null }), code: 'TOKEN_REQUEST_FAILED', words: /all the tokens/ },
    ],
    [
      'with tokens that are none',
      { token: changed({ access_token: 7 }), code: 'TOKEN_REQUEST_FAILED', words: /makes no sense/ },
    ],
    [
      'with a web page instead of tokens',
      { token: { html: '<h1>Hello</h1>' }, code: 'RESPONSE_INVALID', words: /A web page came back/ },
    ],
    ['with a broken service', { token: { status: 503, html: 'x' }, code: 'TOKEN_REQUEST_FAILED', words: /\(503\)\./ }],
    ['with a connection that breaks', { token: { reset: true }, code: 'NETWORK', words: /connection/i }],
  ]

  test.each(failures)(
    '%s: the page, the result and the status say so; what was stored stays, byte for byte',
    async (_, failure) => {
      const { browser, token, code, words } = failure
      const fake = await startFake()
      const app = await startApp(fake)
      app.seed({ ...recordOf(fake.issueTokens()), note: 'kept' })
      const before = `{ "other" : [1.50],${readFileSync(app.credentialsFile, 'utf8').slice(1)}`
      writeFileSync(app.credentialsFile, before)
      if (token !== undefined) fake.script.token.push(token)
      const { outcome, page, url } = await signIn(fake, app, { force: true }, browser)
      expect(outcome.isError).toBe(true)
      expect(outcome.text).toMatch(words)
      expect(outcome.text).toMatch(new RegExp(`\\[${code}\\]$`))
      expect(page).toMatchObject({ status: 400, body: expect.stringContaining('Not signed in') })
      expect(page.body).not.toContain('<b>')
      const status = (await app.call('codex_status')).data
      expect(status).toMatchObject({
        status: 'authenticated',
        login: { state: 'failed', error: expect.stringMatching(words) },
      })
      expect(status.login.url).toBeUndefined()
      expect(readFileSync(app.credentialsFile, 'utf8')).toBe(before)
      expect(await isListening(portOf(url))).toBe(false)
    },
  )

  test('because nobody came: LOGIN_TIMEOUT, the port is free again, and the next call begins anew', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: { CODEX_OAUTH_LOGIN_TIMEOUT_MS: '60' } })
    const { url, outcome } = login(app)
    expect((await outcome).text).toMatch(/^Nobody finished the sign-in within \d+ s\. .*\[LOGIN_TIMEOUT\]$/)
    expect(await isListening(portOf(await url))).toBe(false)
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'failed' })
    expect(app.stored()).toBeUndefined()
    expect(await login(app).url).not.toBe(await url)
  })
})

describe('codex_clear while a sign-in is open', () => {
  test('cancels it, and tells both calls', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    const { url, outcome } = login(app)
    await url
    expect((await app.call('codex_clear')).data).toMatchObject({ cleared: false, login_cancelled: true })
    expect((await outcome).text).toMatch(/^The sign-in was cancelled\. .*\[CANCELLED\]$/)
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'cancelled' })
    expect(await isListening(portOf(await url))).toBe(false)
  })

  test.each([
    ['before the service has made the tokens', delayed],
    ['after the service has made the tokens', late],
  ])('even when its code is being redeemed, %s: nothing is stored, the tokens are revoked', async (_, held) => {
    const fake = await startFake()
    const app = await startApp(fake)
    const { promise, open } = gate()
    fake.script.token.push(held(promise))
    const { url, outcome } = login(app)
    const page = fake.browser(await url).catch(() => undefined)
    await fake.arrival('/oauth/token')
    expect((await app.call('codex_clear')).data).toMatchObject({ login_cancelled: true })
    expect((await outcome).text).toContain('[CANCELLED]')
    open()
    await fake.arrival('/oauth/revoke')
    expect(fake.seen.revocations).toEqual([{ token: 'rt_FAKE_f1_1', hint: 'refresh_token', known: true }])
    expect(app.stored()).toBeUndefined()
    expect((await app.call('codex_status')).data).toMatchObject({ authenticated: false })
    expect((await page)?.status).not.toBe(200)
  })
})

describe('before a browser opens', () => {
  async function holdPort(port: number): Promise<void> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
  }

  test('both ports busy, and the browser asked for: CALLBACK_PORT_IN_USE names them', async () => {
    const ports = await freePorts(2)
    const { fake, app } = await impatient({ env: { CODEX_OAUTH_PORTS: ports.join(',') } })
    await Promise.all(ports.map(holdPort))
    const { text } = await app.call('codex_login', { method: 'browser' })
    expect(text).toMatch(/\[CALLBACK_PORT_IN_USE\]$/)
    for (const port of ports) expect(text).toContain(`${port} (in use)`)
    expect(app.opened).toEqual([])
    expect(fake.seen.requests).toEqual([])
    expect((await app.call('codex_status')).data.login).toBeUndefined()
  })

  test('the first port busy: the second is used, and said', async () => {
    const [first = 0, second = 0] = await freePorts(2)
    const { fake, app } = await impatient({ env: { CODEX_OAUTH_PORTS: `${first},${second}` } })
    await holdPort(first)
    const { data } = await app.call('codex_login')
    expect(data.message).toContain(`port ${second}`)
    expect(portOf(data.url)).toBe(second)
    expect((await fake.browser(data.url)).status).toBe(200)
  })

  test('a browser that cannot be opened is said, with the address', async () => {
    const openBrowser = async () => ({ opened: false as const, reason: 'There is no display here.' })
    const { app } = await impatient({ edges: { openBrowser } })
    const { data } = await app.call('codex_login')
    expect(data.message).toMatch(/There is no display here\. Open the address yourself/)
    expect(data.message).toContain(data.url)
  })

  test('a browser that is switched off is said too', async () => {
    const { app } = await impatient({ env: { CODEX_OAUTH_NO_BROWSER: '1' } })
    expect((await app.call('codex_login')).data.message).toContain('CODEX_OAUTH_NO_BROWSER is set')
    expect(app.opened).toEqual([])
  })

  test.each([false, true])('a damaged credentials file is said, with force: %j', async (force) => {
    const { fake, app } = await impatient()
    app.seed({})
    writeFileSync(app.credentialsFile, '{"codex": {"access_token": 7}')
    expect((await app.call('codex_login', { force })).text).toMatch(/damaged.*\[STORAGE_CORRUPT\]$/)
    expect(app.opened).toEqual([])
    expect(fake.seen.requests).toEqual([])
    expect(readFileSync(app.credentialsFile, 'utf8')).toBe('{"codex": {"access_token": 7}')
  })

  test.each([false, true])('a place where nothing can be stored is said, with force: %j', async (force) => {
    const home = tempFolder()
    writeFileSync(join(home, 'file'), '')
    const { app } = await impatient({ home, env: { CODEX_OAUTH_FILE: join(home, 'file', 'auth.json') } })
    expect((await app.call('codex_login', { force })).text).toMatch(/\[STORAGE_FAILED\]$/)
    expect(app.opened).toEqual([])
  })

  test('a check that fails leaves the sign-in that is open as it is', async () => {
    const { fake, app } = await impatient()
    const { data } = await app.call('codex_login')
    app.seed({})
    expect((await app.call('codex_login', { force: true })).text).toContain('[STORAGE_CORRUPT]')
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'pending', url: data.url })
    writeFileSync(app.credentialsFile, '{}')
    expect((await fake.browser(data.url)).status).toBe(200)
  })
})

test('tokens that could not be stored are revoked, and the page says that nobody is signed in', async () => {
  const fake = await startFake()
  const app = await startApp(fake)
  fake.script.token.push((usual) => {
    app.seed({ access_token: 7 })
    return usual()
  })
  const { outcome, page } = await signIn(fake, app)
  expect(outcome.text).toMatch(/\[STORAGE_CORRUPT\]$/)
  expect(page).toMatchObject({ status: 400, body: expect.stringContaining('damaged') })
  await fake.arrival('/oauth/revoke')
  expect(fake.seen.revocations).toMatchObject([{ token: 'rt_FAKE_f1_1' }])
  expect(app.stored()).toEqual({ codex: { access_token: 7 } })
})

describe('an API key in the environment', () => {
  const env = (fake: FakeOpenAI) => ({ OPENAI_API_KEY: fake.apiKey })

  test('answers questions when nobody is signed in, and takes a temperature', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: env(fake) })
    const { text } = await app.call('codex_query', { prompt: 'Hello?', temperature: 0.25 })
    expect(text).toMatch(/API key from OPENAI_API_KEY, billed per token · answer a-/)
    expect(text).not.toContain('ignored')
    const asked = await fake.arrival('/v1/responses')
    expect(asked.body).toMatchObject({ temperature: 0.25 })
    expect((await app.call('codex_status')).data).toMatchObject({
      authenticated: true,
      method: 'api_key',
      source: 'OPENAI_API_KEY',
      cost: 'billed per token',
    })
    expect((await app.call('codex_models')).data).toMatchObject({
      source: 'cached',
      credential_source: 'OPENAI_API_KEY',
      cost: 'billed per token',
      models: expect.arrayContaining(['gpt-6.1-sol', 'gpt-4.1']),
    })
  })

  test('stands back behind a login, which takes no temperature and says so', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: env(fake) })
    app.seed(recordOf(fake.issueTokens()))
    const { text } = await app.call('codex_query', { prompt: 'Hello?', temperature: 0.25 })
    expect(text).toMatch(/ChatGPT pro plan · answer a-\w+\nNote: temperature was ignored/)
    expect(fake.seen.counts['/v1/responses']).toBeUndefined()
  })

  test('is named by codex_clear, because it goes on answering', async () => {
    const fake = await startFake()
    const app = await startApp(fake, { env: env(fake) })
    app.seed(recordOf(fake.issueTokens()))
    const { data } = await app.call('codex_clear')
    expect(data).toMatchObject({ cleared: true, environment_key: 'OPENAI_API_KEY' })
    expect(data.message).toMatch(
      /Questions are still answered with the API key from OPENAI_API_KEY, billed per token\.$/,
    )
    expect((await app.call('codex_query', { prompt: 'Still there?' })).isError).toBe(false)
  })
})

describe('models', () => {
  test('are the built-in ones while nobody is signed in', async () => {
    const fake = await startFake()
    const { data } = await (await startApp(fake)).call('codex_models')
    expect(data).toMatchObject({ source: 'built-in', default: data.models[0] })
    expect(data.details.map(({ id }: { id: string }) => id)).toEqual(data.models)
    expect(fake.seen.requests).toEqual([])
  })

  test('are the built-in ones while the service is away, and the last known ones once there are some', async () => {
    const fake = await startFake()
    const app = await startApp(fake)
    app.seed(recordOf(fake.issueTokens()))
    fake.script.models.push({ status: 503 })
    expect((await app.call('codex_models')).data.source).toBe('built-in')
    expect((await app.call('codex_models')).data.source).toBe('live')
    fake.script.models.always({ reset: true })
    expect((await app.call('codex_models')).data.source).toBe('cached')
  })
})

describe('a login of the original plugin', () => {
  async function startWithLegacy(expiresInSeconds: number) {
    const fake = await startFake()
    const app = await startApp(fake)
    app.seed({})
    const record = recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds)
    writeFileSync(
      app.credentialsFile,
      JSON.stringify({ before: 1, openai_codex: { ...record, extra: 'x' }, behind: 2 }),
    )
    return { fake, app }
  }

  test('is read where it lies, and moved with the next write', async () => {
    const { app } = await startWithLegacy(3600)
    expect((await app.call('codex_query', { prompt: 'x' })).isError).toBe(false)
    expect(Object.keys(app.stored() ?? {})).toEqual(['before', 'openai_codex', 'behind'])
    const old = await startWithLegacy(-1)
    expect((await old.app.call('codex_query', { prompt: 'x' })).isError).toBe(false)
    expect(Object.keys(old.app.stored() ?? {})).toEqual(['before', 'codex', 'behind'])
    expect(old.app.stored()?.codex).toMatchObject({ refresh_token: 'rt_FAKE_f1_2', extra: 'x' })
  })

  test('is cleared with everything', async () => {
    const { fake, app } = await startWithLegacy(3600)
    expect((await app.call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
    expect(app.stored()).toEqual({ before: 1, behind: 2 })
    expect(fake.seen.revocations).toMatchObject([{ token: 'rt_FAKE_f1_1' }])
  })
})

test('a bad setting is what every tool answers with, and codex_status reports', async () => {
  const fake = await startFake()
  const app = await startApp(fake, { env: { CODEX_OAUTH_ISSUER: 'http://evil.example/?CANARY' } })
  for (const name of ['codex_query', 'codex_login', 'codex_models', 'codex_clear']) {
    const { text } = await app.call(name, name === 'codex_query' ? { prompt: 'x' } : {})
    expect(text).toMatch(/^A setting of codex-oauth is not usable: CODEX_OAUTH_ISSUER .*\[CONFIG_INVALID\]$/)
    expect(text).not.toContain('CANARY')
  }
  const { isError, data } = await app.call('codex_status')
  expect(isError).toBe(false)
  expect(data).toMatchObject({ status: 'not_authenticated', message: expect.stringContaining('CODEX_OAUTH_ISSUER') })
})

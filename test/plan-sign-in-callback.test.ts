import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { FakeOpenAI } from './support/fake-openai.ts'
import { isListening } from './support/is-listening.ts'
import { asked, callbackOf, expectCorrect, pathCount, signInToPlan, startPlanApp } from './support/plan-bench.ts'
import type { StartedApp } from './support/start-app.ts'

const TOKEN = '/api/accounts/oauth/token'

async function openPlan() {
  const { fake, app } = await startPlanApp()
  const { data } = await app.call('codex_login', { route: 'plan' })
  return { fake, app, url: data.url as string, port: Number(new URL(asked(data.url).redirect_uri ?? '').port) }
}

/** Somebody is registered and has signed out: the next sign-in is a later one. */
async function openLater() {
  const { fake, app } = await startPlanApp()
  await signInToPlan(fake, app)
  await app.call('codex_clear')
  const { data } = await app.call('codex_login', { route: 'plan' })
  return { fake, app, url: data.url as string }
}

async function statusOf(url: URL): Promise<number> {
  const answer = await fetch(url)
  await answer.body?.cancel()
  return answer.status
}

/** A GET with a Host of the test's choice, which `fetch` does not allow. */
function statusWithHost(url: URL, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request({ port: url.port, host: '127.0.0.1', path: url.pathname + url.search, headers: { host } })
    asking.once('response', (answer) => resolve(answer.resume().statusCode))
    asking.once('error', reject).end()
  })
}

async function expectWaiting(fake: FakeOpenAI, app: StartedApp, exchanges = 0): Promise<void> {
  expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'pending', error: undefined })
  expect(pathCount(fake, TOKEN)).toBe(exchanges)
}

describe('what is no answer to the sign-in is turned away, and the right answer still counts', () => {
  const edits: [string, (callback: URL) => void][] = [
    ['another state', ({ searchParams }) => searchParams.set('state', 'guessed')],
    ['no state', ({ searchParams }) => searchParams.delete('state')],
    [
      'an error with another state',
      (callback) => {
        callback.search = '?error=access_denied&state=guessed'
      },
    ],
    ['another issuer', ({ searchParams }) => searchParams.set('iss', 'https://evil.example')],
    ['our issuer with a slash', ({ searchParams }) => searchParams.set('iss', 'https://auth.openai.com/')],
    ['no code', ({ searchParams }) => searchParams.delete('code')],
    ...['code', 'state', 'client_id', 'scope'].map((name): [string, (callback: URL) => void] => [
      `${name} twice`,
      ({ searchParams }) => searchParams.append(name, searchParams.get(name) ?? ''),
    ]),
    [
      'a parameter nobody knows, twice',
      ({ searchParams }) => {
        searchParams.append('x', '1')
        searchParams.append('x', '2')
      },
    ],
  ]

  test.each(edits)('%s: 400', async (_, edit) => {
    const { fake, app, url } = await openPlan()
    const callback = await callbackOf(url)
    const wrong = new URL(callback)
    edit(wrong)
    expect(await statusOf(wrong)).toBe(400)
    await expectWaiting(fake, app)
    expect(await statusOf(callback)).toBe(200)
    expect((await app.call('codex_login')).data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test.each(['/cancel', '/favicon.ico', '/callback', '/auth/callback/', '/'])('%s: 404', async (path) => {
    const { fake, app, url } = await openPlan()
    const callback = await callbackOf(url)
    expect(await statusOf(new URL(path + callback.search, callback))).toBe(404)
    await expectWaiting(fake, app)
    expect(await statusOf(callback)).toBe(200)
    expectCorrect(fake)
  })

  test.each(['localhost', '[::1]', 'evil.example', '127.0.0.2'])('a request to %s: 403', async (host) => {
    const { fake, app, url } = await openPlan()
    const callback = await callbackOf(url)
    expect(await statusWithHost(callback, `${host}:${callback.port}`)).toBe(403)
    await expectWaiting(fake, app)
    expect(await statusWithHost(callback, callback.host)).toBe(200)
    expectCorrect(fake)
  })

  test('a request to another port of this machine, or to none: 403', async () => {
    const { app, fake, url } = await openPlan()
    const callback = await callbackOf(url)
    for (const host of ['127.0.0.1', '127.0.0.1:1']) expect(await statusWithHost(callback, host)).toBe(403)
    await expectWaiting(fake, app)
  })
})

describe('what is tolerated', () => {
  test('parameters nobody knows, a callback without scope, and the right issuer', async () => {
    const { fake, app } = await startPlanApp()
    fake.plan.options.issInCallback = true
    const edit = ({ searchParams }: URL) => {
      searchParams.delete('scope')
      searchParams.set('session_state', 'x')
    }
    expect((await signInToPlan(fake, app, {}, { edit })).login.data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test('a second hit while the first is being redeemed, which is turned away', async () => {
    const { fake, app, url } = await openPlan()
    const callback = await callbackOf(url)
    const states = await Promise.all([statusOf(callback), statusOf(callback).catch(() => 400)])
    expect(states.sort()).toEqual([200, 400])
    expect(pathCount(fake, TOKEN)).toBe(1)
    expect((await app.call('codex_login')).data.status).toBe('authenticated')
  })
})

describe('an answer that is of no use ends the sign-in without an exchange', () => {
  const first: [string, (callback: URL) => void][] = [
    ['no client', ({ searchParams }) => searchParams.delete('client_id')],
    ['an empty client', ({ searchParams }) => searchParams.set('client_id', '')],
    ['the bootstrap client', ({ searchParams }) => searchParams.set('client_id', 'dynamic_agent_client')],
    ['a client that is none', ({ searchParams }) => searchParams.set('client_id', 'oaiapp_<b>')],
    ['a client that is too long', ({ searchParams }) => searchParams.set('client_id', 'x'.repeat(201))],
  ]

  test.each(first)('a registration that names %s', async (_, edit) => {
    const { fake, app } = await startPlanApp()
    const { login, page } = await refusedSignIn(fake, app, edit)
    expect(page).toMatchObject({ status: 400, body: expect.stringContaining('Not signed in') })
    expect(login).toMatch(/has not registered this program.*\[LOGIN_DENIED\]/)
    expect(pathCount(fake, TOKEN)).toBe(0)
    const next = await app.call('codex_login')
    expect(asked(next.data.url).client_id).toBe('dynamic_agent_client')
    expectCorrect(fake)
  })

  test.each(['oaiapp_FAKE_other', 'dynamic_agent_client', 'OAIAPP_FAKE1'])(
    'a later sign-in that comes back for %s',
    async (client) => {
      const { fake, app, url } = await openLater()
      const before = pathCount(fake, TOKEN)
      const page = await fake.browser(url, { edit: ({ searchParams }) => searchParams.set('client_id', client) })
      expect(page.status).toBe(400)
      expect(page.body).not.toContain(client)
      const { data } = await app.call('codex_status')
      expect(data.login.error).toMatch(/another registration.*\[LOGIN_DENIED\]$/)
      expect(pathCount(fake, TOKEN)).toBe(before)
      expect(asked((await app.call('codex_login')).data.url).client_id).toBe('oaiapp_FAKE1')
      expectCorrect(fake)
    },
  )

  test('a no is one, and the port is free', async () => {
    const { fake, app, url, port } = await openPlan()
    const page = await fake.browser(url, { deny: true })
    expect(page.status).toBe(400)
    expect([...(page.redirectedTo?.searchParams ?? [])]).toEqual([
      ['error', 'access_denied'],
      ['state', asked(url).state],
    ])
    expect((await app.call('codex_status')).data.login.error).toMatch(/refused in the browser.*\[LOGIN_DENIED\]$/)
    expect(await isListening(port)).toBe(false)
    expect(pathCount(fake, TOKEN)).toBe(0)
    expect(app.stored() ?? {}).toEqual({})
    expect(fake.plan.registrations).toEqual([])
    expect(asked((await app.call('codex_login')).data.url).client_id).toBe('dynamic_agent_client')
    expectCorrect(fake)
  })

  test('a later no leaves the registration, whatever OpenAI adds to it', async () => {
    const { fake, app, url } = await openLater()
    await fake.browser(url, { deny: { error: 'access_denied', description: '<b>Not</b> now' } })
    const { error } = (await app.call('codex_status')).data.login
    expect(error).toMatch(/^The sign-in was refused in the browser.*\[LOGIN_DENIED\]$/)
    expect(error).not.toContain('<b>')
    expect(asked((await app.call('codex_login')).data.url).client_id).toBe('oaiapp_FAKE1')
    expectCorrect(fake)
  })
})

/** What the status says of a sign-in whose callback was changed. */
async function refusedSignIn(fake: FakeOpenAI, app: StartedApp, edit: (callback: URL) => void) {
  const { data } = await app.call('codex_login', { route: 'plan' })
  const page = await fake.browser(data.url, { edit })
  return { page, login: (await app.call('codex_status')).data.login.error as string }
}

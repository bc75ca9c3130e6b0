import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Surroundings } from '../src/infrastructure/surroundings.ts'
import { freePorts } from './support/free-ports.ts'
import {
  asked,
  callbackOf,
  expectCorrect,
  pathCount,
  signInToPlan,
  startFake,
  startPatient,
  startPlanApp,
} from './support/plan-bench.ts'
import type { DialogRequest } from './support/start-app.ts'

const SSH: Surroundings = { place: 'ssh', hasBrowser: false }
const HEADLESS: Surroundings = { place: 'headless', hasBrowser: false }
const TOKEN = '/api/accounts/oauth/token'

const portOf = (url: string) => Number(new URL(asked(url).redirect_uri ?? '').port)

async function hold(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
}

describe.each([
  ['over SSH', SSH],
  ['without a display', HEADLESS],
])('%s', (_, surroundings) => {
  test('the address is only shown, and the whole address of the last page completes the sign-in', async () => {
    const { fake, app } = await startPlanApp({ edges: { surroundings } })
    const { data } = await app.call('codex_login', { route: 'plan' })
    expect(data).toMatchObject({ status: 'pending', route: 'plan', method: 'browser' })
    expect(data.user_code).toBeUndefined()
    expect(data.message).toContain(data.url)
    expect(data.other_ways.join(' ')).toContain('callback_url')
    expect(data.other_ways.join(' ')).not.toContain('device')
    expect(app.opened).toEqual([])
    const done = await app.call('codex_login', { callback_url: (await callbackOf(data.url)).href })
    expect(done.data).toMatchObject({ status: 'authenticated', route: 'plan' })
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    expectCorrect(fake)
  })
})

describe('an address that is pasted', () => {
  const partial: [string, (callback: URL) => string][] = [
    ['only the code', ({ searchParams }) => searchParams.get('code') ?? ''],
    ['only the query', ({ search }) => search],
    ['all but the client', (callback) => withoutClient(callback)],
    ['one with the bootstrap client', (callback) => withClient(callback, 'dynamic_agent_client')],
    ['one with a client that is none', (callback) => withClient(callback, '<b>')],
    ['one of another sign-in', (callback) => changedIn(callback, 'state', 'FAKE-other')],
    ['one with the code twice', (callback) => `${callback.href}&code=x`],
    ['one of the other route', ({ search }) => `http://localhost:1455/auth/callback${search}`],
  ]

  test.each(partial)('%s completes nothing, and the whole one still does', async (_, part) => {
    const { fake, app } = await startPlanApp({ edges: { surroundings: SSH } })
    const { data } = await app.call('codex_login', { route: 'plan' })
    const callback = await callbackOf(data.url)
    const refused = await app.call('codex_login', { callback_url: part(callback) })
    expect(refused.text).toMatch(/\[INPUT_INVALID\]$/)
    expect(refused.text).not.toContain(callback.searchParams.get('state'))
    expect(pathCount(fake, TOKEN)).toBe(0)
    expect((await app.call('codex_status')).data.login.state).toBe('pending')
    const done = await app.call('codex_login', { callback_url: callback.href })
    expect(done.data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test('needs no client once there is a registration', async () => {
    const { fake, app } = await startPlanApp({ edges: { surroundings: SSH } })
    for (const round of ['first', 'later']) {
      const { data } = await app.call('codex_login', { route: 'plan' })
      const callback = await callbackOf(data.url)
      expect(callback.searchParams.has('client_id')).toBe(round === 'first')
      expect((await app.call('codex_login', { callback_url: callback.href })).isError).toBe(false)
      await app.call('codex_clear')
    }
    expectCorrect(fake)
  })

  test('may be pasted once more after it has worked, whatever a plain sign-in means here', async () => {
    const { fake, app } = await startPlanApp({ env: { CODEX_OAUTH_ROUTE: 'codex' } })
    const { data } = await app.call('codex_login', { route: 'plan' })
    const callback_url = (await callbackOf(data.url)).href
    await app.call('codex_login', { callback_url })
    expect((await app.call('codex_login', { callback_url })).data).toMatchObject({ status: 'authenticated' })
    expect(pathCount(fake, TOKEN)).toBe(1)
    expectCorrect(fake)
  })
})

describe('a code for another device', () => {
  test('is refused with a way on, and what is open stays open', async () => {
    const { fake, app } = await startPlanApp()
    const { data } = await app.call('codex_login', { route: 'codex' })
    const { text } = await app.call('codex_login', { route: 'plan', method: 'device' })
    expect(text).toMatch(
      /no code to enter on another device.*callback_url\..*codex_login with route "codex" and method "device"\. \[INPUT_INVALID\]$/,
    )
    expect((await app.call('codex_status')).data.login).toMatchObject({ state: 'pending', url: data.url })
    expect((await fake.browser(data.url)).status).toBe(200)
    expectCorrect(fake)
  })
})

describe('CODEX_OAUTH_PLAN_PORT', () => {
  test('is the port of each redirect', async () => {
    const [port = 0] = await freePorts(1)
    const { fake, app } = await startPlanApp({ env: { CODEX_OAUTH_PLAN_PORT: String(port) } })
    for (const _ of ['first', 'later']) {
      const { opened, login } = await signInToPlan(fake, app)
      expect(portOf(opened.data.url)).toBe(port)
      expect(login.data.status).toBe('authenticated')
      await app.call('codex_clear')
    }
    expectCorrect(fake)
  })

  test('taken: pasting is left, at the same address', async () => {
    const [port = 0] = await freePorts(1)
    const { fake, app } = await startPlanApp({ env: { CODEX_OAUTH_PLAN_PORT: String(port) } })
    await hold(port)
    const { data } = await app.call('codex_login', { route: 'plan' })
    expect(data).toMatchObject({ method: 'browser', reason: expect.stringContaining(`${port}`) })
    expect([portOf(data.url), app.opened.length]).toEqual([port, 0])
    const done = await app.call('codex_login', { callback_url: (await callbackOf(data.url)).href })
    expect(done.data.status).toBe('authenticated')
    expectCorrect(fake)
  })

  test('taken, and the browser asked for by name: refused with the port and the variable', async () => {
    const [port = 0] = await freePorts(1)
    const { app } = await startPlanApp({ env: { CODEX_OAUTH_PLAN_PORT: String(port) } })
    await hold(port)
    const { text } = await app.call('codex_login', { route: 'plan', method: 'browser' })
    expect(text).toMatch(new RegExp(`${port}.*in use.*\\[CALLBACK_PORT_IN_USE\\]$`))
    expect(text).not.toContain('device')
  })
})

describe('the dialog for the address', () => {
  test.each([
    ['plan', /^Continue with ChatGPT: open the page/],
    ['codex', /^Sign in to Codex with ChatGPT: open the page/],
  ])('of route %s is in its own words', async (route, words) => {
    const fake = await startFake()
    const shown: DialogRequest[] = []
    const dialog = async (request: DialogRequest) => {
      shown.push(request)
      void fake.browser(request.url)
      return 'accept' as const
    }
    const app = await startPatient(fake, { dialog }, 20_000)
    expect((await app.call('codex_login', { route })).data).toMatchObject({ status: 'authenticated', route })
    expect(shown.map(({ message }) => message)).toEqual([expect.stringMatching(words)])
    expectCorrect(fake)
  })
})

function withoutClient(callback: URL): string {
  const other = new URL(callback)
  other.searchParams.delete('client_id')
  return other.href
}

function withClient(callback: URL, clientId: string): string {
  return changedIn(callback, 'client_id', clientId)
}

function changedIn(callback: URL, name: string, value: string): string {
  const other = new URL(callback)
  other.searchParams.set(name, value)
  return other.href
}

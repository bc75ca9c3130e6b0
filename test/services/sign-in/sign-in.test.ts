import { mkdirSync, rmdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/infrastructure/clock.ts'
import type { Surroundings } from '../../../src/infrastructure/surroundings.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from '../../support/fake-openai.ts'
import { gate, late } from '../../support/fake-script.ts'
import { freePorts } from '../../support/free-ports.ts'
import { hostileAddresses } from '../../support/hostile-addresses.ts'
import { isListening } from '../../support/is-listening.ts'
import { type DialogRequest, recordOf, type StartedApp, type StartOptions, startApp } from '../../support/start-app.ts'
import { createTestClock } from '../../support/test-clock.ts'

const SSH: Surroundings = { place: 'ssh', hasBrowser: false }
const POLL = '/api/accounts/deviceauth/token'

async function startFake(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI({ deviceInterval: '1', ...options })
  onTestFinished(() => fake.close())
  return fake
}

/** A call of codex_login waits no longer than this, unless told: long enough for a poll. */
async function start(fake: FakeOpenAI, options: StartOptions & { waitMs?: number; surroundings?: Surroundings } = {}) {
  const { waitMs = 5_000, surroundings, env, edges, ...others } = options
  return startApp(fake, {
    env: { CODEX_OAUTH_LOGIN_WAIT_MS: String(waitMs), ...env },
    edges: { ...(surroundings === undefined ? {} : { surroundings }), ...edges },
    ...others,
  })
}

const SEALED = { CODEX_OAUTH_STORE: 'encrypted', CODEX_OAUTH_PASSPHRASE: 'FAKE passphrase' }

const login = (app: StartedApp, args: Record<string, unknown> = {}) => app.call('codex_login', args)
const view = async (app: StartedApp) => (await app.call('codex_status')).data.login
const countOf = (fake: FakeOpenAI, path: string) => fake.seen.requests.filter((request) => request.path === path).length

function portOf(url: string): number {
  return Number(new URL(new URL(url).searchParams.get('redirect_uri') ?? '').port)
}

async function hold(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
  }
}

/** The address of the browser's last page, as it stands there when the page could not be loaded. */
async function redirectOf(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  return answer.headers.get('location') ?? ''
}

describe('with a code for another device', () => {
  test('over SSH it is the way: code and address at once, and the next call waits for the yes', async () => {
    const fake = await startFake()
    const app = await start(fake, { surroundings: SSH })
    const { data } = await login(app)
    expect(data).toMatchObject({
      status: 'pending',
      method: 'device',
      reason: expect.stringMatching(/^Device sign-in: this is an SSH session/),
      url: `${fake.issuer}/codex/device`,
      user_code: 'FAKE-00001',
    })
    expect(data.expires_in_seconds).toBeGreaterThan(890)
    expect(await view(app)).toMatchObject({ state: 'pending', method: 'device', user_code: 'FAKE-00001' })
    const waiting = login(app)
    fake.approveDevice('FAKE-00001')
    expect((await waiting).data).toMatchObject({ status: 'authenticated', message: 'Signed in as p…n@example.com.' })
    expect(app.opened).toEqual([])
    expect(fake.seen.grants).toEqual(['authorization_code'])
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
  })

  test('it can be had beside the browser; what the device brings closes the listener', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data: browser } = await login(app)
    const { data: device } = await login(app, { method: 'device' })
    expect(device).toMatchObject({ method: 'device', user_code: 'FAKE-00001' })
    expect(device.other_ways[0]).toContain('callback_url')
    expect(await isListening(portOf(browser.url))).toBe(true)
    fake.approveDevice()
    await expect.poll(async () => (await view(app)).state, { timeout: 5_000 }).toBe('succeeded')
    expect(await isListening(portOf(browser.url))).toBe(false)
  })

  test('it can be had beside the browser; what the browser brings ends the polling', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data: browser } = await login(app)
    await login(app, { method: 'device' })
    await fake.arrival(POLL, 1)
    await fake.browser(browser.url)
    expect((await login(app)).data.status).toBe('authenticated')
    const polls = countOf(fake, POLL)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(countOf(fake, POLL)).toBe(polls)
  })

  test('a no on the device ends it, unless the browser is still open', async () => {
    const fake = await startFake()
    const alone = await start(fake, { surroundings: SSH })
    await login(alone)
    const waiting = login(alone)
    fake.denyDevice()
    expect((await waiting).text).toMatch(/\[LOGIN_DENIED\]$/)

    const both = await start(fake, { waitMs: 1 })
    const { data: browser } = await login(both)
    await login(both, { method: 'device' })
    const before = countOf(fake, POLL)
    fake.denyDevice()
    await fake.arrival(POLL, before + 1)
    await expect.poll(async () => (await view(both)).method, { timeout: 5_000 }).toBe('browser')
    expect(await view(both)).toMatchObject({ state: 'pending', url: browser.url })
    expect((await login(both)).data).toMatchObject({ method: 'browser', reason: expect.stringContaining('refused') })
    await fake.browser(browser.url)
    expect((await login(both)).data.status).toBe('authenticated')
  })

  test('with both ways open, the one that is asked for is shown', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data: browser } = await login(app)
    expect((await login(app, { method: 'device' })).data.user_code).toBe('FAKE-00001')
    const { data } = await login(app, { method: 'browser' })
    expect(data).toMatchObject({ method: 'browser', url: browser.url })
    expect(data.user_code).toBeUndefined()
    expect((await login(app, { method: 'device' })).data.user_code).toBe('FAKE-00001')
    expect(app.opened).toHaveLength(1)
  })

  test('switched off and asked for by name: said, with what else works', async () => {
    const fake = await startFake({ deviceSignIn: false })
    const app = await start(fake)
    const { text } = await login(app, { method: 'device' })
    expect(text).toMatch(/Device sign-in is switched off.*method "browser".*API key.*\[LOGIN_DENIED\]$/)
    expect(await view(app)).toBeUndefined()
  })

  test('switched off and only chosen: the browser takes its place, with the address to paste', async () => {
    const fake = await startFake({ deviceSignIn: false })
    const app = await start(fake, { surroundings: SSH })
    const { data } = await login(app)
    expect(data).toMatchObject({
      method: 'browser',
      reason: expect.stringMatching(/^Browser sign-in: Device sign-in is switched off/),
    })
    expect(data.message).toContain('callback_url')
    expect(app.opened).toEqual([])
    const done = await login(app, { callback_url: await redirectOf(data.url) })
    expect(done.data.status).toBe('authenticated')
  })

  test('both ports taken: the code takes the place of the browser', async () => {
    const fake = await startFake()
    const ports = await freePorts(2)
    const app = await start(fake, { env: { CODEX_OAUTH_PORTS: ports.join(',') } })
    await hold(ports)
    expect((await login(app)).data).toMatchObject({
      method: 'device',
      reason: expect.stringMatching(new RegExp(`^Device sign-in: .*${ports[0]}.*in use`)),
    })
  })

  test('both ports taken and no device sign-in: pasting is left, and nobody else is needed for it', async () => {
    const fake = await startFake({ deviceSignIn: false })
    const ports = await freePorts(2)
    const app = await start(fake, { env: { CODEX_OAUTH_PORTS: ports.join(',') } })
    await hold(ports)
    const { data } = await login(app)
    expect(data).toMatchObject({
      method: 'browser',
      reason: expect.stringMatching(/in use.*; Device sign-in is switched off/),
    })
    expect(data.other_ways).toEqual([expect.stringContaining('callback_url'), expect.stringContaining('CODEX_API_KEY')])
    expect(app.opened).toEqual([])
    expect((await login(app, { callback_url: await redirectOf(data.url) })).data.status).toBe('authenticated')
  })

  test('both ports taken, and the browser asked for by name: refused, with the way around', async () => {
    const fake = await startFake()
    const ports = await freePorts(2)
    const app = await start(fake, { env: { CODEX_OAUTH_PORTS: ports.join(',') } })
    await hold(ports)
    expect((await login(app, { method: 'browser' })).text).toMatch(/method "device"\. \[CALLBACK_PORT_IN_USE\]$/)
  })

  test('a code that cannot be redeemed, by browser, leaves the device open', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data: browser } = await login(app)
    await login(app, { method: 'device' })
    fake.script.token.push({ status: 400, json: { error: 'invalid_grant' } })
    expect((await fake.browser(browser.url)).status).toBe(400)
    expect(await view(app)).toMatchObject({ state: 'pending', method: 'device' })
    fake.approveDevice()
    await expect.poll(async () => (await view(app)).state, { timeout: 5_000 }).toBe('succeeded')
  })

  test('codex_clear ends it', async () => {
    const fake = await startFake()
    const app = await start(fake, { surroundings: SSH })
    await login(app)
    const waiting = login(app)
    await app.call('codex_clear')
    expect((await waiting).text).toMatch(/\[CANCELLED\]$/)
    fake.approveDevice()
    const polls = countOf(fake, POLL)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(countOf(fake, POLL)).toBe(polls)
    expect(app.stored()).toBeUndefined()
  })

  test('force ends it: a new code, and nobody asks about the old one', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    await login(app, { method: 'device' })
    expect((await login(app, { method: 'device', force: true })).data.user_code).toBe('FAKE-00002')
    const polls = () =>
      fake.seen.requests.filter(({ path, text }) => path === POLL && text.includes('FAKE-00001')).length
    fake.approveDevice('FAKE-00001')
    const before = polls()
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(polls()).toBe(before)
    expect(app.stored()).toBeUndefined()
  })

  test.each([{}, SEALED])(
    'two codes at the same moment, by browser and by device: one login is stored, the other revoked (%j)',
    async (env) => {
      const fake = await startFake()
      const app = await start(fake, { waitMs: 1, env })
      const { data: browser } = await login(app)
      await login(app, { method: 'device' })
      const door = gate()
      fake.script.token.push(late(door.promise), late(door.promise))
      fake.approveDevice()
      const page = fake.browser(browser.url)
      await fake.arrival('/oauth/token', 2)
      const waiting = login(app)
      door.open()
      expect((await page).status).toBe(200)
      await waiting
      await expect.poll(() => fake.seen.revocations.length, { timeout: 5_000 }).toBe(1)
      expect((await login(app)).data.status).toBe('authenticated')
      expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
    },
  )
})

describe('with the address of the last page, pasted', () => {
  test('the sign-in is complete, the port free, and the address of no more use', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data } = await login(app)
    const address = await redirectOf(data.url)
    const done = await login(app, { callback_url: address })
    expect(done.data).toMatchObject({ status: 'authenticated', message: 'Signed in as p…n@example.com.' })
    expect(app.stored()?.codex?.access_token).toBeTypeOf('string')
    expect(await isListening(portOf(data.url))).toBe(false)
    // It may be pasted once more, by a user who has not seen that it worked.
    expect((await login(app, { callback_url: address })).data.status).toBe('authenticated')
    expect(fake.seen.grants).toEqual(['authorization_code'])
  })

  test('nothing else is believed, and the sign-in goes on waiting', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data } = await login(app)
    const address = await redirectOf(data.url)
    for (const callback_url of hostileAddresses(address)) {
      const { text, isError } = await login(app, { callback_url })
      expect(isError).toBe(true)
      expect(text).toMatch(/^codex_login: callback_url|^(?:This is not the|The) address .*\[INPUT_INVALID\]$/)
      expect(text).not.toMatch(/evil|FAKE-other/)
    }
    expect(fake.seen.grants).toEqual([])
    expect(await view(app)).toMatchObject({ state: 'pending', url: data.url })
    expect((await login(app, { callback_url: address })).data.status).toBe('authenticated')
  })

  test('a no counts as a no', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data } = await login(app)
    const address = new URL(await redirectOf(data.url))
    address.searchParams.delete('code')
    address.searchParams.set('error', 'access_denied')
    expect((await login(app, { callback_url: address.href })).text).toMatch(/refused in the browser.*\[LOGIN_DENIED\]$/)
    expect(await isListening(portOf(data.url))).toBe(false)
  })

  test('a code the service refuses is said', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data } = await login(app)
    fake.script.token.push({ status: 400, json: { error: 'invalid_grant', error_description: 'expired' } })
    expect((await login(app, { callback_url: await redirectOf(data.url) })).text).toMatch(/\[TOKEN_REQUEST_FAILED\]$/)
  })

  test('it stands alone, and after the end only the redirect itself counts', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const { data } = await login(app)
    const callback_url = await redirectOf(data.url)
    for (const other of [{ force: true }, { method: 'device' }]) {
      expect((await login(app, { callback_url, ...other })).text).toMatch(/stands alone.*\[INPUT_INVALID\]$/)
    }
    await login(app, { callback_url })
    expect((await login(app, { callback_url: 'done' })).text).toMatch(/\[INPUT_INVALID\]$/)
  })

  test('without a sign-in that waits for it, it is refused', async () => {
    const fake = await startFake()
    const app = await start(fake, { surroundings: SSH, waitMs: 1 })
    const callback_url = 'http://localhost:1455/auth/callback?code=FAKE&state=x'
    expect((await login(app, { callback_url })).text).toMatch(/No browser sign-in waits here.*\[INPUT_INVALID\]$/)
    await login(app)
    expect((await login(app, { callback_url })).text).toMatch(/No browser sign-in waits here.*\[INPUT_INVALID\]$/)
  })

  test('and loaded by the browser at the same moment, its code is redeemed once', async () => {
    const fake = await startFake()
    for (let round = 0; round < 10; round += 1) {
      const app = await start(fake, { waitMs: 1 })
      const { data } = await login(app)
      const address = await redirectOf(data.url)
      const before = fake.seen.grants.length
      // The listener may be gone before it has read the browser's request.
      const loading = fetch(address).catch(() => undefined)
      const [pasted, loaded] = await Promise.all([login(app, { callback_url: address }), loading])
      expect(fake.seen.grants).toHaveLength(before + 1)
      if (loaded !== undefined) expect([200, 400]).toContain(loaded.status)
      if (pasted.isError) expect(pasted.text).toMatch(/used already.*\[INPUT_INVALID\]$/)
      expect((await login(app)).data.status).toBe('authenticated')
    }
  })
})

describe('two windows', () => {
  test('that sign in at once: one browser, one login, and both are signed in', async () => {
    const fake = await startFake()
    for (let round = 0; round < 6; round += 1) {
      const one = await start(fake, { waitMs: 20_000 })
      const two = await start(fake, { waitMs: 20_000, home: one.home })
      const before = fake.seen.grants.length
      const both = [login(one), login(two)]
      await expect.poll(() => [...one.opened, ...two.opened].length).toBe(1)
      await fake.browser([...one.opened, ...two.opened][0] ?? '')
      const outcomes = await Promise.all(both)
      expect(outcomes.map(({ data }) => data.status)).toEqual(['authenticated', 'authenticated'])
      expect(fake.seen.grants).toHaveLength(before + 1)
      expect([...one.opened, ...two.opened]).toHaveLength(1)
    }
  }, 60_000)

  test('with a login that is stored under a key of its own, too', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1, env: SEALED })
    const two = await start(fake, { waitMs: 20_000, home: one.home, env: SEALED })
    const { data } = await login(one)
    const waiting = login(two)
    await expect.poll(async () => (await view(two))?.method).toBe('other-window')
    await fake.browser(data.url)
    expect((await waiting).data.status).toBe('authenticated')
  })

  test('the second one says where the sign-in is open, and hears how it ends', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1 })
    const two = await start(fake, { waitMs: 1, home: one.home })
    const { data } = await login(one)
    expect((await login(two)).data).toMatchObject({ status: 'pending', method: 'other-window' })
    expect((await view(two)).method).toBe('other-window')
    await fake.browser(data.url)
    expect((await login(two)).data).toMatchObject({ status: 'authenticated' })
  })

  test('when the first one gives up, the second is told', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1 })
    const two = await start(fake, { waitMs: 20_000, home: one.home })
    await login(one)
    const waiting = login(two)
    await expect.poll(async () => (await view(two))?.method).toBe('other-window')
    await one.call('codex_clear')
    expect((await waiting).text).toMatch(/another window has ended without a login.*\[CANCELLED\]$/)
    expect((await login(one)).data).toMatchObject({ status: 'pending', method: 'browser' })
  })

  test('the second one opens its own when the first has given up meanwhile, and does not call off what is not its own', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1 })
    const two = await start(fake, { waitMs: 1, home: one.home })
    await login(one)
    expect((await login(two)).data.method).toBe('other-window')
    expect((await two.call('codex_clear')).data.login_cancelled).toBe(false)
    expect((await login(two)).data.method).toBe('other-window')
    expect((await one.call('codex_clear')).data.login_cancelled).toBe(true)
    expect((await login(two)).data).toMatchObject({ status: 'pending', method: 'browser' })
  })

  test('that sign out and in: who has signed out in one is not signed in again by the other', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1 })
    const two = await start(fake, { waitMs: 1, home: one.home })
    one.seed(recordOf(fake.issueTokens()))
    const { data } = await login(one, { force: true })
    const door = gate()
    fake.script.token.push(late(door.promise))
    const page = fake.browser(data.url)
    await fake.arrival('/oauth/token')
    expect((await two.call('codex_clear')).data.cleared).toBe(true)
    door.open()
    expect((await page).status).toBe(400)
    expect((await login(one)).data.status).toBe('pending')
    expect(one.stored()).toEqual({})
    await expect.poll(() => fake.seen.revocations.length).toBe(2)
  })

  test('force, or a way asked for by name, opens one in the second window too', async () => {
    const fake = await startFake()
    const one = await start(fake, { waitMs: 1 })
    const two = await start(fake, { waitMs: 1, home: one.home })
    await login(one)
    expect((await login(two)).data.method).toBe('other-window')
    expect((await login(two, { method: 'device' })).data.method).toBe('device')
    expect((await login(two, { force: true })).data.method).toBe('browser')
  })
})

describe('what is called off before anything is open', () => {
  /** Another program is writing: the check that a login could be stored has to wait. */
  function holdStorage(app: StartedApp): () => void {
    mkdirSync(`${app.credentialsFile}.lock`, { recursive: true })
    return () => rmdirSync(`${app.credentialsFile}.lock`)
  }

  test('by signing out opens nothing', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const release = holdStorage(app)
    const waiting = login(app)
    await setImmediate()
    await app.call('codex_clear')
    release()
    expect((await waiting).text).toMatch(/\[CANCELLED\]$/)
    expect(app.opened).toEqual([])
    expect(await view(app)).toBeUndefined()
  })

  test('by the caller opens nothing either', async () => {
    const fake = await startFake()
    const app = await start(fake, { waitMs: 1 })
    const release = holdStorage(app)
    const giveUp = new AbortController()
    const waiting = app.call('codex_login', {}, { signal: giveUp.signal })
    await setImmediate()
    giveUp.abort()
    await expect(waiting).rejects.toThrow()
    release()
    // The queue of sign-ins is one: this call comes after the other has found out.
    expect((await login(app)).data).toMatchObject({ status: 'pending', method: 'browser' })
    expect(app.opened).toHaveLength(1)
  })
})

describe('where the client has a dialog for addresses', () => {
  test('a yes opens it there, and the sign-in is waited for; no browser is started here', async () => {
    const fake = await startFake()
    const asked: DialogRequest[] = []
    const app = await start(fake, {
      async dialog(request) {
        asked.push(request)
        void fake.browser(request.url)
        return 'accept'
      },
    })
    expect((await login(app)).data).toMatchObject({ status: 'authenticated' })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ mode: 'url', message: expect.stringContaining('Sign in to Codex') })
    expect(app.opened).toEqual([])
  })

  test.each(['decline', 'cancel'] as const)('%s ends in a text with the address, which stays open', async (action) => {
    const fake = await startFake()
    const app = await start(fake, { dialog: async () => action })
    const { data } = await login(app)
    expect(data).toMatchObject({
      status: 'pending',
      reason: expect.stringMatching(/^The dialog .* (declined|closed)\.$/),
    })
    expect(data.message).toContain(data.url)
    expect(app.opened).toEqual([])
    const again = login(app)
    await fake.browser(data.url)
    expect((await again).data.status).toBe('authenticated')
  })

  test('a device sign-in shows its code there', async () => {
    const fake = await startFake()
    const app = await start(fake, {
      surroundings: SSH,
      async dialog({ url, message }) {
        expect(url).toBe(`${fake.issuer}/codex/device`)
        fake.approveDevice(/FAKE-\d+/.exec(message)?.[0])
        return 'accept'
      },
    })
    expect((await login(app)).data.status).toBe('authenticated')
  })

  test('one that is never answered is taken away in time', async () => {
    const fake = await startFake()
    let taken: (() => void) | undefined
    const gone = new Promise<void>((resolve) => {
      taken = resolve
    })
    const app = await start(fake, {
      waitMs: 300,
      dialog: (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            taken?.()
            resolve('cancel')
          })
        }),
    })
    // The first request of the SDK has the id 0, whose cancel its client overlooks.
    await app.app.server.ping()
    expect((await login(app)).data).toMatchObject({ status: 'pending', reason: expect.stringContaining('in time') })
    await gone
  })

  test('a client that fails at it is treated as one without', async () => {
    const fake = await startFake()
    const app = await start(fake, {
      waitMs: 1,
      async dialog() {
        throw new Error('no such dialog')
      },
    })
    expect((await login(app)).data).toMatchObject({ status: 'pending', method: 'browser' })
    expect(app.opened).toHaveLength(1)
  })

  test('a question from somebody who is not signed in is answered after the sign-in, in the same call', async () => {
    const fake = await startFake()
    const app = await start(fake, {
      async dialog({ url }) {
        void fake.browser(url)
        return 'accept'
      },
    })
    const { text, isError } = await app.call('codex_query', { prompt: 'Hi' })
    expect(isError).toBe(false)
    expect(text).toContain('Hello from the fake Codex.')
  })

  test('also when the login is dead', async () => {
    const fake = await startFake()
    const app = await start(fake, {
      async dialog({ url }) {
        void fake.browser(url)
        return 'accept'
      },
    })
    const tokens = fake.issueTokens()
    app.seed(recordOf(tokens, -10))
    fake.revokeFamily(tokens.refresh_token)
    expect((await app.call('codex_query', { prompt: 'Hi' })).text).toContain('Hello from the fake Codex.')
  })

  test('a question after a no says how to go on', async () => {
    const fake = await startFake()
    const app = await start(fake, { dialog: async () => 'decline' })
    const { text } = await app.call('codex_query', { prompt: 'Hi' })
    expect(text).toMatch(
      /not signed in.*declined.*open http\S+\/oauth\/authorize\S+, then ask again.*codex_login with route "plan" is the sign-in that OpenAI documents\. \[NOT_AUTHENTICATED\]$/,
    )
    expect(fake.seen.requests.filter(({ path }) => path.endsWith('/responses'))).toEqual([])
  })

  test('also why the sign-in before it failed, and whoever has a login is offered no other one', async () => {
    const fake = await startFake()
    const app = await start(fake, { dialog: async () => 'decline' })
    const tokens = fake.issueTokens()
    app.seed(recordOf(tokens, -10))
    fake.revokeFamily(tokens.refresh_token)
    const { data } = await login(app, { force: true })
    await fake.browser(data.url, { deny: true })
    const { text } = await app.call('codex_query', { prompt: 'Hi' })
    expect(text).toMatch(/The last sign-in failed: The sign-in was refused in the browser\..*declined/)
    expect(text).not.toContain('OpenAI documents')
  })

  test.each([
    ['a key that is refused', { OPENAI_API_KEY: 'sk-FAKE-wrong' }],
    ['a key that is none', { OPENAI_API_KEY: 's3cret key' }],
  ])('%s is no reason to sign in', async (_, env) => {
    const fake = await startFake()
    let asked = 0
    const dialog = async () => {
      asked += 1
      return 'cancel' as const
    }
    const app = await start(fake, { env, dialog })
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(true)
    expect(asked).toBe(0)
  })

  test('the next question after a no asks again', async () => {
    const fake = await startFake()
    const answers = ['decline', 'accept'] as const
    let asked = 0
    const app = await start(fake, {
      async dialog({ url }) {
        if (answers[asked] === 'accept') void fake.browser(url)
        asked += 1
        return answers[asked - 1] ?? 'cancel'
      },
    })
    expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(true)
    expect((await app.call('codex_query', { prompt: 'Hi' })).text).toContain('Hello from the fake Codex.')
    expect(asked).toBe(2)
  })

  test('without such a dialog, a question opens nothing', async () => {
    const fake = await startFake()
    const app = await start(fake)
    expect((await app.call('codex_query', { prompt: 'Hi' })).text).toMatch(/\[NOT_AUTHENTICATED\]$/)
    expect(app.opened).toEqual([])
    expect(await view(app)).toBeUndefined()
  })
})

test.each(['browser', 'device'] as const)(
  'while a call waits (%s) it says what for, every ten seconds',
  async (method) => {
    const fake = await startFake({ deviceInterval: '5' })
    const fast = createTestClock()
    fast.hurry()
    // Only the looks of a waiting call are hurried: the life of the sign-in and the polls (every 5 s) take their time.
    const sleep = (ms: number, signal?: AbortSignal) => (ms === 1_000 ? fast : systemClock).sleep(ms, signal)
    const app = await start(fake, { waitMs: 45_000, edges: { clock: { now: fast.now, sleep } } })
    const said: string[] = []
    const login = () => app.app.services.signIn.login({ force: false, method, onProgress: (words) => said.push(words) })
    if (method === 'device') await login() // The first call with a code comes back at once.
    expect((await login()).status).toBe('pending')
    expect(said).toEqual(
      Array(5).fill(expect.stringMatching(method === 'device' ? / enter FAKE-00001 at http/ : /opened: http/)),
    )
  },
)

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type BuiltServer, startBuiltServer } from '../support/built-server.ts'
import { type FakeKeyring, installFakeKeyring, type KeyringMood } from '../support/fake-keyring.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { freePorts } from '../support/free-ports.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const PASSPHRASE = 'FAKE-passphrase-of-a-person'

interface Place {
  fake: FakeOpenAI
  keyring: FakeKeyring
  folder: string
  /** The text of the credentials file. */
  text(): string
  seed(): void
  /** A server with this store. Its stderr, with debugging on, and all its answers are taken down. */
  start(store: string, env?: Record<string, string>): Promise<BuiltServer>
  /** All that any server has written so far. */
  said(): string
}

async function newPlace({ keyringMood = 'well' }: { keyringMood?: KeyringMood } = {}): Promise<Place> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const folder = join(home, '.claude')
  mkdirSync(folder, { mode: 0o700 })
  const keyring = installFakeKeyring(join(folder, 'codex-oauth'))
  keyring.be(keyringMood)
  const servers: BuiltServer[] = []
  const answers: string[] = []
  return {
    fake,
    keyring,
    folder,
    text: () => readFileSync(join(folder, 'auth.json'), 'utf8'),
    seed: () =>
      writeFileSync(join(folder, 'auth.json'), JSON.stringify({ other: 1, codex: recordOf(fake.issueTokens()) }), {
        mode: 0o600,
      }),
    async start(store, env = {}) {
      const ports = (await freePorts(2)).join(',')
      const usual = { HOME: home, PATH: '/usr/bin:/bin', CODEX_DEBUG: '1', CODEX_OAUTH_STORE: store }
      const server = startBuiltServer({ ...fake.env({ CODEX_OAUTH_PORTS: ports }), ...usual, ...env })
      servers.push(server)
      const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
      await server.request(0, 'initialize', hello)
      server.send({ method: 'notifications/initialized' })
      return {
        ...server,
        async call(name, args, options) {
          const result = await server.call(name, args, options)
          answers.push(JSON.stringify(result))
          return result
        },
      }
    },
    said: () => [...answers, ...servers.map((server) => server.stderr())].join('\n'),
  }
}

async function signIn(server: BuiltServer, fake: FakeOpenAI) {
  const first = await server.call('codex_login', { method: 'browser' })
  const url = /http:\/\/127\.0\.0\.1:\d+\/oauth\/authorize\?[^\s"]+/.exec(first.text)?.[0] ?? ''
  expect((await fake.browser(url)).status).toBe(200)
  return server.call('codex_login')
}

const stores: [string, Record<string, string>, string][] = [
  ['encrypted', { CODEX_OAUTH_PASSPHRASE: PASSPHRASE }, 'passphrase'],
  ['keychain', {}, 'keychain'],
]

test.each(stores)(
  'sign in, ask, renew and sign out in the store %s, and no secret lies anywhere',
  async (store, env, form) => {
    const { fake, keyring, folder, text, start, said } = await newPlace()
    const server = await start(store, env)
    expect((await signIn(server, fake)).data).toMatchObject({ status: 'authenticated' })
    expect((await server.call('codex_status')).data).toMatchObject({ status: 'authenticated', storage: { form } })
    fake.expireAccessTokens()
    const other = await start(store, env)
    expect((await other.call('codex_query', { prompt: 'Hello?' })).text).toContain('Hello from the fake Codex.')
    expect((await server.call('codex_query', { prompt: 'Hello?' })).text).toContain('Hello from the fake Codex.')
    expect(fake.seen.grants).toEqual(['authorization_code', 'refresh_token'])

    const keys = Object.values(keyring.entries())
    expect(keys).toHaveLength(store === 'keychain' ? 1 : 0)
    for (const secret of [...fake.secrets(), PASSPHRASE, ...keys]) {
      expect(text()).not.toContain(secret)
      expect(said().replaceAll(/authorize\?\S+/g, '')).not.toContain(secret)
    }

    const cleared = await other.call('codex_clear')
    expect(cleared.data).toMatchObject({ cleared: true, revoked: true })
    expect(keyring.entries()).toEqual({})
    expect(JSON.parse(text())).toEqual({})
    expect(readdirSync(folder).sort()).toEqual(['auth.json', 'codex-oauth'])
  },
)

test('a login moves through all stores with the settings, and leaves nothing behind', async () => {
  const { fake, keyring, text, seed, start } = await newPlace()
  seed()
  const before = text()
  const steps = [
    ['encrypted', 'passphrase'],
    ['keychain', 'keychain'],
    ['file', 'plain'],
    ['keychain', 'keychain'],
    ['encrypted', 'passphrase'],
    ['file', 'plain'],
  ] as const
  for (const [store, form] of steps) {
    const server = await start(store, { CODEX_OAUTH_PASSPHRASE: PASSPHRASE })
    expect((await server.call('codex_status')).data).toMatchObject({ status: 'authenticated', storage: { form } })
    expect((await server.call('codex_query', { prompt: 'Hello?' })).isError).toBe(false)
    expect(Object.keys(keyring.entries())).toHaveLength(form === 'keychain' ? 1 : 0)
    expect(text().includes('access_token')).toBe(form === 'plain')
    expect(JSON.parse(text()).other).toBe(1)
  }
  expect(text()).toBe(before)
  expect(fake.seen.grants).toEqual([])
})

describe('a login that cannot be opened is shown as signed out, with the reason, and a sign-in replaces it:', () => {
  test('another passphrase', async () => {
    const { fake, seed, start } = await newPlace()
    seed()
    await (await start('encrypted', { CODEX_OAUTH_PASSPHRASE: PASSPHRASE })).call('codex_status')
    const server = await start('encrypted', { CODEX_OAUTH_PASSPHRASE: 'FAKE other' })
    const { data } = await server.call('codex_status')
    expect(data).toMatchObject({ status: 'not_authenticated', authenticated: false })
    expect(data.storage.problem).toMatch(/another passphrase than the one in CODEX_OAUTH_PASSPHRASE\./)
    expect(data.message).toContain(data.storage.problem)
    expect((await server.call('codex_query', { prompt: 'Hello?' })).text).toMatch(/another pass.+\[STORAGE_SEALED\]$/s)
    expect((await signIn(server, fake)).data).toMatchObject({ status: 'authenticated' })
    expect((await server.call('codex_query', { prompt: 'Hello?' })).isError).toBe(false)
  })

  test('a keychain that was locked', async () => {
    const { keyring, seed, start } = await newPlace()
    seed()
    await (await start('keychain')).call('codex_status')
    keyring.be('refuses')
    const server = await start('keychain')
    const { data } = await server.call('codex_status')
    expect(data.storage.problem).toMatch(/^The keychain refused: .+ Unlock it/)
    const cleared = await server.call('codex_clear')
    expect(cleared.data).toMatchObject({ cleared: true, revoked: false })
    expect(cleared.text).toMatch(/could not be revoked at OpenAI\. The keychain refused.+still in the keychain/)
  })
})

test('a sign-in without a keychain that can be used fails before the browser is bothered', async () => {
  const { start, folder } = await newPlace({ keyringMood: 'absent' })
  const server = await start('keychain')
  const { isError, text } = await server.call('codex_login', { method: 'browser' })
  expect(isError).toBe(true)
  expect(text).toMatch(/There is no keychain on this machine.+Use another store.+\[STORAGE_FAILED\]/s)
  expect(readdirSync(folder)).toEqual(['codex-oauth'])
})

test.runIf(process.platform === 'linux')(
  'a keychain that hangs costs three seconds once, and does not keep the server from ending',
  async () => {
    const { seed, start } = await newPlace({ keyringMood: 'blocks' })
    seed()
    const server = await start('keychain')
    const from = performance.now()
    const { data } = await server.call('codex_status')
    expect(performance.now() - from).toBeLessThan(5000)
    expect(data).toMatchObject({ status: 'authenticated', storage: { form: 'plain' } })
    expect(data.storage.problem).toMatch(/still stored as it was\. The keychain did not answer in time\./)
    const again = performance.now()
    expect((await server.call('codex_query', { prompt: 'Hello?' })).isError).toBe(false)
    expect(performance.now() - again).toBeLessThan(2000)

    const other = await start('keychain')
    void other.call('codex_status').catch(() => {})
    const children = () => readFileSync(`/proc/${other.child.pid}/task/${other.child.pid}/children`, 'utf8').trim()
    while (children() === '') await new Promise((resolve) => setImmediate(resolve))
    const hanging = Number(children().split(' ')[0])
    expect(isRunning(hanging)).toBe(true)
    expect(await other.endBy(() => other.child.kill('SIGTERM'))).toMatchObject({ code: 0 })
    await vi.waitFor(() => expect(isRunning(hanging)).toBe(false))
  },
)

/** One that has ended and whose new parent has not noticed yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type BuiltServer, startBuiltServer } from '../support/built-server.ts'
import { failure, pending, tooMany } from '../support/fake-device.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from '../support/fake-openai.ts'
import { late } from '../support/fake-script.ts'
import type { Frame } from '../support/frames.ts'
import { freePorts } from '../support/free-ports.ts'
import { hostileAddresses } from '../support/hostile-addresses.ts'
import { isListening } from '../support/is-listening.ts'
import { tempFolder } from '../support/temp-folder.ts'

const POLL = '/api/accounts/deviceauth/token'

interface Place {
  fake: FakeOpenAI
  home: string
  ports: number[]
  env: Record<string, string>
}

/** A fake, and the environment of a server that signs in there. */
async function place(extra: Record<string, string> = {}, options: FakeOpenAIOptions = {}): Promise<Place> {
  const fake = await startFakeOpenAI({ deviceInterval: 1, ...options })
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const ports = await freePorts(2)
  const env = fake.env({ CODEX_OAUTH_PORTS: ports.join(','), HOME: home, PATH: process.env.PATH ?? '', ...extra })
  return { fake, home, ports, env }
}

async function redirectOf(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  return answer.headers.get('location') ?? ''
}

/** A script that the server takes for the browser. */
function browserScript(text: string): string {
  const file = join(tempFolder(), 'xdg-open')
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return join(file, '..')
}

describe('where it runs decides how', () => {
  const SSH = { SSH_CONNECTION: '10.0.0.2 50000 10.0.0.1 22', DISPLAY: '', CODEX_OAUTH_NO_BROWSER: '' }
  test.each<[string, Record<string, string>, string, RegExp]>([
    ['SSH', SSH, 'device', /SSH session/],
    ['a container', { DISPLAY: '', container: 'docker', CODEX_OAUTH_NO_BROWSER: '' }, 'device', /container/],
    ['a desk with the browser off', {}, 'browser', /CODEX_OAUTH_NO_BROWSER/],
    ['a remote workspace that opens the browser of its user', { ...SSH, BROWSER: '/bin/true' }, 'browser', /SSH/],
  ])('%s', async (_, env, method, reason) => {
    const here = await place({ ...env, CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
    const { data } = await startBuiltServer(here.env).call('codex_login')
    expect(data).toMatchObject({ status: 'pending', method, reason: expect.stringMatching(reason) })
    expect(data.other_ways.length).toBeGreaterThan(1)
  })
})

describe('a device sign-in', () => {
  test('survives every answer that means wait, and ends signed in', async () => {
    const { fake, env } = await place()
    const retry = tooMany('1')
    fake.script.deviceToken.push(
      pending(403),
      pending(404),
      { status: 403, html: '<h1>no</h1>' },
      pending(400, 'authorization_pending'),
      retry,
      { status: 500, json: {} },
    )
    const server = startBuiltServer(env)
    const { data } = await server.call('codex_login', { method: 'device' })
    expect(data).toMatchObject({ status: 'pending', user_code: expect.stringMatching(/^FAKE-/) })
    await fake.arrival(POLL, 2)
    fake.approveDevice()
    expect((await server.call('codex_login')).data).toMatchObject({ status: 'authenticated' })
    expect(server.strays).toEqual([])
  }, 60_000)

  test('ends with the server, within its time', async () => {
    const { fake, env } = await place()
    const server = startBuiltServer(env)
    await server.call('codex_login', { method: 'device' })
    await fake.arrival(POLL)
    const { code, ms } = await server.endBy(() => server.child.stdin.end())
    expect(code).toBe(0)
    expect(ms).toBeLessThan(2_000)
  })
})

describe('a device sign-in ends with', () => {
  const endless: [string, FakeOpenAIOptions, (fake: FakeOpenAI) => void, RegExp][] = [
    ['a no', {}, (fake) => fake.denyDevice(), /\[LOGIN_DENIED\]$/],
    [
      'a code that has expired',
      {},
      (fake) => fake.script.deviceToken.always(failure(400, 'expired_token')),
      /\[LOGIN_TIMEOUT\]$/,
    ],
    [
      'a refusal of another kind',
      {},
      (fake) => fake.script.deviceToken.always(failure(400, 'invalid_request')),
      /\[TOKEN_REQUEST_FAILED\]$/,
    ],
    [
      'an answer that makes no sense',
      {},
      (fake) => fake.script.deviceToken.always({ json: { authorization_code: 7 } }),
      /\[RESPONSE_INVALID\]$/,
    ],
    [
      'a yes after it was told to slow down, with an interval written as text',
      { deviceInterval: '1' },
      (fake) => {
        fake.script.deviceToken.push(pending(400, 'slow_down'))
        fake.approveDevice()
      },
      /"status": "authenticated"/,
    ],
  ]
  test.each(endless)(
    '%s',
    async (_, options, happen, expected) => {
      const { fake, env } = await place({ CODEX_OAUTH_LOGIN_WAIT_MS: '20000' }, options)
      const server = startBuiltServer(env)
      await server.call('codex_login', { method: 'device' })
      await fake.arrival(POLL)
      happen(fake)
      expect((await server.call('codex_login')).text).toMatch(expected)
    },
    30_000,
  )

  test('the first step where it is switched off', async () => {
    const { env } = await place({}, { deviceSignIn: false })
    const { text } = await startBuiltServer(env).call('codex_login', { method: 'device' })
    expect(text).toMatch(/switched off.*method "browser".*\[LOGIN_DENIED\]$/)
  })
})

test('hostile addresses, pasted, neither end the sign-in nor complete it', async () => {
  const { fake, env } = await place()
  const server = startBuiltServer(env)
  const { data } = await server.call('codex_login')
  const good = await redirectOf(data.url)
  const hostile = hostileAddresses(good)
  expect(hostile.length).toBeGreaterThanOrEqual(15)
  for (const callback_url of hostile) {
    const { text, isError } = await server.call('codex_login', { callback_url })
    expect(isError).toBe(true)
    expect(text).toMatch(/\[INPUT_INVALID\]$/)
  }
  expect(fake.seen.grants).toEqual([])
  expect((await server.call('codex_login', { callback_url: good })).data).toMatchObject({ status: 'authenticated' })
})

test('the address of the last page, pasted, signs in and frees the port', async () => {
  const { env, ports } = await place()
  const server = startBuiltServer(env)
  const { data } = await server.call('codex_login')
  const address = await redirectOf(data.url)
  expect((await server.call('codex_login', { callback_url: `${address}x` })).data?.status).toBeUndefined()
  expect((await server.call('codex_login', { callback_url: address })).data).toMatchObject({ status: 'authenticated' })
  expect(await isListening(ports[0] ?? 0)).toBe(false)
})

test('two windows that sign in at once open one browser, store one login, and both are signed in', async () => {
  const opened = join(tempFolder(), 'opened')
  const folder = browserScript(`echo "$1" >> '${opened}'`)
  const { fake, env } = await place({ CODEX_OAUTH_NO_BROWSER: '', PATH: `${folder}:${process.env.PATH}` })
  const windows = [startBuiltServer(env), startBuiltServer(env)]
  const logins = windows.map((window) => window.call('codex_login'))
  const urls = () => (existsSync(opened) ? readFileSync(opened, 'utf8').trim().split('\n') : [])
  await expect.poll(() => urls().length, { timeout: 10_000 }).toBe(1)
  await fake.browser(urls()[0] ?? '')
  const outcomes = await Promise.all(logins)
  expect(outcomes.map(({ data }) => data.status)).toEqual(['authenticated', 'authenticated'])
  expect(urls()).toHaveLength(1)
  expect(fake.seen.grants).toEqual(['authorization_code'])
}, 60_000)

test('a window that was killed while it signed in does not keep the others from it', async () => {
  const { env } = await place()
  const first = startBuiltServer(env)
  await first.call('codex_login')
  await first.endBy(() => first.child.kill('SIGKILL'))
  expect((await startBuiltServer(env).call('codex_login')).data).toMatchObject({ status: 'pending', method: 'browser' })
})

test('both ports taken by strangers: a code, and the strangers are not spoken to', async () => {
  const { env, ports } = await place()
  let visits = 0
  for (const port of ports) {
    const stranger = createServer(() => (visits += 1))
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void stranger.close())
  }
  const { data } = await startBuiltServer(env).call('codex_login')
  expect(data).toMatchObject({ method: 'device', reason: expect.stringContaining(`${ports[0]} (in use)`) })
  expect(visits).toBe(0)
})

test('a server that is ended while it redeems a code stores the login', async () => {
  const { fake, env, home } = await place()
  const server = startBuiltServer(env)
  const { data } = await server.call('codex_login')
  const soon = new Promise((resolve) => setTimeout(resolve, 150))
  fake.script.token.push(late(soon))
  void fake.browser(data.url).catch(() => {})
  await fake.arrival('/oauth/token')
  expect((await server.endBy(() => server.child.kill('SIGTERM'))).ms).toBeLessThan(2_000)
  const stored = JSON.parse(readFileSync(join(home, '.claude', 'auth.json'), 'utf8'))
  expect(stored.codex.access_token).toBeTypeOf('string')
  expect(fake.seen.revocations).toEqual([])
})

describe('the browser', () => {
  const path = (folder: string) => ({ CODEX_OAUTH_NO_BROWSER: '', PATH: `${folder}:${process.env.PATH}` })

  test('that fails: the address comes at once, with what else can be done', async () => {
    const { fake, env } = await place(path(browserScript('exit 3')))
    const server = startBuiltServer(env)
    const { data } = await server.call('codex_login')
    expect(data).toMatchObject({ status: 'pending', reason: expect.stringContaining('No browser could be started') })
    await fake.browser(data.url)
    expect((await server.call('codex_login')).data.status).toBe('authenticated')
  })

  test('that hangs is taken for open, and the server still ends in time', async () => {
    const { env } = await place({ ...path(browserScript('exec sleep 30')), CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
    const server = startBuiltServer(env)
    expect((await server.call('codex_login')).data).toMatchObject({ status: 'pending', method: 'browser' })
    expect((await server.endBy(() => server.child.stdin.end())).ms).toBeLessThan(2_000)
  })
})

describe('a client that declares dialogs for addresses', () => {
  const hello = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: { url: {} } },
    clientInfo: { name: 'test', version: '1' },
  }
  const isDialog = (frame: Frame) => frame.method === 'elicitation/create'

  async function start(env: Record<string, string>): Promise<BuiltServer> {
    const server = startBuiltServer(env)
    await server.request(0, 'initialize', hello)
    server.send({ method: 'notifications/initialized' })
    return server
  }

  test('gets the address, is told when it is done with, and never sees -32042', async () => {
    const { fake, env } = await place({ CODEX_OAUTH_NO_BROWSER: '' })
    const server = await start(env)
    const login = server.call('codex_login')
    const dialog = await server.first(isDialog)
    expect(dialog.params).toMatchObject({ mode: 'url', elicitationId: expect.any(String) })
    server.send({ id: dialog.id, result: { action: 'accept' } })
    await fake.browser(dialog.params.url)
    expect((await login).data.status).toBe('authenticated')
    const done = await server.first(({ method }) => method === 'notifications/elicitation/complete')
    expect(done.params.elicitationId).toBe(dialog.params.elicitationId)
    expect(server.frames.filter(({ error }) => error !== undefined)).toEqual([])
    expect(server.frames.filter(({ method }) => method === 'notifications/cancelled')).toEqual([])
  })

  test.each([
    ['declined', { result: { action: 'decline' } }],
    ['closed', { result: { action: 'cancel' } }],
    ['not supported after all', { error: { code: -32602, message: 'mode url is not supported' } }],
    ['answered with nonsense', { result: { action: 'maybe' } }],
  ])('%s: a text with the address', async (_, reply) => {
    const { env } = await place()
    const server = await start(env)
    const login = server.call('codex_login')
    const dialog = await server.first(isDialog)
    server.send({ id: dialog.id, ...reply })
    const { data, isError } = await login
    expect(isError).toBe(false)
    expect(data).toMatchObject({ status: 'pending', url: dialog.params.url })
    expect(data.message).toContain(dialog.params.url)
  })

  test('has a question answered right after the sign-in', async () => {
    const { fake, env } = await place()
    const server = await start(env)
    const question = server.call('codex_query', { prompt: 'Hi' })
    const dialog = await server.first(isDialog)
    server.send({ id: dialog.id, result: { action: 'accept' } })
    await fake.browser(dialog.params.url)
    expect((await question).text).toContain('Hello from the fake Codex.')
  })

  test('is told NOT_AUTHENTICATED when nobody signs in within the waiting time', async () => {
    const { env } = await place({ CODEX_OAUTH_LOGIN_WAIT_MS: '200' })
    const server = await start(env)
    const question = server.call('codex_query', { prompt: 'Hi' })
    const dialog = await server.first(isDialog)
    expect((await question).text).toMatch(/not answered in time.*codex_login.*\[NOT_AUTHENTICATED\]$/)
    const gone = await server.first(({ method }) => method === 'notifications/cancelled')
    expect(gone.params.requestId).toBe(dialog.id)
  })
})

const canUnshare = spawnSync('unshare', ['-n', 'true']).status === 0

test.skipIf(!canUnshare)(
  'a network without IPv6 is no obstacle',
  async () => {
    const program = fileURLToPath(new URL('../support/children/signs-in.ts', import.meta.url))
    const setUp = 'ip link set lo up && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && exec "$@"'
    const node = [process.execPath, '--import', import.meta.resolve('tsx'), program]
    const { stdout } = await promisify(execFile)('unshare', ['-n', 'sh', '-c', setUp, 'sh', ...node])
    expect(JSON.parse(stdout)).toEqual({ addresses: ['127.0.0.1'], page: 200, status: 'authenticated' })
  },
  30_000,
)

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type BuiltServer, type Ending, SERVER, startBuiltServer, type ToolResult } from '../support/built-server.ts'
import { plainUser } from '../support/child.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from '../support/fake-openai.ts'
import { after as delayed, gate, late, parts } from '../support/fake-script.ts'
import { answer, answerEvents, sse } from '../support/fake-sse.ts'
import { freePorts } from '../support/free-ports.ts'
import { isListening } from '../support/is-listening.ts'
import { LIST_CHARACTERS, QUERY_ARGUMENTS } from '../support/list-budget.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const TOOLS = ['codex_query', 'codex_status', 'codex_login', 'codex_models', 'codex_clear']
const RESPONSES = '/backend-api/codex/responses'
const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }

async function startFake(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  return fake
}

interface Place {
  fake: FakeOpenAI
  home: string
  ports: number[]
  env: Record<string, string>
  credentialsFile: string
}

/** A fake, a home and two ports, and the environment that holds them together. */
async function place(extra: Record<string, string> = {}, options?: FakeOpenAIOptions): Promise<Place> {
  const fake = await startFake(options)
  const home = tempFolder()
  const ports = await freePorts(2)
  const env = {
    ...fake.env({ CODEX_OAUTH_PORTS: ports.join(',') }),
    HOME: home,
    PATH: process.env.PATH ?? '',
    ...extra,
  }
  return { fake, home, ports, env, credentialsFile: join(home, '.claude', 'auth.json') }
}

/** A login as an earlier sign-in left it. */
function seed({ fake, credentialsFile }: Place, expiresInSeconds = 3600): void {
  mkdirSync(join(credentialsFile, '..'), { recursive: true })
  const record = recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds)
  writeFileSync(credentialsFile, JSON.stringify({ codex: record }), { mode: 0o600 })
}

function urlIn(text: string): string {
  return /https?:\S+\/oauth\/authorize\?\S+/.exec(text)?.[0] ?? ''
}

/**
 * Signs in through the tool and a browser: where the server cannot open one, it answers at once with the address, and
 * a second call tells how it ended.
 */
async function signIn(server: BuiltServer, fake: FakeOpenAI): Promise<ToolResult> {
  const first = await server.call('codex_login')
  expect((await fake.browser(urlIn(first.text))).status).toBe(200)
  return server.call('codex_login')
}

describe('stdout holds frames only', () => {
  test('through every tool, good and bad, with debugging on', async () => {
    const { fake, env } = await place({ CODEX_DEBUG: '1' })
    const server = startBuiltServer(env)
    expect((await server.request(0, 'initialize', hello)).result.serverInfo.name).toBe('codex-oauth')
    server.send({ method: 'notifications/initialized' })
    expect((await server.call('codex_query', { prompt: 'Hello?' })).text).toContain('[NOT_AUTHENTICATED]')
    expect((await server.call('codex_query', {})).text).toContain('[INPUT_INVALID]')
    expect((await signIn(server, fake)).data).toMatchObject({ status: 'authenticated' })
    expect((await server.call('codex_status')).data).toMatchObject({ status: 'authenticated' })
    expect((await server.call('codex_models')).data).toMatchObject({ source: 'live' })
    const said: string[] = []
    const result = await server.call('codex_query', { prompt: 'Hello?' }, { onProgress: (text) => said.push(text) })
    expect(result.text).toMatch(/^Hello from the fake Codex\.\nAnswered by Codex/)
    expect(said[0]).toMatch(/^Asking Codex \(0 s\) · answer a-\w{10}$/)
    fake.script.responses.push({ status: 400, json: { detail: 'No.' } }, { reset: true })
    expect((await server.call('codex_query', { prompt: 'Hello?' })).isError).toBe(true)
    await server.call('codex_query', { prompt: 'Hello?' })
    server.send('garbage\n')
    expect((await server.request('x', 'server/discover')).error?.code).toBe(-32602)
    expect((await server.call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
    expect(await server.endBy(() => server.child.stdin.end())).toMatchObject({ code: 0, signal: null })
    expect(server.strays).toEqual([])
    expect(server.stderr()).toMatch(/^(codex-oauth \w+( \w+=\S+)*\n)+$/)
  })

  test('nothing is written before it is asked for, and nothing to stderr without debugging', async () => {
    const { env } = await place()
    const server = startBuiltServer(env)
    await server.request(0, 'ping')
    expect(server.frames).toHaveLength(1)
    await server.endBy(() => server.child.stdin.end())
    expect(server.stderr()).toBe('')
  })
})

test("the SDK's client lists, signs in, asks, refreshes and signs out, and has nothing to complain about", async () => {
  const { fake, env } = await place()
  const transport = new StdioClientTransport({ command: process.execPath, args: [SERVER], env, stderr: 'pipe' })
  const client = new Client({ name: 'test', version: '1' })
  const complaints: Error[] = []
  client.onerror = (error) => void complaints.push(error)
  onTestFinished(() => client.close())
  await client.connect(transport)
  // From here on the client checks every structure against the schema listed for it.
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(TOOLS)
  const said: string[] = []
  // Read in one piece with its result, a notice comes too late for this client: the answer waits until it has heard.
  const heard = gate()
  const call = async (name: string, args = {}) => {
    const onprogress = ({ message = '' }) => {
      said.push(message)
      if (message.startsWith('Codex is writing')) heard.open()
    }
    const options = { onprogress }
    return (await client.callTool({ name, arguments: args }, undefined, options)) as CallToolResult
  }

  expect((await call('codex_status')).structuredContent).toMatchObject({ status: 'not_authenticated' })
  expect((await call('codex_models')).structuredContent).toMatchObject({ source: 'built-in' })
  const login = await call('codex_login')
  expect(login.structuredContent).toMatchObject({ status: 'pending' })
  expect((await fake.browser(urlIn(JSON.stringify(login.structuredContent)))).status).toBe(200)
  expect((await call('codex_login')).structuredContent).toMatchObject({ status: 'authenticated', plan: 'pro' })
  expect((await call('codex_models')).structuredContent).toMatchObject({ source: 'live' })
  fake.expireAccessTokens()
  const pieces = answerEvents('Hello from the fake Codex.', { deltas: 2 }).map((event) => sse([event]))
  const untilText = 1 + pieces.findIndex((piece) => piece.includes('output_text.delta'))
  const [begin, end] = [pieces.slice(0, untilText), pieces.slice(untilText)]
  fake.script.responses.push({ sse: parts(...begin, heard.promise, ...end) })
  const asked = await call('codex_query', { prompt: 'Hello?' })
  expect(asked.content[0]).toEqual({ type: 'text', text: 'Hello from the fake Codex.' })
  expect(fake.seen.grants).toEqual(['authorization_code', 'refresh_token'])
  expect((await call('codex_status')).structuredContent).toMatchObject({ status: 'authenticated' })
  expect((await call('codex_clear')).structuredContent).toMatchObject({ cleared: true })
  expect(said).toContainEqual(expect.stringMatching(/^Asking Codex \(\d+ s\) · answer a-/))
  expect(complaints).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'the browser is opened with the address, and the call waits for it',
  async () => {
    const here = await place({ CODEX_OAUTH_NO_BROWSER: '', DISPLAY: ':99' })
    const bin = tempFolder()
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > "${bin}/opened"\n`, { mode: 0o755 })
    const server = startBuiltServer({ ...here.env, PATH: `${bin}:${here.env.PATH}` })
    const asked = server.call('codex_login', {}, { id: 'login', onProgress: () => {} })
    const { params } = await server.first((frame) => frame.params?.progressToken === 'login')
    const page = await here.fake.browser(urlIn(params.message))
    expect(page.body).toContain('You are signed in')
    expect((await asked).data).toMatchObject({ status: 'authenticated', plan: 'pro' })
    expect(readFileSync(join(bin, 'opened'), 'utf8')).toBe(urlIn(params.message))
  },
)

test('the list of tools that it gives costs a model less than 2,500 tokens, with all that a question takes', async () => {
  const { result } = await startBuiltServer({}).request(0, 'tools/list')
  expect(JSON.stringify(result).length).toBeLessThan(LIST_CHARACTERS)
  expect(Object.keys(result.tools[0].inputSchema.properties)).toEqual(QUERY_ARGUMENTS)
})

describe('it starts under any environment and says in its results what is wrong', () => {
  /** Every tool answers, whatever it says; then the server ends as it should. */
  async function tour(server: BuiltServer): Promise<Record<string, string>> {
    expect((await server.request(0, 'initialize', hello)).result.serverInfo.name).toBe('codex-oauth')
    expect((await server.request(1, 'tools/list')).result.tools).toHaveLength(TOOLS.length)
    const texts: Record<string, string> = {}
    for (const name of TOOLS)
      texts[name] = (await server.call(name, name === 'codex_query' ? { prompt: 'x' } : {})).text
    expect(await server.endBy(() => server.child.stdin.end())).toMatchObject({ code: 0, signal: null })
    expect(server.strays).toEqual([])
    expect(server.stderr()).toBe('')
    expect(readdirSync(server.cwd)).toEqual([])
    return texts
  }

  test('without any variable', async () => {
    const server = startBuiltServer({})
    expect((await server.request(0, 'tools/list')).result.tools).toHaveLength(TOOLS.length)
    // Nothing more: this may be a home in which somebody is signed in.
    expect((await server.call('codex_status')).isError).toBe(false)
  })

  test('a home that does not exist yet is made', async () => {
    const { env, home } = await place({ CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
    const texts = await tour(startBuiltServer({ ...env, HOME: join(home, 'not', 'yet') }))
    expect(texts.codex_query).toContain('[NOT_AUTHENTICATED]')
    expect(texts.codex_login).toContain('"status": "pending"')
    expect(texts.codex_clear).toContain('"login_cancelled": true')
  })

  const badHomes: [string, (home: string) => string, string][] = [
    ['is a file', (home) => touch(join(home, 'file')), 'not a folder'],
    ['is a link to itself', (home) => link(join(home, 'circle'), join(home, 'circle')), 'circle'],
    ['is a device', () => '/dev/null', 'not a folder'],
  ]
  test.each(badHomes)('a home that %s', async (_, make, words) => {
    const { env, home } = await place()
    const texts = await tour(startBuiltServer({ ...env, HOME: make(home) }))
    expect(texts.codex_status).toContain(words)
    for (const name of ['codex_query', 'codex_login', 'codex_clear']) expect(texts[name]).toContain('[STORAGE_FAILED]')
    expect(texts.codex_models).toContain('"source": "built-in"')
  })

  test('a home that may not be entered', async () => {
    const { env, home } = await place()
    chmodSync(home, 0)
    const texts = await tour(startBuiltServer(env, { uid: plainUser }))
    expect(texts.codex_status).toContain('permission denied')
    for (const name of ['codex_query', 'codex_login', 'codex_clear']) expect(texts[name]).toContain('[STORAGE_FAILED]')
  })

  test('a home that is read-only: the sign-in says so before it sends anybody to a browser', async () => {
    const { env, home, fake } = await place()
    chmodSync(home, 0o555)
    const texts = await tour(startBuiltServer(env, { uid: plainUser }))
    expect(texts.codex_query).toContain('[NOT_AUTHENTICATED]')
    expect(texts.codex_login).toMatch(/permission denied.*\[STORAGE_FAILED\]$/)
    expect(fake.seen.requests).toEqual([])
  })

  test.each([
    ['empty', ''],
    ['relative', 'somewhere'],
  ])(
    'a home that is %s gives no place for credentials: none are put where the server happens to run',
    async (_, HOME) => {
      const { env } = await place({ HOME, CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
      const texts = await tour(startBuiltServer(env))
      expect(texts.codex_status).toContain('HOME')
      for (const name of ['codex_query', 'codex_login', 'codex_models', 'codex_clear']) {
        expect(texts[name]).toMatch(/HOME.*\[CONFIG_INVALID\]$/)
      }
    },
  )

  test('every setting bad at once: all are named, no value is repeated', async () => {
    const names = ['ISSUER', 'BASE_URL', 'PORTS', 'REDIRECT_HOST', 'FILE', 'MODEL', 'EFFORT', 'CLIENT_ID', 'ORIGINATOR']
    const more = ['CLIENT_VERSION', 'LOGIN_TIMEOUT_MS', 'LOGIN_WAIT_MS', 'IDLE_TIMEOUT_MS']
    const bad = [...names, ...more].map((name) => `CODEX_OAUTH_${name}`)
    const values = Object.fromEntries(bad.map((name) => [name, 'not good, CANARY\u00fc']))
    const texts = await tour(startBuiltServer({ ...values, HOME: tempFolder(), CODEX_OAUTH_NO_BROWSER: '1' }))
    for (const name of TOOLS) {
      for (const setting of bad) expect(texts[name], name).toContain(setting)
      expect(texts[name]).not.toContain('CANARY')
      if (name !== 'codex_status') expect(texts[name]).toMatch(/\[CONFIG_INVALID\]$/)
    }
  })

  test('an API key nobody could send', async () => {
    const server = startBuiltServer({ HOME: tempFolder(), OPENAI_API_KEY: 'sk-CANARY \u00fc' })
    const { text } = await server.call('codex_query', { prompt: 'x' })
    expect(text).toMatch(/OPENAI_API_KEY.*\[CONFIG_INVALID\]$/)
    expect(text).not.toContain('CANARY')
    expect((await server.call('codex_models')).data).toMatchObject({ source: 'built-in' })
  })

  test('no programs to be found, an odd time zone, an odd language', async () => {
    const odd = { PATH: '', TZ: 'Not/A_Zone', LANG: 'xx_YY.NOPE', LC_ALL: 'x', TMPDIR: '/nonexistent' }
    const { env } = await place({ ...odd, CODEX_OAUTH_NO_BROWSER: '', CODEX_OAUTH_LOGIN_WAIT_MS: '1' })
    const texts = await tour(startBuiltServer(env))
    expect(texts.codex_login).toContain('Open the address yourself')
  })

  test('usage limits are told in local time also where the time zone makes no sense', async () => {
    const here = await place({ TZ: 'Not/A_Zone' })
    seed(here)
    const error = { type: 'usage_limit_reached', plan_type: 'plus', resets_at: Math.floor(Date.now() / 1000) + 5400 }
    here.fake.script.responses.push({ status: 429, json: { error } })
    const { text } = await startBuiltServer(here.env).call('codex_query', { prompt: 'x' })
    expect(text).toMatch(/used up\. It opens again (at|on) .*\d\d:\d\d (UTC|GMT).*\[USAGE_LIMIT\]$/)
  })
})

describe('input', () => {
  test('lines of 0.5, 1, 9.9, 10.1 and 40 MB: each is answered, and the call after it too', async () => {
    const here = await place()
    seed(here)
    const server = startBuiltServer(here.env)
    const line = (id: number, bytes: number) => {
      const request = (prompt: string) =>
        `${JSON.stringify({ method: 'tools/call', params: { name: 'codex_query', arguments: { prompt } }, jsonrpc: '2.0', id })}\n`
      return request(
        'word '
          .repeat(bytes / 5)
          .slice(0, bytes - request('').length - 1)
          .padEnd(bytes - request('').length, 'x'),
      )
    }
    const expected = [
      { bytes: 5e5, holds: { result: { content: [{ text: 'Hello from the fake Codex.' }, {}] } } },
      // More than the model can read.
      { bytes: 1e6, holds: { result: { isError: true } } },
      { bytes: 9.9e6, holds: { result: { isError: true } } },
      { bytes: 10.1e6, holds: { result: { isError: true } } },
      { bytes: 40e6, holds: { error: { code: -32600 } } },
    ]
    for (const [id, { bytes, holds }] of expected.entries()) {
      server.send(line(id, bytes))
      expect(await server.answerTo(id), `${bytes} bytes`).toMatchObject(holds)
      expect((await server.call('codex_status')).isError).toBe(false)
    }
    expect(server.strays).toEqual([])
  })

  test('forty questions and ten other calls at once are all answered, each under its id', async () => {
    const here = await place()
    seed(here, -1)
    const { fake, env } = here
    fake.script.responses.always((_, { body }) => {
      const { input } = body as { input: { content: { text: string }[] }[] }
      return { sse: answer(`You asked: ${input.at(-1)?.content[0]?.text}`) }
    })
    const server = startBuiltServer(env)
    const questions = Array.from({ length: 40 }, (_, n) => server.call('codex_query', { prompt: `Number ${n}` }))
    const others = Array.from({ length: 5 }, () => [server.call('codex_status'), server.call('codex_models')]).flat()
    const texts = (await Promise.all(questions)).map(({ text }) => text.split('\n')[0])
    expect(texts).toEqual(questions.map((_, n) => `You asked: Number ${n}`))
    expect((await Promise.all(others)).map(({ isError }) => isError)).toEqual(others.map(() => false))
    expect(fake.seen.grants).toEqual(['refresh_token'])
  })

  test('a login that waits keeps nobody else waiting', async () => {
    const here = await place()
    seed(here)
    const server = startBuiltServer(here.env)
    await openSignIn(here, server)
    expect((await server.call('codex_status')).data.login).toMatchObject({ state: 'pending' })
    expect((await server.call('codex_query', { prompt: 'x' })).isError).toBe(false)
  })

  test('a cancel closes the stream at the service, also for request 0', async () => {
    const here = await place()
    seed(here)
    here.fake.script.responses.push(hangingAnswer())
    const server = startBuiltServer(here.env)
    server.send({ id: 0, method: 'tools/call', params: { name: 'codex_query', arguments: { prompt: 'x' } } })
    await here.fake.arrival(RESPONSES)
    server.send({ method: 'notifications/cancelled', params: { requestId: 0, reason: null } })
    await here.fake.clientGone()
    await server.request(1, 'ping')
    expect(server.frames.map(({ id }) => id)).toEqual([1])
  })
})

describe('the end', () => {
  const EOF_MS = 2_000
  const SIGNAL_MS = 450
  const WAYS = ['EOF', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const
  type Way = (typeof WAYS)[number]

  function endBy(server: BuiltServer, way: Way): Promise<Ending> {
    return server.endBy(() => void (way === 'EOF' ? server.child.stdin.end() : server.child.kill(way)))
  }

  /** The machine may be busy with other tests, and the server waits for its turn: of a few runs the fastest counts. */
  const RUNS = 6
  const CI_MARGIN_MS = 100

  async function expectGone(limitMs: number, run: () => Promise<Ending>): Promise<void> {
    const times: number[] = []
    const isGood = () => times.some((ms) => ms < limitMs + CI_MARGIN_MS)
    while (times.length < RUNS && !isGood()) {
      const { code, signal, ms } = await run()
      expect({ code, signal }).toEqual({ code: 0, signal: null })
      times.push(Math.round(ms))
    }
    expect(isGood(), `gone after ${times.join(', ')} ms, allowed are ${limitMs}`).toBe(true)
  }

  const situations: [string, (here: Place, server: BuiltServer) => Promise<void>][] = [
    ['with nothing to do', async (_, server) => void (await server.request(0, 'ping'))],
    ['with a sign-in open', openSignIn],
    ['with an answer under way', startAnswer],
    ['after a refresh, which loads the lock with its signal handlers', refreshOnce],
    ['with a refresh that never ends', startRefresh],
    [
      'with all of it',
      async (here, server) => {
        await refreshOnce(here, server)
        await startAnswer(here, server)
        await openSignIn(here, server)
      },
    ],
  ]
  const endings = situations.flatMap(([name, prepare]) => WAYS.map((way) => [way, name, prepare] as const))

  test.each(endings)('%s %s: exit code 0, in time, and the callback port is free', async (way, _, prepare) => {
    await expectGone(way === 'EOF' ? EOF_MS : SIGNAL_MS, async () => {
      const here = await place()
      seed(here, -1)
      const server = startBuiltServer(here.env)
      await prepare(here, server)
      const ending = await endBy(server, way)
      expect(await isListening(here.ports[0] ?? 0)).toBe(false)
      expect(server.strays).toEqual([])
      return ending
    })
  })

  async function startAnswer({ fake }: Place, server: BuiltServer): Promise<void> {
    const before = fake.seen.counts[RESPONSES] ?? 0
    fake.script.responses.push(hangingAnswer())
    void server.call('codex_query', { prompt: 'x' }).catch(() => {})
    await fake.arrival(RESPONSES, before + 1)
  }

  async function refreshOnce({ fake }: Place, server: BuiltServer): Promise<void> {
    expect((await server.call('codex_query', { prompt: 'x' })).isError).toBe(false)
    expect(fake.seen.grants).toEqual(['refresh_token'])
  }

  async function startRefresh({ fake }: Place, server: BuiltServer): Promise<void> {
    fake.script.token.push(delayed(new Promise(() => {})))
    void server.call('codex_query', { prompt: 'x' }).catch(() => {})
    await fake.arrival('/oauth/token')
  }

  test('a refresh under way is stored before a signal ends the server', async () => {
    await expectGone(SIGNAL_MS, async () => {
      const here = await place()
      seed(here, -1)
      const { promise, open } = gate()
      here.fake.script.token.push(late(promise))
      const server = startBuiltServer(here.env)
      void server.call('codex_query', { prompt: 'x' }).catch(() => {})
      await here.fake.arrival('/oauth/token')
      const ended = endBy(server, 'SIGTERM')
      open()
      const ending = await ended
      expect(JSON.parse(readFileSync(here.credentialsFile, 'utf8')).codex.refresh_token).toBe('rt_FAKE_f1_2')
      return ending
    })
  })

  test('a signal while the credentials are locked by somebody else leaves nothing of ours beside them', async () => {
    const here = await place()
    seed(here)
    const lock = `${here.credentialsFile}.lock`
    mkdirSync(lock)
    const later = new Date(Date.now() + 60_000)
    utimesSync(lock, later, later)
    const temps = () => readdirSync(dirname(here.credentialsFile)).filter((name) => name.includes('.tmp.'))
    const server = startBuiltServer(here.env)
    void server.call('codex_login', { method: 'browser', force: true }).catch(() => {})
    await expect.poll(() => temps().length, { timeout: 5_000 }).toBe(1)
    expect(await endBy(server, 'SIGTERM')).toMatchObject({ code: 0, signal: null })
    expect(temps()).toEqual([])
  })

  test('EOF: a call that takes another second is answered', async () => {
    const here = await place()
    seed(here)
    here.fake.script.responses.push(delayed(sleep(1_000)))
    const server = startBuiltServer(here.env)
    const asked = server.call('codex_query', { prompt: 'x' })
    await here.fake.arrival(RESPONSES)
    expect(await endBy(server, 'EOF')).toMatchObject({ code: 0, signal: null })
    expect((await asked).text).toContain('Hello from the fake Codex.')
  })

  test('EOF right behind the requests, as with a pipe: all are answered', async () => {
    const { env } = await place()
    const server = startBuiltServer(env)
    const asked = [server.call('codex_status'), server.call('codex_models'), server.request(0, 'ping')]
    expect(await endBy(server, 'EOF')).toMatchObject({ code: 0, signal: null })
    await Promise.all(asked)
  })

  test('EOF: a long answer arrives whole, although the reader is slow', async () => {
    // As much as goes into one result of this client, and several times what a pipe holds.
    const long = 'A long answer. '.repeat(26_000)
    const here = await place({}, { reply: long })
    seed(here)
    const server = startBuiltServer(here.env)
    const clientInfo = { name: 'claude-code', version: '1' }
    await server.request(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
    const asked = server.call('codex_query', { prompt: 'x' })
    await here.fake.arrival(RESPONSES)
    server.child.stdout.pause()
    const ended = endBy(server, 'EOF')
    await sleep(600)
    server.child.stdout.resume()
    expect((await asked).text.length).toBeGreaterThan(long.length)
    expect(await ended).toMatchObject({ code: 0, signal: null })
  })

  test('a signal cuts the wait after EOF short', async () => {
    await expectGone(SIGNAL_MS, async () => {
      const here = await place({ CODEX_DEBUG: '1' })
      seed(here)
      const server = startBuiltServer(here.env)
      await startAnswer(here, server)
      server.child.stdin.end()
      await server.logged('shutdown')
      return endBy(server, 'SIGTERM')
    })
  })

  test('a reader that closes stdout ends it with 0', async () => {
    const here = await place()
    const server = startBuiltServer(here.env)
    await openSignIn(here, server)
    const ending = await server.endBy(() => {
      server.child.stdout.destroy()
      server.send({ id: 9, method: 'ping' })
    })
    expect(ending).toMatchObject({ code: 0, signal: null })
    expect(server.stderr()).toBe('')
    expect(await isListening(here.ports[0] ?? 0)).toBe(false)
  })

  describe('by a fault', () => {
    const secret =
      'Authorization: Bearer sk-CANARY-0001\\nrefresh_token=rt_CANARY_0001 CANARY-eyJhbGciOiJub25lIn0.eyJ9.CANARY'

    /** A server with a script of ours inside, which waits for SIGUSR2. */
    async function sabotaged(script: string): Promise<BuiltServer> {
      const { env, home } = await place()
      const file = join(home, 'sabotage.mjs')
      writeFileSync(file, script)
      return startBuiltServer({ ...env, NODE_OPTIONS: `--import ${file}` })
    }

    test.each([
      ['an error in a timer', `setTimeout(() => { throw new Error("${secret}") }, 1)`],
      ['a rejection nobody handles', `void Promise.reject(new TypeError("${secret}"))`],
      ['a text thrown', `setTimeout(() => { throw "${secret}" }, 1)`],
      ['nothing thrown', 'setTimeout(() => { throw undefined }, 1)'],
    ])('%s: one redacted line on stderr, exit code 1', async (_, fault) => {
      const server = await sabotaged(`process.on('SIGUSR2', () => { ${fault} })`)
      await server.request(0, 'ping')
      const { code } = await server.endBy(() => server.child.kill('SIGUSR2'))
      expect(code).toBe(1)
      expect(server.stderr()).toMatch(/^codex-oauth: unexpected error, the server ends: .*\n$/)
      expect(server.stderr()).not.toMatch(/sk-CANARY|rt_CANARY|eyJ/)
      expect(server.strays).toEqual([])
    })

    test('also while it starts', async () => {
      const server = await sabotaged(`
        import { syncBuiltinESMExports } from 'node:module'
        import os from 'node:os'
        os.arch = () => { throw new Error("${secret}") }
        syncBuiltinESMExports()`)
      expect(await server.ended).toMatchObject({ code: 1 })
      expect(server.stderr()).toMatch(/^codex-oauth: unexpected error, the server ends: .*\n$/)
      expect(server.stderr()).not.toMatch(/sk-CANARY|rt_CANARY|eyJ/)
    })
  })
})

/** An answer that begins and never ends. */
function hangingAnswer() {
  return { sse: parts(answer('', { end: 'cut', deltas: 0, items: false }), new Promise(() => {})) }
}

function touch(path: string): string {
  writeFileSync(path, '')
  return path
}

function link(path: string, target: string): string {
  if (!existsSync(path)) symlinkSync(target, path)
  return path
}

/** A sign-in that is open, and a call that waits for it. */
async function openSignIn({ ports }: Place, server: BuiltServer): Promise<void> {
  // The first call answers at once, because there is no browser; the second waits, and says so.
  await server.call('codex_login', { force: true })
  server.call('codex_login', {}, { id: 'joins', onProgress: () => {} }).catch(() => {})
  await server.first(({ params }) => params?.progressToken === 'joins')
  expect(await isListening(ports[0] ?? 0)).toBe(true)
}

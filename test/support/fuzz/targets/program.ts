import { randomBytes } from 'node:crypto'
import { createConnection } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import fc from 'fast-check'
import { z } from 'zod'
import { createApp } from '../../../../src/app.ts'
import { readArguments } from '../../../../src/cli/arguments.ts'
import { COMMANDS } from '../../../../src/cli/cli.ts'
import { createTerminal } from '../../../../src/cli/terminal.ts'
import { loadConfig } from '../../../../src/config.ts'
import { CodexError } from '../../../../src/errors.ts'
import { createLog } from '../../../../src/infrastructure/log.ts'
import { type LoopbackServer, openLoopbackServer } from '../../../../src/infrastructure/loopback-server.ts'
import { createMcpServer } from '../../../../src/server.ts'
import { SETTINGS } from '../../../../src/settings.ts'
import { createStdioTransport } from '../../../../src/stdio.ts'
import { createTools } from '../../../../src/tools/index.ts'
import { defineTool, jsonSchema } from '../../../../src/tools/tool.ts'
import type { Frame } from '../../frames.ts'
import { createTestClock } from '../../test-clock.ts'
import {
  bytesOf,
  cuts,
  damaged,
  damagedBytes,
  damagedText,
  json,
  jsonText,
  number,
  piecesOf,
  SECRET,
  text,
  word,
} from '../generators.ts'
import { assert, assertOneLine, assertShowable, ours } from '../properties.ts'
import { freshPath } from '../scratch-folder.ts'
import { type FuzzTarget, target } from '../target.ts'

const NAMES = [
  ...SETTINGS.map(({ name }) => name),
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'no_proxy',
  'https_proxy',
  'SSL_CERT_FILE',
]
const settingValue = fc.oneof(
  text,
  number.map(String),
  damagedText(
    fc.constantFrom(
      'https://auth.openai.com/',
      'http://localhost:1/x',
      'https://user:pass@host/',
      '1455,1457',
      '0.169.0',
      '/home/me/auth.json',
      'http://[::1]:80',
      'codex',
      'plan',
      'encrypted',
      'http://a%@proxy:1',
    ),
  ),
)

const config = target({
  name: 'config',
  cases: fc.record({
    env: fc.array(fc.tuple(fc.constantFrom(...NAMES), settingValue), { maxLength: 8 }),
    home: fc.oneof(fc.constantFrom('/home/me', '', 'x'), text),
  }),
  check({ env, home }) {
    const loaded = loadConfig(Object.fromEntries(env), () => home)
    const { config: read, problem } = loaded
    for (const one of [
      problem,
      read.api.problem,
      read.api.baseUrlProblem,
      read.accessToken.problem,
      read.network?.problem,
    ]) {
      if (one === undefined) continue
      assert.equal(one.code, 'CONFIG_INVALID')
      assertShowable(one)
    }
    for (const url of [read.issuer, read.baseUrl, read.planBaseUrl, read.api.baseUrl]) {
      const { protocol, hostname, username, search, hash } = new URL(url)
      assert.ok(protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
      assert.ok(username + search + hash === '' && !url.endsWith('/'))
    }
    for (const port of [...read.ports, read.planPort ?? 1])
      assert.ok(Number.isInteger(port) && port > 0 && port < 65_536)
    for (const ms of [
      read.loginTimeoutMs,
      read.loginWaitMs,
      read.headerTimeoutMs,
      read.firstEventTimeoutMs,
      read.idleTimeoutMs,
    ]) {
      assert.ok(Number.isInteger(ms) && ms >= 1 && ms <= 2_147_483_647)
    }
    for (const one of [read.originator, read.clientId, read.model ?? 'x', read.effort ?? 'x'])
      assert.match(one, /^[\w.:/+@-]{1,200}$/)
    assert.match(read.credentialsFile, /^\//)
    assert.match(read.api.key ?? 'x', /^[!-~]{1,4096}$/)
  },
})

/** What the tools are made of, but for what they do: each says yes to all that its schema lets through. */
const answered = async () => ({ id: 'a-0123456789', text: 'Yes.', facts: { footer: 'f' } })
const none = new Proxy({}, { get: () => async () => ({}) })
const theTools = createTools({
  desk: { ask: answered as never },
  collect: async () => ({ id: 'a-0123456789', text: 'Yes.', offset: 0, footer: 'f', isIncomplete: false }),
  answers: { list: () => [] },
  conversations: { list: () => ({ conversations: [], problems: [] }), remove: async () => 1 },
  readStatus: (async () => ({ status: 'not_authenticated', message: 'm' })) as never,
  signIn: {
    ...none,
    login: async () => ({ status: 'authenticated', account: {}, fresh: true, route: 'codex' }),
  } as never,
  signOut: (async () => ({ ended: [], cancelled: false, remaining: undefined })) as never,
  listModels: (async () => ({ models: [], defaultId: 'x', source: 'built-in' })) as never,
  now: () => 1_790_000_000_000,
})

interface Answering {
  ask(method: string, params: unknown): Promise<Frame>
}

let theServer: Promise<Answering> | undefined

async function aServer(): Promise<Answering> {
  const faults: unknown[] = []
  const server = createMcpServer({
    tools: theTools,
    version: '1',
    configProblem: undefined,
    newId: () => 'id',
    onFault: (error) => faults.push(error),
  })
  const [client, own] = InMemoryTransport.createLinkedPair()
  await server.connect(own)
  let last = 0
  const waiting = new Map<unknown, (frame: Frame) => void>()
  client.onmessage = (message) => waiting.get((message as Frame).id)?.(message as Frame)
  await client.start()
  return {
    async ask(method, params) {
      last += 1
      const id = last
      const answer = new Promise<Frame>((resolve) => waiting.set(id, resolve))
      await client.send({ jsonrpc: '2.0', id, method, params } as never)
      const frame = await answer
      waiting.delete(id)
      const [fault] = faults.splice(0)
      if (fault !== undefined) throw fault
      return frame
    },
  }
}

/** Values that a property of a listed schema takes, near enough. */
function argumentFor(schema: Record<string, unknown>): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.oneof(fc.constantFrom(...schema.enum), text)
  if (schema.type === 'string') return text
  if (schema.type === 'number') return fc.oneof(fc.constantFrom(0, 0.5, 1), number)
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'array') return fc.array(text, { maxLength: 3 })
  return json
}

const call = fc.oneof(
  ...theTools.map(({ name, input }) => {
    const { properties = {} } = jsonSchema(input, 'input') as { properties?: Record<string, Record<string, unknown>> }
    const fields = Object.fromEntries(Object.entries(properties).map(([field, schema]) => [field, argumentFor(schema)]))
    return fc.record({ name: fc.constant(name), arguments: damaged(fc.record(fields, { requiredKeys: [] })) })
  }),
)

function assertAnswer({ result, error }: Frame): void {
  if (error !== undefined) {
    assert.ok([-32602, -32601].includes(error.code), `${error.code}: ${error.message}`)
    assertOneLine(error.message, 1000)
    return
  }
  if (result.isError !== true) return
  assert.equal(result.structuredContent, undefined)
  const [{ text: said }] = result.content
  assert.match(said, / \[[A-Z_]+\]$/)
  assertOneLine(said, 3000)
}

const toolArguments = target({
  name: 'tool-arguments',
  cases: fc.oneof(
    { weight: 6, arbitrary: call as fc.Arbitrary<unknown> },
    { weight: 2, arbitrary: damaged(call) },
    { weight: 1, arbitrary: json },
  ),
  async check(params) {
    theServer ??= aServer()
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return
    assertAnswer(await (await theServer).ask('tools/call', params))
  },
})

const promptArguments = target({
  name: 'prompt-arguments',
  cases: damaged(
    fc.record({
      name: fc.oneof(fc.constantFrom('ask', 'second-opinion', 'second_opinion', 'review'), text),
      arguments: fc.record(
        { question: text, target: text, focus: text, prompt: text, what: text },
        { requiredKeys: [] },
      ),
    }),
  ),
  async check(params) {
    theServer ??= aServer()
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return
    assertAnswer(await (await theServer).ask('prompts/get', params))
  },
})

const echo = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Says it again.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: () => z.strictObject({ say: z.string() }),
  run: async ({ say }) => ({ texts: [say] }),
})

const id = fc.oneof(fc.constantFrom(0, 1, 'a', '', -1), text, number, json)
const message = fc.oneof(
  fc.record({
    jsonrpc: fc.constant('2.0'),
    id,
    method: fc.constantFrom('ping', 'tools/call', 'tools/list', 'x', 'notifications/cancelled'),
    params: fc.record(
      {
        name: fc.constantFrom('echo', 'x'),
        arguments: fc.record({ say: text }),
        _meta: fc.record({ progressToken: id }),
        requestId: id,
        reason: text,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    jsonrpc: fc.constant('2.0'),
    method: fc.constantFrom('notifications/cancelled', 'notifications/initialized', 'x'),
    params: fc.record({ requestId: id, reason: text }),
  }),
  fc.record({ jsonrpc: fc.constant('2.0'), id, result: json }),
  fc.record({ jsonrpc: fc.constant('2.0'), id, error: json }),
)

async function linesOut(pieces: readonly Uint8Array[]): Promise<{ frames: Frame[]; faults: unknown[] }> {
  const input = new PassThrough()
  const output = new PassThrough()
  const faults: unknown[] = []
  const log = createLog({ write: () => {}, enabled: true })
  const transport = createStdioTransport({
    input,
    output,
    onEnd: () => {},
    onBroken: () => {},
    log,
    maxLineBytes: 4096,
  })
  const server = createMcpServer({
    tools: [echo],
    version: '1',
    configProblem: undefined,
    newId: () => 'id',
    onFault: (error) => faults.push(error),
  })
  await server.connect(transport)
  for (const piece of pieces) input.write(piece)
  input.write('\n{"jsonrpc":"2.0","id":"the last one","method":"ping"}\n')
  let written = ''
  const isOver = () => written.includes('"id":"the last one"')
  output.setEncoding('utf8').on('data', (part: string) => (written += part))
  for (let turns = 0; turns < 200 && !isOver(); turns += 1) await setImmediate()
  assert.ok(isOver(), 'a good request behind it is not answered')
  await transport.idle()
  await transport.flush()
  for (let turns = 0; turns < 3; turns += 1) await setImmediate()
  await server.close()
  const lines = written.split('\n')
  assert.equal(lines.pop(), '', 'the last line has no end')
  return { frames: lines.map((line) => JSON.parse(line)), faults }
}

const stdio = target({
  name: 'stdio-lines',
  share: 0.3,
  limitMs: 3_000,
  cases: fc.record({
    lines: damagedBytes(fc.array(jsonText(message), { maxLength: 6 }).map((all) => all.join('\n'))),
    cuts,
  }),
  async check({ lines, cuts: places }) {
    const bytes = bytesOf(lines)
    const whole = await linesOut([bytes])
    const split = await linesOut(piecesOf(bytes, places))
    assert.deepEqual(whole.faults, [])
    for (const { error } of whole.frames) if (error !== undefined) assert.ok(Number.isInteger(error.code))
    assert.deepEqual(sorted(split.frames), sorted(whole.frames), 'split otherwise, it is answered otherwise')
  },
})

function sorted(frames: readonly Frame[]): string[] {
  return frames.map((frame) => JSON.stringify(frame)).sort()
}

let listener: Promise<{ server: LoopbackServer; seen: string[] }> | undefined

async function aListener(): Promise<{ server: LoopbackServer; seen: string[] }> {
  const seen: string[] = []
  const answer = async (query: string) => {
    seen.push(query)
    return { status: 200, html: '<!doctype html><title>Signed in</title>' }
  }
  const server = await openLoopbackServer({ ports: [0], path: '/auth/callback', answer, headersTimeoutMs: 1_000 })
  return { server, seen }
}

const HOST = '{host}'
const requestLine = fc.tuple(
  fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'get', 'OPTIONS', 'CONNECT'),
  fc.oneof(
    fc.constantFrom(
      '/auth/callback?code=x',
      '//evil/auth/callback',
      'http://evil/auth/callback?x',
      '/auth/callback/../x',
      '/auth%2fcallback',
      '*',
    ),
    text.map((tail) => `/auth/callback?${tail}`),
  ),
  fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
)
const headerLine = fc.oneof(
  fc.constant(`Host: ${HOST}`),
  fc.constantFrom(
    'Host: evil.example',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Connection: keep-alive',
    'Upgrade: websocket',
    'Host:',
    'Content-Length: -1',
  ),
  fc.tuple(word(8), text).map(([name, value]) => `${name}: ${value}`),
)
const rawRequest = damagedBytes(
  fc.tuple(requestLine, fc.array(headerLine, { maxLength: 4 }), text).map(([first, headers, rest]) => {
    return `${first.join(' ')}\r\n${[`Host: ${HOST}`, ...headers].join('\r\n')}\r\n\r\n${rest}`
  }),
)

/** What comes back until the other side closes, at the latest when nothing more can. */
function exchange(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    let reply = ''
    socket.setEncoding('latin1').on('data', (part: string) => (reply += part))
    socket.on('error', () => {})
    socket.on('close', () => resolve(reply))
    socket.end(request)
  })
}

const callbackRequests = target({
  name: 'callback-requests',
  share: 0.1,
  limitMs: 3_000,
  cases: rawRequest,
  async check(latin) {
    listener ??= aListener()
    const { server, seen } = await listener
    seen.length = 0
    const reply = await exchange(server.port, bytesOf(latin.replaceAll(HOST, `localhost:${server.port}`)))
    assert.ok(seen.length <= 1, 'one connection brought two callbacks')
    if (seen.length === 1)
      assert.match(latin, /^[\r\n]*GET \/auth\/callback(\?| )/, 'what is no callback was taken for one')
    assert.ok(!reply.includes(SECRET), 'the request is repeated')
    if (reply !== '') {
      const answers = reply.split('HTTP/1.1 ').length - 1 - (reply.startsWith('HTTP/1.1 100') ? 1 : 0)
      assert.equal(answers, 1)
      assert.match(reply, /^HTTP\/1\.1 [2-5]\d\d [\w ]+\r\n/)
      assert.match(reply, /\r\nContent-Security-Policy: default-src 'none'/)
    }
    const good = await exchange(
      server.port,
      Buffer.from(`GET /auth/callback?good HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`),
    )
    assert.match(good, /^HTTP\/1\.1 200 /)
    assert.equal(seen.at(-1), 'good')
  },
})

const cliArguments = target({
  name: 'cli-arguments',
  cases: fc.array(
    fc.oneof(
      fc.constantFrom(
        ...COMMANDS.map(({ name }) => name),
        '--',
        '--help',
        '-h',
        '-',
        '--model',
        '--model=x',
        '--file',
        '--no-x',
        '--__proto__',
        '--constructor=1',
        '-abc',
      ),
      text,
    ),
    { maxLength: 6 },
  ),
  check(args) {
    const request = ours(() => readArguments(args, COMMANDS), 'INPUT_INVALID')
    if (request instanceof CodexError || request.kind !== 'run') return
    for (const name of Object.keys(request.options)) assert.ok(Object.hasOwn(request.command.options, name))
    assert.ok(![...request.words, ...Object.values(request.options).flat()].includes(SECRET), 'a key was taken')
  },
})

const terminal = target({
  name: 'terminal',
  cases: fc.array(
    fc.tuple(fc.constantFrom('write' as const, 'print' as const, 'say' as const, 'progress' as const), text),
    { maxLength: 5 },
  ),
  check(all) {
    let written = ''
    const stream = { isTTY: true, columns: 80, write: (part: string) => (written += part) }
    const shown = createTerminal({ stdout: stream, stderr: stream, env: { TERM: 'xterm', NO_COLOR: '1' } })
    for (const [way, said] of all) shown[way](said)
    shown.tidy()
    const left = written.replaceAll('\r\u001b[K', '')
    assert.doesNotMatch(left, /(?![\n\t])\p{Cc}/u, 'text that is not ours moves the cursor')
  },
})

/** A service that answers whatever it likes, on every address. */
interface Played {
  status: number
  type: string
  body: string
}

const BASE = 'http://127.0.0.1:9'
let played: Played = { status: 200, type: '', body: '' }
let program: Promise<Answering> | undefined

async function aProgram(): Promise<Answering> {
  const home = freshPath('home')
  const env = {
    CODEX_API_KEY: 'sk-not-a-key',
    OPENAI_BASE_URL: BASE,
    CODEX_OAUTH_ISSUER: BASE,
    CODEX_OAUTH_BASE_URL: BASE,
    CODEX_OAUTH_PLAN_BASE_URL: BASE,
  }
  const faults: string[] = []
  const clock = createTestClock()
  clock.hurry()
  const app = createApp(
    loadConfig(env, () => home),
    {
      fetch: async () =>
        new Response(new Uint8Array(bytesOf(played.body)), {
          status: played.status,
          headers: { 'content-type': played.type },
        }),
      clock,
      randomBytes,
      openBrowser: async () => ({ opened: true }),
      surroundings: { place: 'desk', hasBrowser: true },
      projectFolder: () => home,
      machine: { nodeVersion: '20.20.0', platform: 'linux', arch: 'x64', searchPath: '', browser: undefined, home },
      system: { os: 'linux', arch: 'x64' },
      log: createLog({ write: (line) => void (line.includes(' fault ') && faults.push(line)), enabled: true }),
    },
    '0.0.0-test',
  )
  const [client, own] = InMemoryTransport.createLinkedPair()
  await app.server.connect(own)
  let last = 0
  const waiting = new Map<unknown, (frame: Frame) => void>()
  client.onmessage = (got) => waiting.get((got as Frame).id)?.(got as Frame)
  await client.start()
  return {
    async ask(method, params) {
      last += 1
      const own = last
      const answer = new Promise<Frame>((resolve) => waiting.set(own, resolve))
      await client.send({ jsonrpc: '2.0', id: own, method, params } as never)
      const frame = await answer
      waiting.delete(own)
      assert.deepEqual(faults.splice(0), [], 'a fault of ours')
      return frame
    },
  }
}

const sseOf = (events: readonly string[]) => events.map((data) => `data: ${data}\n\n`).join('')
const streamed = fc.oneof(
  fc.record({ type: fc.constant('response.output_text.delta'), item_id: fc.constant('a'), delta: text }),
  fc.record({
    type: fc.constant('response.output_item.done'),
    item: fc.record({
      type: fc.constant('message'),
      content: fc.array(fc.record({ type: fc.constant('output_text'), text }), { maxLength: 2 }),
    }),
  }),
  fc.record({
    type: fc.constantFrom('response.completed', 'response.failed', 'response.incomplete', 'error'),
    response: fc.record({ error: fc.record({ code: text, message: text }), usage: json }),
  }),
)

const wholeProgram = target({
  name: 'whole-program',
  share: 0.1,
  limitMs: 4_000,
  cases: fc.record({
    status: fc.oneof(
      { weight: 4, arbitrary: fc.constant(200) },
      { weight: 2, arbitrary: fc.constantFrom(201, 301, 400, 401, 403, 404, 413, 429, 500, 503, 511) },
    ),
    type: fc.constantFrom('text/event-stream', 'application/json', 'text/html', ''),
    body: damagedBytes(
      fc.oneof(
        fc.array(jsonText(streamed), { maxLength: 5 }).map(sseOf),
        jsonText(fc.record({ error: fc.record({ code: text, message: text, param: text }) })),
        text,
      ),
    ),
    tool: fc.constantFrom('codex_query', 'codex_query', 'codex_models'),
  }),
  async check({ tool, ...answer }) {
    program ??= aProgram()
    played = answer
    const args = tool === 'codex_query' ? { prompt: 'Why?' } : {}
    const { result, error } = await (await program).ask('tools/call', { name: tool, arguments: args })
    assert.equal(error, undefined)
    assert.ok(Array.isArray(result.content) && result.content.length > 0)
    if (result.isError === true) assertAnswer({ result })
    assert.ok(!JSON.stringify(result).includes('sk-not-a-key'))
  },
})

export const PROGRAM_TARGETS: readonly FuzzTarget[] = [
  ...[config, toolArguments, promptArguments, stdio, callbackRequests, cliArguments, terminal, wholeProgram],
]

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientOptions } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SERVER, startBuiltServer } from '../support/built-server.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { gate } from '../support/fake-script.ts'
import { answerEvents, endlessDeltas, sse } from '../support/fake-sse.ts'
import { freePorts } from '../support/free-ports.ts'
import { envelope, MODERN } from '../support/modern-talk.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const LEGACY = '2025-11-25'
const MODES: [string, NonNullable<ClientOptions['versionNegotiation']>, string][] = [
  ['the older handshake', { mode: 'legacy' }, LEGACY],
  ['whichever is spoken', { mode: 'auto' }, MODERN],
  ['the newer protocol and no other', { mode: { pin: MODERN } }, MODERN],
]

interface Talk {
  client: Client
  fake: FakeOpenAI
  home: string
}

/** The built server under the SDK's second generation of clients. */
async function connect(
  versionNegotiation: NonNullable<ClientOptions['versionNegotiation']>,
  { signedIn = true, env = {}, prepare }: ConnectOptions = {},
): Promise<Talk> {
  const here = await place({ signedIn, env })
  const capabilities = prepare === undefined ? {} : { elicitation: { form: {}, url: {} }, roots: {} }
  const client = new Client({ name: 'eras', version: '1' }, { capabilities, versionNegotiation })
  prepare?.(client, here)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [SERVER],
    env: here.env,
    cwd: here.home,
  })
  await client.connect(transport)
  onTestFinished(() => client.close())
  return { client, ...here }
}

interface ConnectOptions {
  signedIn?: boolean
  env?: Record<string, string>
  prepare?: (client: Client, here: { fake: FakeOpenAI; home: string }) => void
}

async function place({ signedIn = true, env = {} }: Omit<ConnectOptions, 'prepare'> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  if (signedIn) {
    mkdirSync(join(home, '.claude'), { mode: 0o700 })
    const stored = JSON.stringify({ codex: recordOf(fake.issueTokens()) })
    writeFileSync(join(home, '.claude', 'auth.json'), stored, { mode: 0o600 })
  }
  const ports = await freePorts(2)
  const all = fake.env({ CODEX_OAUTH_PORTS: ports.join(','), HOME: home, PATH: process.env.PATH ?? '', ...env })
  return { fake, home, env: all }
}

type Content = { content: { text?: string }[]; isError?: boolean; structuredContent?: { status?: string } }
const textOf = (result: unknown) => (result as Content).content.map(({ text }) => text).join('\n')

describe.each(MODES)('a client that speaks %s', (_, versionNegotiation, version) => {
  test('has the same tools, prompts, instructions and answers', async () => {
    const { client } = await connect(versionNegotiation)
    expect(client.getNegotiatedProtocolVersion()).toBe(version)
    expect(client.getServerVersion()).toMatchObject({ name: 'codex-oauth', title: 'Codex' })
    expect(client.getInstructions()).toMatch(/^Use codex_query/)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([
      'codex_query',
      'codex_status',
      'codex_login',
      'codex_models',
      'codex_clear',
    ])
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['ask', 'second-opinion', 'review'])
    const prompt = await client.getPrompt({ name: 'ask', arguments: { question: 'Why?' } })
    expect(JSON.stringify(prompt.messages)).toContain('Why?')
    const status = await client.callTool({ name: 'codex_status', arguments: {} })
    expect(status.structuredContent).toMatchObject({ status: 'authenticated' })
    expect(textOf(await client.callTool({ name: 'codex_query', arguments: { prompt: 'Hi' } }))).toContain(
      'Hello from the fake Codex.',
    )
  })

  test('hears of progress, which keeps a call alive beyond its limit', async () => {
    const { client, fake } = await connect(versionNegotiation)
    const events = answerEvents('Slow.', { deltas: 6 }).map((event) => sse([event]))
    const paced = events.flatMap((event) => [event, 500])
    fake.script.responses.push({
      sse: {
        async *[Symbol.asyncIterator]() {
          for (const piece of paced) {
            if (typeof piece === 'string') yield piece
            else await sleep(piece)
          }
        },
      },
    })
    const messages: string[] = []
    const question = { name: 'codex_query', arguments: { prompt: 'Hi' } }
    const result = await client.callTool(question, {
      timeout: 2_500,
      resetTimeoutOnProgress: true,
      onprogress: ({ message }) => void messages.push(message ?? ''),
    })
    expect(textOf(result)).toContain('Slow.')
    expect(messages.some((message) => message.startsWith('Asking Codex'))).toBe(true)
  })

  test('cancels a call, and the service is told', async () => {
    const { client, fake } = await connect(versionNegotiation)
    const begun = gate()
    fake.script.responses.push(() => {
      begun.open()
      return { sse: endlessDeltas() }
    })
    const cancel = new AbortController()
    const question = { name: 'codex_query', arguments: { prompt: 'Hi' } }
    const call = client.callTool(question, { signal: cancel.signal })
    await begun.promise
    cancel.abort('enough')
    await expect(call).rejects.toThrow()
    await expect.poll(() => fake.seen.aborted).toBe(1)
    const status = await client.callTool({ name: 'codex_status', arguments: {} })
    expect(status.structuredContent).toMatchObject({ status: 'authenticated' })
  })

  test('shows the sign-in in a dialog, and the question is then answered in the same call', async () => {
    const urls: string[] = []
    const { client } = await connect(versionNegotiation, {
      signedIn: false,
      prepare(unready, { fake }) {
        unready.setRequestHandler('elicitation/create', async ({ params }) => {
          const { url } = params as { url: string }
          urls.push(url)
          await fake.browser(url)
          return { action: 'accept' }
        })
      },
    })
    const result = await client.callTool({ name: 'codex_query', arguments: { prompt: 'Hi' } })
    expect(textOf(result)).toContain('Hello from the fake Codex.')
    expect(urls).toHaveLength(1)
  })

  test('says in which folders it works, and files are found there', async () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'note.md'), 'The secret of the note.')
    const { client, fake } = await connect(versionNegotiation, {
      prepare(unready) {
        unready.setRequestHandler('roots/list', async () => ({ roots: [{ uri: `file://${folder}` }] }))
      },
    })
    const result = await client.callTool({ name: 'codex_query', arguments: { prompt: 'Hi', files: ['note.md'] } })
    expect(textOf(result)).toContain('note.md')
    expect(JSON.stringify(fake.seen.requests.at(-1)?.body)).toContain('The secret of the note.')
  })
})

describe('in raw lines', () => {
  const URLS = { elicitation: { url: {} } }

  test('a host that tries the newer protocol first is answered in it, on stdout and nowhere else', async () => {
    const here = await place()
    const server = startBuiltServer(here.env)
    const hello = await server.request('server-discover-probe-1', 'server/discover', { _meta: envelope() })
    expect(hello.result.supportedVersions).toEqual([MODERN])
    const { result } = await server.request(0, 'tools/call', {
      name: 'codex_status',
      arguments: {},
      _meta: envelope({}, { progressToken: 0 }),
    })
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { status: 'authenticated' } })
    expect(server.strays).toEqual([])
    expect(await server.endBy(() => server.child.kill('SIGINT'))).toMatchObject({ code: 0 })
  })

  test('a user may take longer for the sign-in than one call waits, and says so when done', async () => {
    const here = await place({ signedIn: false, env: { CODEX_OAUTH_LOGIN_WAIT_MS: '200' } })
    const server = startBuiltServer(here.env)
    const call = { name: 'codex_login', arguments: {}, _meta: envelope(URLS) }
    const { result } = await server.request(0, 'tools/call', call)
    const [[key, asked] = []] = Object.entries(result.inputRequests as Record<string, { params: { url: string } }>)
    await sleep(600)
    await here.fake.browser(asked?.params.url ?? '')
    const back = { inputResponses: { [key ?? '']: { action: 'accept' } }, requestState: result.requestState }
    const outcome = await server.request(1, 'tools/call', { ...call, ...back })
    expect(outcome.result.structuredContent).toMatchObject({ status: 'authenticated' })
  })

  test('one who says so too early still has a call that waits', async () => {
    const here = await place({ signedIn: false, env: { CODEX_OAUTH_LOGIN_WAIT_MS: '5000' } })
    const server = startBuiltServer(here.env)
    const call = { name: 'codex_login', arguments: {}, _meta: envelope(URLS) }
    const { result } = await server.request(0, 'tools/call', call)
    const [[key, asked] = []] = Object.entries(result.inputRequests as Record<string, { params: { url: string } }>)
    const back = { inputResponses: { [key ?? '']: { action: 'accept' } }, requestState: result.requestState }
    const outcome = server.request(1, 'tools/call', { ...call, ...back })
    await here.fake.browser(asked?.params.url ?? '')
    expect((await outcome).result.structuredContent).toMatchObject({ status: 'authenticated' })
  })

  test('the end of input is heeded while a call waits for its client', async () => {
    const here = await place({ signedIn: false })
    const server = startBuiltServer(here.env)
    await server.request(0, 'tools/call', { name: 'codex_login', arguments: {}, _meta: envelope(URLS) })
    const { code, ms } = await server.endBy(() => server.child.stdin.end())
    expect(code).toBe(0)
    expect(ms).toBeLessThan(2_000)
  })
})

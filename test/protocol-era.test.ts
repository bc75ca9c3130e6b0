import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { ServerRequest } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { withBothEras } from '../src/protocol-era.ts'
import { INSTRUCTIONS } from '../src/server.ts'
import { defineTool, type ToolCall } from '../src/tools/tool.ts'
import { gate } from './support/fake-script.ts'
import { envelope, MODERN, modernTalk } from './support/modern-talk.ts'
import { toolThatTells } from './support/sdk-client.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities'
const CLIENT_KEY = 'io.modelcontextprotocol/clientInfo'
const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'codex-oauth', title: 'Codex', version: '1.2.3' } }
const URLS = { elicitation: { url: {} } }
const ROOTS = { roots: {} }
const URL_PARAMS = { mode: 'url', message: 'Sign in', url: 'https://example.com/' }

const nothing = toolThatTells(() => 'nothing')

/** A tool that asks with a dialog, and tells how it was answered. */
function asks(options: { signal?: AbortSignal; before?: (call: ToolCall) => unknown } = {}) {
  return toolThatTells(async (call) => {
    await options.before?.(call)
    const signal = options.signal ?? call.signal
    const offer = { message: 'Sign in', url: 'https://example.com/', signal, ended: AbortSignal.abort() }
    return [await call.offerAddress?.(offer), call.offerAddress?.isPatient]
  }, 'asks')
}

const text = ({ result }: { result?: { content: { text: string }[] } }) => JSON.parse(result?.content[0]?.text ?? '')

afterEach(() => void vi.useRealTimers())

describe('a request that names the newer protocol', () => {
  test('is told of the server without a handshake', async () => {
    const talk = await modernTalk([nothing])
    const { result } = await talk.modern('probe', 'server/discover')
    expect(result).toEqual({
      supportedVersions: [MODERN],
      capabilities: { tools: {}, prompts: {} },
      instructions: INSTRUCTIONS,
      resultType: 'complete',
      ttlMs: 3_600_000,
      cacheScope: 'public',
      _meta: SERVER_INFO,
    })
  })

  test('has lists that say how long they hold, the same ones as in the older protocol', async () => {
    const talk = await modernTalk([nothing])
    for (const method of ['tools/list', 'prompts/list']) {
      const older = (await (await modernTalk([nothing])).ask(method, method)).result
      const { result } = await talk.modern(method, method)
      const stamps = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public', _meta: SERVER_INFO }
      expect(result).toEqual({ ...older, ...stamps })
      expect(older).not.toHaveProperty('resultType')
    }
  })

  test('has results that are complete, from the server it names, and are not to be cached', async () => {
    const talk = await modernTalk([nothing])
    const content = [{ type: 'text', text: '"nothing"' }]
    expect((await talk.modern(0, 'tools/call', { name: 'tell' })).result).toEqual({
      content,
      resultType: 'complete',
      _meta: SERVER_INFO,
    })
    const { result } = await talk.modern(1, 'prompts/get', { name: 'second-opinion' })
    expect(result).toMatchObject({ messages: [{ role: 'user' }], resultType: 'complete', _meta: SERVER_INFO })
    expect(result).not.toHaveProperty('ttlMs')
  })

  test.each<[string, Record<string, unknown>]>([
    ['the capabilities', { [CAPABILITIES_KEY]: undefined }],
    ['capabilities that are an object', { [CAPABILITIES_KEY]: [] }],
    ['a version that is a text', { [VERSION_KEY]: 1 }],
    ['a client with a version', { [CLIENT_KEY]: { name: 'x' } }],
  ])('is refused without %s', async (_, change) => {
    const talk = await modernTalk([nothing])
    const { error } = await talk.ask(1, 'tools/list', { _meta: { ...envelope(), ...change } })
    expect(error).toMatchObject({ code: -32602, message: expect.stringContaining('io.modelcontextprotocol/') })
  })

  test('need not say who its client is', async () => {
    const talk = await modernTalk([nothing])
    expect((await talk.modern(1, 'tools/list', {}, {}, { [CLIENT_KEY]: undefined })).error).toBeUndefined()
  })

  test.each(['2027-01-01', '2025-11-25', ''])(
    'of revision "%s" is told which one there is, each time',
    async (version) => {
      const talk = await modernTalk([nothing])
      await talk.modern('first', 'server/discover')
      for (const id of [1, 2]) {
        const { error } = await talk.modern(id, 'tools/list', {}, {}, { [VERSION_KEY]: version })
        expect(error).toMatchObject({ code: -32022, data: { supported: [MODERN], requested: version } })
      }
    },
  )

  test.each([
    'initialize',
    'ping',
    'resources/list',
    'logging/setLevel',
    'subscriptions/listen',
    'tasks/get',
    'no/such',
  ])('for %s has no answer but that there is no such method', async (method) => {
    const talk = await modernTalk([nothing])
    expect((await talk.modern(1, method)).error).toEqual({ code: -32601, message: 'Method not found' })
  })

  test('of a tool that does not exist is malformed, in clean words', async () => {
    const talk = await modernTalk([nothing])
    const { error } = await talk.modern(1, 'tools/call', { name: 'constructor' })
    expect(error).toEqual({ code: -32602, message: 'Unknown tool. The tools are tell.' })
  })

  test('tells a tool who asks, which decides how much is shown at once', async () => {
    const talk = await modernTalk([toolThatTells(({ pageCharacters }) => pageCharacters)])
    const claude = { [CLIENT_KEY]: { name: 'claude-code', version: '2' } }
    expect(text(await talk.modern(1, 'tools/call', { name: 'tell' }, {}, claude))).toBe(400_000)
    expect(text(await talk.modern(2, 'tools/call', { name: 'tell' }))).toBe(80_000)
  })

  test('hears of progress under its token', async () => {
    const talk = await modernTalk([toolThatTells(({ progress }) => progress('half'))])
    await talk.modern(0, 'tools/call', { name: 'tell' }, {}, { progressToken: 0 })
    const [first] = talk.frames
    expect(first).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 0, progress: 1, message: 'half' },
    })
  })

  test('can be cancelled, also as request 0, and is not answered then', async () => {
    const started = gate()
    const aborted = gate()
    const waits = defineTool({
      name: 'wait',
      title: 'Wait',
      description: 'Never ends by itself.',
      annotations,
      input: () => z.strictObject({}),
      async run(_, { signal }) {
        signal.addEventListener('abort', aborted.open)
        started.open()
        await aborted.promise
        return { texts: ['too late'] }
      },
    })
    const talk = await modernTalk([waits, nothing])
    void talk.modern(0, 'tools/call', { name: 'wait' })
    await started.promise
    talk.cancel(0)
    await aborted.promise
    await talk.modern(1, 'tools/call', { name: 'tell' })
    expect(talk.frames.map(({ id }) => id)).toEqual([1])
  })
})

describe('one process', () => {
  test('serves both protocols in turn', async () => {
    const talk = await modernTalk([nothing])
    await talk.modern('probe', 'server/discover')
    const clientInfo = { name: 'old', version: '1' }
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
    expect((await talk.ask(0, 'initialize', hello)).result.protocolVersion).toBe('2025-11-25')
    expect((await talk.ask(1, 'tools/call', { name: 'tell' })).result).not.toHaveProperty('resultType')
    expect((await talk.modern(2, 'tools/call', { name: 'tell' })).result.resultType).toBe('complete')
    expect((await talk.ask(3, 'ping')).result).toEqual({})
  })

  test('takes a request without `_meta` for the older one, until the newer one is spoken', async () => {
    const talk = await modernTalk([nothing])
    expect((await talk.ask(1, 'tools/list')).error).toBeUndefined()
    await talk.modern(2, 'tools/list')
    expect((await talk.ask(3, 'tools/list')).error?.code).toBe(-32602)
  })

  test('answers a handshake for the newer protocol with the newest it has one for', async () => {
    const talk = await modernTalk([nothing])
    const hello = { protocolVersion: MODERN, capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    expect((await talk.ask(0, 'initialize', hello)).result.protocolVersion).toBe('2025-11-25')
    expect((await talk.ask(1, 'server/discover')).error?.code).toBe(-32602)
  })
})

describe('what a call asks of its client', () => {
  const call = (name: string) => ({ name, arguments: {} })
  const reply = (result: { requestState: string; inputRequests: object }, answer: unknown) => ({
    requestState: result.requestState,
    inputResponses: { [Object.keys(result.inputRequests)[0] ?? '']: answer },
  })

  test('is the answer to the call, which goes on when the client comes back', async () => {
    const talk = await modernTalk([asks()])
    const { result } = await talk.modern(0, 'tools/call', call('asks'), URLS)
    expect(result).toEqual({
      resultType: 'input_required',
      inputRequests: { 'request-0': { method: 'elicitation/create', params: URL_PARAMS } },
      requestState: expect.stringMatching(/./),
      _meta: SERVER_INFO,
    })
    const again = { ...call('asks'), ...reply(result, { action: 'accept' }) }
    const answer = await talk.modern(1, 'tools/call', again, URLS)
    expect(text(answer)).toEqual(['accept', true])
    expect(answer.result.resultType).toBe('complete')
    // No request, no notice that it is done with, and nothing under an id that is answered.
    expect(talk.frames.map(({ id, method }) => [id, method])).toEqual([
      [0, undefined],
      [1, undefined],
    ])
  })

  test.each([
    ['declined', { action: 'decline' }, 'decline'],
    ['closed', { action: 'cancel' }, 'cancel'],
    ['answered with nonsense', { action: 'maybe' }, 'failed'],
  ])('%s is known to the tool', async (_, given, known) => {
    const talk = await modernTalk([asks()])
    const { result } = await talk.modern(0, 'tools/call', call('asks'), URLS)
    expect(text(await talk.modern(1, 'tools/call', { ...call('asks'), ...reply(result, given) }, URLS))[0]).toBe(known)
  })

  test.each<[string, object]>([
    ['left out', {}],
    ['named otherwise', { inputResponses: { other: { action: 'accept' } } }],
    ['answered with no object', { inputResponses: { 'request-0': 'accept' } }],
    ['answered with a list', { inputResponses: ['accept'] }],
  ])('%s is asked for again', async (_, given) => {
    const talk = await modernTalk([asks()])
    const first = (await talk.modern(0, 'tools/call', call('asks'), URLS)).result
    const params = { ...call('asks'), requestState: first.requestState, ...given }
    const second = (await talk.modern(1, 'tools/call', params, URLS)).result
    expect(second).toMatchObject({ resultType: 'input_required', inputRequests: first.inputRequests })
    expect(second.requestState).not.toBe(first.requestState)
    const again = { ...call('asks'), ...reply(second, { action: 'accept' }) }
    expect(text(await talk.modern(2, 'tools/call', again, URLS))[0]).toBe('accept')
  })

  test('is not asked of a client that cannot be asked', async () => {
    const talk = await modernTalk([toolThatTells(({ offerAddress }) => offerAddress === undefined)])
    for (const [id, capabilities] of [{}, { elicitation: {} }, { elicitation: { form: {} } }].entries()) {
      expect(text(await talk.modern(id, 'tools/call', call('tell'), capabilities))).toBe(true)
    }
  })

  test('progress goes to the token of the request that waits, and nowhere in between', async () => {
    const before = ({ progress }: ToolCall) => progress('before')
    const between = gate()
    const done = gate()
    const tool = toolThatTells(async (callOf) => {
      before(callOf)
      const offer = { ...URL_PARAMS, signal: callOf.signal, ended: callOf.signal }
      const asked = callOf.offerAddress?.(offer)
      await new Promise(setImmediate)
      callOf.progress('between')
      between.open()
      await asked
      callOf.progress('after')
      await done.promise
    })
    const talk = await modernTalk([tool])
    const { result } = await talk.modern(0, 'tools/call', call('tell'), URLS, { progressToken: 'first' })
    await between.promise
    const again = { ...call('tell'), ...reply(result, { action: 'accept' }) }
    void talk.modern(1, 'tools/call', again, URLS, { progressToken: 'second' })
    await talk.first(({ params }) => params?.message === 'after')
    done.open()
    await talk.answerTo(1)
    const told = talk.frames.flatMap(({ params }) => (params === undefined ? [] : [params]))
    expect(told).toEqual([
      { progressToken: 'first', progress: 1, message: 'before' },
      { progressToken: 'second', progress: 3, message: 'after' },
    ])
  })

  test('once it has come back, it can be cancelled under its new id', async () => {
    const began = gate()
    const aborted = gate()
    const tool = toolThatTells(async (callOf) => {
      await callOf.offerAddress?.({ ...URL_PARAMS, signal: callOf.signal, ended: callOf.signal })
      callOf.signal.addEventListener('abort', aborted.open)
      began.open()
      await aborted.promise
    })
    const talk = await modernTalk([tool])
    const { result } = await talk.modern(0, 'tools/call', call('tell'), URLS)
    void talk.modern(7, 'tools/call', { ...call('tell'), ...reply(result, { action: 'accept' }) }, URLS)
    await began.promise
    talk.cancel(7)
    await aborted.promise
    await talk.modern(8, 'tools/list')
    expect(talk.frames.map(({ id }) => id)).toEqual([0, 8])
  })

  test('may be over before the client is back: the outcome is kept for it', async () => {
    const over = new AbortController()
    const talk = await modernTalk([asks({ signal: over.signal })])
    const { result } = await talk.modern(0, 'tools/call', call('asks'), URLS)
    over.abort()
    await new Promise(setImmediate)
    const again = { ...call('asks'), ...reply(result, { action: 'accept' }) }
    expect(text(await talk.modern(1, 'tools/call', again, URLS))[0]).toBe('failed')
  })

  test.each<[string, (state: string) => object]>([
    ['made up', () => ({ ...call('asks'), requestState: 'name-9' })],
    ['no text', () => ({ ...call('asks'), requestState: 1 })],
    ['of another call', (requestState) => ({ ...call('tell'), requestState })],
  ])('a state that is %s is refused', async (_, params) => {
    const talk = await modernTalk([asks(), nothing])
    const { requestState } = (await talk.modern(0, 'tools/call', call('asks'), URLS)).result
    const { error } = await talk.modern(1, 'tools/call', params(requestState), URLS)
    expect(error).toMatchObject({ code: -32602, data: { reason: 'invalid_request_state' } })
  })

  test('a state counts once', async () => {
    const talk = await modernTalk([asks()])
    const { result } = await talk.modern(0, 'tools/call', call('asks'), URLS)
    const again = { ...call('asks'), ...reply(result, { action: 'accept' }) }
    await talk.modern(1, 'tools/call', again, URLS)
    expect((await talk.modern(2, 'tools/call', again, URLS)).error?.code).toBe(-32602)
  })

  test('a client that does not come back has given up after twenty minutes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const aborted = gate()
    const before = ({ signal }: ToolCall) => signal.addEventListener('abort', aborted.open)
    const talk = await modernTalk([asks({ before })])
    const { result } = await talk.modern(0, 'tools/call', call('asks'), URLS)
    await vi.advanceTimersByTimeAsync(1_200_000)
    await aborted.promise
    const again = { ...call('asks'), ...reply(result, { action: 'accept' }) }
    expect((await talk.modern(1, 'tools/call', again, URLS)).error?.code).toBe(-32602)
  })

  test('a call that wants to know the roots does not go on without an answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const known = vi.fn()
    const aborted = gate()
    const tool = toolThatTells(async ({ roots, signal }) => {
      signal.addEventListener('abort', aborted.open)
      known(await roots())
    })
    const talk = await modernTalk([tool])
    await talk.modern(0, 'tools/call', call('tell'), ROOTS)
    await vi.advanceTimersByTimeAsync(1_199_999)
    expect(known).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await aborted.promise
  })

  test('roots are asked for in the same way, by each call', async () => {
    const talk = await modernTalk([toolThatTells(({ roots }) => roots())])
    for (const [id, uri] of ['file:///one', 'file:///two'].entries()) {
      const { result } = await talk.modern(`ask-${id}`, 'tools/call', call('tell'), ROOTS)
      expect(Object.values(result.inputRequests)).toEqual([{ method: 'roots/list' }])
      const again = { ...call('tell'), ...reply(result, { roots: [{ uri }] }) }
      expect(text(await talk.modern(id, 'tools/call', again, ROOTS))).toEqual([uri])
    }
    expect(text(await talk.modern('none', 'tools/call', call('tell')))).toEqual([])
  })

  test('two things at once are asked for in one answer, and what else the client says is not heeded', async () => {
    const tool = toolThatTells((callOf) =>
      Promise.all([
        callOf.roots(),
        callOf.offerAddress?.({ ...URL_PARAMS, signal: callOf.signal, ended: callOf.signal }),
      ]),
    )
    const talk = await modernTalk([tool])
    const both = { ...URLS, ...ROOTS }
    const { result } = await talk.modern(0, 'tools/call', call('tell'), both)
    expect(Object.values(result.inputRequests)).toEqual([
      { method: 'roots/list' },
      { method: 'elicitation/create', params: URL_PARAMS },
    ])
    const [roots = '', dialog = ''] = Object.keys(result.inputRequests)
    const half = {
      ...call('tell'),
      requestState: result.requestState,
      inputResponses: { [dialog]: { action: 'accept' } },
    }
    const rest = (await talk.modern(1, 'tools/call', half, both)).result
    expect(Object.keys(rest.inputRequests)).toEqual([roots])
    const inputResponses = { [roots]: { roots: [{ uri: 'file:///one' }] }, other: { action: 'decline' } }
    const again = { ...call('tell'), requestState: rest.requestState, inputResponses }
    expect(text(await talk.modern(2, 'tools/call', again, both))).toEqual([['file:///one'], 'accept'])
  })
})

test.each<[string, object | undefined, object, object]>([
  ['elicitation/create', URL_PARAMS, { elicitation: {} }, { elicitation: { url: {} } }],
  ['elicitation/create', { mode: 'form' }, URLS, { elicitation: { form: {} } }],
  ['roots/list', undefined, URLS, { roots: {} }],
  ['sampling/createMessage', {}, {}, { sampling: {} }],
])('a server that asks by %s of a client that lacks it: the call ends with what it needs', async (...row) => {
  const [method, params, capabilities, requiredCapabilities] = row
  const [client, wire] = InMemoryTransport.createLinkedPair()
  const serverInfo = { name: 'x', version: '1' }
  const server = new Server(serverInfo, { capabilities: {} })
  const aborted = gate()
  server.fallbackRequestHandler = async (_, extra) => {
    extra.signal.addEventListener('abort', aborted.open)
    const asked = { method, ...(params === undefined ? {} : { params }) } as ServerRequest
    await extra.sendRequest(asked, z.unknown() as never).catch(() => {})
    await aborted.promise
    return {}
  }
  await server.connect(withBothEras(wire, { serverInfo, capabilities: {}, instructions: '', newState: () => 's' }))
  onTestFinished(() => server.close())
  const answer = new Promise((resolve) => {
    client.onmessage = resolve
  })
  await client.start()
  const call = { name: 'x', _meta: envelope(capabilities) }
  await client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call })
  expect(await answer).toMatchObject({ id: 1, error: { code: -32021, data: { requiredCapabilities } } })
  await aborted.promise
})

import { PassThrough, Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createLog } from '../src/infrastructure/log.ts'
import { createMcpServer } from '../src/server.ts'
import { createStdioTransport } from '../src/stdio.ts'
import { defineTool } from '../src/tools/tool.ts'
import { gate } from './support/fake-script.ts'
import { readFrames } from './support/frames.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }

const echo = defineTool({
  name: 'echo',
  title: 'Echo',
  description: 'Says it again.',
  annotations,
  input: () => z.strictObject({ say: z.string() }),
  run: async ({ say }) => ({ texts: [say] }),
})

/** A tool that goes on until it is cancelled; `started` and `aborted` are counted over all its calls. */
function createWait() {
  const started = gate()
  const aborted = gate()
  const reasons: (string | undefined)[] = []
  const wait = defineTool({
    name: 'wait',
    title: 'Wait',
    description: 'Never ends by itself.',
    annotations,
    input: () => z.strictObject({}),
    async run(_, { signal, cancelReason }) {
      started.open()
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(cancelReason())
      aborted.open()
      return { texts: ['cancelled'] }
    },
  })
  return { wait, reasons, started: started.promise, aborted: aborted.promise }
}

/** A server behind the transport, with a client's ends of the streams. */
async function open({ maxLineBytes }: { maxLineBytes?: number } = {}) {
  const input = new PassThrough()
  const output = new PassThrough()
  const told: string[] = []
  const logged: string[] = []
  const { wait, reasons, started, aborted } = createWait()
  const transport = createStdioTransport({
    input,
    output,
    onEnd: () => void told.push('end'),
    onBroken: () => void told.push('broken'),
    log: createLog({ write: (line) => void logged.push(line), enabled: true }),
    ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
  })
  const server = createMcpServer({
    tools: [echo, wait],
    version: '1',
    configProblem: undefined,
    newId: () => 'id',
    onFault: () => {},
  })
  await server.connect(transport)
  onTestFinished(() => server.close())
  const reader = readFrames(output)
  const write = (bytes: string | Uint8Array) => void input.write(bytes)
  const send = (message: object) => write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const calls = (id: unknown, name: string, args: object = {}) =>
    send({ id, method: 'tools/call', params: { name, arguments: args } })
  return {
    ...reader,
    transport,
    input,
    output,
    told,
    logged,
    started,
    aborted,
    reasons,
    write,
    send,
    calls,
    cancel: (requestId: unknown, more = {}) =>
      send({ method: 'notifications/cancelled', params: { requestId, ...more } }),
    /** All messages up to the answer of a ping: whatever came before has been dealt with by then. */
    async upToNow() {
      send({ id: 'up to now', method: 'ping' })
      await reader.answerTo('up to now')
      return reader.frames.filter(({ id }) => id !== 'up to now')
    },
  }
}

const pong = (id: unknown) => ({ jsonrpc: '2.0', id, result: {} })

describe('request ids', () => {
  test.each([0, -1, 7, 2 ** 52, '0', '', 'req-1', 'ü/"\\ 1'])('an answer has the id of its request: %j', async (id) => {
    const talk = await open()
    talk.send({ id, method: 'ping' })
    expect(await talk.upToNow()).toEqual([pong(id)])
  })

  test('request 0 can be cancelled, which the SDK alone ignores', async () => {
    const talk = await open()
    talk.calls(0, 'wait')
    await talk.started
    talk.cancel(0)
    await talk.aborted
    expect(await talk.upToNow()).toEqual([])
  })

  test('a text and a number spelled alike are two requests', async () => {
    const talk = await open()
    talk.calls('1', 'wait')
    talk.calls(1, 'echo', { say: 'number' })
    expect((await talk.answerTo(1)).result.content[0].text).toBe('number')
    talk.cancel(1)
    talk.calls(2, 'echo', { say: 'still waiting' })
    await talk.answerTo(2)
    talk.cancel('1')
    await talk.aborted
    expect((await talk.upToNow()).map(({ id }) => id)).toEqual([1, 2])
  })

  test('two requests that are in flight with the same id are both answered', async () => {
    const talk = await open()
    talk.calls(1, 'echo', { say: 'first' })
    talk.calls(1, 'echo', { say: 'second' })
    const answers = await talk.upToNow()
    expect(answers.map(({ id, result }) => [id, result.content[0].text])).toEqual([
      [1, 'first'],
      [1, 'second'],
    ])
  })

  test('an id can be used again once it is answered', async () => {
    const talk = await open()
    talk.send({ id: 1, method: 'ping' })
    await talk.answerTo(1)
    talk.calls(1, 'wait')
    await talk.started
    talk.cancel(1)
    await talk.aborted
    expect(await talk.upToNow()).toEqual([pong(1)])
  })
})

describe('cancelling', () => {
  test('after a cancel no answer follows', async () => {
    const talk = await open()
    talk.calls('a', 'wait')
    await talk.started
    talk.cancel('a', { reason: 'no longer needed' })
    await talk.aborted
    expect(await talk.upToNow()).toEqual([])
  })

  test('a cancel in the same chunk as its request counts', async () => {
    const talk = await open()
    talk.input.cork()
    talk.calls(0, 'wait')
    talk.cancel(0)
    talk.input.uncork()
    expect(await talk.upToNow()).toEqual([])
    await talk.transport.idle()
  })

  const sentence = 'ä'.repeat(500)
  test.each(['McpError: MCP error -32001: Request timed out', '', sentence])(
    'why a call is cancelled reaches it: %j',
    async (reason) => {
      const talk = await open()
      talk.calls(0, 'wait')
      await talk.started
      talk.cancel(0, { reason, _meta: 'odd' })
      await talk.aborted
      expect(talk.reasons).toEqual([reason])
      expect(await talk.upToNow()).toEqual([])
    },
  )

  test.each([undefined, null, 5, { why: 'x' }, ['x'], `${sentence}ä`])(
    'a cancel stops the call whatever its reason is, and an odd one is no reason: %j',
    async (reason) => {
      const talk = await open()
      talk.calls(1, 'wait')
      await talk.started
      talk.cancel(1, { reason, _meta: 'odd' })
      await talk.aborted
      expect(talk.reasons).toEqual([undefined])
      expect(await talk.upToNow()).toEqual([])
    },
  )

  test('a cancel that means no request in flight is passed over', async () => {
    const talk = await open()
    talk.send({ id: 1, method: 'ping' })
    await talk.answerTo(1)
    for (const id of [1, 2, '1', null, undefined, {}, [], true]) talk.cancel(id)
    talk.send({ method: 'notifications/cancelled' })
    talk.send({ method: 'notifications/cancelled', params: null })
    talk.send({ method: 'notifications/cancelled', params: 'x' })
    expect(await talk.upToNow()).toEqual([pong(1)])
  })

  test('what was cancelled is not waited for at the end', async () => {
    const talk = await open()
    talk.calls(1, 'wait')
    await talk.started
    talk.cancel(1)
    await talk.upToNow()
    await talk.transport.idle()
  })
})

describe('what is no message', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  test.each([
    ['a blank line', ''],
    ['blanks', '  \t '],
    ['garbage', 'hello?'],
    ['half a message', '{"jsonrpc":"2.0","id":1,"method":"pi'],
    ['NUL', '\0\0\0'],
    ['NUL in a message', '{"jsonrpc":"2.0",\0"id":1,"method":"ping"}'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc3])],
    ['a list', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'],
    ['an empty list', '[]'],
    ['a text', '"ping"'],
    ['a number', '7'],
    ['null', 'null'],
    ['deep nesting', deep],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"ping"}'],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
    ['an answer nobody waits for', '{"jsonrpc":"2.0","id":1,"result":{}}'],
    ['an error nobody waits for', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'],
    ['an unknown notification', '{"jsonrpc":"2.0","method":"notifications/nothing","params":{"x":1}}'],
    ['a malformed notification', '{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}'],
  ])('%s is passed over, the next request is answered', async (_, line) => {
    const talk = await open()
    talk.write(line)
    talk.write('\n')
    expect(await talk.upToNow()).toEqual([])
    expect(talk.strays).toEqual([])
  })

  test('lines may end with CRLF, and begin with blanks', async () => {
    const talk = await open()
    talk.write('\r\n  {"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\r\n')
    expect(await talk.upToNow()).toEqual([pong(1)])
  })

  test('nothing of a line that is passed over gets into the log', async () => {
    const talk = await open()
    talk.write('CANARY\n{"CANARY":1}\n{"jsonrpc":"2.0","id":1,"method":"CANARY","params":"CANARY"}\n')
    await talk.upToNow()
    expect(talk.logged).not.toEqual([])
    expect(talk.logged.join('\n')).not.toContain('CANARY')
  })
})

describe('malformed requests', () => {
  test('params of null count as none', async () => {
    const talk = await open()
    talk.send({ id: 1, method: 'ping', params: null })
    expect(await talk.upToNow()).toEqual([pong(1)])
  })

  test.each([
    ['params are a list', { method: 'ping', params: [] }],
    ['params are a text', { method: 'tools/call', params: 'echo' }],
    ['_meta is a text', { method: 'tools/call', params: { name: 'echo', _meta: 'x' } }],
    ['_meta is null', { method: 'tools/call', params: { name: 'echo', _meta: null } }],
    ['the progress token is an object', { method: 'ping', params: { _meta: { progressToken: {} } } }],
    ['the progress token is a fraction', { method: 'ping', params: { _meta: { progressToken: 0.5 } } }],
  ])('%s: -32602 in a clean sentence', async (_, request) => {
    const talk = await open()
    talk.send({ id: 'a', ...request })
    const message = expect.stringMatching(/^The request is malformed: [\w ,]+\.$/)
    expect(await talk.upToNow()).toEqual([{ jsonrpc: '2.0', id: 'a', error: { code: -32602, message } }])
  })

  test('an id that is a fraction comes back with the refusal', async () => {
    const talk = await open()
    talk.send({ id: 1.5, method: 'ping' })
    expect(await talk.upToNow()).toMatchObject([{ id: 1.5, error: { code: -32602 } }])
  })

  test.each([{}, { method: 7 }, { params: {} }])('neither request nor answer: -32600 for %j', async (message) => {
    const talk = await open()
    talk.send({ id: 3, ...message })
    expect(await talk.upToNow()).toMatchObject([{ id: 3, error: { code: -32600 } }])
  })
})

describe('a line over the limit', () => {
  const maxLineBytes = 1_000
  const params = { name: 'echo', arguments: { say: 'x'.repeat(5_000), id: 99 } }
  const whole = { jsonrpc: '2.0', method: 'tools/call', params }
  const spellings: [string, unknown, string][] = [
    ['id behind jsonrpc', 5, JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params })],
    ['id 0 first', 0, JSON.stringify({ id: 0, ...whole })],
    ['id behind the method', 'a-1', JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', id: 'a-1', params })],
    ['id last', 5, JSON.stringify({ ...whole, id: 5 })],
    ['id last, as the SDK writes it', 'x', JSON.stringify({ method: 'tools/call', params, jsonrpc: '2.0', id: 'x' })],
    [
      'blanks between',
      -3,
      `{ "jsonrpc": "2.0", "id": -3, "method": "tools/call", "params": ${JSON.stringify(params)} }`,
    ],
    ['blanks at the end', 8, `${JSON.stringify({ ...whole, id: 8 }).slice(0, -1)} }\r`],
  ]

  test.each(spellings)('%s: refused under its id, the next request is answered', async (_, id, line) => {
    const talk = await open({ maxLineBytes })
    talk.write(`${line}\n`)
    const message = expect.stringMatching(/^The message is larger than \d+ MiB\.$/)
    expect(await talk.upToNow()).toEqual([{ jsonrpc: '2.0', id, error: { code: -32600, message } }])
  })

  test.each([1, 7, 256, 999, 1_000, 1_001])('it may come in pieces of %i bytes', async (size) => {
    const talk = await open({ maxLineBytes })
    for (const [, id, line] of spellings) {
      const bytes = Buffer.from(`${line}\n`)
      for (let start = 0; start < bytes.length; start += size) talk.write(bytes.subarray(start, start + size))
      expect(await talk.answerTo(id)).toMatchObject({ error: { code: -32600 } })
    }
  })

  test('the last byte may be the one too many', async () => {
    const request = (say: string) => JSON.stringify({ ...whole, params: { name: 'echo', arguments: { say } }, id: 4 })
    const fill = 'x'.repeat(maxLineBytes - request('').length)
    const talk = await open({ maxLineBytes })
    talk.write(`${request(fill)}\n`)
    expect((await talk.answerTo(4)).result.content[0].text).toBe(fill)
    const other = await open({ maxLineBytes })
    const bytes = Buffer.from(`${request(`${fill}x`)}\n`)
    other.write(bytes.subarray(0, maxLineBytes))
    other.write(bytes.subarray(maxLineBytes))
    expect(await other.answerTo(4)).toMatchObject({ error: { code: -32600 } })
  })

  test.each([
    ['no id', JSON.stringify(whole)],
    ['an id inside only', JSON.stringify({ ...whole, params: { ...params, id: 7 } })],
    ['an id in a text', JSON.stringify({ ...whole, params: { say: `${'x'.repeat(5_000)},"id":7}` } })],
    ['an id in the middle', JSON.stringify({ ...whole, id: 7, params: { ...params, tail: 'y'.repeat(500) }, z: 1 })],
    ['an id that is no JSON', `{"jsonrpc":"2.0","id":007,"x":"${'x'.repeat(5_000)}"}`],
    ['no JSON at all', 'x'.repeat(5_000)],
  ])('%s: dropped, the next request is answered', async (_, line) => {
    const talk = await open({ maxLineBytes })
    talk.write(`${line}\n`)
    expect(await talk.upToNow()).toEqual([])
  })

  test('nothing of it stays behind for the next one', async () => {
    const talk = await open({ maxLineBytes })
    talk.write(`${JSON.stringify({ ...whole, id: 1 })}\n${'x'.repeat(5_000)}\n`)
    talk.write(`${JSON.stringify({ ...whole, id: 2 })}\n`)
    expect((await talk.upToNow()).map(({ id }) => id)).toEqual([1, 2])
  })
})

describe('chunks', () => {
  const say = 'Grüße an 日本 👋'
  const requests = [
    JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'tools/call', params: { name: 'echo', arguments: { say } } }),
    JSON.stringify({ jsonrpc: '2.0', id: 'é', method: 'ping' }),
  ]
  const bytes = Buffer.from(`${requests.join('\r\n')}\n`)
  const answers = [expect.objectContaining({ id: 0, result: { content: [{ type: 'text', text: say }] } }), pong('é')]

  test('a message may be split anywhere, also inside a character', async () => {
    for (let split = 1; split < bytes.length; split += 1) {
      const talk = await open()
      talk.write(bytes.subarray(0, split))
      talk.write(bytes.subarray(split))
      const seen = await talk.upToNow()
      expect(seen, `split at ${split}`).toHaveLength(2)
      expect(seen, `split at ${split}`).toEqual(expect.arrayContaining(answers))
    }
  })

  test('a message may come byte by byte', async () => {
    const talk = await open()
    for (const byte of bytes) talk.write(Uint8Array.of(byte))
    expect(await talk.upToNow()).toEqual(expect.arrayContaining(answers))
  })

  test('a thousand messages may come in one chunk', async () => {
    const talk = await open()
    const ids = Array.from({ length: 1_000 }, (_, id) => id)
    talk.write(ids.map((id) => `${JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })}\n`).join(''))
    expect((await talk.upToNow()).map(({ id }) => id)).toEqual(ids)
  })
})

describe('output', () => {
  const answer = (id: number) => ({ jsonrpc: '2.0' as const, id, result: { text: 'x'.repeat(1_000) } })

  /** An output whose reader takes a piece only when told. */
  function openSlow() {
    const taken: string[] = []
    let piece: { text: string; done: (error?: Error | null) => void } | undefined
    const output = new Writable({
      highWaterMark: 1,
      write(chunk, _, done) {
        piece = { text: String(chunk), done }
      },
      // As a socket does: what was under way fails.
      destroy(error, done) {
        piece?.done(error)
        done(error)
      },
    })
    const take = () => {
      taken.push(piece?.text ?? '')
      piece?.done()
    }
    const broken: string[] = []
    const input = new PassThrough()
    const log = createLog({ write: () => {}, enabled: false })
    const onBroken = () => void broken.push('broken')
    const transport = createStdioTransport({ input, output, onEnd: () => {}, onBroken, log })
    return { transport, output, taken, broken, take }
  }

  async function isPending(work: Promise<unknown>): Promise<boolean> {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate()
    return Promise.race([work.then(() => false), Promise.resolve(true)])
  }

  test('sending waits for the reader', async () => {
    const { transport, taken, take } = openSlow()
    await transport.start()
    const sent = transport.send({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
    expect(await isPending(sent)).toBe(true)
    take()
    await sent
    expect(taken).toEqual(['{"jsonrpc":"2.0","method":"notifications/message","params":{}}\n'])
  })

  test('flushing waits for everything written', async () => {
    const { transport, taken, take } = openSlow()
    await transport.start()
    const sent = [1, 2].map((n) => transport.send({ jsonrpc: '2.0', method: `notifications/${n}` }))
    const flushed = transport.flush()
    take()
    expect(await isPending(flushed)).toBe(true)
    take()
    await Promise.all(sent)
    if (await isPending(flushed)) take()
    await flushed
    expect(taken.join('')).toMatch(/notifications\/1.*\n.*notifications\/2.*\n/)
  })

  test('idle is over when every request read is answered', async () => {
    const talk = await open()
    await talk.transport.idle()
    talk.calls(1, 'wait')
    await talk.started
    const idle = talk.transport.idle()
    expect(await isPending(idle)).toBe(true)
    talk.cancel(1)
    await idle
  })

  test('a broken output is told once, and nothing waits for it any more', async () => {
    const { transport, output, broken } = openSlow()
    await transport.start()
    output.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await setImmediate()
    expect(broken).toEqual(['broken'])
    await transport.send(answer(1))
    await transport.send({ jsonrpc: '2.0', method: 'notifications/x' })
    await transport.flush()
    expect(broken).toEqual(['broken'])
  })

  test('an output that breaks while something is being written ends the wait', async () => {
    const { transport, output, broken } = openSlow()
    await transport.start()
    const sent = transport.send({ jsonrpc: '2.0', method: 'notifications/x' })
    const flushed = transport.flush()
    output.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    await Promise.all([sent, flushed])
    await setImmediate()
    expect(broken).toEqual(['broken'])
  })

  test('an answer nobody asked for is not sent', async () => {
    const talk = await open()
    await talk.transport.send(answer(1))
    expect(await talk.upToNow()).toEqual([])
  })
})

describe('the end', () => {
  test('the end of input is told', async () => {
    const talk = await open()
    talk.input.end()
    await setImmediate()
    expect(talk.told[0]).toBe('end')
  })

  test('an input that breaks is an end too', async () => {
    const talk = await open()
    talk.input.destroy(new Error('EIO'))
    await setImmediate()
    expect(talk.told[0]).toBe('end')
  })

  test('what was read before the end is still answered', async () => {
    const talk = await open()
    talk.calls(1, 'echo', { say: 'last words' })
    talk.input.end()
    expect((await talk.answerTo(1)).result.content[0].text).toBe('last words')
    await talk.transport.idle()
  })

  test('closing aborts what is in flight, and nothing is read or answered afterwards', async () => {
    const talk = await open()
    talk.calls(1, 'wait')
    await talk.started
    await talk.transport.close()
    await talk.aborted
    await talk.transport.idle()
    talk.calls(2, 'echo', { say: 'too late' })
    await setImmediate()
    expect(talk.frames).toEqual([])
  })
})

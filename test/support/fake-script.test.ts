import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fixture } from './fake-fixture.ts'
import { rateLimitHeaders, usageLimitReached } from './fake-limits.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import { type Answer, after, gate, parts } from './fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from './fake-sse.ts'

let fake: FakeOpenAI

beforeEach(async () => {
  fake = await startFakeOpenAI()
})
afterEach(() => fake.close())

function ask(signal?: AbortSignal): Promise<Response> {
  return fetch(`${fake.apiBaseUrl}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fake.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-6-sol', input: [], stream: true }),
    ...(signal && { signal }),
  })
}

/** The pieces of an answer as they came: `fetch` would join what it has not read yet, `node:http` does not. */
function piecesOfAnswer(pieces: Buffer[] = []): Promise<Buffer[]> {
  const headers = { authorization: `Bearer ${fake.apiKey}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asking = request(`${fake.apiBaseUrl}/responses`, { method: 'POST', headers }, (response) => {
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () => resolve(pieces)).on('error', reject)
    })
    asking.on('error', reject)
    asking.end(JSON.stringify({ model: 'gpt-6-sol', input: [], stream: true }))
  })
}

function eventsOf(stream: string): { type: string; [field: string]: unknown }[] {
  const lines = stream.split(/\r?\n/).filter((line) => line.startsWith('data: '))
  return lines.map((line) => JSON.parse(line.slice(6)))
}

test('steps are played in order, then the usual answer comes again', async () => {
  fake.script.responses.push({ status: 500, json: { error: { message: 'boom' } } }, { html: '<h1>Sign in</h1>' })
  expect(fake.script.responses.left).toBe(2)
  expect((await ask()).status).toBe(500)
  const page = await ask()
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(await (await ask()).text()).toContain('Hello from the fake Codex.')
})

test('one answer can be given always, until it is taken back', async () => {
  fake.script.responses.always({ status: 503, headers: { 'retry-after': '2' } })
  const answers = [await ask(), await ask()]
  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
    [503, '2'],
    [503, '2'],
  ])
  fake.script.responses.always(undefined)
  expect((await ask()).status).toBe(200)
})

test('a step can be a function of the request', async () => {
  fake.script.responses.push((_, { body }) => ({ sse: answer(`You asked ${(body as { model: string }).model}.`) }))
  expect(await (await ask()).text()).toContain('You asked gpt-6-sol.')
})

test('a step that throws shows in the answer', async () => {
  fake.script.responses.push(() => {
    throw new Error('oops')
  })
  expect(await (await ask()).json()).toEqual({ detail: 'The fake failed: Error: oops' })
})

test('a fixture is played byte for byte', async () => {
  fake.script.responses.push({ sse: fixture('sse-hello-crlf.txt') })
  expect(await (await ask()).text()).toBe(fixture('sse-hello-crlf.txt'))
})

test('headers can be added, and the content type lied about', async () => {
  const headers = {
    ...rateLimitHeaders({ primary: 95 }),
    'openai-model': 'gpt-5.2',
    'content-type': 'application/json',
  }
  fake.script.responses.push({ sse: answer('hi'), headers })
  const response = await ask()
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('x-codex-primary-used-percent')).toBe('95')
  expect(response.headers.get('openai-model')).toBe('gpt-5.2')
})

test('a used-up plan is told with its reset', async () => {
  fake.script.responses.push(usageLimitReached('free', 1_800_000_000))
  const response = await ask()
  expect(response.status).toBe(429)
  expect(await response.json()).toMatchObject({ error: { plan_type: 'free', resets_at: 1_800_000_000 } })
})

test('an answer can stall before its headers until a gate opens', async () => {
  const { promise, open } = gate()
  let answered = false
  fake.script.responses.push(after(promise, { sse: answer('late') }))
  const response = ask().then((it) => {
    answered = true
    return it
  })
  await fake.arrival('/v1/responses')
  expect(answered).toBe(false)
  open()
  expect(await (await response).text()).toContain('late')
})

test('headers can come and then nothing', async () => {
  fake.script.responses.push({ sse: '', silent: true })
  const controller = new AbortController()
  const response = await ask(controller.signal)
  expect(response.status).toBe(200)
  const reading = response.text()
  controller.abort()
  await expect(reading).rejects.toThrow()
  await fake.clientGone()
})

test('a connection can stay open after the last event', async () => {
  fake.script.responses.push({ sse: answer('whole'), silent: true })
  const reader = (await ask()).body?.getReader()
  const { value, done } = (await reader?.read()) ?? {}
  expect(new TextDecoder().decode(value)).toContain('response.completed')
  expect(done).toBe(false)
  await reader?.cancel()
  await fake.clientGone()
})

test('a promise among the parts holds up what follows', async () => {
  const { promise, open } = gate()
  fake.script.responses.push({ sse: parts('data: 1\n\n', promise, 'data: 2\n\n') })
  const reader = (await ask()).body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: 1\n\n')
  open()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: 2\n\n')
})

test('bytes can be split where it hurts', async () => {
  fake.script.responses.push({ sse: Buffer.from('data: "€"\n\n'), splitAt: [8, 9] })
  expect((await piecesOfAnswer()).map(({ length }) => length)).toEqual([8, 1, 4])
})

test('an answer can drip byte by byte', async () => {
  const stream = answer('drip', { deltas: 0 })
  fake.script.responses.push({ sse: stream, dripMs: 0 }, { json: { a: 1 }, dripMs: 1 })
  const pieces = await piecesOfAnswer()
  expect(pieces).toHaveLength(stream.length)
  expect(Buffer.concat(pieces).toString()).toBe(stream)
  expect((await piecesOfAnswer()).map(String)).toEqual(['{', '"', 'a', '"', ':', '1', '}'])
})

test.each<[string, Answer]>([
  ['a stream', { sse: answer('cut off'), cutAfter: 100 }],
  ['a JSON answer', { json: { text: 'x'.repeat(200) }, cutAfter: 100 }],
  ['a dripping stream', { sse: answer('cut off'), cutAfter: 100, dripMs: 0 }],
  ['an endless stream', { sse: endlessDeltas(), cutAfter: 100 }],
])('%s can be cut after some bytes', async (_, step) => {
  fake.script.responses.push(step)
  const pieces: Buffer[] = []
  await expect(piecesOfAnswer(pieces)).rejects.toThrow('aborted')
  expect(Buffer.concat(pieces)).toHaveLength(100)
  expect(fake.seen.aborted).toBe(0)
})

test('a connection can be reset instead of any answer', async () => {
  fake.script.responses.push({ reset: true })
  await expect(ask()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
  expect(fake.seen.aborted).toBe(0)
})

test('a stream can end without its last event', async () => {
  fake.script.responses.push({ sse: answer('half', { end: 'cut' }) })
  expect(eventsOf(await (await ask()).text()).at(-1)?.type).toBe('response.output_item.done')
})

test('endless deltas end when the client leaves', async () => {
  fake.script.responses.push({ sse: endlessDeltas() })
  const reader = (await ask()).body?.getReader()
  for (let read = 0; read < 50; read += 1) await reader?.read()
  await reader?.cancel()
  await fake.clientGone()
  expect(fake.seen.aborted).toBe(1)
})

test('a body is given up when the client has left', async () => {
  const { promise, open } = gate()
  async function* pieces() {
    try {
      while (true) yield 'data: 1\n\n'
    } finally {
      open()
    }
  }
  fake.script.responses.push({ sse: pieces() })
  await (await ask()).body?.cancel()
  await promise
})

test('an event can be huge', async () => {
  fake.script.responses.push({ sse: answer('x'.repeat(5_000_000), { deltas: 0 }) })
  expect((await (await ask()).text()).length).toBeGreaterThan(15_000_000)
})

test('a redirect leads to another origin', async () => {
  const strangers: string[] = []
  const other = createServer(({ url }, response) => {
    strangers.push(url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/trap`
  fake.script.responses.push({ status: 307, headers: { location } })
  await ask()
  other.closeAllConnections()
  other.close()
  expect(strangers).toEqual(['/trap'])
})

test('a client that leaves a stalled request is noticed', async () => {
  fake.script.responses.push(after(gate().promise))
  const controller = new AbortController()
  const response = ask(controller.signal)
  await fake.arrival('/v1/responses')
  controller.abort()
  await expect(response).rejects.toThrow()
  await fake.clientGone(1)
  expect(fake.seen.aborted).toBe(1)
})

test('requests are kept as they came', async () => {
  await (await ask()).text()
  expect(fake.seen.counts).toEqual({ '/v1/responses': 1 })
  const [seen] = fake.seen.requests
  expect(seen).toMatchObject({ method: 'POST', path: '/v1/responses', body: { model: 'gpt-6-sol' } })
  expect(seen?.rawHeaders).toContain('authorization')
})

test('close ends what is under way', async () => {
  const other = await startFakeOpenAI()
  other.script.models.push(after(gate().promise))
  const stalled = fetch(`${other.apiBaseUrl}/models`, { headers: { authorization: `Bearer ${other.apiKey}` } })
  await other.arrival('/v1/models')
  const rejected = expect(stalled).rejects.toThrow()
  await other.close()
  await rejected
  expect(other.seen.aborted).toBe(0)
})

test('an answer of several messages names their phases', () => {
  const items = answerEvents('done', { commentary: ['looking'], reasoning: 'thinking' })
    .filter(({ type }) => type === 'response.output_item.done')
    .map(({ item }) => item)
  expect(items).toMatchObject([
    { type: 'reasoning', summary: [{ text: 'thinking' }] },
    { phase: 'commentary', content: [{ text: 'looking' }] },
    { phase: 'final_answer', content: [{ text: 'done' }] },
  ])
})

test('an answer can be refused, come in deltas only, stop early or fail', () => {
  const last = (stream: string) => eventsOf(stream).at(-1)
  expect(answer('', { refusal: 'No.' })).toContain('"content":[{"type":"refusal","refusal":"No."}]')
  expect(answer('x', { items: false })).not.toContain('output_item.done')
  expect(eventsOf(answer('abcdef', { deltas: 3 })).flatMap(({ delta }) => delta ?? [])).toEqual(['ab', 'cd', 'ef'])
  expect(last(answer('x', { end: { incomplete: 'max_output_tokens' } }))).toMatchObject({
    type: 'response.incomplete',
    response: { incomplete_details: { reason: 'max_output_tokens' } },
  })
  const error = { code: 'server_is_overloaded', message: 'busy' }
  expect(last(answer('x', { end: { failed: error } }))).toMatchObject({ type: 'response.failed', response: { error } })
  expect(last(answer('x', { usage: null, response: { end_turn: false } }))).toMatchObject({
    response: { status: 'completed', end_turn: false },
  })
})

test('a stream can have other line ends and no event lines', () => {
  const events = [{ type: 'response.created' }]
  expect(sse(events, { newline: '\r\n' })).toBe('event: response.created\r\ndata: {"type":"response.created"}\r\n\r\n')
  expect(sse(events, { eventLines: false })).toBe('data: {"type":"response.created"}\n\n')
})

import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { readEvents } from '../../../src/infrastructure/sse.ts'
import { type Answer, createAnswerReader } from '../../../src/services/codex/codex-answer.ts'
import { planFailureOf } from '../../../src/services/plan/plan-failure.ts'
import { bodyOf, everySplit } from '../../support/bytes.ts'
import { errorOf } from '../../support/error-of.ts'
import { fixture } from '../../support/fake-fixture.ts'
import { answer, answerEvents, type StreamEvent, sse } from '../../support/fake-sse.ts'

const LIMITS = { idleTimeoutMs: 20_000, maxEventBytes: 1_048_576, maxTotalBytes: 1_048_576 }

async function readPieces(pieces: Iterable<Uint8Array>, readFailure?: (error: unknown) => CodexError): Promise<Answer> {
  const reader = createAnswerReader(undefined, readFailure)
  for await (const events of readEvents(bodyOf(pieces), LIMITS)) {
    if (events.some((event) => reader.accept(event))) break
  }
  return reader.finish()
}

const read = (stream: string) => readPieces([Buffer.from(stream)])
const readAll = (events: readonly StreamEvent[]) => read(sse(events))

/** A finished message as `response.output_item.done` brings it. */
const message = (content: readonly object[], fields: object = {}): StreamEvent => ({
  type: 'response.output_item.done',
  output_index: 0,
  item: { id: 'm', type: 'message', role: 'assistant', content, ...fields },
})
const said = (text: string, fields: object = {}) => message([{ type: 'output_text', text }], fields)
const delta = (text: string): StreamEvent => ({ type: 'response.output_text.delta', delta: text })
const completed = (response: object = { id: 'r' }): StreamEvent => ({ type: 'response.completed', response })
const failed = (error: unknown): StreamEvent => ({ type: 'response.failed', response: { id: 'r', error } })

const HELLO = {
  text: 'Hello from the fake backend.',
  model: 'gpt-6.1-sol',
  usage: { inputTokens: 11, cachedTokens: 3, outputTokens: 7, reasoningTokens: 2 },
  notes: [],
  output: expect.any(Array),
}

describe('every captured stream ends as it did for the official client, however it is split', () => {
  test.each<[string, object]>([
    ['sse-hello.txt', HELLO],
    ['sse-hello-crlf.txt', HELLO],
    ['sse-hello-no-event-lines.txt', HELLO],
    ['sse-noise-accepted.txt', HELLO],
    ['sse-reasoning.txt', HELLO],
    ['sse-minimal.txt', { text: 'minimal', model: undefined, usage: undefined, notes: [], output: expect.any(Array) }],
    [
      'sse-completed-with-empty-output.txt',
      {
        text: 'text via item.done',
        model: 'gpt-6.1-sol',
        usage: { inputTokens: 1, cachedTokens: undefined, outputTokens: 1, reasoningTokens: undefined },
        notes: [],
        output: expect.any(Array),
      },
    ],
  ])('%s is an answer', async (name, expected) => {
    for (const pieces of everySplit(Buffer.from(fixture(name)), 23)) {
      expect(await readPieces(pieces)).toEqual(expected)
    }
  })

  test.each<[string, object]>([
    ['sse-failed-context-length.txt', { code: 'CONTEXT_TOO_LONG', retryable: false }],
    ['sse-failed-rate-limit.txt', { code: 'RATE_LIMITED', retryable: true }],
    [
      'sse-incomplete-max-output.txt',
      {
        code: 'INCOMPLETE',
        message: 'The answer was cut off: it reached the longest output the model may give.',
        retryable: false,
      },
    ],
    [
      'sse-truncated.txt',
      {
        code: 'INCOMPLETE',
        message: 'The connection ended after 28 characters, before the answer was complete.',
        retryable: true,
      },
    ],
  ])('%s is an error', async (name, expected) => {
    for (const pieces of everySplit(Buffer.from(fixture(name)), 23)) {
      expect(await errorOf(readPieces(pieces))).toMatchObject(expected)
    }
  })

  test('and no end but its own is a good one: cut at any byte, a stream is no answer', async () => {
    const bytes = Buffer.from(fixture('sse-hello.txt'))
    const last = bytes.lastIndexOf('\n\n')
    for (let end = 0; end <= last + 1; end += 31) {
      const error = await errorOf(readPieces([bytes.subarray(0, end)]))
      expect(['INCOMPLETE', 'RESPONSE_INVALID']).toContain(error.code)
    }
    expect((await readPieces([bytes.subarray(0, last + 2)])).text).toBe(HELLO.text)
  })

  test('with characters of any length', async () => {
    const text = 'ë 汉字 👩‍🚀 𝒳 \u2028 "}\n\ndata: {'
    const bytes = Buffer.from(answer(text, { deltas: 3, end: 'completed' }))
    for (const pieces of everySplit(bytes, 7)) expect((await readPieces(pieces)).text).toBe(text)
  })
})

describe('the text', () => {
  test('is that of the finished items, not of the deltas', async () => {
    expect((await readAll([delta('dra'), delta('ft'), said('final'), completed()])).text).toBe('final')
  })

  test('is that of the deltas when a complete stream brings no message', async () => {
    expect((await read(answer('only deltas', { items: false }))).text).toBe('only deltas')
  })

  test('is all of the parts of a message', async () => {
    const parts = [
      { type: 'output_text', text: 'one ' },
      { type: 'of_tomorrow', text: 'x' },
      { type: 'output_text', text: 'two' },
      { type: 'output_text' },
      null,
    ]
    expect((await readAll([message(parts as object[]), completed()])).text).toBe('one two')
  })

  test('is the last message that says something, when none is marked', async () => {
    expect((await readAll([said('one'), said('two'), said(''), completed()])).text).toBe('two')
  })

  test('is the final answer, not the commentary on the way', async () => {
    const { text } = await read(answer('The answer.', { commentary: ['Let me see.', 'Nearly.'] }))
    expect(text).toBe('The answer.')
  })

  test('is every part of the final answer, wherever commentary comes', async () => {
    const final = { phase: 'final_answer' }
    const events = [said('one', final), said('aside', { phase: 'commentary' }), said('two', final), completed()]
    expect((await readAll(events)).text).toBe('one\n\ntwo')
  })

  test('is commentary where there is nothing else', async () => {
    expect((await readAll([said('Let me see.', { phase: 'commentary' }), completed()])).text).toBe('Let me see.')
  })

  test('is never what the completed response repeats', async () => {
    const output = [{ type: 'message', content: [{ type: 'output_text', text: 'again' }] }]
    expect((await readAll([said('once'), completed({ output })])).text).toBe('once')
    expect((await errorOf(readAll([completed({ output })]))).code).toBe('RESPONSE_INVALID')
  })
})

describe('a refusal', () => {
  test('without text is the error', async () => {
    expect(await errorOf(read(answer('', { refusal: 'I <b>cannot</b>\nhelp.', deltas: 0 })))).toMatchObject({
      code: 'REFUSED',
      message: 'Codex declined to answer: “I bcannot/b help.”',
      hint: 'Put the question another way.',
      retryable: false,
    })
  })

  test('beside a text is a note', async () => {
    expect(await read(answer('The rest.', { refusal: 'Not this.' }))).toMatchObject({
      text: 'The rest.',
      notes: ['the model declined a part: “Not this.”'],
    })
  })

  test('is quoted up to a thousand characters', async () => {
    const error = await errorOf(read(answer('', { refusal: 'x'.repeat(5000), deltas: 0 })))
    expect(error.message).toBe(`Codex declined to answer: “${'x'.repeat(999)}…”`)
  })

  test('by the content filter comes as an incomplete response', async () => {
    expect(await errorOf(read(answer('Half an', { end: { incomplete: 'content_filter' } })))).toMatchObject({
      code: 'REFUSED',
      message: "OpenAI's content filter stopped the answer.",
    })
  })
})

describe('an answer that does not come', () => {
  test.each<[string, StreamEvent[], object]>([
    ['a response that failed without a reason', [failed(null)], { code: 'CODEX_FAILED', retryable: true }],
    ['a response that failed without anything', [{ type: 'response.failed' }], { code: 'CODEX_FAILED' }],
    [
      'a response that failed for a new reason',
      [failed({ code: 'of_tomorrow', message: 'The moon is full.' })],
      { code: 'CODEX_FAILED', message: 'Codex failed while answering: “The moon is full.”.' },
    ],
    [
      'a failure after some text',
      [said('half'), failed({ code: 'server_is_overloaded', message: 'x' })],
      { code: 'OVERLOADED' },
    ],
    [
      'an error event',
      [{ type: 'error', error: { code: 'context_length_exceeded', message: 'x' } }],
      { code: 'CONTEXT_TOO_LONG' },
    ],
    [
      'an error event of the flat form',
      [{ type: 'error', code: 'rate_limit_exceeded', message: 'Slowly.' }],
      { code: 'RATE_LIMITED', message: 'Too many requests in a short time: “Slowly.”.' },
    ],
    ['an error event that says nothing', [{ type: 'error' }], { code: 'CODEX_FAILED', retryable: true }],
    [
      'an incomplete response of a new kind',
      [{ type: 'response.incomplete', response: { incomplete_details: { reason: 'tired' } } }],
      { code: 'INCOMPLETE', message: 'The service stopped before the answer was complete.', retryable: true },
    ],
    ['an incomplete response without a reason', [{ type: 'response.incomplete' }], { code: 'INCOMPLETE' }],
    [
      'a stream that ends before any text',
      [{ type: 'response.created', response: {} }],
      {
        code: 'INCOMPLETE',
        message: 'The connection ended before any text, before the answer was complete.',
        retryable: true,
      },
    ],
    [
      'a stream that ends with what is no end',
      [said('half'), { type: 'response.done', response: { id: 'r' } }],
      { code: 'INCOMPLETE' },
    ],
    [
      'a complete response with nothing in it',
      [completed()],
      { code: 'RESPONSE_INVALID', message: 'Codex completed the request without any text.', retryable: true },
    ],
    ['a complete response with an empty message', [message([]), completed()], { code: 'RESPONSE_INVALID' }],
  ])('%s', async (_name, events, expected) => {
    expect(await errorOf(readAll(events))).toMatchObject(expected)
  })

  test.each([
    ['nothing', ''],
    ['a page', '<!doctype html>\n<html>\n<p>data: sign in</p>\n\n</html>\n\n'],
    ['JSON', '{"detail":"Not a stream"}'],
    ['a stream of something else', 'data: hello\n\ndata: {"no":"type"}\n\ndata: [1]\n\ndata: null\n\ndata: [DONE]\n\n'],
    ['comments', ': keep-alive\n\n: keep-alive\n\n'],
  ])('%s is not an answer stream', async (_name, stream) => {
    expect(await errorOf(read(stream))).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'The service answered with something that is not an answer stream.',
      retryable: true,
    })
  })
})

describe('an error event', () => {
  const vague: StreamEvent = { type: 'error', error: { type: 'error', code: null, message: 'Something broke.' } }
  const clear: StreamEvent = { type: 'error', error: { code: 'context_length_exceeded', message: 'x' } }
  const asData = (event: StreamEvent) => ({ event: undefined, data: JSON.stringify(event) })

  test.each<[string, StreamEvent[], object]>([
    [
      'that says nothing leaves the word to the failure',
      [vague, failed({ code: 'slow_down' })],
      { code: 'RATE_LIMITED' },
    ],
    [
      'that says nothing leaves the word to a failure by its type',
      [vague, failed({ type: 'usage_limit_reached' })],
      { code: 'USAGE_LIMIT' },
    ],
    [
      'that says nothing leaves the word to a new reason',
      [vague, failed({ code: 'of_tomorrow', message: 'The moon is full.' })],
      { code: 'CODEX_FAILED', message: 'Codex failed while answering: “The moon is full.”.' },
    ],
    [
      'says more than a failure without a reason',
      [vague, failed(null)],
      { code: 'CODEX_FAILED', message: 'Codex failed while answering: “Something broke.”.' },
    ],
    [
      'that says why is the reason, whatever follows',
      [clear, failed({ code: 'slow_down' })],
      { code: 'CONTEXT_TOO_LONG' },
    ],
    ['that says why is the reason after one that does not', [vague, clear], { code: 'CONTEXT_TOO_LONG' }],
    [
      'is the reason when nothing follows, also after some text',
      [delta('half'), said('half'), vague],
      { code: 'CODEX_FAILED', message: 'Codex failed while answering: “Something broke.”.', retryable: true },
    ],
    [
      'is the first of several',
      [vague, { type: 'error', message: 'Again.' }],
      { message: 'Codex failed while answering: “Something broke.”.' },
    ],
    [
      'does not hide that the answer is cut off',
      [vague, { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' } } }],
      { code: 'INCOMPLETE', retryable: false },
    ],
  ])('%s', async (_name, events, expected) => {
    expect(await errorOf(readAll(events))).toMatchObject(expected)
  })

  test('is forgotten when the answer is completed all the same', async () => {
    expect(await readAll([vague, said('text'), completed()])).toMatchObject({ text: 'text', notes: [] })
  })

  test('that is remembered means that little can come any more', () => {
    const reader = createAnswerReader()
    const ending = [delta('half'), vague, delta('more')].map((event) => {
      expect(reader.accept(asData(event))).toBe(false)
      return reader.isEnding()
    })
    expect(ending).toEqual([false, true, true])
  })

  test('that says why does not wait for more', () => {
    expect(() => createAnswerReader().accept(asData(clear))).toThrow('context window')
  })
})

describe('a stream of the plan route (plan-usage 3.3)', () => {
  const limit = { code: 'subscription_sharing_usage_limit_exceeded', message: 'Later.', param: null }
  const onPlan = async (events: readonly StreamEvent[]) => readPieces([Buffer.from(sse(events))], planFailureOf)

  test('is an answer, with commentary, an empty output and usage it alone has', async () => {
    const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11, attribution: [{ item_id: 'msg_FAKE_1' }] }
    const events = answerEvents('The answer.', { commentary: ['Let me see.'], model: 'gpt-6-sol', usage })
    expect(await onPlan(events)).toEqual({
      text: 'The answer.',
      model: 'gpt-6-sol',
      usage: { inputTokens: 5, cachedTokens: undefined, outputTokens: 6, reasoningTokens: undefined },
      notes: [],
      output: expect.any(Array),
    })
  })

  test.each<[string, StreamEvent[]]>([
    ['in both events', [{ type: 'error', error: limit }, failed(limit)]],
    ['in an error of the flat form', [{ type: 'error', ...limit }, failed(null)]],
    ['in the failure alone', [failed(limit)]],
    ['in the failure, after an error that does not tell', [{ type: 'error', message: 'Stopped.' }, failed(limit)]],
  ])('tells that a limit is reached, after text: %s', async (_name, events) => {
    const error = await errorOf(onPlan([delta('half'), said('half'), ...events]))
    expect(error).toMatchObject({ code: 'USAGE_LIMIT', message: expect.stringMatching(/^Usage limit reached/) })
  })

  test('has codes that the Codex route does not know', async () => {
    expect(await errorOf(readAll([failed(limit)]))).toMatchObject({ code: 'CODEX_FAILED' })
  })
})

describe('what nobody knows', () => {
  test.each<StreamEvent>([
    { type: 'response.of_tomorrow', response: 'a text' },
    { type: 'response.output_item.done', item: { type: 'tool_of_tomorrow', content: 'x' } },
    { type: 'response.output_item.done' },
    { type: 'response.output_text.delta' },
    { type: 'response.output_text.delta', delta: 5 },
    { type: 'codex.rate_limits', response: null },
    { type: '__proto__' },
  ])('changes nothing: %j', async (event) => {
    expect(await readAll([event, said('text'), completed()])).toMatchObject({ text: 'text', notes: [] })
  })

  test('about a message makes it an empty one', async () => {
    const odd = [message('text' as never), message([5, 'x'] as never), message([{ type: 'output_text', text: 5 }])]
    expect((await readAll([said('text'), ...odd, completed()])).text).toBe('text')
  })
})

test('what it says of the usage limits is told as it comes, also by one that fails then', () => {
  const told: unknown[] = []
  const reader = createAnswerReader(undefined, undefined, (event) => told.push(event))
  const limits = { type: 'codex.rate_limits', plan_type: 'pro' }
  reader.accept({ event: undefined, data: JSON.stringify(limits) })
  expect(told).toEqual([limits])
  const end = { event: undefined, data: JSON.stringify(failed({ code: 'server_error' })) }
  expect(() => reader.accept(end)).toThrow(CodexError)
})

test.each([
  'response.output_text.done',
  'response.content_part.done',
  'response.reasoning_summary_text.done',
  'response.reasoning_summary_part.done',
])('an event that only repeats what came before is not read: %s', (type) => {
  const reader = createAnswerReader()
  expect(reader.accept({ event: undefined, data: `{"type":"${type}","text":"not to its end` })).toBe(false)
  expect(reader.hasBegun()).toBe(true)
})

test('the end is where the service says so, whatever comes after', () => {
  const reader = createAnswerReader()
  const events = [said('text'), completed()].map((event) => ({ event: undefined, data: JSON.stringify(event) }))
  expect(events.map((event) => reader.accept(event))).toEqual([false, true])
  expect(reader.finish().text).toBe('text')
})

describe('the usage', () => {
  test.each<[string, unknown, object | undefined]>([
    ['absent', undefined, undefined],
    ['null', null, undefined],
    ['half of it', { input_tokens: 5 }, undefined],
    ['texts', { input_tokens: '5', output_tokens: '6' }, undefined],
    [
      'without details',
      { input_tokens: 5, output_tokens: 6, input_tokens_details: null },
      { inputTokens: 5, cachedTokens: undefined, outputTokens: 6, reasoningTokens: undefined },
    ],
    [
      'zero',
      { input_tokens: 0, output_tokens: 0, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: {} },
      { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: undefined },
    ],
  ])('when it is %s', async (_name, usage, expected) => {
    expect((await readAll([said('text'), completed({ id: 'r', usage })])).usage).toEqual(expected)
  })
})

test('the model is the last one the service names', async () => {
  const created: StreamEvent = { type: 'response.created', response: { model: 'gpt-a' } }
  expect((await readAll([created, said('x'), completed()])).model).toBe('gpt-a')
  expect((await readAll([created, said('x'), completed({ model: 'gpt-b' })])).model).toBe('gpt-b')
})

test('progress tells queued from thinking from writing, and how much is written', () => {
  const reader = createAnswerReader()
  const phases = answerEvents('Twelve chars', { reasoning: 'Hm.', deltas: 2 }).map((event) => {
    reader.accept({ event: undefined, data: JSON.stringify(event) })
    return reader.progress()
  })
  expect(phases.filter((progress, n) => JSON.stringify(progress) !== JSON.stringify(phases[n - 1]))).toEqual([
    { phase: 'queued', characters: 0 },
    { phase: 'thinking', characters: 0 },
    { phase: 'writing', characters: 6 },
    { phase: 'writing', characters: 12 },
  ])
})

describe('an answer that is told bit by bit', () => {
  function told(events: readonly StreamEvent[]): string[] {
    const bits: string[] = []
    const reader = createAnswerReader((bit) => bits.push(bit))
    for (const event of events) reader.accept({ event: undefined, data: JSON.stringify(event) })
    return bits
  }

  test('is what it is in the end, without reasoning and commentary', () => {
    const events = answerEvents('Twelve chars', { reasoning: 'Hm.', commentary: ['Let me see.'], deltas: 2 })
    expect(told(events)).toEqual(['Twelve', ' chars'])
  })

  test('keeps its messages apart, as the whole does', async () => {
    const part = (item_id: string, text: string) => ({ ...delta(text), item_id })
    const final = { phase: 'final_answer' }
    const events = [
      part('a', 'o'),
      part('a', 'ne'),
      part('b', 'two'),
      said('one', final),
      said('two', final),
      completed(),
    ]
    expect(told(events)).toEqual(['o', 'ne', '\n\ntwo'])
    expect((await readAll(events)).text).toBe('one\n\ntwo')
  })

  test('says nothing where nothing is written', () => {
    expect(told([delta(''), { type: 'response.output_text.delta', delta: 7 }, said('x'), completed()])).toEqual([])
  })
})

describe('of an answer that ends too early', () => {
  const reason = new CodexError('NETWORK', 'The connection broke off.')

  /** What is kept of it. */
  function partial(events: readonly StreamEvent[]): Answer | undefined {
    const reader = createAnswerReader()
    for (const event of events) reader.accept({ event: undefined, data: JSON.stringify(event) })
    return reader.partial(reason)
  }

  test('what has been written is kept, with the reason', () => {
    expect(partial([delta('Half of '), delta('it')])).toMatchObject({ text: 'Half of it', incomplete: reason })
  })

  test('commentary is not the answer, also when it is all there is', () => {
    const events = answerEvents('The answer.', { commentary: ['Let me see.'], end: 'cut', deltas: 2 })
    const comments = events.slice(
      0,
      events.findIndex(({ type }) => type === 'response.output_item.done'),
    )
    expect(partial(events)?.text).toBe('The answer.')
    expect(partial(comments)).toBeUndefined()
    expect(partial([said('Let me see.', { phase: 'commentary' })])).toBeUndefined()
  })

  test('a message that came as a whole is kept too', () => {
    expect(partial([said('All at once')])?.text).toBe('All at once')
  })

  test.each<[string, StreamEvent[]]>([
    ['nothing', []],
    ['a start', answerEvents('', { end: 'cut', deltas: 0, items: false })],
    ['an empty message', [said('')]],
    ['a thought', answerEvents('', { reasoning: '**Hm**', end: 'cut', deltas: 0, items: false })],
  ])('nothing is left when there was only %s', (_name, events) => {
    expect(partial(events)).toBeUndefined()
  })
})

test('an answer without an end is not kept for ever', () => {
  const reader = createAnswerReader()
  const piece = { event: undefined, data: JSON.stringify(delta('x'.repeat(1_000_000))) }
  for (let count = 0; count < 8; count += 1) expect(reader.accept(piece)).toBe(false)
  expect(() => reader.accept(piece)).toThrow('longer than this server accepts')
})

test('finished items without an end are not kept for ever, and the text so far is', () => {
  const reader = createAnswerReader()
  const accept = (event: StreamEvent) => reader.accept({ event: undefined, data: JSON.stringify(event) })
  accept(delta('Half of it'))
  const item: StreamEvent = {
    type: 'response.output_item.done',
    item: { type: 'reasoning', encrypted_content: 'x'.repeat(1e6) },
  }
  for (let count = 0; count < 31; count += 1) expect(accept(item)).toBe(false)
  expect(() => accept(item)).toThrow('longer than this server accepts')
  expect(reader.partial(new CodexError('RESPONSE_INVALID', 'x'))?.text).toBe('Half of it')
})

test('comments without an end are not kept for ever', () => {
  const reader = createAnswerReader()
  const data = JSON.stringify({
    type: 'response.output_item.added',
    item: { type: 'message', phase: 'commentary', id: 'x'.repeat(1e6) },
  })
  for (let count = 0; count < 31; count += 1) expect(reader.accept({ event: undefined, data })).toBe(false)
  expect(() => reader.accept({ event: undefined, data })).toThrow('longer than this server accepts')
})

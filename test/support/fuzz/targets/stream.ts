import fc from 'fast-check'
import type { CodexError } from '../../../../src/errors.ts'
import { readEvents, type SseEvent } from '../../../../src/infrastructure/sse.ts'
import { createGrowingText } from '../../../../src/services/answers/growing-text.ts'
import { createAnswerReader } from '../../../../src/services/codex/codex-answer.ts'
import { failureOf } from '../../../../src/services/codex/codex-failure.ts'
import { cleanRemote, quoteRemote } from '../../../../src/services/codex/remote-text.ts'
import { sourcesIn, sourceWords } from '../../../../src/services/codex/web-sources.ts'
import { outputItems } from '../../../../src/services/conversations/conversation-items.ts'
import { planFailureOf } from '../../../../src/services/plan/plan-failure.ts'
import { bodyOf } from '../../bytes.ts'
import { bytesOf, cuts, damaged, damagedBytes, json, jsonText, number, piecesOf, text } from '../generators.ts'
import { assert, assertNoKey, assertOneLine, assertShowable, ours, oursLater } from '../properties.ts'
import { type FuzzTarget, target } from '../target.ts'

const field = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom('data', 'event', 'id', 'retry', ''), fc.constantFrom(':', ': ', ''), text),
  },
  { weight: 1, arbitrary: fc.tuple(text, fc.constantFrom(':', ': ', ''), text) },
)
const lineEnd = fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', '\n\r')
const eventStream = fc
  .array(fc.tuple(field, lineEnd), { maxLength: 12 })
  .map((lines) => lines.map(([[name, colon, value], end]) => `${name}${colon}${value.replace(/[\r\n]/g, ' ')}${end}`))
  .map((lines) => lines.join(''))
const streamBytes = damagedBytes(
  fc.oneof(
    eventStream,
    eventStream.map((whole) => `\ufeff${whole}`),
  ),
)

const LIMITS = { idleTimeoutMs: 20_000, maxEventBytes: 16_777_216, maxTotalBytes: 67_108_864 }

async function eventsIn(pieces: Iterable<Uint8Array>, limits = LIMITS): Promise<SseEvent[]> {
  const events: SseEvent[] = []
  for await (const some of readEvents(bodyOf(pieces), limits)) events.push(...some)
  return events
}

/** The standard (WHATWG HTML, 9.2.6), read once more in the shortest way. */
function eventsByTheStandard(bytes: Uint8Array): SseEvent[] {
  const events: SseEvent[] = []
  let data: string[] = []
  let event: string | undefined
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/)
  for (const line of lines.slice(0, -1)) {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') })
      data = []
      event = undefined
    } else if (name === 'data') data.push(value)
    else if (name === 'event') event = value || undefined
  }
  return events
}

const sse = target({
  name: 'sse',
  cases: fc.record({ stream: streamBytes, cuts }),
  async check({ stream, cuts: places }) {
    const bytes = bytesOf(stream)
    const meant = eventsByTheStandard(bytes)
    assert.deepEqual(await eventsIn([bytes]), meant)
    assert.deepEqual(await eventsIn(piecesOf(bytes, places)), meant)
  },
})

const sseLimits = target({
  name: 'sse-limits',
  cases: fc.record({
    stream: streamBytes,
    cuts,
    times: fc.nat(8),
    maxEventBytes: fc.integer({ min: 1, max: 200 }),
    maxTotalBytes: fc.integer({ min: 1, max: 2000 }),
  }),
  async check({ stream, cuts: places, times, ...limits }) {
    const bytes = bytesOf(stream.repeat(times))
    const found = await oursLater(() => eventsIn(piecesOf(bytes, places), { ...LIMITS, ...limits }), 'RESPONSE_INVALID')
    if (!Array.isArray(found)) return
    assert.ok(bytes.length <= limits.maxTotalBytes)
    assert.deepEqual(found, eventsByTheStandard(bytes))
  },
})

const part = fc.record({
  type: fc.constantFrom('output_text', 'refusal', 'summary_text', 'other'),
  text,
  refusal: text,
  annotations: fc.array(
    fc.record({
      type: fc.constantFrom('url_citation', 'x'),
      url: fc.webUrl({ withQueryParameters: true }),
      title: text,
    }),
    { maxLength: 3 },
  ),
})
const item = fc.record({
  type: fc.constantFrom('message', 'reasoning', 'web_search_call', 'function_call'),
  id: fc.constantFrom('a', 'b', ''),
  phase: fc.constantFrom('commentary', 'final_answer', null, 'x'),
  content: fc.array(part, { maxLength: 3 }),
  summary: fc.array(part, { maxLength: 2 }),
  encrypted_content: text,
  action: fc.record({
    query: text,
    url: fc.webUrl(),
    sources: fc.array(fc.record({ url: fc.webUrl() }), { maxLength: 2 }),
  }),
})
const failure = fc.record({
  code: fc.oneof(
    text,
    fc.constantFrom(
      'rate_limit_exceeded',
      'context_length_exceeded',
      'usage_limit_reached',
      'invalid_prompt',
      'slow_down',
    ),
  ),
  type: text,
  message: text,
  param: text,
})
const event = fc.record({
  type: fc.constantFrom(
    ...['response.created', 'response.in_progress', 'response.output_item.added', 'response.output_item.done'],
    ...['response.output_text.delta', 'response.reasoning_summary_text.delta', 'response.reasoning_summary_part.added'],
    ...[
      'response.completed',
      'response.failed',
      'response.incomplete',
      'error',
      'codex.rate_limits',
      'response.queued',
    ],
  ),
  item_id: fc.constantFrom('a', 'b', ''),
  delta: text,
  item,
  error: fc.oneof(failure, text),
  code: text,
  message: text,
  response: fc.record({
    model: text,
    error: failure,
    incomplete_details: fc.record({ reason: fc.constantFrom('content_filter', 'max_output_tokens', 'x') }),
    usage: fc.record({ input_tokens: number, output_tokens: number }),
    output: fc.array(item, { maxLength: 1 }),
  }),
})

const answer = target({
  name: 'answer',
  // Long events take long to make.
  share: 0.2,
  cases: fc.record({ events: fc.array(jsonText(event), { maxLength: 10 }), onPlan: fc.boolean() }),
  check({ events, onPlan }) {
    let told = ''
    const reader = createAnswerReader((delta) => (told += delta), onPlan ? (error) => planFailureOf(error) : failureOf)
    const end = ours(() => {
      for (const data of events) if (reader.accept({ event: undefined, data })) break
      return reader.finish()
    })
    const { phase, headline, characters } = reader.progress()
    assert.ok(Number.isSafeInteger(characters) && characters >= 0 && characters <= told.length + 1_000_000)
    assertOneLine(phase)
    if (headline !== undefined) assertOneLine(headline, 200)
    if (end instanceof Error) {
      const partial = reader.partial(end)
      if (partial !== undefined) assert.notEqual(partial.text, '')
      return
    }
    assert.notEqual(end.text, '')
    for (const note of end.notes) assertOneLine(note, 1000)
    for (const kept of outputItems(end.output)) assert.ok(['message', 'reasoning'].includes(kept.type))
  },
})

const wholeItem = fc.record({
  type: fc.constant('message'),
  phase: fc.constantFrom('final_answer', undefined),
  content: fc.array(fc.record({ type: fc.constant('output_text'), text }), { minLength: 1, maxLength: 3 }),
})

const wholeAnswer = target({
  name: 'whole-answer',
  cases: fc.record({ item: wholeItem, deltas: fc.array(text, { maxLength: 5 }) }),
  check({ item: { type, phase, content }, deltas }) {
    const reader = createAnswerReader()
    const send = (data: unknown) => reader.accept({ event: undefined, data: JSON.stringify(data) })
    for (const delta of deltas) send({ type: 'response.output_text.delta', item_id: 'a', delta })
    send({ type: 'response.output_item.done', item: { type, phase, content } })
    assert.equal(send({ type: 'response.completed', response: {} }), true)
    const meant = content.map((one) => one.text).join('')
    const end = ours(() => reader.finish(), 'RESPONSE_INVALID')
    if (end instanceof Error) assert.equal(meant, '')
    else assert.equal(end.text, meant)
  },
})

const sources = target({
  name: 'web-sources',
  cases: fc.array(damaged(item), { maxLength: 5 }),
  check(items) {
    const found = sourcesIn(items)
    assert.ok(found.length <= 30)
    assert.equal(new Set(found.map(({ url }) => url.replace(/#.*$/, ''))).size, found.length)
    for (const { url } of found) {
      assert.match(url, /^https?:\/\/[^\s`|]+$/)
      assert.equal(new URL(url).username + new URL(url).password, '')
    }
    for (const { title } of found) {
      if (title !== undefined) assert.doesNotMatch(title, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}`<>|\\]/u)
    }
    assert.equal(sourceWords(found).length, found.length === 0 ? 0 : found.length + 1)
  },
})

const remoteText = target({
  name: 'remote-text',
  cases: fc.record({ said: text, limit: fc.integer({ min: 1, max: 300 }) }),
  check({ said, limit }) {
    assertOneLine(quoteRemote(said, limit))
    const clean = cleanRemote(said, limit)
    assert.ok([...clean].length <= limit)
    assert.doesNotMatch(clean, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}`<>]/u)
    assertNoKey(clean, quoteRemote(said, limit))
  },
})

const growing = target({
  name: 'growing-text',
  cases: fc.record({ limit: fc.nat(60), puts: fc.array(fc.tuple(fc.nat(80), text), { maxLength: 8 }) }),
  check({ limit, puts }) {
    const grown = createGrowingText(limit)
    let meant = ''
    for (const [from, piece] of puts) {
      grown.put(from, piece)
      if (from <= limit) meant = (meant.slice(0, from).padEnd(from, '\uFFFD') + piece).slice(0, limit)
      assert.equal(grown.length, meant.length)
    }
    assert.equal(grown.toString(), meant)
  },
})

const jsonItems = target({
  name: 'conversation-items',
  cases: fc.array(fc.oneof(damaged(item), json), { maxLength: 5 }),
  check(items) {
    for (const kept of outputItems(items)) {
      assert.equal(Object.hasOwn(kept, 'id'), false)
      assert.deepEqual(outputItems([kept]), [kept], 'what is sent again is read back as it was')
    }
  },
})

/** Everything that is told of a failure in the middle of an answer. */
const streamFailure = target({
  name: 'stream-failure',
  cases: fc.oneof(damaged(failure), damaged(event), json),
  check(error) {
    const found: CodexError[] = [failureOf(error), planFailureOf(error)]
    for (const one of found) {
      assertShowable(one)
      assertNoKey(one.message, one.hint)
    }
  },
})

export const STREAM_TARGETS: readonly FuzzTarget[] = [
  ...[sse, sseLimits, answer, wholeAnswer, sources, remoteText, growing, jsonItems, streamFailure],
]

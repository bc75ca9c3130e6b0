import { type FakeLimits, type Limits, rateLimitHeaders, rateLimitsEvent } from './fake-limits.ts'
import type { Answer, Body } from './fake-script.ts'

export type StreamEvent = { type: string; [field: string]: unknown }

export interface AnswerOptions {
  /** `gpt-6.1-sol` unless told. */
  model?: string
  /** `null` leaves it out. */
  usage?: Record<string, unknown> | null
  /** Messages of phase `commentary` before the answer, which then has phase `final_answer`. */
  commentary?: readonly string[]
  /** A refusal part after the text; with an empty text, instead of it. */
  refusal?: string
  /** The summary of a reasoning item before the messages. */
  reasoning?: string
  /** In how many pieces each text is streamed; 2 unless told, 0 for none. */
  deltas?: number
  /** False: the text comes in deltas only. */
  items?: boolean
  /** How it ends: complete unless told, `'cut'` without any last event. */
  end?: 'completed' | 'cut' | { incomplete: string } | { failed: { code: string | null; message: string } }
  /** What a `codex.rate_limits` event says; without it there is none. */
  limits?: Limits
  /** Fields of the response object in the last event, e.g. `{ end_turn: false }`. */
  response?: Record<string, unknown>
}

const USAGE = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 3 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 18,
}

/** The stream of an answer with this text. */
export function answer(text: string, options: AnswerOptions = {}): string {
  return sse(answerEvents(text, options))
}

/** The answer both `responses` endpoints give unless a script says otherwise. */
export function streamed(reply: string, model: string, { headers, event }: FakeLimits = {}): Answer {
  return {
    headers: {
      'openai-model': model,
      'x-request-id': 'req_FAKE_1',
      ...(headers === undefined ? {} : rateLimitHeaders(headers)),
    },
    sse: answer(reply, { model, ...(event === undefined ? {} : { limits: event }) }),
  }
}

/** The events of such a stream, to be changed before `sse` writes them. */
export function answerEvents(text: string, options: AnswerOptions = {}): StreamEvent[] {
  const { model = 'gpt-6.1-sol', commentary = [], reasoning, refusal, deltas = 2, items = true } = options
  const head = { id: 'resp_FAKE_1', object: 'response', created_at: 1_790_000_000, model, store: false, output: [] }
  const started = { ...head, status: 'in_progress', error: null, incomplete_details: null }
  const finalPhase = commentary.length === 0 ? undefined : 'final_answer'
  const messages = [
    ...commentary.map((words) => ({ text: words, refusal: undefined, phase: 'commentary' })),
    { text, refusal, phase: finalPhase },
  ]
  const first = reasoning === undefined ? 0 : 1
  const events: StreamEvent[] = [
    { type: 'response.created', response: started },
    { type: 'response.in_progress', response: started },
    ...(options.limits === undefined ? [] : [rateLimitsEvent(options.limits)]),
    ...(reasoning === undefined ? [] : reasoningEvents(reasoning)),
    ...messages.flatMap((message, index) => messageEvents(message, { index: first + index, deltas, items })),
    ...lastEvents(head, options),
  ]
  return events.map((event, index) => ({ ...event, sequence_number: index }))
}

/** Events as a stream; `newline` and `eventLines: false` for the other forms servers send. */
export function sse(events: readonly StreamEvent[], { newline = '\n', eventLines = true } = {}): string {
  return events
    .map((event) => {
      const name = eventLines ? `event: ${event.type}${newline}` : ''
      return `${name}data: ${JSON.stringify(event)}${newline}${newline}`
    })
    .join('')
}

/** A stream of deltas that ends when the client leaves. */
export function endlessDeltas(delta = 'and on '): Body {
  const event = sse([{ type: 'response.output_text.delta', item_id: 'msg_FAKE_0', output_index: 0, delta }])
  return {
    async *[Symbol.asyncIterator]() {
      yield answer('', { end: 'cut', deltas: 0, items: false })
      while (true) yield event
    },
  }
}

interface Message {
  text: string
  refusal: string | undefined
  phase: string | undefined
}

function messageEvents(
  { text, refusal, phase }: Message,
  { index, deltas, items }: { index: number; deltas: number; items: boolean },
): StreamEvent[] {
  const id = `msg_FAKE_${index}`
  const item = { id, type: 'message', role: 'assistant', ...(phase !== undefined && { phase }) }
  const place = { item_id: id, output_index: index, content_index: 0 }
  const part = { type: 'output_text', annotations: [], logprobs: [], text }
  const content = [
    ...(text === '' && refusal !== undefined ? [] : [part]),
    ...(refusal === undefined ? [] : [{ type: 'refusal', refusal }]),
  ]
  const done = { ...item, status: 'completed', content }
  return [
    { type: 'response.output_item.added', output_index: index, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...piecesOf(text, deltas).map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part },
    ...(items ? [{ type: 'response.output_item.done', output_index: index, item: done }] : []),
  ]
}

function reasoningEvents(text: string): StreamEvent[] {
  const place = { item_id: 'rs_FAKE_0', output_index: 0, summary_index: 0 }
  const part = { type: 'summary_text', text }
  const item = { id: 'rs_FAKE_0', type: 'reasoning', summary: [part], content: [], encrypted_content: 'gAAAA_FAKE' }
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, summary: [], encrypted_content: '' } },
    { type: 'response.reasoning_summary_part.added', ...place, part: { ...part, text: '' } },
    { type: 'response.reasoning_summary_text.delta', ...place, delta: text },
    { type: 'response.reasoning_summary_text.done', ...place, text },
    { type: 'response.reasoning_summary_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
}

/** With `store: false` the service leaves `output` empty, so it stays empty here. */
function lastEvents(head: object, { end = 'completed', usage = USAGE, response = {} }: AnswerOptions): StreamEvent[] {
  if (end === 'cut') return []
  const counted = usage === null ? head : { ...head, usage }
  if (end === 'completed') {
    return [{ type: 'response.completed', response: { ...counted, status: 'completed', ...response } }]
  }
  if ('incomplete' in end) {
    const reason = { status: 'incomplete', incomplete_details: { reason: end.incomplete } }
    return [{ type: 'response.incomplete', response: { ...counted, ...reason, ...response } }]
  }
  return [{ type: 'response.failed', response: { ...head, status: 'failed', error: end.failed, ...response } }]
}

function piecesOf(text: string, count: number): string[] {
  const size = Math.ceil(text.length / count)
  if (text === '' || count === 0) return []
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}

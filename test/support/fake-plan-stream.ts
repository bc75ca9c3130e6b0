import type { Answer } from './fake-script.ts'
import { type AnswerOptions, answerEvents, type StreamEvent, sse } from './fake-sse.ts'

/** How a stream travels. */
export interface PlanTravel {
  /** Lines end with CRLF. */
  crlf?: boolean
  /** Writes end in the middle of every character that is longer than a byte. */
  splitCharacters?: boolean
  /** None unless told, as at the service. */
  contentType?: string
}

const USAGE = {
  input_tokens: 11,
  output_tokens: 7,
  total_tokens: 18,
  attribution: [{ item_id: 'msg_FAKE_0', output_tokens: 7 }],
}

/** An answer of the plan with this text; how it ends and what it holds as `AnswerOptions` has it (facts: plan-usage 3.3). */
export function planAnswer(text: string | object, options: AnswerOptions & PlanTravel = {}): Answer {
  return planStream(answerEvents(text, { usage: USAGE, ...options }), options)
}

/** Events as the plan streams them: HTTP 200, a request id, and no content type. */
export function planStream(events: readonly StreamEvent[], travel: PlanTravel = {}): Answer {
  const text = sse(events, { newline: travel.crlf ? '\r\n' : '\n' })
  return {
    headers: { 'x-request-id': 'req_FAKE_plan', ...(travel.contentType && { 'content-type': travel.contentType }) },
    bytes: text,
    ...(travel.splitCharacters && { splitAt: insideCharacters(text) }),
  }
}

export interface PlanFailureOptions {
  code?: string
  /** What has been answered before; half a sentence unless told. */
  text?: string
  /** `'bare'` carries no code, `'nested'` has it in `error.code`, `'none'` leaves the event out; `'coded'` unless told. */
  errorEvent?: 'coded' | 'bare' | 'nested' | 'none'
  /** False: the stream ends behind the `error` event. */
  failedEvent?: boolean
}

/** HTTP 200, some text, an `error` event, and then `response.failed`: how a limit shows in a stream. */
export function planFailure(options: PlanFailureOptions = {}): Answer {
  const { code = 'subscription_sharing_usage_limit_exceeded', text = 'Half a', errorEvent = 'coded' } = options
  const message = 'Subscription Sharing: usage limit reached. Wait or use an API key.'
  const events = answerEvents(text, { items: false, end: { failed: { code, message } } })
  const failed = options.failedEvent === false ? [] : events.slice(-1)
  const all = [...events.slice(0, -1), ...errorEvents(errorEvent, { code, message }), ...failed]
  return planStream(all.map((event, index) => ({ ...event, sequence_number: index })))
}

function errorEvents(
  form: Exclude<PlanFailureOptions['errorEvent'], undefined>,
  error: { code: string; message: string },
): StreamEvent[] {
  if (form === 'none') return []
  if (form === 'nested') return [{ type: 'error', error: { ...error, param: null } }]
  return [{ type: 'error', ...(form === 'coded' ? error : { message: error.message, code: null }), param: null }]
}

/** The offsets behind the first byte of every longer character. */
function insideCharacters(text: string): number[] {
  const bytes = Buffer.from(text)
  return [...bytes.keys()].filter((at) => at > 0 && (bytes[at - 1] ?? 0) >= 0xc0)
}

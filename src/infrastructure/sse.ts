import { createParser } from 'eventsource-parser'
import { CodexError } from '../errors.ts'
import { readChunks } from './http-client.ts'

export interface SseEvent {
  /** The `event:` line, if there was one. */
  event: string | undefined
  data: string
}

export interface SseLimits {
  /** Longest silence; any byte ends it, comments too. It is read again after each piece. */
  idleTimeoutMs: number
  maxEventBytes: number
  maxTotalBytes: number
}

const CR = 13

/**
 * The events of a stream by the WHATWG rules for `text/event-stream`, as they arrive. Leaving the loop closes the
 * connection; an event that the stream's end cuts in two is not given.
 *
 * @throws CodexError RESPONSE_INVALID over a size limit; TIMEOUT, NETWORK, CANCELLED as `readChunks`
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array> | undefined,
  limits: SseLimits,
  signal?: AbortSignal,
): AsyncGenerator<SseEvent> {
  // One streaming decoder: a character split between chunks must not fall apart.
  // Node 24 drops every mark that begins a chunk, not only the first of the stream: that one is dropped below.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let begun = false
  let events: SseEvent[] = []
  let tooLarge = false
  let total = 0
  let endsWithCr = false
  const pace = {
    get idleTimeoutMs() {
      return limits.idleTimeoutMs
    },
    signal,
  }
  const parser = createParser({
    maxBufferSize: limits.maxEventBytes,
    onEvent: ({ event, data }) => events.push({ event, data }),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') tooLarge = true
    },
  })
  for await (const chunk of readChunks(body, pace)) {
    total += chunk.byteLength
    if (total > limits.maxTotalBytes) throw oversized('The answer')
    const text = decoder.decode(chunk, { stream: true })
    parser.feed(begun ? text : text.replace(/^\ufeff/, ''))
    begun ||= text !== ''
    endsWithCr = chunk.at(-1) === CR
    const ready = events
    events = []
    yield* ready
    if (tooLarge) throw oversized('One event of the answer')
  }
  // The parser waits for the LF that may follow a CR; at the end of a stream that CR was the end of a line.
  if (endsWithCr) parser.feed('\n')
  yield* events
}

function oversized(what: string): CodexError {
  return new CodexError('RESPONSE_INVALID', `${what} is larger than this server accepts.`, {
    hint: 'Ask for a shorter answer.',
  })
}

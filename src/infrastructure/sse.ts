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

/**
 * The events of a stream by the WHATWG rules for `text/event-stream`, as they arrive: those that came together in one
 * list, because to wait for each costs more than to read it. Leaving the loop closes the connection; an event that the stream's end cuts in two is not given.
 *
 * @throws CodexError RESPONSE_INVALID over a size limit; TIMEOUT, NETWORK, CANCELLED as `readChunks`
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array> | undefined,
  limits: SseLimits,
  signal?: AbortSignal,
): AsyncGenerator<readonly SseEvent[]> {
  // One streaming decoder: a character split between chunks must not fall apart.
  // Node 24 drops every mark that begins a chunk, not only the first of the stream: that one is dropped below.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let begun = false
  let events: SseEvent[] = []
  let tooLarge = false
  let total = 0
  const pace = {
    get idleTimeoutMs() {
      return limits.idleTimeoutMs
    },
    signal,
  }
  const withPlainLineEnds = createLineEnds()
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
    parser.feed(withPlainLineEnds(begun ? text : text.replace(/^\ufeff/, '')))
    begun ||= text !== ''
    const ready = events
    events = []
    if (ready.length > 0) yield ready
    if (tooLarge) throw oversized('One event of the answer')
  }
}

/**
 * Each end of a line as LF. The parser waits for what follows a CR at the end of a piece, and where that is no other end of a
 * line it waits for the end of the stream, and beyond.
 */
function createLineEnds(): (text: string) => string {
  let endsWithCr = false
  return (text) => {
    if (text === '') return text
    const rest = endsWithCr && text.startsWith('\n') ? text.slice(1) : text
    endsWithCr = text.endsWith('\r')
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest
  }
}

function oversized(what: string): CodexError {
  return new CodexError('RESPONSE_INVALID', `${what} is larger than this server accepts.`, {
    hint: 'Ask for a shorter answer.',
  })
}

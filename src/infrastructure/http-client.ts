import { CodexError } from '../errors.ts'
import { cancelled } from './abort.ts'
import type { Log } from './log.ts'
import { failureCode, networkFailure } from './network-failure.ts'
import { createTickTimer } from './tick-timer.ts'

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /** Longest wait for the status line and headers. */
  headerTimeoutMs: number
  /** The caller's cancel; it also ends the body. */
  signal?: AbortSignal | undefined
}

export interface HttpAnswer {
  status: number
  headers: Headers
  body: ReadableStream<Uint8Array> | undefined
}

export interface HttpClient {
  /**
   * Any HTTP answer, whatever its status; redirects are not followed, because fetch would hand a refresh token in
   * the body (307, 308) and our headers (all of them) to another host.
   *
   * @throws CodexError NETWORK no answer; TIMEOUT no headers in time; CANCELLED by `signal`; as `createFetch`
   */
  send(request: HttpRequest): Promise<HttpAnswer>
}

/** Longest silence of a body that fetch itself bears, whatever is asked of us. */
const FETCH_IDLE_LIMIT_MS = 300_000

export function createHttpClient({ fetch, log }: { fetch: typeof globalThis.fetch; log: Log }): HttpClient {
  return {
    async send({ method, url, headers = {}, body, headerTimeoutMs, signal }) {
      const host = new URL(url).host
      const abort = new AbortController()
      const cancel = () => abort.abort()
      if (signal?.aborted) throw cancelled()
      signal?.addEventListener('abort', cancel, { once: true })
      let timedOut = false
      const timer = createTickTimer(headerTimeoutMs, () => {
        timedOut = true
        abort.abort()
      })
      try {
        const init = { method, headers, redirect: 'manual' as const, signal: abort.signal }
        const answer = await fetch(url, body === undefined ? init : { ...init, body })
        log.event('http', { method, host, path: new URL(url).pathname, status: answer.status })
        return { status: answer.status, headers: answer.headers, body: answer.body ?? undefined }
      } catch (cause) {
        if (signal?.aborted) throw cancelled()
        if (timedOut) throw noAnswer(host, headerTimeoutMs)
        log.event('http_failed', { method, host, reason: failureCode(cause) })
        throw networkFailure(host, cause)
      } finally {
        timer.stop()
      }
    },
  }
}

/**
 * The body as text, counted after decompression. `limitMs` bounds the whole of it, not only each silence: a body that
 * drips would otherwise never end.
 *
 * @throws CodexError RESPONSE_INVALID larger than `maxBytes`; TIMEOUT; NETWORK broken off; CANCELLED by `signal`
 */
export async function readText(
  body: ReadableStream<Uint8Array> | undefined,
  {
    maxBytes = 1_048_576,
    limitMs = 30_000,
    signal,
  }: { maxBytes?: number; limitMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunksOf(body, { limitMs: () => limitMs, late: unfinished, signal })) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/**
 * The chunks of a body as they arrive. Leaving the loop closes the connection.
 *
 * @throws CodexError TIMEOUT silent for `idleTimeoutMs`; NETWORK broken off; CANCELLED by `signal`
 */
export function readChunks(
  body: ReadableStream<Uint8Array> | undefined,
  limits: { idleTimeoutMs: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const { signal } = limits
  // Asked again after each piece: what it says may be that not much more will come.
  return chunksOf(body, { limitMs: () => limits.idleTimeoutMs, late: silent, signal })
}

interface BodyLimit {
  limitMs: () => number
  /** Whether the limit is for each silence or for the whole body, as the error that says so. */
  late: typeof silent | typeof unfinished
  signal: AbortSignal | undefined
}

async function* chunksOf(
  body: ReadableStream<Uint8Array> | undefined,
  { limitMs, late, signal }: BodyLimit,
): AsyncGenerator<Uint8Array> {
  if (body === undefined) return
  const reader = body.getReader()
  let expired = false
  let limit = limitMs()
  const start = () =>
    createTickTimer(limit, () => {
      expired = true
      void reader.cancel().catch(() => {})
    })
  let timer = start()

  function startAgain(): void {
    const next = limitMs()
    if (next === limit) return
    timer.stop()
    limit = next
    timer = start()
  }

  try {
    while (true) {
      const { done, value } = await reader.read()
      if (expired) throw late(limit)
      if (done) return
      if (late === silent) timer.reset()
      yield value
      if (late === silent) startAgain()
    }
  } catch (cause) {
    if (cause instanceof CodexError) throw cause
    if (signal?.aborted) throw cancelled()
    if (failureCode(cause) === 'UND_ERR_BODY_TIMEOUT') throw silent(FETCH_IDLE_LIMIT_MS)
    throw new CodexError('NETWORK', 'The connection to the service broke off.', {
      hint: 'Try again.',
      cause,
      retryable: true,
    })
  } finally {
    timer.stop()
    void reader.cancel().catch(() => {})
  }
}

function noAnswer(host: string, limitMs: number): CodexError {
  return new CodexError('TIMEOUT', `${host} did not answer within ${seconds(limitMs)}.`, {
    hint: 'Try again; if it happens every time, check the network and the proxy.',
    retryable: true,
  })
}

function silent(limitMs: number): CodexError {
  return new CodexError('TIMEOUT', `The answer stopped arriving: nothing came for ${seconds(limitMs)}.`, {
    hint: 'Ask again. CODEX_OAUTH_IDLE_TIMEOUT_MS sets how long a silence may last.',
    retryable: true,
  })
}

function tooLarge(): CodexError {
  return new CodexError('RESPONSE_INVALID', 'The answer of the service is larger than expected.', {
    hint: 'Try again; a proxy or a sign-in page of your network may stand in between.',
  })
}

function unfinished(limitMs: number): CodexError {
  return new CodexError('TIMEOUT', `The answer of the service was not complete after ${seconds(limitMs)}.`, {
    hint: 'Try again.',
    retryable: true,
  })
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`
}

import type { Config } from '../../config.ts'
import { type CodexError, isCodexError, reworded } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { type HttpClient, readText } from '../../infrastructure/http-client.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { Credential } from '../login/credentials.ts'
import type { CodexRequest } from './codex-request.ts'
import { notTheService } from './not-the-service.ts'
import { parseJson } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'

/** An HTTP answer: a stream with status 200, else its body as JSON, if it is some. */
export interface Reply {
  status: number
  headers: Headers
  body: ReadableStream<Uint8Array> | undefined
  json: unknown
  /** Who was answered: after a 401 the renewed one, which is not renewed again. */
  credential: Credential
}

/**
 * Sends a request to where answers come from, with patience, and once more with a renewed credential after a 401
 * (facts: reliability H11).
 *
 * @throws CodexError as `HttpClient.send`, `notTheService` and `Credential.renew`
 */
export type Post = (credential: Credential, request: CodexRequest, signal: AbortSignal | undefined) => Promise<Reply>

export interface PostDeps {
  config: Pick<Config, 'headerTimeoutMs'>
  http: HttpClient
  clock: Clock
  random: () => number
  log: Log
}

/** For the body of a refusal, which says why. */
const REFUSAL_LIMIT_MS = 10_000
const MAX_RETRIES = 3
const FIRST_DELAY_MS = 400
const MAX_RETRY_AFTER_MS = 30_000

export function createPost({ config, http, clock, random, log }: PostDeps): Post {
  /**
   * Sends until there is an answer to read. Repeated is only what certainly brought no answer yet and may pass: no
   * connection, a 5xx, a 429 that says when. A request that timed out is not: the service may be working on it.
   */
  async function sendPatiently(credential: Credential, request: CodexRequest, signal: AbortSignal | undefined) {
    for (let retries = 0; ; retries += 1) {
      const backoffMs = FIRST_DELAY_MS * 2 ** retries * (0.75 + random() / 2)
      const sent = await send(credential, request, signal).catch((error: unknown) => {
        if (isCodexError(error, 'NETWORK') && error.retryable && retries < MAX_RETRIES) return undefined
        throw error
      })
      const delayMs = sent === undefined ? backoffMs : retryDelayMs(sent, credential, retries, backoffMs)
      if (sent !== undefined && delayMs === undefined) return sent
      log.event('query_retry', { retry: retries + 1 })
      await clock.sleep(delayMs ?? backoffMs, signal).catch(() => {
        throw cancelled()
      })
    }
  }

  async function send(credential: Credential, request: CodexRequest, signal: AbortSignal | undefined): Promise<Reply> {
    const answer = await http
      .send({
        method: 'POST',
        url: `${credential.baseUrl}/responses`,
        headers: { ...credential.headers, ...request.headers },
        body: JSON.stringify(request.body),
        headerTimeoutMs: config.headerTimeoutMs,
        signal,
      })
      .catch((error: unknown) => {
        throw isCodexError(error, 'TIMEOUT') ? withSetting(error) : error
      })
    const { status, headers, body } = answer
    const strange = notTheService(answer, 'an answer of Codex')
    if (strange !== undefined) {
      void body?.cancel().catch(() => {})
      throw strange
    }
    if (status === 200) return { status, headers, body, json: undefined, credential }
    const text = await readText(body, { limitMs: REFUSAL_LIMIT_MS, signal }).catch(() => '')
    // A cancel breaks the body off too, and nobody who has left wants a token renewed.
    if (signal?.aborted) throw cancelled()
    return { status, headers, body: undefined, json: parseJson(text), credential }
  }

  /** How long to wait before the next try; nothing when this is the answer to read. */
  function retryDelayMs(
    { status, headers, json }: Reply,
    { asking }: Credential,
    retries: number,
    backoffMs: number,
  ): number | undefined {
    if (retries >= MAX_RETRIES) return undefined
    const asked = retryAfterMs(headers, clock.now())
    if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined
    if (status === 429) return asking.isFinal(json) ? undefined : asked
    return status >= 500 ? (asked ?? backoffMs) : undefined
  }

  return async (credential, request, signal) => {
    const reply = await sendPatiently(credential, request, signal)
    if (reply.status !== 401 || credential.renew === undefined) return reply
    return sendPatiently({ ...(await credential.renew(signal)), renew: undefined }, request, signal)
  }
}

/** This limit alone is the user's to set; the one after it has an error of its own. */
function withSetting(error: CodexError): CodexError {
  const setting = 'CODEX_OAUTH_HEADER_TIMEOUT_MS sets how long it may take.'
  return reworded(error, { hint: error.hint === undefined ? setting : `${error.hint} ${setting}` })
}

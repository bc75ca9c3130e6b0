import type { Config } from '../config.ts'
import { isCodexError } from '../errors.ts'
import { cancelled } from '../infrastructure/abort.ts'
import type { Clock } from '../infrastructure/clock.ts'
import { type HttpClient, readText } from '../infrastructure/http-client.ts'
import type { Log } from '../infrastructure/log.ts'
import { readEvents } from '../infrastructure/sse.ts'
import type { AskingRoute } from './asking-route.ts'
import { type AnswerProgress, createAnswerReader, notAStream, type Usage } from './codex-answer.ts'
import type { CodexRequest, Question } from './codex-request.ts'
import type { Credential, Credentials } from './credentials.ts'
import { chooseEffort } from './effort-choice.ts'
import { defaultModel, type ModelCatalogue } from './model-catalogue.ts'
import { notTheService } from './not-the-service.ts'
import { parseJson } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'
import { type OptionalField, unsupportedField } from './unsupported-field.ts'

export interface QueryResult {
  text: string
  model: string
  effort: string | undefined
  usage: Usage | undefined
  /** Which login or key answered and what that costs. */
  account: string
  /** Sentences: what was ignored, rerouted, not checked. */
  notes: readonly string[]
}

export interface QueryOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: AnswerProgress) => void) | undefined
  /** Told the answer bit by bit, as `createAnswerReader` tells it. */
  onText?: ((delta: string) => void) | undefined
}

export interface CodexClient {
  /**
   * Asks one question and reads the whole answer.
   *
   * @throws CodexError each code of `codex-failure.ts` and `codex-answer.ts`; as `Credentials.current` and
   *   `Credential.renew`; NETWORK, TIMEOUT, CANCELLED
   */
  query(question: Question, options?: QueryOptions): Promise<QueryResult>
}

export interface CodexClientDeps {
  config: Pick<Config, 'model' | 'effort' | 'idleTimeoutMs'>
  credentials: Pick<Credentials, 'current'>
  catalogue: ModelCatalogue
  http: HttpClient
  clock: Clock
  random: () => number
  /** A new UUID of version 7. */
  newId: () => string
  log: Log
}

/** An HTTP answer: a stream with status 200, else its body as JSON, if it is some. */
interface Reply {
  status: number
  headers: Headers
  body: ReadableStream<Uint8Array> | undefined
  json: unknown
}

const HEADER_TIMEOUT_MS = 60_000
/** For the body of a refusal, which says why. */
const REFUSAL_LIMIT_MS = 10_000
const MAX_RETRIES = 3
const FIRST_DELAY_MS = 400
const MAX_RETRY_AFTER_MS = 30_000
/** How long to wait for the reason of an error that is known already. */
const LAST_WORD_MS = 2_000
const MAX_EVENT_BYTES = 16 * 1024 * 1024
const MAX_TOTAL_BYTES = 64 * 1024 * 1024
const NOTHING: ReadonlySet<OptionalField> = new Set()

export function createCodexClient(deps: CodexClientDeps): CodexClient {
  const { config, credentials, catalogue, http, clock, random, newId, log } = deps
  let session: string | undefined
  /** What models have refused to an API key, so that the next question does not have to find out again. */
  const refused = new Map<string, ReadonlySet<OptionalField>>()

  /**
   * The answer to the first request that the model takes: `build` makes one without what it does not. Each repeat is
   * without one thing more, so there are few.
   */
  async function negotiate(
    credential: Credential,
    modelId: string,
    build: (without: ReadonlySet<OptionalField>) => CodexRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ request: CodexRequest; reply: Reply }> {
    const { adapts } = credential.asking
    while (true) {
      const request = build((adapts && refused.get(modelId)) || NOTHING)
      const reply = await ask(credential, request, signal)
      const field = adapts && reply.status === 400 ? unsupportedField(reply.json) : undefined
      if (field === undefined || request.body[field] === undefined) return { request, reply }
      log.event('query_without', { field })
      refused.set(modelId, new Set([...(refused.get(modelId) ?? []), field]))
    }
  }

  /** The answer, after at most one repeat with a renewed credential (facts: reliability H11). */
  async function ask(credential: Credential, request: CodexRequest, signal: AbortSignal | undefined): Promise<Reply> {
    const reply = await sendPatiently(credential, request, signal)
    if (reply.status !== 401 || credential.renew === undefined) return reply
    return sendPatiently(await credential.renew(signal), request, signal)
  }

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
    const answer = await http.send({
      method: 'POST',
      url: `${credential.baseUrl}/responses`,
      headers: { ...credential.headers, ...request.headers },
      body: JSON.stringify(request.body),
      headerTimeoutMs: HEADER_TIMEOUT_MS,
      signal,
    })
    const { status, headers, body } = answer
    const strange = notTheService(answer, 'an answer of Codex')
    if (strange !== undefined) {
      void body?.cancel().catch(() => {})
      throw strange
    }
    if (status === 200) return { status, headers, body, json: undefined }
    const text = await readText(body, { limitMs: REFUSAL_LIMIT_MS, signal }).catch(() => '')
    // A cancel breaks the body off too, and nobody who has left wants a token renewed.
    if (signal?.aborted) throw cancelled()
    return { status, headers, body: undefined, json: parseJson(text) }
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

  async function readAnswer({ body, headers }: Reply, asking: AskingRoute, options: QueryOptions) {
    const { signal, onProgress, onText } = options
    if (!asking.isStream(headers)) {
      void body?.cancel().catch(() => {})
      throw notAStream()
    }
    const reader = createAnswerReader(onText, (error) => asking.failureOf(error, headers))
    let endsAt: number | undefined
    const limits = {
      // After an error that says nothing more, the one that does comes at once or not at all.
      get idleTimeoutMs() {
        if (!reader.isEnding()) return config.idleTimeoutMs
        endsAt ??= clock.now() + Math.min(LAST_WORD_MS, config.idleTimeoutMs)
        return Math.max(1, endsAt - clock.now())
      },
      maxEventBytes: MAX_EVENT_BYTES,
      maxTotalBytes: MAX_TOTAL_BYTES,
    }
    try {
      for await (const event of readEvents(body, limits, signal)) {
        if (reader.accept(event)) break
        onProgress?.(reader.progress())
      }
    } catch (error) {
      // Without its last word, the error that is known counts for more than how the connection ended.
      if (!reader.isEnding() || !(isCodexError(error, 'TIMEOUT') || isCodexError(error, 'NETWORK'))) throw error
    }
    return reader.finish()
  }

  async function answer(credential: Credential, question: Question, options: QueryOptions): Promise<QueryResult> {
    const { signal } = options
    const models = await catalogue.forQuery(credential, signal)
    const modelId = question.model ?? defaultModel(models, config.model)
    const model = models.models.find(({ id }) => id === modelId)
    const chosen = chooseEffort(question.effort, config.effort, model)
    const { asking } = credential
    session ??= newId()
    const ids = { sessionId: session, threadId: newId() }
    const facts = { question, modelId, model, effort: chosen.effort, ...ids }
    const build = (without: ReadonlySet<OptionalField>) => asking.buildRequest({ ...facts, without })
    const { request, reply } = await negotiate(credential, modelId, build, signal)
    if (reply.status !== 200) throw asking.refusalOf({ ...reply, modelId, credential, nowMs: clock.now() })
    const read = await readAnswer(reply, asking, options)
    const answeredBy = reply.headers.get('openai-model') ?? read.model ?? modelId
    const notes = [...chosen.notes, ...request.notes, ...rerouted(modelId, answeredBy), ...read.notes]
    return {
      text: read.text,
      model: modelId,
      effort: request.effort,
      usage: read.usage,
      account: credential.label,
      notes,
    }
  }

  return {
    async query(question, options = {}) {
      const credential = await credentials.current(options.signal)
      try {
        return await answer(credential, question, options)
      } catch (error) {
        if (isCodexError(error, 'MODEL_UNAVAILABLE')) catalogue.outdated(credential)
        throw error
      }
    },
  }
}

function rerouted(asked: string, answered: string): string[] {
  // A dated snapshot (`gpt-x-2026-10-01`) is the model asked for; another ending (`gpt-x-mini`) is not.
  if (answered.replace(/-\d{4}-\d{2}-\d{2}$/, '') === asked) return []
  if (answered === asked || !/^[\w.:/-]{1,100}$/.test(answered)) return []
  return [`the service answered with ${answered} instead of ${asked}`]
}

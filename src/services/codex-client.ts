import type { Config } from '../config.ts'
import { type CodexError, isCodexError } from '../errors.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { Log } from '../infrastructure/log.ts'
import { readAnswer, type StreamOptions } from './answer-stream.ts'
import type { Model } from './builtin-models.ts'
import type { Answer, Usage } from './codex-answer.ts'
import type { Post, Reply } from './codex-post.ts'
import type { CodexRequest, Question } from './codex-request.ts'
import { type Fitted, fitQuestion } from './context-budget.ts'
import { historyOf, outputItems } from './conversation-items.ts'
import { ownerOf } from './credential-owner.ts'
import type { Credential, Credentials } from './credentials.ts'
import { chooseEffort } from './effort-choice.ts'
import type { InputItem } from './input-item.ts'
import { defaultModel, type ModelCatalogue } from './model-catalogue.ts'
import { newerLevel, withModelsOf } from './model-refusal.ts'
import { mended, PLAIN, type Shape } from './request-shape.ts'
import { limitsFromHeaders } from './usage-headers.ts'
import type { UsageMeter } from './usage-meter.ts'
import { limitsFromEvent } from './usage-report.ts'
import { type KnownUsage, mergeLimits, type UsageSnapshot } from './usage-snapshot.ts'
import { type Source, sourcesIn } from './web-sources.ts'

export interface QueryResult {
  text: string
  /** Why that is not the whole answer. */
  incomplete?: CodexError
  model: string
  effort: string | undefined
  usage: Usage | undefined
  /** Which login or key answered and what that costs. */
  account: string
  /** A word that tells logins and services apart and says nothing of them. */
  owner: string
  /** Sentences: what was ignored, rerouted, not checked. */
  notes: readonly string[]
  /** Where the answer has something from. */
  sources: readonly Source[]
  /** How much of the plan is used, where the service said it. */
  limits: UsageSnapshot | undefined
  /** The question and the answer, as a later turn sends them again. */
  message: InputItem
  output: readonly InputItem[]
}

export interface QueryOptions extends StreamOptions {
  /** Told which model is asked. */
  onModel?: ((id: string) => void) | undefined
}

export interface CodexClient {
  /**
   * Asks one question and reads the answer.
   *
   * @throws CodexError each code of `codex-failure.ts` and `codex-answer.ts`; as `Credentials.current`,
   *   `Credential.renew`, `fitQuestion` and `chooseEffort`; NETWORK, TIMEOUT, CANCELLED
   */
  query(question: Question, options?: QueryOptions): Promise<QueryResult>
}

export interface CodexClientDeps {
  config: Pick<Config, 'model' | 'effort' | 'firstEventTimeoutMs' | 'idleTimeoutMs' | 'clientVersion'>
  credentials: Pick<Credentials, 'current'>
  catalogue: ModelCatalogue
  post: Post
  meter: Pick<UsageMeter, 'note' | 'last'>
  clock: Pick<Clock, 'now'>
  /** A new UUID of version 7. */
  newId: () => string
  log: Log
}

/** Whom a question goes to, and in which form. */
interface Target {
  credential: Credential
  modelId: string
  model: Model | undefined
  shape: Shape
}

/** A request that was answered, and what had to be changed before. */
interface Answered {
  target: Target
  request: CodexRequest
  reply: Reply
  changes: readonly string[]
}

/** Each is for something else; more of them than this are no mending any more. */
const MAX_MENDS = 5

export function createCodexClient(deps: CodexClientDeps): CodexClient {
  const { config, credentials, catalogue, post, meter, clock, newId, log } = deps
  let session: string | undefined
  /** How models wanted to be asked, so that the next question does not have to find out again. */
  const shapes = new Map<string, Shape>()

  /** @throws CodexError INPUT_INVALID */
  async function targetOf(credential: Credential, question: Question, signal: AbortSignal | undefined) {
    const models = await catalogue.forQuery(credential, signal)
    const modelId = question.model ?? defaultModel(models, config.model)
    const model = models.models.find(({ id }) => id === modelId)
    return { credential, modelId, model, shape: shapes.get(shapeKey(credential, modelId)) ?? PLAIN }
  }

  function build(question: Question, target: Target, { turns }: Fitted, ids: { session: string; threadId: string }) {
    const { credential, modelId, model, shape } = target
    const choice = chooseEffort(question.effort, config.effort, model)
    // Nobody's reasoning is sent where that of this owner cannot be read.
    const owner = shape.forgetful ? '' : ownerOf(credential)
    const request = credential.asking.buildRequest({
      question,
      ...{ modelId, model, effort: choice.effort, shape, threadId: ids.threadId },
      history: historyOf(turns, owner),
      sessionId: question.talk?.cacheKey ?? ids.session,
    })
    return { ...request, notes: [...request.notes, ...choice.notes] }
  }

  /**
   * The first answer with status 200: a refusal that asks for another form of the request gets it, once for each thing,
   * and the next question to this model is asked that way at once.
   *
   * @throws CodexError as `AskingRoute.refusalOf`
   */
  async function negotiate(first: Target, question: Question, fitted: Fitted, signal: AbortSignal | undefined) {
    session ??= newId()
    const threadId = newId()
    const changes: string[] = []
    let target = first
    for (let mends = 0; ; mends += 1) {
      const request = build(question, target, fitted, { session, threadId })
      const reply = await post(target.credential, request, signal)
      if (reply.status === 200) return { target, request, reply, changes } satisfies Answered
      const next = mends < MAX_MENDS ? await mend(target, request, reply, signal) : undefined
      if (next === undefined) {
        noteLimits(target.credential, reply)
        throw refusal(target, reply)
      }
      log.event('query_mended', { mends: mends + 1 })
      if (next.change !== undefined) changes.push(next.change)
      target = next.target
      // Only what is the model's nature is worth keeping; sealed reasoning is this conversation's matter.
      const { forgetful: _forgetful, ...lasting } = target.shape
      shapes.set(shapeKey(target.credential, target.modelId), lasting)
    }
  }

  async function mend(target: Target, request: CodexRequest, reply: Reply, signal: AbortSignal | undefined) {
    const { credential, shape } = target
    const found = mended({ ...reply, body: request.body, form: formOf(credential, request), shape })
    if (found !== undefined) return { target: { ...target, shape: found.shape }, change: found.change }
    if (!isCodexError(refusal(target, reply), 'MODEL_UNAVAILABLE')) return undefined
    const level = await newerLevel(target, { catalogue, config, signal })
    return level === undefined ? undefined : { target: { ...target, ...level }, change: undefined }
  }

  function refusal({ credential, modelId }: Target, reply: Reply): CodexError {
    return credential.asking.refusalOf({ ...reply, modelId, credential, ...circumstances(credential) })
  }

  /** What an error about limits is worded with. */
  function circumstances(credential: Credential): { nowMs: number; lastKnown: KnownUsage | undefined } {
    return { nowMs: clock.now(), lastKnown: meter.last(credential) }
  }

  /** What an answer says of the limits; what it says last counts. */
  function noteLimits(credential: Credential, { headers }: Reply, event?: unknown): UsageSnapshot | undefined {
    const [first, last] = [limitsFromHeaders(headers, clock.now()), limitsFromEvent(event, clock.now())]
    const limits = first === undefined || last === undefined ? (last ?? first) : mergeLimits(first, last)
    if (!credential.asking.tellsUsage || limits === undefined) return undefined
    meter.note(credential, limits)
    return limits
  }

  async function answer(credential: Credential, question: Question, options: QueryOptions): Promise<QueryResult> {
    const { signal } = options
    const first = await targetOf(credential, question, signal)
    options.onModel?.(first.modelId)
    const fitted = fitQuestion({ question, ...first, owner: ownerOf(credential) })
    const answered = await negotiate(first, question, fitted, signal)
    const { reply } = answered
    const failureOf = (error: unknown) => credential.asking.failureOf(error, reply.headers, circumstances(credential))
    const read = await readAnswer({ reply, isStream: credential.asking.isStream, failureOf }, options, {
      config,
      clock,
    })
    return { ...resultOf(answered, read, fitted), limits: noteLimits(credential, reply, read.limits) }
  }

  return {
    async query(question, options = {}) {
      options.onProgress?.({ phase: 'connecting', characters: 0 })
      const credential = await credentials.current(options.signal)
      try {
        return await answer(credential, question, options)
      } catch (error) {
        if (!isCodexError(error, 'MODEL_UNAVAILABLE')) throw error
        throw await withModelsOf(error, credential, { catalogue, signal: options.signal })
      }
    },
  }
}

function resultOf({ target, request, reply, changes }: Answered, read: Answer, fitted: Fitted) {
  const { credential, modelId } = target
  const answeredBy = reply.headers.get('openai-model') ?? read.model ?? modelId
  return {
    text: read.text,
    ...(read.incomplete === undefined ? {} : { incomplete: read.incomplete }),
    model: modelId,
    effort: request.effort,
    usage: read.usage,
    account: credential.label,
    owner: ownerOf(credential),
    notes: [
      ...request.notes,
      ...fitted.notes,
      ...changes.map((change) => `asked again ${change}, because the service refused it otherwise`),
      ...rerouted(modelId, answeredBy),
      ...read.notes,
    ],
    sources: sourcesIn(read.output),
    message: request.message,
    output: read.incomplete === undefined ? outputItems(read.output) : [saidSoFar(read.text)],
  }
}

/** What came of an answer that broke off, for the turn that goes on with it. */
function saidSoFar(text: string): InputItem {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }
}

/** Which form a request has, where there are two. */
function formOf({ asking }: Credential, { isLite }: CodexRequest): 'lite' | 'classic' | undefined {
  return asking.hasForms ? (isLite ? 'lite' : 'classic') : undefined
}

function shapeKey({ kind, baseUrl }: Credential, modelId: string): string {
  return [kind, baseUrl, modelId].join(' ')
}

function rerouted(asked: string, answered: string): string[] {
  // A dated snapshot (`gpt-x-2026-10-01`) is the model asked for; another ending (`gpt-x-mini`) is not.
  if (answered.replace(/-\d{4}-\d{2}-\d{2}$/, '') === asked) return []
  if (answered === asked || !/^[\w.:/-]{1,100}$/.test(answered)) return []
  return [`the service answered with ${answered} instead of ${asked}`]
}

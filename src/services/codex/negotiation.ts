import type { Config } from '../../config.ts'
import { type CodexError, isCodexError } from '../../errors.ts'
import type { Log } from '../../infrastructure/log.ts'
import { historyOf } from '../conversations/conversation-items.ts'
import { ownerOf } from '../login/credential-owner.ts'
import type { Credential } from '../login/credentials.ts'
import type { Model } from '../models/builtin-models.ts'
import { chooseEffort } from '../models/effort-choice.ts'
import { defaultModel, type ModelCatalogue } from '../models/model-catalogue.ts'
import { type ModelChooser, newerLevel, withModelsOf } from '../models/model-refusal.ts'
import type { Post, Reply } from './codex-post.ts'
import type { CodexRequest, Question } from './codex-request.ts'
import { type Fitted, fitQuestion } from './context-budget.ts'
import { createLearnedShapes } from './learned-shapes.ts'
import { mended, type Shape } from './request-shape.ts'

/** Whom a question goes to, and in which form. */
export interface Target {
  credential: Credential
  modelId: string
  /** Who has chosen it: the question, a setting, or the list. */
  chosenBy: ModelChooser
  /** The model of the list that would have been asked, had the service not refused it before. */
  passedOver: string | undefined
  model: Model | undefined
  shape: Shape
}

/** A request that was answered with status 200, and what had to be changed before. */
export interface Answered {
  target: Target
  request: CodexRequest
  fitted: Fitted
  reply: Reply
  changes: readonly string[]
}

export interface AskOptions {
  signal: AbortSignal | undefined
  /** Told before every request what of the conversation goes out with it. */
  onSend(fitted: Fitted): void
  /** Told every answer, the refusals too. */
  onReply(reply: Reply): void
  /** The error for one with another status than 200. */
  refusalOf(modelId: string, reply: Reply): CodexError
}

export interface Negotiation {
  /** @throws CodexError CANCELLED */
  targetOf(credential: Credential, question: Question, signal: AbortSignal | undefined): Promise<Target>
  /**
   * The first answer with status 200: a refusal that asks for another form of the request gets it, once for each thing,
   * and the next question to this model is asked that way at once.
   *
   * @throws CodexError `refusalOf`, as `explained`; as `Post`, `fitQuestion` and `chooseEffort`
   */
  ask(first: Target, question: Question, options: AskOptions): Promise<Answered>
  /** The error; where the model is not available, with those that are. @throws CodexError CANCELLED */
  explained(error: CodexError, target: Target, signal: AbortSignal | undefined): Promise<CodexError>
}

export interface NegotiationDeps {
  config: Pick<Config, 'model' | 'effort' | 'clientVersion'>
  catalogue: ModelCatalogue
  post: Post
  /** A new UUID of version 7. */
  newId: () => string
  log: Log
}

/** Each mend is for another fault. A request that has more faults than this is not worth mending. */
const MAX_MENDS = 5

export function createNegotiation({ config, catalogue, post, newId, log }: NegotiationDeps): Negotiation {
  let session: string | undefined
  /** Models that the list puts first and the service refuses: the next question without a model asks another one. */
  const refusedDefaults = new Set<string>()
  const learned = createLearnedShapes()

  /** @throws CodexError as `fitQuestion` and `chooseEffort` */
  function build(question: Question, target: Target, ids: { session: string; threadId: string }) {
    const { credential, modelId, model, shape } = target
    const fitted = fitQuestion({ question, modelId, model, owner: ownerOf(credential) })
    const choice = chooseEffort(question.effort, config.effort, model)
    // Nobody's reasoning is sent where that of this owner cannot be read.
    const owner = shape.forgetful ? '' : ownerOf(credential)
    const request = credential.asking.buildRequest({
      question,
      modelId,
      model,
      effort: choice.effort,
      shape,
      threadId: ids.threadId,
      history: historyOf(fitted.turns, owner),
      sessionId: question.talk?.cacheKey ?? ids.session,
    })
    return { fitted, request: { ...request, notes: [...request.notes, ...choice.notes] } }
  }

  /** The same question in the form that a refusal asks for; undefined where it asks for none. */
  async function mend(
    target: Target,
    { request, reply, refusal }: { request: CodexRequest; reply: Reply; refusal: CodexError },
    signal: AbortSignal | undefined,
  ): Promise<{ target: Target; change: string | undefined } | undefined> {
    const { credential, shape } = target
    const found = mended({ ...reply, body: request.body, form: formOf(credential, request), shape })
    if (found !== undefined) return { target: { ...target, shape: found.shape }, change: found.change }
    if (refusal.code !== 'MODEL_UNAVAILABLE') return undefined
    const level = await newerLevel(target, { catalogue, config, signal })
    return level === undefined ? undefined : { target: { ...target, ...level }, change: undefined }
  }

  async function explained(error: CodexError, target: Target, signal: AbortSignal | undefined) {
    if (error.code !== 'MODEL_UNAVAILABLE') return error
    const { credential, modelId, chosenBy } = target
    if (chosenBy === 'list') refusedDefaults.add(defaultKey(credential, modelId))
    const about = { credential, modelId, chosenBy }
    return withModelsOf(error, about, { catalogue, signal })
  }

  return {
    async targetOf(credential, question, signal) {
      const models = await catalogue.forQuery(credential, signal)
      const known = models.models.filter(({ id }) => !refusedDefaults.has(defaultKey(credential, id)))
      const choice = { ...models, models: known.length > 0 ? known : models.models }
      const modelId = question.model ?? defaultModel(choice, config.model)
      const chosenBy = question.model !== undefined ? 'question' : config.model !== undefined ? 'setting' : 'list'
      const { model, shape } = learned.of({ credential, modelId, question })
      const first = chosenBy === 'list' ? defaultModel(models, undefined) : modelId
      return {
        credential,
        modelId,
        chosenBy,
        passedOver: first === modelId ? undefined : first,
        model: models.models.find(({ id }) => id === modelId) ?? model,
        shape,
      }
    },

    async ask(first, question, { signal, onSend, onReply, refusalOf }) {
      session ??= newId()
      const ids = { session, threadId: newId() }
      const changes: string[] = []
      let target = first
      let original: CodexError | undefined
      for (let mends = 0; ; mends += 1) {
        const { request, fitted } = build(question, target, ids)
        onSend(fitted)
        const reply = await post(target.credential, request, signal)
        onReply(reply)
        target = { ...target, credential: reply.credential }
        if (reply.status === 200) {
          learned.keep({ ...target, question }, target)
          return { target, request, fitted, reply, changes }
        }
        const refusal = refusalOf(target.modelId, reply)
        original ??= refusal
        const next = mends < MAX_MENDS ? await mend(target, { request, reply, refusal }, signal) : undefined
        if (next === undefined) {
          if (isAboutRequest(refusal, reply)) learned.forget({ ...target, question })
          throw await explained(sensible(original, refusal, target), target, signal)
        }
        log.event('query_mended', { mends: mends + 1 })
        if (next.change !== undefined) changes.push(next.change)
        target = next.target
      }
    },

    explained,
  }
}

/**
 * Of a model that nobody lists, it was a guess that it wants another form: where the service then only finds fault with
 * the form, what it said first counts.
 */
function sensible(original: CodexError, last: CodexError, { model }: Target): CodexError {
  return model === undefined && original.code === 'MODEL_UNAVAILABLE' && last.code === 'CODEX_FAILED' && !last.retryable
    ? original
    : last
}

/** It is refused for what it is, not for who asks or when. */
function isAboutRequest(refusal: CodexError, { status }: Reply): boolean {
  const isOurs = isCodexError(refusal, 'MODEL_UNAVAILABLE') || isCodexError(refusal, 'CODEX_FAILED')
  return isOurs && [400, 404, 422].includes(status)
}

function defaultKey(credential: Credential, modelId: string): string {
  return `${ownerOf(credential)} ${modelId}`
}

/** Which form a request has, where there are two. */
function formOf({ asking }: Credential, { isLite }: CodexRequest): 'lite' | 'classic' | undefined {
  return asking.hasForms ? (isLite ? 'lite' : 'classic') : undefined
}

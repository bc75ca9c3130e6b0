import type { Config } from '../../config.ts'
import { type CodexError, isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { outputItems } from '../conversations/conversation-items.ts'
import { ownerOf } from '../login/credential-owner.ts'
import type { Credential, Credentials } from '../login/credentials.ts'
import { createToldLimits } from '../usage/told-limits.ts'
import type { UsageMeter } from '../usage/usage-meter.ts'
import type { UsageSnapshot } from '../usage/usage-snapshot.ts'
import { readAnswer, type StreamOptions } from './answer-stream.ts'
import type { Answer, Usage } from './codex-answer.ts'
import type { Question } from './codex-request.ts'
import type { InputItem } from './input-item.ts'
import { type Answered, createNegotiation, type NegotiationDeps } from './negotiation.ts'
import { type Source, sourcesIn } from './web-sources.ts'

export interface QueryResult {
  text: string
  /** Why that is not the whole answer. */
  incomplete?: CodexError
  /** With `incomplete`: it is whole all the same, and has another form than was asked for. */
  isMisfit?: true
  model: string
  effort: string | undefined
  usage: Usage | undefined
  /** Which login or key answered and what that costs. */
  account: string
  /** `ownerOf` the credential that was answered. */
  owner: string
  /** Sentences: what was ignored, rerouted, not checked. */
  notes: readonly string[]
  /** The web pages that it cites or that were searched for it. */
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
  /** Told how many turns of the conversation go out with the question. */
  onSend?: ((turns: number) => void) | undefined
}

export interface CodexClient {
  /**
   * Asks one question and reads the answer.
   *
   * @throws CodexError each code of `codex-failure.ts` and `answer-failure.ts`; as `Credentials.current`,
   *   `Credential.renew`, `fitQuestion` and `chooseEffort`; NETWORK, TIMEOUT, CANCELLED
   */
  query(question: Question, options?: QueryOptions): Promise<QueryResult>
}

export interface CodexClientDeps extends NegotiationDeps {
  config: NegotiationDeps['config'] & Pick<Config, 'firstEventTimeoutMs' | 'idleTimeoutMs'>
  credentials: Pick<Credentials, 'current'>
  meter: Pick<UsageMeter, 'note' | 'last'>
  clock: Pick<Clock, 'now'>
}

export function createCodexClient(deps: CodexClientDeps): CodexClient {
  const { config, credentials, meter, clock } = deps
  const negotiation = createNegotiation(deps)

  async function answer(credential: Credential, question: Question, options: QueryOptions): Promise<QueryResult> {
    const { signal } = options
    const { asking } = credential
    const limits = createToldLimits({ credential, meter, clock })
    /** What an error about limits is worded with. */
    const circumstances = () => ({ nowMs: clock.now(), lastKnown: meter.last(credential) })
    const first = await negotiation.targetOf(credential, question, signal)
    options.onModel?.(first.modelId)
    const answered = await negotiation.ask(first, question, {
      signal,
      onSend: ({ turns }) => options.onSend?.(turns.length),
      onReply: ({ headers }) => limits.hearHeaders(headers),
      refusalOf: (modelId, reply) => asking.refusalOf({ ...reply, modelId, ...circumstances() }),
    })
    const { reply, target } = answered
    const toRead = {
      reply,
      isStream: asking.isStream,
      onLimits: limits.hearEvent,
      failureOf: (error: unknown) => asking.failureOf(error, reply.headers, circumstances()),
    }
    const read = await readAnswer(toRead, options, { config, clock }).catch(async (error: unknown) => {
      throw isCodexError(error) ? await negotiation.explained(error, target, signal) : error
    })
    return { ...resultOf(answered, read), limits: limits.heard() }
  }

  /**
   * The answer, also where the service counts more tokens in a conversation than we have estimated: without the older half
   * of what was sent of it, then without all that was said before.
   */
  async function answerThatFits(
    credential: Credential,
    question: Question,
    options: QueryOptions,
  ): Promise<QueryResult> {
    const { turns = [] } = question.talk ?? {}
    let kept = turns.length
    let sent = 0
    const onSend = (count: number) => {
      sent = count
      options.onSend?.(count)
    }
    for (let tries = 1; ; tries += 1) {
      sent = 0
      try {
        const result = await answer(credential, withTurns(question, kept), { ...options, onSend })
        const dropped = turns.length - kept
        return dropped === 0 ? result : { ...result, notes: [...result.notes, tooLongNote(dropped, turns.length)] }
      } catch (error) {
        const isTooLong = isCodexError(error, 'CONTEXT_TOO_LONG')
        if (!isTooLong || sent === 0 || question.talk?.needsLast === true) throw error
        kept = tries === 1 ? Math.floor(sent / 2) : 0
      }
    }
  }

  return {
    async query(question, options = {}) {
      options.onProgress?.({ phase: 'connecting', characters: 0 })
      return answerThatFits(await credentials.current(options.signal), question, options)
    },
  }
}

/** The question with the newest of its turns. */
function withTurns(question: Question, kept: number): Question {
  const { talk } = question
  if (talk === undefined || kept === talk.turns.length) return question
  return { ...question, talk: { ...talk, turns: talk.turns.slice(talk.turns.length - kept) } }
}

function tooLongNote(dropped: number, all: number): string {
  const oldest = all === 1 ? 'its only turn' : dropped === 1 ? `the oldest of its ${all} turns` : undefined
  const gone = oldest === undefined ? `the oldest ${dropped} of its ${all} turns were` : `${oldest} was`
  return `the service found the conversation too long, so ${gone} not sent`
}

function resultOf({ target, request, fitted, reply, changes }: Answered, read: Answer) {
  const { credential, modelId, passedOver } = target
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
      ...(passedOver === undefined
        ? []
        : [`${passedOver} was refused to this ${credential.holder} before, so ${modelId} was asked`]),
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

function rerouted(asked: string, answered: string): string[] {
  // A dated snapshot (`gpt-x-2026-10-01`) is the model asked for; another ending (`gpt-x-mini`) is not.
  if (answered.replace(/-\d{4}-\d{2}-\d{2}$/, '') === asked) return []
  if (answered === asked || !/^[\w.:/-]{1,100}$/.test(answered)) return []
  return [`the service answered with ${answered} instead of ${asked}`]
}

import { isCodexError, unexpected } from '../errors.ts'
import { cancelled } from '../infrastructure/abort.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { AnswerStore } from './answer-store.ts'
import type { Attached, Attachments } from './attachments.ts'
import type { QueryResult } from './codex-client.ts'
import type { Question } from './codex-request.ts'
import type { Conversation, ConversationStore } from './conversation-store.ts'
import type { GuidedQuery, GuidedQueryOptions } from './guided-query.ts'
import type { OutputSchema } from './output-schema.ts'
import { createProgressPace, type TimedProgress } from './progress-pace.ts'
import type { RunningAnswer } from './running-answer.ts'
import { type ShownFacts, shownFacts } from './shown-answer.ts'

/** A question as a tool is asked it. */
export interface AskRequest
  extends Pick<Question, 'prompt' | 'model' | 'systemPrompt' | 'temperature' | 'effort' | 'webSearch'> {
  conversation?: string | undefined
  files?: readonly string[] | undefined
  diff?: string | undefined
  outputSchema?: unknown
  /** The answer is not waited for. */
  background?: boolean | undefined
}

export interface AskCall extends Omit<GuidedQueryOptions, 'onProgress'> {
  /** Told at least every ten seconds how it goes, and under which id the answer is kept. */
  onProgress?: ((progress: TimedProgress & { id: string }) => void) | undefined
  /** The folders that files may come from. */
  roots(): Promise<readonly string[]>
  /** What the client has said when it aborted `signal`. */
  cancelReason?(): string | undefined
}

/** An answer and where it is kept, or an id to come back with. */
export type AskOutcome = { id: string } & ({ text: string; facts: ShownFacts } | { text: undefined })

export interface QueryDesk {
  /**
   * Asks a question and keeps its answer from the first word on, so that it can be had again whatever becomes of the
   * one who asked.
   *
   * @throws CodexError as `GuidedQuery`, `Attachments.attach`, `readSchema` and `ConversationStore.open`
   */
  ask(request: AskRequest, call: AskCall): Promise<AskOutcome>
  /** Resolves when the answer is over; undefined for one that does not come in this process. */
  over(id: string): Promise<void> | undefined
  /** What has been received is kept and marked; nothing goes on. */
  stop(): void
}

export interface QueryDeskDeps {
  query: GuidedQuery
  attachments: Attachments
  conversations: Pick<ConversationStore, 'open' | 'add'>
  answers: Pick<AnswerStore, 'begin' | 'stop'>
  readSchema: (value: unknown) => Promise<OutputSchema>
  projectFolder: () => string
  clock: Clock
}

/** All that a question needs before it can be asked. */
interface Prepared {
  question: Question
  attached: Attached | undefined
  conversation: Conversation | undefined
}

export function createQueryDesk(deps: QueryDeskDeps): QueryDesk {
  const { query, attachments, conversations, answers, readSchema, projectFolder, clock } = deps
  const running = new Map<string, { work: AbortController; over: Promise<void> }>()
  let stopped = false

  /** Whoever names no folder of their own works where this server was started. */
  async function attach({ files, diff }: Pick<AskRequest, 'files' | 'diff'>, { roots, signal }: AskCall) {
    if (files === undefined && diff === undefined) return undefined
    const named = await roots()
    const wanted = { ...(files === undefined ? {} : { files }), ...(diff === undefined ? {} : { diff }) }
    return attachments.attach(wanted, named.length > 0 ? named : [projectFolder()], signal)
  }

  async function prepare(request: AskRequest, call: AskCall): Promise<Prepared> {
    const { files, diff, conversation: name, outputSchema, prompt, model, systemPrompt, temperature, effort } = request
    const schema = outputSchema === undefined ? undefined : await readSchema(outputSchema)
    const attached = await attach({ files, diff }, call)
    const conversation = name === undefined ? undefined : conversations.open(name)
    const talk = conversation === undefined ? undefined : { turns: conversation.turns, cacheKey: conversation.cacheKey }
    const { webSearch } = request
    const question = { prompt, model, systemPrompt, temperature, effort, attached, talk, webSearch, schema }
    return { question, attached, conversation }
  }

  /** The work itself, which goes on or not whatever its caller does. */
  async function perform(prepared: Prepared, kept: RunningAnswer, call: AskCall, signal: AbortSignal) {
    const { question, attached, conversation } = prepared
    const { id } = kept
    const pace = createProgressPace({
      clock,
      onProgress(progress) {
        kept.phase(progress.phase)
        call.onProgress?.({ ...progress, id })
      },
    })
    try {
      const result = await query(question, {
        ...{ signal, offer: call.offer, onSignIn: call.onSignIn, onProgress: pace.tell, onModel: kept.model },
        onText(delta) {
          kept.append(delta)
          call.onText?.(delta)
        },
      })
      const remarks = conversation === undefined ? [] : await remember(conversation, question.prompt, result)
      const facts = shownFacts({ result, id, attached, conversation, remarks, nowMs: clock.now() })
      kept.finish(result.text, { ...facts }, result.incomplete)
      return { id, text: result.text, facts }
    } catch (error) {
      if (isCodexError(error, 'CANCELLED')) kept.stop('cancelled')
      else kept.fail(isCodexError(error) ? error : unexpected(error))
      throw error
    } finally {
      pace.stop()
    }
  }

  /** Adds the turn to its conversation; what keeps it from that is told, and costs nobody the answer. */
  async function remember(conversation: Conversation, prompt: string, result: QueryResult): Promise<string[]> {
    const { model, owner, message, output, usage, incomplete } = result
    const turn = {
      ...{ at: clock.now(), model, owner, prompt, input: [message], output },
      ...(usage === undefined ? {} : { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }),
      ...(incomplete === undefined ? {} : { incomplete: true }),
    }
    try {
      const { outcome, dropped } = await conversations.add(conversation, turn)
      if (outcome === 'removed') return ['the conversation was removed meanwhile, so this turn is not in it']
      return dropped === 0
        ? []
        : [`the conversation has become too large to keep: its oldest turns (${dropped}) are gone`]
    } catch (error) {
      if (!isCodexError(error)) throw error
      return [`this turn could not be added to the conversation: ${error.message.replace(/\.$/, '')}`]
    }
  }

  function start(prepared: Prepared, kept: RunningAnswer, call: AskCall) {
    const work = new AbortController()
    const result = perform(prepared, kept, call, work.signal)
    const over = result.then(
      () => {},
      () => {},
    )
    running.set(kept.id, { work, over })
    void over.then(() => running.delete(kept.id))
    return { work, result }
  }

  return {
    async ask(request, call) {
      const { signal, cancelReason } = call
      const prepared = await prepare(request, call)
      if (stopped || signal?.aborted) throw cancelled()
      const { prompt, conversation, model } = request
      const kept = answers.begin({ prompt, conversation, model })
      const { id } = kept
      if (request.background) {
        start(prepared, kept, { ...call, onProgress: undefined, onText: undefined, offer: undefined })
        return { id, text: undefined }
      }
      const { work, result } = start(prepared, kept, call)
      const leave = () => {
        // A client that has only stopped waiting still wants the answer; one that was stopped does not.
        if (!isTimeout(cancelReason?.())) work.abort()
      }
      signal?.addEventListener('abort', leave, { once: true })
      return await result.finally(() => signal?.removeEventListener('abort', leave))
    },

    over: (id) => running.get(id)?.over,

    stop() {
      stopped = true
      answers.stop()
      for (const { work } of running.values()) work.abort()
    },
  }
}

/** Clients say in their own words that a call took too long: `Request timed out`, `request timeout` (facts: mcp 2.1). */
function isTimeout(reason: string | undefined): boolean {
  return reason !== undefined && /\btime[ds]?[ -]?out\b/i.test(reason)
}

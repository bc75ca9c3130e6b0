import { isCodexError, unexpected } from '../../errors.ts'
import { cancelled, raceSignal } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { QueryResult } from '../codex/codex-client.ts'
import type { Question } from '../codex/codex-request.ts'
import type { Conversation, ConversationStore } from '../conversations/conversation-store.ts'
import { turnOf } from '../conversations/conversation-turn.ts'
import type { Attached, Attachments } from '../files/attachments.ts'
import type { OutputSchema } from '../schema/output-schema.ts'
import type { GuidedQuery } from '../sign-in/guided-query.ts'
import type { AnswerStore } from './answer-store.ts'
import { type AskCall, type Caller, createCaller } from './caller.ts'
import { createProgressPace } from './progress-pace.ts'
import type { RunningAnswer } from './running-answer.ts'
import { type ShownFacts, shownFacts, unkeptNote } from './shown-answer.ts'

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

/** A question that is being answered, whatever its caller does. */
interface Job {
  request: AskRequest
  kept: RunningAnswer
  caller: Caller
  work: AbortController
  /** Told when all is there that the question needs. */
  onPrepared(): void
}

export function createQueryDesk(deps: QueryDeskDeps): QueryDesk {
  const { query, attachments, conversations, answers, readSchema, projectFolder, clock } = deps
  const running = new Map<string, { kept: RunningAnswer; work: AbortController; over: Promise<void> }>()
  let stopped = false

  /** Whoever names no folder of their own works where this server was started. */
  async function attach({ files, diff }: Pick<AskRequest, 'files' | 'diff'>, { roots }: Caller, signal: AbortSignal) {
    if (files === undefined && diff === undefined) return undefined
    const named = await raceSignal(roots(), signal)
    const wanted = { ...(files === undefined ? {} : { files }), ...(diff === undefined ? {} : { diff }) }
    return attachments.attach(wanted, named.length > 0 ? named : [projectFolder()], signal)
  }

  async function prepare({ request, caller, work: { signal } }: Job): Promise<Prepared> {
    const { conversation: name, outputSchema, prompt, model, systemPrompt, temperature, effort, webSearch } = request
    const schema = outputSchema === undefined ? undefined : await readSchema(outputSchema)
    const attached = await attach(request, caller, signal)
    if (signal.aborted) throw cancelled()
    const conversation = name === undefined ? undefined : conversations.open(name)
    const talk = conversation === undefined ? undefined : { turns: conversation.turns, cacheKey: conversation.cacheKey }
    const question = { prompt, model, systemPrompt, temperature, effort, attached, talk, webSearch, schema }
    return { question, attached, conversation }
  }

  async function perform(job: Job) {
    const { kept, caller, work, onPrepared } = job
    const { signal } = work
    const { id } = kept
    const pace = createProgressPace({
      clock,
      onProgress(progress) {
        kept.phase(progress.phase)
        // What somebody has been told of must not be lost, not even if this process is killed now.
        kept.flush()
        caller.onProgress({ ...progress, id })
      },
    })
    try {
      const { question, attached, conversation } = await prepare(job)
      onPrepared()
      const result = await query(question, {
        signal,
        offer: caller.offer,
        onSignIn: caller.onSignIn,
        onProgress: pace.tell,
        onModel: kept.model,
        onText(delta) {
          kept.append(delta)
          caller.onText(delta)
        },
      })
      const remarks = conversation === undefined ? [] : await remember(conversation, question.prompt, result)
      const facts = shownFacts({ result, id, attached, conversation, remarks, nowMs: clock.now() })
      kept.finish(result.text, { ...facts }, result.incomplete)
      // Not before it is tried, and not with what is kept: what collects it later looks anew.
      const footer = [facts.footer, ...unkeptNote(kept.problem)].join('\n')
      return { id, text: result.text, facts: { ...facts, footer } }
    } catch (error) {
      fail(error, job)
      throw error
    } finally {
      pace.stop()
    }
  }

  /**
   * A failure that its caller is told now, before any text, leaves nothing behind: there is nothing to collect, the list
   * would fill with what everybody knows, and fifty questions without a sign-in would push out fifty answers.
   */
  function fail(error: unknown, { kept, caller, work: { signal } }: Job): void {
    if (signal.aborted) kept.stop('cancelled')
    else if (caller.isThere && kept.isEmpty) kept.discard()
    else kept.fail(isCodexError(error) ? error : unexpected(error))
  }

  /** Adds the turn to its conversation; what keeps it from that is told, and costs nobody the answer. */
  async function remember(conversation: Conversation, prompt: string, result: QueryResult): Promise<string[]> {
    try {
      const { outcome, dropped } = await conversations.add(conversation, turnOf(prompt, result, clock.now()))
      if (outcome === 'removed') return ['the conversation was removed meanwhile, so this turn is not in it']
      return dropped === 0
        ? []
        : [`the conversation has become too large to keep: its oldest turns (${dropped}) are gone`]
    } catch (error) {
      if (!isCodexError(error)) throw error
      return [`this turn could not be added to the conversation: ${error.message.replace(/\.$/, '')}`]
    }
  }

  /** Resolves, or is rejected, with the work; `prepared` as soon as it can no longer be the request that is wrong. */
  function start(request: AskRequest, caller: Caller) {
    const work = new AbortController()
    const { prompt, conversation, model } = request
    const kept = answers.begin({ prompt, conversation, model })
    let onPrepared = () => {}
    const prepared = new Promise<void>((resolve) => {
      onPrepared = resolve
    })
    const result = perform({ request, kept, caller, work, onPrepared })
    const over = result.then(
      () => {},
      () => {},
    )
    running.set(kept.id, { kept, work, over })
    void over.then(() => running.delete(kept.id))
    return { kept, work, result, prepared }
  }

  return {
    async ask(request, call) {
      const { signal } = call
      if (stopped || signal?.aborted) throw cancelled()
      const caller = createCaller(call)
      const { kept, work, result, prepared } = start(request, caller)
      const { id } = kept
      const leave = () => {
        caller.leave()
        if (!caller.stillWants()) work.abort()
      }
      signal?.addEventListener('abort', leave, { once: true })
      try {
        if (!request.background) return await result
        await Promise.race([prepared, result])
        caller.leave()
        return { id, text: undefined }
      } finally {
        signal?.removeEventListener('abort', leave)
      }
    },

    over: (id) => running.get(id)?.over,

    stop() {
      stopped = true
      // The key that cancels a command ends its process too, before the work has noticed.
      for (const { kept, work } of running.values()) if (work.signal.aborted) kept.stop('cancelled')
      answers.stop()
      for (const { work } of running.values()) work.abort()
    },
  }
}

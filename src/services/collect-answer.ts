import { CodexError } from '../errors.ts'
import { cancelled } from '../infrastructure/abort.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { AnswerStore } from './answer-store.ts'
import type { StoredAnswer } from './answer-view.ts'
import { duration } from './duration.ts'
import type { TimedProgress } from './progress-pace.ts'
import type { QueryDesk } from './query-desk.ts'
import { incompleteWords, type ShownFacts } from './shown-answer.ts'

/** A kept answer, as far as there is one. */
export interface Collected {
  id: string
  /** The whole text so far. */
  text: string
  /** Where to begin to show it, in characters. */
  offset: number
  /** What stands below it. */
  footer: string
  isIncomplete: boolean
}

export interface CollectCall {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: TimedProgress) => void) | undefined
}

/**
 * The answer of this id, or of `id@offset`. One that is still being written is waited for, as long as one call may.
 *
 * @throws CodexError INPUT_INVALID there is none; what a failed one has failed with; INCOMPLETE one that ended
 *   without any text; CANCELLED
 */
export type CollectAnswer = (wanted: string, call: CollectCall) => Promise<Collected>

export interface CollectAnswerDeps {
  answers: Pick<AnswerStore, 'read' | 'look'>
  desk: Pick<QueryDesk, 'over'>
  clock: Clock
}

/** Less than the strictest time limit of a client in use, which is a minute (facts: mcp 2.5). */
const WAIT_MS = 45_000
const LOOK_MS = 500

export function createCollectAnswer({ answers, desk, clock }: CollectAnswerDeps): CollectAnswer {
  /** Until it is over, or the call has lasted long enough. */
  async function waitFor(id: string, { signal, onProgress }: CollectCall): Promise<void> {
    const startedAt = clock.now()
    while (clock.now() - startedAt < WAIT_MS) {
      const found = answers.look(id)
      if (found?.state !== 'running') return
      const elapsedMs = Math.max(0, clock.now() - found.startedAt)
      onProgress?.({ phase: found.characters > 0 ? 'writing' : 'thinking', characters: found.characters, elapsedMs })
      const over = desk.over(id)
      const pause = new AbortController()
      const either = AbortSignal.any([pause.signal, ...(signal === undefined ? [] : [signal])])
      await Promise.race([clock.sleep(LOOK_MS, either).catch(() => {}), ...(over === undefined ? [] : [over])])
      pause.abort()
      if (signal?.aborted) throw cancelled()
    }
  }

  return async (wanted, call) => {
    const { id, offset } = readWanted(wanted)
    if (answers.look(id) === undefined) throw unknown()
    await waitFor(id, call)
    const found = answers.read(id)
    if (found === undefined) throw unknown()
    if (offset > 0 && offset >= found.text.length) throw beyond(found.text.length)
    return { id, text: found.text, offset, ...standing(found, clock.now()) }
  }
}

/** How it stands with an answer, in words for below its text. @throws CodexError */
function standing(found: StoredAnswer, nowMs: number): Pick<Collected, 'footer' | 'isIncomplete'> {
  const { id, state, text, facts, error, startedAt, conversation } = found
  const age = duration(Math.max(0, nowMs - startedAt))
  switch (state) {
    case 'running':
      return {
        footer: `Answer ${id} is still being written (${text.length} characters after ${age}). For the rest, codex_query with collect "${id}" again.`,
        isIncomplete: true,
      }
    case 'finished':
    case 'incomplete':
      return {
        footer: (facts as ShownFacts | undefined)?.footer ?? `Answer ${id}`,
        isIncomplete: state === 'incomplete',
      }
    case 'failed': {
      const { code = 'CODEX_FAILED', message = 'The question failed.', hint } = error ?? {}
      if (text === '') throw new CodexError(code, message, hint === undefined ? {} : { hint })
      return { footer: `${incompleteWords({ code, message, hint }, conversation)}\nAnswer ${id}`, isIncomplete: true }
    }
    case 'cancelled':
    case 'interrupted': {
      const why = state === 'cancelled' ? 'The call was cancelled.' : 'The server that asked has ended.'
      const early = { code: 'INCOMPLETE' as const, message: why, hint: 'Ask again for the whole answer.' }
      if (text === '') throw new CodexError('INCOMPLETE', `${why} Nothing of the answer had come by then.`, early)
      return { footer: `${incompleteWords(early, conversation)}\nAnswer ${id}`, isIncomplete: true }
    }
  }
}

function readWanted(wanted: string): { id: string; offset: number } {
  const [, id, offset = '0'] = /^([a-z0-9-]{1,40})(?:@(\d{1,9}))?$/.exec(wanted) ?? []
  if (id === undefined) throw unknown()
  return { id, offset: Number(offset) }
}

function unknown(): CodexError {
  return new CodexError('INPUT_INVALID', 'No answer is kept under this id.', {
    hint: 'codex_status lists the ids of the recent ones; older than a week, or beyond the newest 50, they are gone.',
  })
}

function beyond(length: number): CodexError {
  return new CodexError('INPUT_INVALID', `The answer ends after ${length} characters.`, {
    hint: 'Give the id without @ to begin at its start.',
  })
}

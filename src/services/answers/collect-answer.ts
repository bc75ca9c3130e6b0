import { CodexError } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { type AnswerProgress, isPhase } from '../codex/answer-progress.ts'
import { textField } from '../codex/remote-text.ts'
import { duration } from '../status/duration.ts'
import { isAnswerId } from './answer-shelf.ts'
import type { AnswerStore } from './answer-store.ts'
import type { AnswerSummary, StoredAnswer } from './answer-view.ts'
import { createProgressPace, type TimedProgress } from './progress-pace.ts'
import type { QueryDesk } from './query-desk.ts'
import { incompleteWords, unkeptNote } from './shown-answer.ts'

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
  /** Until it is over, or the call has lasted long enough. Looks are counted, because a clock may jump. */
  async function waitFor(first: AnswerSummary, { signal, onProgress = () => {} }: CollectCall): Promise<void> {
    const { id, startedAt } = first
    const pace = createProgressPace({ clock, onProgress, startedAt, first: progressOf(first) })
    try {
      for (let looks = 0; looks < WAIT_MS / LOOK_MS; looks += 1) {
        await pauseOrEnd(id, signal)
        if (signal?.aborted) throw cancelled()
        const found = answers.look(id)
        if (found?.state !== 'running') return
        pace.tell(progressOf(found))
      }
    } finally {
      pace.stop()
    }
  }

  /** Until it is worth looking again. The end of an answer of this process is noticed at once. */
  async function pauseOrEnd(id: string, signal: AbortSignal | undefined): Promise<void> {
    const pause = new AbortController()
    const either = AbortSignal.any([pause.signal, ...(signal === undefined ? [] : [signal])])
    const over = desk.over(id)
    await Promise.race([clock.sleep(LOOK_MS, either).catch(() => {}), ...(over === undefined ? [] : [over])])
    pause.abort()
  }

  return async (wanted, call) => {
    const { id, offset } = readWanted(wanted)
    const first = answers.look(id)
    // One that is damaged cannot be looked at, and says so when it is read.
    if (first?.state === 'running') await waitFor(first, call)
    const found = answers.read(id)
    if (found === undefined) throw first === undefined ? unknown() : gone()
    const isOver = found.state !== 'running'
    if (offset > 0 && offset >= found.text.length && isOver) throw beyond(found.text.length)
    const isThere = offset < found.text.length
    const text = isThere ? found.text : ''
    return { id, text, offset: isThere ? offset : 0, ...standing(found, clock.now()) }
  }
}

function progressOf({ phase, characters }: AnswerSummary): AnswerProgress {
  return { phase: isPhase(phase) ? phase : characters > 0 ? 'writing' : 'thinking', characters }
}

/** How it stands with an answer, in words for below its text. @throws CodexError */
function standing(found: StoredAnswer, nowMs: number): Pick<Collected, 'footer' | 'isIncomplete'> {
  const { id, state, text, error, startedAt, problem } = found
  const age = duration(Math.max(0, nowMs - startedAt))
  const origin = [`Answer ${id}`, ...damages(found), ...unkeptNote(problem)]
  switch (state) {
    case 'running':
      return {
        footer: `Answer ${id} is still being written (${text.length} characters after ${age}). For the rest, codex_query with collect "${id}" again.`,
        isIncomplete: true,
      }
    case 'finished':
    case 'incomplete': {
      const footer = textField(found.facts, 'footer')
      const lost = damages(found)
      const lines = [footer ?? `Answer ${id}`, ...lost, ...unkeptNote(problem)]
      return { footer: lines.join('\n'), isIncomplete: state === 'incomplete' || lost.length > 0 }
    }
    case 'failed': {
      const { code = 'CODEX_FAILED', message = 'The question failed.', hint } = error ?? {}
      if (text === '') throw new CodexError(code, message, hint === undefined ? {} : { hint })
      return brokenOff({ code, message, hint }, origin)
    }
    case 'cancelled':
    case 'interrupted': {
      const why = state === 'cancelled' ? 'The call was cancelled.' : 'The server that asked has ended.'
      const hint = 'Ask again for the whole answer.'
      if (text === '') throw new CodexError('INCOMPLETE', `${why} Nothing of the answer had come by then.`, { hint })
      return brokenOff({ code: 'INCOMPLETE', message: why, hint }, origin)
    }
  }
}

/** Such a turn is in no conversation, so none can go on from it. */
function brokenOff(why: Parameters<typeof incompleteWords>[0], origin: readonly string[]) {
  return { footer: [incompleteWords(why), ...origin].join('\n'), isIncomplete: true }
}

/** What of the text itself is not there. */
function damages({ isCut, hasGap }: StoredAnswer): string[] {
  return [
    ...(isCut ? ['Note: the answer was too long to keep; its end is missing.'] : []),
    ...(hasGap ? ['Note: parts of the answer could not be kept; \uFFFD stands in their place.'] : []),
  ]
}

function readWanted(wanted: string): { id: string; offset: number } {
  const [, id = '', offset = '0'] = /^([^@]*)(?:@(\d{1,9}))?$/.exec(wanted) ?? []
  if (!isAnswerId(id)) throw unknown()
  return { id, offset: Number(offset) }
}

function unknown(): CodexError {
  return new CodexError('INPUT_INVALID', 'No answer is kept under this id.', {
    hint: 'codex_status lists recent ids. The newest 50 answers are kept, for a week; none is kept where an error came before any text.',
  })
}

/** It was there when the call began. */
function gone(): CodexError {
  return new CodexError(
    'INPUT_INVALID',
    'This answer is no longer kept: it failed before any text came, or was removed to make room.',
    {
      hint: 'Ask again.',
    },
  )
}

function beyond(length: number): CodexError {
  return new CodexError('INPUT_INVALID', `The answer ends after ${length} characters.`, {
    hint: 'Give the id without @ to begin at its start.',
  })
}

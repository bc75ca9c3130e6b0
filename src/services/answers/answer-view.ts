import type { AnswerEnd, AnswerError, AnswerFacts, AnswerHead, Outline } from './answer-lines.ts'
import type { GrowingText } from './growing-text.ts'

export type AnswerState = 'running' | AnswerEnd

/** An answer without its text. All times are in milliseconds since the epoch. */
export interface AnswerSummary {
  id: string
  state: AnswerState
  startedAt: number
  /** Undefined while it runs, and when nobody was left to say. */
  endedAt: number | undefined
  model: string | undefined
  conversation: string | undefined
  /** The first words of the question: text from outside, on one line. */
  prompt: string
  /** What was done last, as far as it is known without reading all of it. */
  phase: string | undefined
  /** Length of the text so far. */
  characters: number
  /** Whether it is on disk; otherwise it is gone when this process ends. */
  isKept: boolean
}

export interface StoredAnswer extends AnswerSummary {
  text: string
  /** The text was longer than what is kept. */
  isCut: boolean
  /** Parts of the text are lost, and stand as U+FFFD. */
  hasGap: boolean
  facts: AnswerFacts | undefined
  /** Why it has failed, or is not the whole answer. */
  error: AnswerError | undefined
  /** Why it is not on disk, where it should be, in words that go on in a sentence. */
  problem: string | undefined
}

/** An answer as memory or its file tells it, before it is put together for a reader. */
export interface Standing {
  head: AnswerHead
  outline: Readonly<Outline>
  isRunning: boolean
  isKept: boolean
  problem?: string | undefined
}

export function summaryOf({ head, outline, isRunning, isKept }: Standing): AnswerSummary {
  const { id, startedAt, prompt, conversation } = head
  const { end, model, phase, characters } = outline
  return {
    id,
    state: end?.state ?? (isRunning ? 'running' : 'interrupted'),
    startedAt,
    endedAt: end?.at,
    model,
    conversation,
    prompt,
    phase,
    characters,
    isKept,
  }
}

export function storedOf(standing: Standing, text: GrowingText): StoredAnswer {
  const { isCut, facts, error } = standing.outline
  const { length: characters, hasGap } = text
  const { problem } = standing
  return { ...summaryOf(standing), characters, text: text.toString(), isCut, hasGap, facts, error, problem }
}

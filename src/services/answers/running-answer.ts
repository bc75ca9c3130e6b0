import type { CodexError } from '../../errors.ts'
import type { Journal } from '../../infrastructure/journal.ts'
import {
  type AnswerEnd,
  type AnswerFacts,
  type AnswerHead,
  type AnswerLine,
  cutLine,
  endLine,
  factsLine,
  headLine,
  modelLine,
  newOutline,
  type Outline,
  phaseLine,
  readLine,
  textLine,
} from './answer-lines.ts'
import { createGrowingText, type GrowingText } from './growing-text.ts'

/** Where an answer is put down as it arrives. Nothing here throws; what comes after the end counts for nothing. */
export interface RunningAnswer {
  readonly id: string
  /** Whether all of it is on disk by now. */
  readonly isKept: boolean
  /** Why it is not, where it should be, in words that go on in a sentence. */
  readonly problem: string | undefined
  /** Whether no text has come. */
  readonly isEmpty: boolean
  /** Which model is asked. */
  model(id: string): void
  /** What is done just now, in few words and without amounts: each change is written. */
  phase(phase: string): void
  append(delta: string): void
  /** Writes down what has come, now and not at the end of the turn; after the end, what had no room then. */
  flush(): void
  /**
   * `text` is what counts, whatever has arrived bit by bit. With `incomplete`, the reason why it is not the whole
   * answer.
   */
  finish(text: string, facts: AnswerFacts, incomplete?: CodexError): void
  /** The text that has arrived stays. */
  fail(error: CodexError): void
  stop(state: 'cancelled' | 'interrupted'): void
  /** There is nothing to come back for: it goes without a trace. */
  discard(): void
}

/** An answer of this process, as it stands in memory. */
export interface LiveAnswer {
  head: AnswerHead
  answer: RunningAnswer
  outline: Readonly<Outline>
  text: GrowingText
  /** Gives up what could not be written, after the end. */
  release(): void
}

export interface LiveAnswerDeps {
  head: AnswerHead
  /** Which one is asked, if that is known yet. */
  model: string | undefined
  /** Without one everything stays in memory. */
  journal: Journal | undefined
  now: () => number
  onEnd: () => void
  /** It is over, and not wanted. */
  onDiscard: () => void
}

/** Of one answer, in characters. No model writes a tenth of it. */
export const MAX_CHARACTERS = 16 * 1024 * 1024

export function createLiveAnswer({ head, model, journal, now, onEnd, onDiscard }: LiveAnswerDeps): LiveAnswer {
  const outline = newOutline()
  const text = createGrowingText(MAX_CHARACTERS)

  /** The same line for the disk and for memory, so that both tell the same. False: it is in neither. */
  function put(line: AnswerLine): boolean {
    if (journal?.append(line) === false) return false
    note(line)
    return true
  }

  function note(line: AnswerLine): void {
    const found = readLine(outline, line)
    if (found !== undefined) text.put(found.from, found.text)
  }

  /** Puts what fits. */
  function putText(from: number, piece: string): void {
    const kept = piece.slice(0, MAX_CHARACTERS - from)
    const fits = put(textLine(from, kept))
    if (fits && kept.length === piece.length) return
    journal?.append(cutLine)
    // Also when the file has no room for that: the end line says it again.
    note(cutLine)
  }

  function putWhole(whole: string): void {
    const soFar = text.toString()
    outline.isCut = false
    if (soFar === whole) return
    const from = commonLength(soFar, whole)
    putText(from, whole.slice(from))
  }

  function end(state: AnswerEnd, facts?: AnswerFacts, error?: CodexError): void {
    const lines = [...(facts || error ? [factsLine(facts, error)] : []), endLine(state, now(), outline)]
    journal?.close(...lines)
    for (const line of lines) note(line)
    onEnd()
  }

  const unlessEnded =
    <A extends unknown[]>(action: (...given: A) => void) =>
    (...given: A) => {
      if (outline.end === undefined) action(...given)
    }

  put(headLine(head, model))
  // Now, not at the end of the turn: from here on every window knows the answer.
  journal?.flush()

  return {
    head,
    answer: {
      id: head.id,
      get isKept() {
        return journal?.isKept ?? false
      },
      get problem() {
        return journal?.problem
      },
      get isEmpty() {
        return text.length === 0
      },
      model: unlessEnded((id) => void put(modelLine(id))),
      phase: unlessEnded((phase) => void (phase === outline.phase || put(phaseLine(phase)))),
      append: unlessEnded((delta) => {
        if (!outline.isCut && delta !== '') putText(text.length, delta)
      }),
      flush: () => journal?.flush(),
      finish: unlessEnded((whole, facts, incomplete) => {
        putWhole(whole)
        end(incomplete === undefined ? 'finished' : 'incomplete', facts, incomplete)
      }),
      fail: unlessEnded((error) => end('failed', undefined, error)),
      stop: unlessEnded((state) => end(state)),
      discard: unlessEnded(() => {
        end('failed')
        onDiscard()
      }),
    },
    outline,
    text,
    release: () => journal?.release(),
  }
}

function commonLength(one: string, other: string): number {
  const limit = Math.min(one.length, other.length)
  let length = 0
  while (length < limit && one.charCodeAt(length) === other.charCodeAt(length)) length += 1
  return length
}

import type { AnswerProgress } from './answer-progress.ts'

/** Tells those who wait what has come of an answer: what arrived together is told together. */
export interface AnswerTeller {
  /** Keeps a bit of the text until it is told. */
  collect(delta: string): void
  /** Tells the text that has come since it was told last. */
  tellText(): void
  /** The same, and then how far the answer is. */
  tell(progress: AnswerProgress): void
}

export interface AnswerTellerDeps {
  onText?: ((text: string) => void) | undefined
  onProgress?: ((progress: AnswerProgress) => void) | undefined
}

export function createAnswerTeller({ onText, onProgress }: AnswerTellerDeps): AnswerTeller {
  let untold = ''

  function tellText(): void {
    const text = untold
    untold = ''
    if (text !== '') onText?.(text)
  }

  return {
    collect(delta) {
      untold += delta
    },
    tellText,
    tell(progress) {
      tellText()
      onProgress?.(progress)
    },
  }
}

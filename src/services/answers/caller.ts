import type { GuidedQueryOptions } from '../sign-in/guided-query.ts'
import type { TimedProgress } from './progress-pace.ts'

/** What comes with a question from whoever asks it. */
export interface AskCall extends Omit<GuidedQueryOptions, 'onProgress'> {
  /** Told at least every ten seconds how it goes, and under which id the answer is kept. */
  onProgress?: ((progress: TimedProgress & { id: string }) => void) | undefined
  /** The folders that files may come from. */
  roots(): Promise<readonly string[]>
  /** What the client has said when it aborted `signal`. */
  cancelReason?(): string | undefined
}

/** Whoever asked, until they have their answer or have gone: then nothing reaches them any more. */
export interface Caller extends Pick<AskCall, 'offer' | 'roots'> {
  readonly isThere: boolean
  leave(): void
  /** Whether one that has left would still have the answer: it has only stopped waiting, and was not stopped. */
  stillWants(): boolean
  onProgress: Exclude<AskCall['onProgress'], undefined>
  onText(delta: string): void
  onSignIn(message: string): void
}

export function createCaller({ onProgress, onText, onSignIn, offer, roots, cancelReason }: AskCall): Caller {
  let isThere = true
  return {
    get isThere() {
      return isThere
    },
    leave() {
      isThere = false
    },
    stillWants: () => isTimeout(cancelReason?.()),
    roots,
    onProgress(progress) {
      if (isThere) onProgress?.(progress)
    },
    onText(delta) {
      if (isThere) onText?.(delta)
    },
    onSignIn(message) {
      if (isThere) onSignIn?.(message)
    },
    // As if they had closed the dialog: there is nobody to open it for.
    offer: offer && (async (address) => (isThere ? offer(address) : 'cancel')),
  }
}

/**
 * Clients say in their own words that a call took too long: `Request timed out`, `request timeout`, `TimeoutError`
 * (facts: mcp 2.1, claude-code 8).
 */
function isTimeout(reason: string | undefined): boolean {
  return reason !== undefined && /(?<![a-z])e?time[ds]?[ _-]?out/i.test(reason)
}

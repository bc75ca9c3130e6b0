import { CodexError, unexpected } from '../../errors.ts'
import type { ClaimStore } from '../../infrastructure/claim.ts'
import { fingerprintOf } from '../../infrastructure/fingerprint.ts'
import type { TokenStorage } from '../../infrastructure/token-storage.ts'
import { openRecord } from './open-record.ts'
import type { Attempt } from './renewal-delegation.ts'
import type { RenewalJob, RenewalResult } from './renewal-job.ts'
import { cannotOpen } from './sign-in-again.ts'
import { notStored, type UnsavedTokens } from './unsaved-tokens.ts'

export interface WorkerDeps {
  storage: TokenStorage
  claims: ClaimStore
  unsaved: UnsavedTokens
  /** Whether what stands in the way of this token is known to last. */
  lasts: (subject: string) => boolean
  /** Spends a token under a claim that this process has taken. */
  spend(attempt: Attempt): Promise<unknown>
}

/**
 * What a worker does with its job: it takes the number after the claim, if that is still the last one and its token
 * still stored, and spends. Never rejects.
 */
export function createWorker({ storage, claims, unsaved, lasts, spend }: WorkerDeps) {
  return async ({ subject, number, reason }: RenewalJob): Promise<RenewalResult> => {
    try {
      const { record: current, unopened } = await openRecord(storage)
      if (unopened !== undefined) throw cannotOpen(unopened)
      if (current?.refreshToken === undefined || fingerprintOf(current.refreshToken) !== subject) return OVER
      const top = claims.top(subject)
      if (top?.number !== number || !claims.take(subject, number + 1, top.fails)) return OVER
      await spend({ current, subject, number: number + 1, fails: top.fails, reason })
      // This process alone keeps what it cannot store yet. Were there two, the slower one would find the login renewed
      // once more, take that for another one, and revoke it.
      if (unsaved.renewedFrom(current) !== undefined) throw notStored()
      return OVER
    } catch (error) {
      const failure = error instanceof CodexError ? error : unexpected(error)
      return { kind: 'failed', error: failure, lasts: lasts(subject) }
    }
  }
}

const OVER: RenewalResult = { kind: 'over' }

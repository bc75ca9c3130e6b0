import type { CodexError } from '../../errors.ts'
import type { ClaimStore } from '../../infrastructure/claim.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import { within } from '../../infrastructure/within.ts'
import type { RefreshReason } from '../oauth/oauth-route.ts'
import type { RouteName } from './login-route.ts'
import type { RenewalJob, RenewalResult } from './renewal-job.ts'

/** Has a job done by a worker, a process that outlives this one; undefined when there is none. Never rejects. */
export type RunInWorker = (job: RenewalJob) => Promise<RenewalResult | undefined>

/**
 * A process that is killed between the rotation at the issuer and the write on the disk takes the login with it. So
 * whoever has claimed a refresh token lets a worker spend it, which no host knows and whose life does not hang on its.
 *
 * Of the two only one spends it, however late or dead either is: the worker takes the number after the claim, and so
 * does this process before it does the job itself.
 */
export interface Delegation {
  /**
   * The claim to spend the token under here, when no worker does it. Undefined: it has been done, or is being done, look
   * again.
   *
   * @throws CodexError what stood in the way there; STORAGE_FAILED
   */
  delegate(attempt: Attempt): Promise<number | undefined>
}

/** A token that may be spent, under a claim that this process has taken. */
export interface Attempt extends Omit<RenewalJob, 'route'> {
  current: TokenRecord
  fails: number
  reason: RefreshReason
}

export interface DelegationDeps {
  claims: ClaimStore
  /** Ends the attempt of a claim. Never throws. */
  finish(attempt: Attempt): void
  /** What stood in the way of a token, and whether it is known to last. */
  remember(subject: string, error: CodexError, lasts: boolean): void
  route: { name: RouteName }
  runInWorker?: RunInWorker | undefined
  log: Log
  /** For tests. */
  startMs?: number
}

/** How long a worker may take to claim: a busy machine starts it in some 100 ms. */
const START_MS = 5_000
/** How long it is waited for from then on: longer than the issuer may take. From then on it is one claimant of many. */
const WORK_MS = 30_000

export function createDelegation(deps: DelegationDeps): Delegation {
  const { claims, finish, remember, route, runInWorker, log, startMs = START_MS } = deps

  /** The next number, unless the worker has it. */
  function takeBack(attempt: Attempt): number | undefined {
    const { subject, number, fails } = attempt
    try {
      const isUntouched = claims.top(subject)?.number === number
      return isUntouched && claims.take(subject, number + 1, fails) ? number + 1 : undefined
    } catch (error) {
      // Whoever wants the token renewed next does not have to wait for this process.
      finish(attempt)
      throw error
    }
  }

  return {
    async delegate(attempt) {
      const { subject, number, reason } = attempt
      if (runInWorker === undefined) return number
      let result: RenewalResult | undefined
      const work = runInWorker({ route: route.name, subject, number, reason }).then((said) => {
        result = said
      })
      await within(work, startMs)
      const own = takeBack(attempt)
      if (own === undefined && result === undefined) await within(work, WORK_MS)
      log.event('renewal_delegated', { outcome: own === undefined ? (result?.kind ?? 'silent') : 'returned' })
      if (own !== undefined) return own
      if (result?.kind === 'failed') {
        remember(subject, result.error, result.lasts)
        throw result.error
      }
      return undefined
    },
  }
}

import { CodexError } from '../errors.ts'
import type { ClaimStore } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'

/** Says to the other windows that a sign-in is open in this one, so that two do not open two browsers. */
export interface SignInLease {
  /** Whether a sign-in is open in another process, one that lives and whose time is not over. */
  isElsewhere(): boolean
  /**
   * Takes it until `untilMs` (wall clock). False when another process has it and `force` is not set.
   *
   * @throws CodexError STORAGE_FAILED
   */
  take(untilMs: number, force: boolean): boolean
  /** Moves the end of what this process still has. @throws CodexError STORAGE_FAILED */
  prolong(untilMs: number): void
  /** Never fails. */
  release(): void
}

export interface SignInLeaseDeps {
  claims: ClaimStore
  clock: Pick<Clock, 'now'>
}

const SUBJECT = 'signin'
/** More than any clock gives: what stands there was not put there by us. */
const MAX_NUMBER = 99_999_999_999_999
/** Each means that another window was faster. */
const MAX_TRIES = 20

export function createSignInLease({ claims, clock }: SignInLeaseDeps): SignInLease {
  /** The number of the claim this process holds. */
  let held: number | undefined

  const isOpen = (claim: ReturnType<ClaimStore['top']>): boolean => {
    if (claim === undefined || claims.ownerIsDead(claim)) return false
    // Without an end it has only just been taken, or by somebody who never came to that: then it would stay for ever.
    return claim.done ? (claim.untilMs ?? 0) > clock.now() : claims.ownerIsAlive(claim)
  }

  /** False also for one that another window has taken over by force. */
  const isHeld = () => held !== undefined && claims.top(SUBJECT)?.number === held

  function prolong(untilMs: number): void {
    if (held !== undefined && isHeld()) claims.finish(SUBJECT, held, { untilMs, fails: 0 })
  }

  return {
    isElsewhere() {
      const top = claims.top(SUBJECT)
      return top?.number !== held && isOpen(top)
    },
    take(untilMs, force) {
      for (let tries = 0; !isHeld(); tries += 1) {
        if (tries === MAX_TRIES) throw cannotTake()
        const top = claims.top(SUBJECT)
        if (isOpen(top) && !force) return false
        // The time as number, so that none comes twice: a release removes what was there, and with it the count.
        const number = Math.max((top?.number ?? 0) + 1, clock.now())
        // Somebody may be faster: then look again.
        if (number > MAX_NUMBER) claims.release(SUBJECT)
        else if (claims.take(SUBJECT, number)) held = number
      }
      prolong(untilMs)
      return true
    },
    prolong,
    release() {
      try {
        if (isHeld()) claims.release(SUBJECT)
      } catch {
        // It ends by its time.
      }
      held = undefined
    },
  }
}

function cannotTake(): CodexError {
  return new CodexError('STORAGE_FAILED', 'The files beside the credentials that say who signs in keep changing.', {
    hint: 'Remove the files named auth.json.spend.signin.* beside the credentials, then try again.',
    retryable: true,
  })
}

import type { ClaimStore } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'

/** Says to the other windows that a sign-in is open in this one, so that two do not open two browsers. */
export interface SignInLease {
  /** Whether a sign-in is open in another process, one that lives and whose time is not over. */
  isElsewhere(): boolean
  /**
   * Takes it until `untilMs` (wall clock), or prolongs it. False when another process has it and `force` is not set.
   *
   * @throws CodexError STORAGE_FAILED
   */
  take(untilMs: number, force: boolean): boolean
  /** Never fails. */
  release(): void
}

export interface SignInLeaseDeps {
  claims: ClaimStore
  clock: Pick<Clock, 'now'>
}

const SUBJECT = 'signin'

export function createSignInLease({ claims, clock }: SignInLeaseDeps): SignInLease {
  /** The number of the claim this process holds. */
  let held: number | undefined

  const isOpen = (claim: ReturnType<ClaimStore['top']>): boolean => {
    if (claim === undefined || claims.ownerIsDead(claim)) return false
    // Without an end it has only just been taken.
    return !claim.done || (claim.untilMs ?? 0) > clock.now()
  }

  return {
    isElsewhere() {
      const top = claims.top(SUBJECT)
      return top?.number !== held && isOpen(top)
    },
    take(untilMs, force) {
      while (true) {
        const top = claims.top(SUBJECT)
        if (held === undefined || top?.number !== held) {
          if (isOpen(top) && !force) return false
          const number = (top?.number ?? 0) + 1
          // Somebody was faster: look again.
          if (!claims.take(SUBJECT, number)) continue
          held = number
        }
        claims.finish(SUBJECT, held, { untilMs, fails: 0 })
        return true
      }
    },
    release() {
      try {
        // One that was taken over by force is the other window's by now.
        if (held !== undefined && claims.top(SUBJECT)?.number === held) claims.release(SUBJECT)
      } catch {
        // It ends by its time.
      }
      held = undefined
    },
  }
}

import { CodexError } from '../../errors.ts'
import type { Claim, ClaimStore } from '../../infrastructure/claim.ts'
import type { Clock } from '../../infrastructure/clock.ts'

/** Says to the other windows that a sign-in is open in this one, so that two do not open two browsers. */
export interface SignInLease {
  /**
   * Whether a sign-in is open in another process, one that lives and whose time is not over. One that this process
   * has taken over by force does not count, as long as it has its own.
   *
   * @throws CodexError STORAGE_FAILED
   */
  isElsewhere(): boolean
  /**
   * Takes it until `untilMs` (wall clock). False when another process has it and `force` is not set.
   *
   * @throws CodexError STORAGE_FAILED
   */
  take(untilMs: number, force: boolean): boolean
  /** Moves the end of what this process still has. @throws CodexError STORAGE_FAILED */
  prolong(untilMs: number): void
  /** Ends what this process has; a sign-in that is open in another one stays to be seen. Never fails. */
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

  const all = () => claims.list().filter(({ subject }) => subject === SUBJECT)
  const topOf = (found: readonly Claim[]) => Math.max(0, ...found.map(({ number }) => number))

  const isOpen = (claim: Claim): boolean => {
    if (claims.ownerIsDead(claim)) return false
    // Without an end it has only just been taken, or by somebody who never came to that: then it would stay for ever.
    return claim.done ? (claim.untilMs ?? 0) > clock.now() : claims.ownerIsAlive(claim)
  }

  /** False also for one that another window has taken over by force. */
  const isOnTop = () => held !== undefined && topOf(all()) === held

  function prolong(untilMs: number): void {
    // Also one that was taken over: it is still open, and may be the only one again. One that was removed stays so.
    const isThere = all().some(({ number }) => number === held)
    if (held !== undefined && isThere) claims.finish(SUBJECT, held, { untilMs, fails: 0 })
  }

  function giveBack(number: number): void {
    const found = all()
    const others = found.filter((claim) => claim.number !== number)
    // Removed by somebody else: writing to it would bring it back.
    if (others.length === found.length) return
    // Without a time, because a clock that is set back could bring any time round again.
    if (others.some(isOpen)) claims.finish(SUBJECT, number, { untilMs: undefined, fails: 0 })
    else claims.release(SUBJECT)
  }

  function release(): void {
    try {
      if (held !== undefined) giveBack(held)
    } catch {
      // It ends by its time.
    }
    held = undefined
  }

  return {
    isElsewhere: () => all().some((claim) => claim.number > (held ?? 0) && isOpen(claim)),
    take(untilMs, force) {
      for (let tries = 0; !isOnTop(); tries += 1) {
        // Somebody was faster: what was taken in vain would look like a sign-in that is open.
        release()
        if (tries === MAX_TRIES) throw cannotTake()
        const found = all()
        if (!force && found.some(isOpen)) return false
        // The time as number, so that none comes twice: a release removes what was there, and with it the count.
        const number = Math.max(topOf(found) + 1, clock.now())
        // Somebody may be faster: then look again.
        if (number > MAX_NUMBER) claims.release(SUBJECT)
        else if (claims.take(SUBJECT, number)) held = number
      }
      prolong(untilMs)
      return true
    },
    prolong,
    release,
  }
}

function cannotTake(): CodexError {
  return new CodexError('STORAGE_FAILED', 'The files beside the credentials that say who signs in keep changing.', {
    hint: 'Remove the files named *.spend.signin.* beside the credentials, then try again.',
    retryable: true,
  })
}

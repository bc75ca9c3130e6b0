import { CodexError } from '../../errors.ts'
import type { Claim, ClaimStore } from '../../infrastructure/claim.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { notStored } from './unsaved-tokens.ts'

/** Waits for what others do under their claims. */
export interface ClaimWatch {
  /**
   * Whether to follow the owner of this claim, which may be frozen or dead.
   *
   * @throws CodexError TOKEN_REQUEST_FAILED it has renewed the login and has found no room for it so far
   */
  mayTakeOver(subject: string, claim: Claim): boolean
  /** A moment. @throws CodexError TOKEN_REQUEST_FAILED all the waiting together has taken too long */
  pause(claim: Claim | undefined): Promise<void>
}

export interface ClaimWatchDeps {
  claims: Pick<ClaimStore, 'ownerIsDead' | 'ownerIsAlive'>
  clock: Clock
  random: () => number
}

/** When to take over from an owner that lives but does nothing. */
const FROZEN_OWNER_MS = 60_000
/** How long to wait for an owner that has nothing left to do but to store: a few of its tries. */
const UNSAVED_MS = 15_000
/** How long to follow others' work. */
const WAIT_LIMIT_MS = 90_000

/** Counts this process's own waiting, so that a frozen waiter does not take its sleep for the owner's. */
export function createClaimWatch({ claims, clock, random }: ClaimWatchDeps): ClaimWatch {
  let seen = ''
  let seenMs = 0
  let totalMs = 0

  /** How long this claim has been waited for without a change, in milliseconds. */
  function watched(subject: string, claim: Claim): number {
    const name = `${subject}.${claim.number}`
    if (name !== seen) seenMs = 0
    seen = name
    return seenMs
  }

  return {
    mayTakeOver(subject, claim) {
      if (claims.ownerIsDead(claim)) return true
      const ms = watched(subject, claim)
      if (!claim.spent || !claims.ownerIsAlive(claim)) return ms >= FROZEN_OWNER_MS
      // However long it takes: a token that comes to the issuer twice ends the login.
      if (ms >= UNSAVED_MS) throw notStored()
      return false
    },
    async pause(claim) {
      if (totalMs >= WAIT_LIMIT_MS) throw stillBusy(claim)
      const ms = 15 + random() * 30
      await clock.sleep(ms)
      seenMs += ms
      totalMs += ms
    },
  }
}

function stillBusy(claim: Claim | undefined): CodexError {
  const owner = claim === undefined ? 'Another process' : `Another process (${claim.owner.pid})`
  return new CodexError('TOKEN_REQUEST_FAILED', `${owner} has been renewing the sign-in for too long.`, {
    hint: 'Try again; if it stays so, end that process.',
    retryable: true,
  })
}

import { CodexError } from '../errors.ts'
import type { Claim } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'

/** Waits for what others do under their claims. */
export interface ClaimWatch {
  /** How long this claim has been waited for without a change, in milliseconds. */
  watched(subject: string, claim: Claim): number
  /** A moment. @throws CodexError TOKEN_REQUEST_FAILED all the waiting together has taken too long */
  pause(claim: Claim | undefined): Promise<void>
}

export interface ClaimWatchDeps {
  clock: Clock
  random: () => number
}

/** How long to follow others' work. */
const WAIT_LIMIT_MS = 90_000

/** Counts this process's own waiting, so that a frozen waiter does not take its sleep for the owner's. */
export function createClaimWatch({ clock, random }: ClaimWatchDeps): ClaimWatch {
  let seen = ''
  let seenMs = 0
  let totalMs = 0
  return {
    watched(subject, claim) {
      const name = `${subject}.${claim.number}`
      if (name !== seen) seenMs = 0
      seen = name
      return seenMs
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

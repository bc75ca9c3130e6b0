import { CodexError } from '../../errors.ts'
import type { Claim, ClaimStore } from '../../infrastructure/claim.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { fingerprintOf } from '../../infrastructure/fingerprint.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import type { RefreshReason } from '../oauth/oauth-route.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { type ClaimWatch, createClaimWatch } from './claim-watch.ts'
import { forgetLogin } from './forget-login.ts'
import { CODEX_LOGIN, type LoginRoute } from './login-route.ts'
import { openRecord } from './open-record.ts'
import { type Attempt, createDelegation, type RunInWorker } from './renewal-delegation.ts'
import type { RenewalJob, RenewalResult } from './renewal-job.ts'
import { createWorker } from './renewal-worker.ts'
import { assertSameLogin, renewedLogin } from './renewed-login.ts'
import { cannotOpen, signInAgain } from './sign-in-again.ts'
import { createUnsavedTokens } from './unsaved-tokens.ts'

/**
 * Renews the stored tokens when several processes want it, a refresh token works once, and any of them may be
 * killed or frozen at any moment.
 *
 * A refresh token is spent only by the holder of its claim: a file named after the token's hash and a number,
 * created exclusively. Numbers only grow while the token is current, so of all who find an owner dead one takes the
 * next number. Before spending, the holder proves that a record can be stored and reads it again (a late claimant
 * sees another token); before storing, it compares (a logout or another sign-in meanwhile wins). No lock is held
 * across the network.
 */
export interface TokenRefresher {
  /**
   * The stored record once its access token is another than `stale`'s; renewed by this process, by another one, or
   * found renewed. Callers in this process that want the same token replaced share one run. No signal reaches it:
   * a token that was sent must have its answer stored.
   *
   * @throws CodexError NOT_AUTHENTICATED sign in again; ACCOUNT_CHANGED; TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT,
   *   RESPONSE_INVALID, STORAGE_FAILED, STORAGE_LOCKED try again later; STORAGE_CORRUPT, STORAGE_SEALED; CANCELLED after `stop`
   */
  renew(stale: TokenRecord, reason: RefreshReason): Promise<TokenRecord>
  /** Resolves when nothing is being renewed. Never rejects. */
  settled(): Promise<void>
  /**
   * Does what another process has delegated, under the number after its claim, if the token is still stored and the
   * claim the last one. Never rejects.
   */
  runJob(job: RenewalJob): Promise<RenewalResult>
  /** From now on no refresh token is sent; what was sent still gets stored. */
  stop(): void
}

export interface TokenRefresherDeps {
  storage: TokenStorage
  claims: ClaimStore
  oauth: OAuthFlow
  clock: Clock
  random: () => number
  log: Log
  /** The Codex login unless told. */
  route?: Pick<LoginRoute, 'name' | 'buried' | 'call' | 'aboutAgain'>
  /** Has it done by a process that outlives this one; without it, it is done here. */
  runInWorker?: RunInWorker | undefined
}

const MAX_BACKOFF_MS = 30_000
/** A shared back-off further away than this is a clock that jumped, not a plan. */
const BACKOFF_HORIZON_MS = 120_000
/** Workers that claim and end without a word are not started for ever. */
const MOST_WORKERS = 2

export function createTokenRefresher(deps: TokenRefresherDeps): TokenRefresher {
  const { storage, claims, oauth, clock, log, route = CODEX_LOGIN } = deps
  const unsaved = createUnsavedTokens(deps)
  const flights = new Map<string, Promise<TokenRecord>>()
  /** What this process was told last about a token, where waiting does not help: that has to be said again. */
  const lasting = new Map<string, CodexError>()
  const delegation = createDelegation({ ...deps, route, finish, remember })
  let stopped = false

  async function run(stale: TokenRecord, reason: RefreshReason): Promise<TokenRecord> {
    const watch = createClaimWatch(deps)
    let workers = 0
    while (true) {
      await unsaved.flush()
      const current = await currentRecord(stale)
      const renewedHere = unsaved.renewedFrom(current)
      if (renewedHere !== undefined) return renewedHere
      if (current.accessToken !== stale.accessToken) return current
      const subject = subjectOf(current)
      const top = claims.top(subject)
      const number = nextNumber(top, subject, watch)
      const fails = top?.fails ?? 0
      if (number === undefined || !claims.take(subject, number, fails)) {
        await watch.pause(top)
        continue
      }
      const attempt = { current, subject, number, fails, reason }
      const own = workers++ < MOST_WORKERS ? await delegation.delegate(attempt) : number
      const renewed = own === undefined ? undefined : await spend({ ...attempt, number: own })
      if (renewed !== undefined) return renewed
    }
  }

  /** The record as stored now. @throws CodexError NOT_AUTHENTICATED, ACCOUNT_CHANGED, STORAGE_SEALED */
  async function currentRecord(stale: TokenRecord): Promise<TokenRecord> {
    const { record: current, unopened } = await openRecord(storage)
    if (unopened !== undefined) throw cannotOpen(unopened)
    if (current === undefined) throw signInAgain('You have signed out meanwhile.', route)
    assertSameLogin(stale, current)
    if (current.accessToken === '') throw signInAgain('Your sign-in is no longer valid.', route)
    return current
  }

  /** What names its refresh token in claims. @throws CodexError NOT_AUTHENTICATED it cannot be renewed */
  function subjectOf(current: TokenRecord): string {
    if (current.refreshToken === undefined) throw signInAgain('Your sign-in has expired and cannot be renewed.', route)
    const subject = fingerprintOf(current.refreshToken)
    if (current.refreshFailed === subject) throw signInAgain('Your sign-in is no longer valid.', route)
    return subject
  }

  /** The claim number to try, or nothing while somebody else is at work. */
  function nextNumber(top: Claim | undefined, subject: string, watch: ClaimWatch): number | undefined {
    if (stopped) throw shuttingDown()
    if (top === undefined) return 1
    if (top.done) {
      const waitMs = (top.untilMs ?? 0) - clock.now()
      if (waitMs > 0 && waitMs < BACKOFF_HORIZON_MS) throw lasting.get(subject) ?? backingOff(waitMs)
      return top.number + 1
    }
    return watch.mayTakeOver(subject, top) ? top.number + 1 : undefined
  }

  /** Spends the token under the claim just taken. Undefined: the record has changed, look again. */
  async function spend(attempt: Attempt): Promise<TokenRecord | undefined> {
    const { current, subject, number, fails, reason } = attempt
    try {
      // A spent token whose successor cannot be stored is a lost login.
      await storage.rehearse()
      // Whoever took this claim may have decided on a record that was replaced in the meantime.
      const { record: again, unopened } = await openRecord(storage)
      // It may still be this token that is stored: its claims stay.
      if (unopened !== undefined) throw cannotOpen(unopened)
      if (again?.refreshToken !== current.refreshToken) {
        claims.release(subject)
        return undefined
      }
      if (again?.accessToken !== current.accessToken || stopped) {
        finish(attempt)
        return undefined
      }
    } catch (error) {
      finish(attempt)
      throw error
    }
    const outcome = await oauth.refresh(current.refreshToken ?? '', reason, current)
    log.event('refresh', { outcome: outcome.kind, claim: number })
    if (outcome.kind === 'renewed') return confirmed(await keep(attempt, outcome.tokens), outcome.confirm)
    if (outcome.kind === 'dead') return bury(current, subject).finally(() => finish(attempt))
    // Whether a 503 may have rotated the token is not said: it is tried again, and if it was spent, the answer to that
    // tells (facts: plan-usage 2.7).
    const backoffMs = outcome.retryAfterMs ?? Math.min(1000 * 2 ** fails, MAX_BACKOFF_MS)
    finish({ ...attempt, fails: fails + 1 }, clock.now() + Math.min(backoffMs, BACKOFF_HORIZON_MS - 1000))
    remember(subject, outcome.error, outcome.lasts === true)
    throw outcome.error
  }

  async function keep(attempt: Attempt, tokens: TokenResponse): Promise<TokenRecord | undefined> {
    const { current: spent, subject, number, fails } = attempt
    const renewed = renewedLogin(spent, tokens, clock.now())
    const isUsable = await unsaved.keep(spent, renewed)
    // Only where it could not be stored: a write before that one would give a kill more time to come between.
    if (unsaved.renewedFrom(spent) !== undefined) mark(() => claims.markSpent(subject, number, fails), number)
    return isUsable ? renewed : undefined
  }

  /** Stored already: what is found out now changes it once more, or ends it. Undefined as for `spend`. */
  async function confirmed(
    renewed: TokenRecord | undefined,
    confirm: (() => Promise<TokenResponse | undefined>) | undefined,
  ): Promise<TokenRecord | undefined> {
    if (renewed?.refreshToken === undefined || confirm === undefined) return renewed
    const tokens = await confirm()
    if (tokens === undefined) {
      void forgetLogin(oauth, renewed)
      return bury(renewed, fingerprintOf(renewed.refreshToken))
    }
    const { idToken } = tokens
    if (idToken === undefined) return renewed
    // It says whose login it is, and an older one says the same.
    await storage
      .update((record) => (record?.refreshToken === renewed.refreshToken && record ? { ...record, idToken } : record))
      .catch(() => {})
    return { ...renewed, idToken }
  }

  /** The service refused for good: unless somebody rotated first, that is written down, so that nobody asks again. */
  async function bury(current: TokenRecord, subject: string): Promise<undefined> {
    const stored = await storage.update((record) =>
      record?.refreshToken === current.refreshToken && record !== undefined ? route.buried(record, subject) : record,
    )
    if (stored?.refreshFailed === subject) throw signInAgain('Your sign-in is no longer valid.', route)
    return undefined
  }

  /** Leaves the claim to the next number. Best effort: a claim that cannot be marked is waited out by the others. */
  function finish({ subject, number, fails }: Attempt, untilMs = 0): void {
    mark(() => claims.finish(subject, number, { untilMs, fails }), number)
  }

  function mark(write: () => void, claim: number): void {
    try {
      write()
    } catch {
      log.event('claim_not_marked', { claim })
    }
  }

  function remember(subject: string, error: CodexError, lasts: boolean): void {
    if (lasts) lasting.set(subject, error)
    else lasting.delete(subject)
  }

  return {
    renew(stale, reason) {
      const key = fingerprintOf(stale.accessToken)
      const running = flights.get(key)
      if (running !== undefined) return running
      const flight = run(stale, reason).finally(() => flights.delete(key))
      flights.set(key, flight)
      return flight
    },
    async settled() {
      await Promise.allSettled(flights.values())
      await unsaved.flush()
    },
    runJob: createWorker({ storage, claims, unsaved, lasts: (subject) => lasting.has(subject), spend }),
    stop() {
      stopped = true
      unsaved.stop()
    },
  }
}

function backingOff(waitMs: number): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in could not be renewed just now.', {
    hint: `You are still signed in. Try again in ${Math.max(1, Math.ceil(waitMs / 1000))} s.`,
    retryable: true,
  })
}

function shuttingDown(): CodexError {
  return new CodexError('CANCELLED', 'The server is shutting down.')
}

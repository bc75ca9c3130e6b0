import { CodexError } from '../errors.ts'
import type { ClaimStore } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'
import { fingerprintOf } from '../infrastructure/fingerprint.ts'
import type { Log } from '../infrastructure/log.ts'
import type { TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import { cannotOpen } from './sign-in-again.ts'

/** What was renewed but is not yet on disk: the old token is spent, so this is the only copy of the login. */
export interface UnsavedTokens {
  /**
   * Stores what was renewed from `spent`, again and again until it is stored. False when `spent` was signed out or
   * replaced meanwhile: then the new tokens are revoked instead. Never rejects.
   */
  keep(spent: TokenRecord, renewed: TokenRecord): Promise<boolean>
  /** Tries to store what is left, if there is something. Never rejects. */
  flush(): Promise<void>
  /** What was renewed from the record that is still stored. */
  successorOf(current: TokenRecord): TokenRecord | undefined
  /** From now on nothing is tried again by itself. */
  stop(): void
}

export interface UnsavedTokensDeps {
  storage: TokenStorage
  claims: ClaimStore
  oauth: OAuthFlow
  clock: Clock
  log: Log
}

/** Between two tries to store: several fit into the time after which the others take over. */
const SAVE_AGAIN_MS = 5_000
const REVOKE_LIMIT_MS = 5_000

export function createUnsavedTokens({ storage, claims, oauth, clock, log }: UnsavedTokensDeps): UnsavedTokens {
  let unsaved: { spent: TokenRecord; renewed: TokenRecord } | undefined
  let saving: Promise<boolean> | undefined
  let stopped = false

  /** Those who wait for this process take it for frozen after a minute, and would spend the old token again. */
  async function keepSaving(): Promise<void> {
    while (unsaved !== undefined && !stopped) {
      await clock.sleep(SAVE_AGAIN_MS)
      await saveUnsaved()
    }
  }

  /** Calls that come together share one try. False: see `save`. */
  async function saveUnsaved(): Promise<boolean> {
    if (unsaved === undefined) return true
    saving ??= save(unsaved).finally(() => {
      saving = undefined
    })
    return saving
  }

  /** Stores what was renewed, if the record it came from is still the current one; otherwise false. */
  async function save({ spent, renewed }: { spent: TokenRecord; renewed: TokenRecord }): Promise<boolean> {
    let kept = false
    try {
      await storage.update((stored) => {
        const isNext = isStored(stored, spent)
        // A write that seemed to fail may have succeeded.
        kept = isNext || isStored(stored, renewed)
        return isNext ? renewed : stored
      })
    } catch (error) {
      // The claim stays taken, so nobody spends the old token again; the new ones stay in memory and serve this
      // process meanwhile.
      log.event('refresh_not_stored', { reason: error instanceof CodexError ? error.code : 'UNKNOWN' })
      return true
    }
    unsaved = undefined
    // Only now: a token whose successor is stored, or that is no longer current, can never be spent again.
    if (spent.refreshToken !== undefined) claims.release(fingerprintOf(spent.refreshToken))
    claims.sweep(renewed.refreshToken === undefined ? undefined : fingerprintOf(renewed.refreshToken))
    if (!kept && renewed.refreshToken !== undefined) await oauth.revoke(renewed.refreshToken, REVOKE_LIMIT_MS)
    return kept
  }

  return {
    async keep(spent, renewed) {
      unsaved = { spent, renewed }
      const usable = await saveUnsaved()
      if (unsaved !== undefined) void keepSaving()
      return usable
    },
    async flush() {
      await saveUnsaved()
    },
    successorOf: (current) => (unsaved?.spent.refreshToken === current.refreshToken ? unsaved?.renewed : undefined),
    stop() {
      stopped = true
    },
  }
}

/**
 * Whether this refresh token is the stored one. Another process may have brought the record into a form that this one
 * cannot open: then the record still says which token it is about. Taking it for a sign-out would revoke the tokens
 * of a good login and leave a spent one in the file.
 *
 * @throws CodexError NOT_AUTHENTICATED it does not even say that
 */
function isStored(stored: TokenRecord | undefined, { refreshToken }: TokenRecord): boolean {
  const unopened = stored?.unopened
  if (unopened === undefined) return stored?.refreshToken === refreshToken
  if (unopened.of === undefined) throw cannotOpen(unopened)
  return refreshToken !== undefined && unopened.of === fingerprintOf(refreshToken)
}

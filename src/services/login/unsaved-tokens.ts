import { CodexError, codeOf } from '../../errors.ts'
import type { ClaimStore } from '../../infrastructure/claim.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { fingerprintOf } from '../../infrastructure/fingerprint.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import { forgetLogin } from './forget-login.ts'
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
  renewedFrom(current: TokenRecord): TokenRecord | undefined
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

/** Between two tries to store. */
const SAVE_AGAIN_MS = 5_000

export function createUnsavedTokens({ storage, claims, oauth, clock, log }: UnsavedTokensDeps): UnsavedTokens {
  /** More than one when another account is signed in while this one is being renewed. */
  const entries = new Set<Entry>()
  let stopped = false

  /** Without another call: others may wait for what this process alone has. */
  async function keepSaving(entry: Entry): Promise<void> {
    while (entries.has(entry) && !stopped) {
      await clock.sleep(SAVE_AGAIN_MS)
      if (entries.has(entry)) await saveOnce(entry)
    }
  }

  /** Calls that come together share one try. False: see `save`. */
  async function saveOnce(entry: Entry): Promise<boolean> {
    entry.saving ??= save(entry).finally(() => {
      entry.saving = undefined
    })
    return entry.saving
  }

  /** Stores what was renewed, if the record it came from is still the current one; otherwise false. */
  async function save(entry: Entry): Promise<boolean> {
    const { spent, renewed } = entry
    let kept = false
    try {
      await storage.update((stored) => {
        const isNext = isStored(stored, spent)
        // A write that seemed to fail may have succeeded.
        kept = isNext || isStored(stored, renewed)
        // The user may have chosen another login meanwhile, or this one.
        return isNext ? { ...renewed, selectedAt: stored?.selectedAt } : stored
      })
    } catch (error) {
      // The claim stays taken, and will say that the old token is spent; the new ones stay in memory and serve this process
      // meanwhile.
      log.event('refresh_not_stored', { reason: codeOf(error) })
      return true
    }
    entries.delete(entry)
    // Only now: a token whose successor is stored, or that is no longer current, can never be spent again.
    if (spent.refreshToken !== undefined) claims.release(fingerprintOf(spent.refreshToken))
    claims.sweep(renewed.refreshToken === undefined ? undefined : fingerprintOf(renewed.refreshToken))
    if (!kept) await forgetLogin(oauth, renewed)
    return kept
  }

  return {
    async keep(spent, renewed) {
      const entry = { spent, renewed, saving: undefined }
      entries.add(entry)
      const usable = await saveOnce(entry)
      if (entries.has(entry)) void keepSaving(entry)
      return usable
    },
    async flush() {
      await Promise.all([...entries].map(saveOnce))
    },
    renewedFrom: ({ refreshToken }) =>
      [...entries].findLast(({ spent }) => spent.refreshToken === refreshToken)?.renewed,
    stop() {
      stopped = true
    },
  }
}

interface Entry {
  spent: TokenRecord
  renewed: TokenRecord
  /** The try that is under way. */
  saving: Promise<boolean> | undefined
}

/** For those who would use what is renewed and have to wait until it is stored. */
export function notStored(): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in has been renewed and cannot be stored so far.', {
    hint: 'It is tried again every few seconds: if the disk is full, make room, then try again.',
    retryable: true,
  })
}

/**
 * Whether this refresh token is the stored one. Another process may have brought the record into a form that this one
 * cannot open: then the record still says which token it is about. Taking it for a sign-out would revoke the tokens
 * of a good login and leave a spent one in the file.
 *
 * @throws CodexError STORAGE_SEALED it does not even say that
 */
function isStored(stored: TokenRecord | undefined, { refreshToken }: TokenRecord): boolean {
  const unopened = stored?.unopened
  if (unopened === undefined) return stored?.refreshToken === refreshToken
  if (unopened.of === undefined) throw cannotOpen(unopened)
  return refreshToken !== undefined && unopened.of === fingerprintOf(refreshToken)
}

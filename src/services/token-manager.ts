import { codeOf } from '../errors.ts'
import { raceSignal } from '../infrastructure/abort.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { Log } from '../infrastructure/log.ts'
import type { TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import { isApiKeyRecord } from './api-key.ts'
import { expiryOf } from './id-claims.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import { assertSameLogin, signInAgain, type TokenRefresher } from './token-refresh.ts'

/** The one place that decides whether the stored access token may be used as it is. */
export interface TokenManager {
  /**
   * A record whose access token can be sent now. Under five minutes before its end it is renewed in the background
   * and used meanwhile; past its end the caller waits for the renewal. A stored API key is no such record.
   *
   * @throws CodexError NOT_AUTHENTICATED; otherwise as `TokenRefresher.renew`, CANCELLED by `signal`
   */
  getTokens(signal?: AbortSignal): Promise<TokenRecord>
  /** The record to try once more with after the API answered 401 to `rejected`. @throws as `getTokens`, ACCOUNT_CHANGED */
  replaceRejected(rejected: TokenRecord, signal?: AbortSignal): Promise<TokenRecord>
  /**
   * Removes the login or key here first, then asks the issuer to forget it, so that nothing can keep it alive here.
   * Resolves to what was there and whether the issuer confirmed.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
   */
  clear(): Promise<{ removed: 'account' | 'api_key' | undefined; revoked: boolean }>
}

export interface TokenManagerDeps {
  storage: TokenStorage
  refresher: TokenRefresher
  oauth: OAuthFlow
  clock: Pick<Clock, 'now'>
  log: Log
}

/** Renew when less is left than this (design 2). */
export const REFRESH_MARGIN_MS = 300_000
/** A token with less left than this would probably be refused on arrival. */
const EXPIRED_MARGIN_MS = 5_000
const REVOKE_LIMIT_MS = 10_000

export function createTokenManager({ storage, refresher, oauth, clock, log }: TokenManagerDeps): TokenManager {
  const stored = (): TokenRecord => {
    const { record } = storage.read()
    if (record === undefined) throw signInAgain('You are not signed in.')
    return record
  }

  return {
    async getTokens(signal) {
      const record = stored()
      if (isApiKeyRecord(record)) throw signInAgain('You are not signed in with ChatGPT.')
      const left = remainingMs(record, clock.now())
      if (left >= REFRESH_MARGIN_MS) return record
      const renewal = refresher.renew(record, 'proactive_expiry')
      if (left <= EXPIRED_MARGIN_MS) return raceSignal(renewal, signal)
      // A failed early refresh with a token that is still valid is not an error.
      renewal.catch((error: unknown) => log.event('early_refresh_failed', { reason: codeOf(error) }))
      return record
    },

    async replaceRejected(rejected, signal) {
      const record = stored()
      assertSameLogin(rejected, record)
      if (record.accessToken !== rejected.accessToken) return record
      return raceSignal(refresher.renew(record, 'unauthorized_recovery'), signal)
    },

    async clear() {
      // Nothing to remove needs no lock, which somebody may hold.
      if (storage.read().record === undefined) return { removed: undefined, revoked: false }
      let previous: TokenRecord | undefined
      await storage.update((record) => {
        previous = record
        return undefined
      })
      const token = previous?.refreshToken
      const revoked = token !== undefined && (await oauth.revoke(token, REVOKE_LIMIT_MS))
      return { removed: previous === undefined ? undefined : kindOf(previous), revoked }
    },
  }
}

/** How long the access token is still good, in milliseconds; zero or less when expired or unknown. */
export function remainingMs(record: TokenRecord, nowMs: number): number {
  const expiresAt = record.expiresAt ?? expiryOf(record.accessToken)
  return expiresAt === undefined ? 0 : expiresAt - nowMs
}

function kindOf(record: TokenRecord): 'account' | 'api_key' {
  return isApiKeyRecord(record) ? 'api_key' : 'account'
}

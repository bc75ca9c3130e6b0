import { codeOf } from '../../errors.ts'
import { raceSignal } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import { expiryOf } from '../oauth/id-claims.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import { isApiKeyRecord } from './api-key.ts'
import { CODEX_LOGIN, type LoginRoute } from './login-route.ts'
import { openRecord } from './open-record.ts'
import { assertSameLogin } from './renewed-login.ts'
import { cannotOpen, signInAgain } from './sign-in-again.ts'
import type { TokenRefresher } from './token-refresh.ts'

/** The one place that decides whether the stored access token may be used as it is. */
export interface TokenManager {
  /**
   * A record whose access token can be sent now. Some minutes before its end it is renewed in the background
   * and used meanwhile; past its end the caller waits for the renewal. A stored API key is no such record. `seen` is what
   * is stored, for those who have just read it.
   *
   * @throws CodexError NOT_AUTHENTICATED, STORAGE_SEALED; otherwise as `TokenRefresher.renew`, CANCELLED by `signal`
   */
  getTokens(signal?: AbortSignal, seen?: TokenRecord): Promise<TokenRecord>
  /** The record to try once more with after the API answered 401 to `rejected`. @throws as `getTokens`, ACCOUNT_CHANGED */
  replaceRejected(rejected: TokenRecord, signal?: AbortSignal): Promise<TokenRecord>
  /**
   * Removes the login or key here first, then asks the issuer to forget it, so that nothing can keep it alive here.
   * Resolves to what was there and whether the issuer confirmed.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
   */
  clear(): Promise<Cleared>
}

export interface Cleared {
  /** What there was to remove: a login, or a stored key. */
  removed: 'account' | 'api_key' | undefined
  /** Whether the issuer confirmed that it has forgotten it. */
  revoked: boolean
  /** What could not be done, in sentences: a record that cannot be opened cannot be revoked either. */
  problem?: string | undefined
}

export interface TokenManagerDeps {
  storage: TokenStorage
  refresher: TokenRefresher
  oauth: OAuthFlow
  clock: Pick<Clock, 'now'>
  log: Log
  /** The Codex login unless told. */
  route?: Pick<LoginRoute, 'refreshMarginMs' | 'call' | 'aboutAgain'>
}

/** A token with less left than this would probably be refused on arrival. */
const EXPIRED_MARGIN_MS = 5_000
const REVOKE_LIMIT_MS = 10_000

export function createTokenManager(deps: TokenManagerDeps): TokenManager {
  const { storage, refresher, oauth, clock, log, route = CODEX_LOGIN } = deps
  const stored = async (): Promise<TokenRecord> => {
    const { record, unopened } = await openRecord(storage)
    if (unopened !== undefined) throw cannotOpen(unopened)
    if (record === undefined) throw signInAgain('You are not signed in.', route)
    return record
  }

  function assertUsable({ accessToken }: TokenRecord): void {
    if (accessToken === '') throw signInAgain('Your sign-in is no longer valid.', route)
  }

  function isStored(): boolean {
    const { record, unopened } = storage.read()
    return record !== undefined || unopened !== undefined
  }

  function problemOf(removed: TokenRecord | undefined): string | undefined {
    const unopened = removed?.unopened && `It could not be revoked at OpenAI. ${removed.unopened.reason}`
    const sentences = [unopened, ...storage.read().warnings].filter((sentence) => sentence !== undefined)
    return sentences.length === 0 ? undefined : sentences.join(' ')
  }

  return {
    async getTokens(signal, seen) {
      const record = seen ?? (await stored())
      assertUsable(record)
      if (isApiKeyRecord(record)) throw signInAgain('You are not signed in with ChatGPT.', route)
      if (!isRenewalDue(record, route.refreshMarginMs, clock.now())) return record
      const renewal = refresher.renew(record, 'proactive_expiry')
      if (remainingMs(record, clock.now()) <= EXPIRED_MARGIN_MS) return raceSignal(renewal, signal)
      // A failed early refresh with a token that is still valid is not an error.
      renewal.catch((error: unknown) => log.event('early_refresh_failed', { reason: codeOf(error) }))
      return record
    },

    async replaceRejected(rejected, signal) {
      const record = await stored()
      assertUsable(record)
      assertSameLogin(rejected, record)
      if (record.accessToken !== rejected.accessToken) return record
      return raceSignal(refresher.renew(record, 'unauthorized_recovery'), signal)
    },

    async clear() {
      await storage.unlock()
      // Nothing to remove needs no lock, which somebody may hold.
      if (!isStored()) return { removed: undefined, revoked: false }
      let previous: TokenRecord | undefined
      // OpenAI's page revokes first (facts: plan-usage 2.8). A revocation can hang, and meanwhile other windows would
      // ask with what is stored.
      await storage.update((record) => {
        previous = record
        return undefined
      })
      const token = previous?.refreshToken
      // One the service has declared dead has left nothing that could be revoked.
      const isOver = previous?.accessToken === '' && previous.unopened === undefined
      const revoked = isOver || (token !== undefined && (await oauth.revoke(token, REVOKE_LIMIT_MS, previous)))
      return { removed: previous === undefined ? undefined : kindOf(previous), revoked, problem: problemOf(previous) }
    },
  }
}

/** How long the access token is still good, in milliseconds; zero or less when expired or unknown. */
export function remainingMs(record: TokenRecord, nowMs: number): number {
  const expiresAt = record.expiresAt ?? expiryOf(record.accessToken)
  return expiresAt === undefined ? 0 : expiresAt - nowMs
}

/** Whether little enough is left; the service may say that it is too early (facts: plan-usage 2.5). */
export function isRenewalDue(record: TokenRecord, marginMs: number, nowMs: number): boolean {
  const left = remainingMs(record, nowMs)
  return left < marginMs && (left <= EXPIRED_MARGIN_MS || nowMs >= (record.earliestRefreshAt ?? 0))
}

/** Whether a new access token can be had for it, as far as is known here. */
export function isRenewable({ refreshToken, refreshFailed }: TokenRecord): boolean {
  return refreshToken !== undefined && refreshFailed === undefined
}

function kindOf(record: TokenRecord): 'account' | 'api_key' {
  return isApiKeyRecord(record) ? 'api_key' : 'account'
}

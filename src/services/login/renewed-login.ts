import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import { accountOf } from '../oauth/id-claims.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { isApiKeyRecord } from './api-key.ts'
import { accountChanged } from './sign-in-again.ts'

/**
 * That `current` can be what became of `old`. A key is no successor of a token: who asked for a token would send it to
 * the wrong host.
 *
 * @throws CodexError ACCOUNT_CHANGED
 */
export function assertSameLogin(old: TokenRecord, current: TokenRecord): void {
  const account = accountOf(old)
  if (isApiKeyRecord(current) || current.clientId !== old.clientId) throw accountChanged()
  if (account !== undefined && accountOf(current) !== account) throw accountChanged()
}

/** A login with the tokens it was renewed with: what the answer leaves out stays as it was (RFC 6749, section 6; facts: wire-protocol 4). */
export function renewedLogin(old: TokenRecord, tokens: TokenResponse, nowMs: number): TokenRecord {
  return {
    ...old,
    accessToken: tokens.accessToken ?? old.accessToken,
    refreshToken: tokens.refreshToken ?? old.refreshToken,
    idToken: tokens.idToken ?? old.idToken,
    tokenType: tokens.tokenType ?? old.tokenType,
    expiresAt: tokens.expiresAt,
    scope: tokens.scope ?? old.scope,
    earliestRefreshAt: tokens.earliestRefreshAt,
    refreshedAt: nowMs,
    refreshFailed: undefined,
  }
}

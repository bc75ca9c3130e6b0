import type { TokenRecord } from '../../src/infrastructure/token-storage.ts'

/** A stored sign-in; what a test is about is given. */
export function aRecord(changes: Partial<TokenRecord> = {}): TokenRecord {
  return {
    accessToken: 'access-1',
    refreshToken: 'refresh-1',
    idToken: 'id-1',
    tokenType: 'Bearer',
    expiresAt: undefined,
    accountId: 'account-1',
    savedAt: undefined,
    refreshedAt: undefined,
    method: 'browser',
    refreshFailed: undefined,
    ...changes,
  }
}

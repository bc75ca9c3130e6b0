import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'

const REVOKE_LIMIT_MS = 5_000

/**
 * Has the issuer forget a login that was replaced or could not be stored; a key, or nothing, needs no request. Best
 * effort, it never rejects: who does not need to know does not wait for it.
 */
export async function forgetLogin(
  oauth: Pick<OAuthFlow, 'revoke'>,
  obsolete: Pick<TokenRecord, 'refreshToken' | 'clientId' | 'accountId'> | undefined,
): Promise<void> {
  if (obsolete?.refreshToken !== undefined) await oauth.revoke(obsolete.refreshToken, REVOKE_LIMIT_MS, obsolete)
}

import type { ClaimStore } from '../../infrastructure/claim.ts'
import type { StoredTokens, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { LoginRoute } from '../login/login-route.ts'
import type { TokenRefresher } from '../login/token-refresh.ts'

/** What of a login a report is about. */
export interface DoctorLogin {
  route: Pick<LoginRoute, 'report' | 'refreshMarginMs' | 'baseUrl' | 'lack'>
  storage: Pick<TokenStorage, 'file' | 'read' | 'unlock'>
  claims: Pick<ClaimStore, 'list' | 'ownerIsDead'>
  refresher: Pick<TokenRefresher, 'renew'>
}

/** What is stored of it. A file that cannot be read has a line of its own. */
export function storedIn({ storage }: Pick<DoctorLogin, 'storage'>): Pick<StoredTokens, 'record' | 'unopened'> {
  try {
    return storage.read()
  } catch {
    return { record: undefined }
  }
}

export function isStored(login: Pick<DoctorLogin, 'storage'>): boolean {
  const { record, unopened } = storedIn(login)
  return record !== undefined || unopened !== undefined
}

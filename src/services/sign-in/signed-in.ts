import { type ErrorCode, isCodexError } from '../../errors.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import { isApiKeyRecord } from '../login/api-key.ts'
import type { TokenManager } from '../login/token-manager.ts'
import { type IdClaims, ownerOf } from '../oauth/id-claims.ts'

/** Who is signed in, for a sign-in that may not be needed. */
export interface SignedIn {
  /** What is stored, as far as it can be opened already. */
  stored(): TokenRecord | undefined
  /**
   * Who is signed in with a login that works or can be renewed; nobody, when in doubt. `whole`: nor with one that lacks
   * something, so that another sign-in would bring more.
   *
   * @throws CodexError TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT somebody is, and the service is away; CANCELLED by `signal`
   */
  account(signal: AbortSignal | undefined, whole: boolean): Promise<IdClaims | undefined>
  /** Who has signed in, in another window say, since a login with this time was stored. */
  since(savedBefore: number | undefined): Promise<IdClaims | undefined>
}

export interface SignedInDeps {
  storage: TokenStorage
  tokens: TokenManager
  /** Whether a login that works lacks something. */
  isIncomplete: (record: TokenRecord) => boolean
}

const PASSING: readonly ErrorCode[] = ['TOKEN_REQUEST_FAILED', 'NETWORK', 'TIMEOUT']

export function createSignedIn({ storage, tokens, isIncomplete }: SignedInDeps): SignedIn {
  function stored(): TokenRecord | undefined {
    try {
      return storage.read().record
    } catch {
      return undefined
    }
  }

  return {
    stored,

    async account(signal, whole) {
      try {
        const record = await tokens.getTokens(signal)
        // The service will not renew it any more: a login that only seems to work.
        const isOver = record.refreshFailed !== undefined
        return isOver || (whole && isIncomplete(record)) ? undefined : ownerOf(record)
      } catch (error) {
        // Signed in, only that the service is away: it would be away for another sign-in as well.
        const isAway = isCodexError(error) && error.retryable && PASSING.includes(error.code)
        // One that waiting does not help says itself what to do, and a plain sign-in would not.
        if (isAway || isCodexError(error, 'TOKEN_REQUEST_FAILED')) throw error
        return undefined
      }
    },

    async since(savedBefore) {
      // It may lie there under a key this process has not needed yet.
      await storage.unlock()
      const record = stored()
      // A renewal leaves this time as it is.
      if (record?.savedAt === undefined || record.savedAt === savedBefore || isApiKeyRecord(record)) return undefined
      return ownerOf(record)
    },
  }
}

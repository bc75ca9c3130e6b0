import type { CodexError } from '../../errors.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { TokenResponse } from './token-response.ts'

/** Why a refresh is asked for, in the words the official client sends (facts: wire-protocol 4). */
export const REFRESH_REASONS = ['proactive_expiry', 'unauthorized_recovery'] as const
export type RefreshReason = (typeof REFRESH_REASONS)[number]

/** What is given for tokens (RFC 6749, sections 4.1.3 and 6). */
export type Grant = 'authorization_code' | 'refresh_token'

/** What an authorization request says besides what its route always says (RFC 6749, section 4.1.1). */
export interface AuthorizeRequest {
  redirectUri: string
  /** RFC 7636, section 4.3. */
  challenge: string
  state: string
  /** OpenID Connect Core, section 3.1.2.1, where ID tokens are verified. */
  nonce?: string
  /** A client that was issued to this installation, where that is how it is done. */
  clientId?: string | undefined
  /** Have the user asked for consent anew. */
  asksConsent?: boolean
}

/** What an authorization code is redeemed with (RFC 6749, section 4.1.3; RFC 7636, section 4.5). */
export interface CodeProof {
  code: string
  redirectUri: string
  verifier: string
  /** As in `AuthorizeRequest`. */
  clientId?: string
}

/** Whose tokens they are, as far as a request about them has to say it. */
export type TokenOwner = Pick<TokenRecord, 'clientId' | 'accountId'>

export interface OAuthRequest {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
}

/**
 * What differs between the logins where their issuer is spoken to: addresses, registration, scopes, the form of
 * requests, and what answers mean. `oauth-flow.ts` does the rest, for all of them alike.
 */
export interface OAuthRoute {
  /** @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED where it needs what this installation keeps */
  authorizeUrl(request: AuthorizeRequest): string
  exchange(proof: CodeProof): OAuthRequest
  refresh(refreshToken: string, reason: RefreshReason, owner: TokenOwner): OAuthRequest
  /** It may have to find out where to ask. @throws CodexError NETWORK, TIMEOUT, TOKEN_REQUEST_FAILED */
  revocation(refreshToken: string, owner: TokenOwner): Promise<OAuthRequest>
  /**
   * What to wait for before a revocation is asked for again that had no answer, a 5xx, or nowhere to go just now: once
   * for each.
   */
  pausesBeforeRevoking: readonly (() => Promise<void>)[]
  /** @throws CodexError TOKEN_REQUEST_FAILED */
  readTokens(json: unknown, nowMs: number, grant: Grant): TokenResponse
  /** Whether a refusal means that this refresh token is of no use any more. */
  isDead(status: number, json: unknown): boolean
  /** The error of a refused refresh that waiting does not help, if this is one. */
  lastingRefusal(json: unknown): CodexError | undefined
  /**
   * Renewed tokens as far as they can be believed; undefined when they are somebody else's. Asked once they are stored,
   * because the old ones are spent, so it never rejects. Absent where nothing is checked.
   */
  confirmRenewal?(tokens: TokenResponse, owner: TokenOwner): Promise<TokenResponse | undefined>
}

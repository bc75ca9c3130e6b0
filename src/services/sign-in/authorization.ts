import { createPkce, createState } from '../../infrastructure/pkce.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import { judgeCallback, type Verdict } from './callback-judge.ts'
import type { Abandon } from './sign-in-session.ts'

/** One request for authorization: where the user says yes, what an answer to it means, and what it is worth. */
export interface Authorization {
  url: string
  /** What the raw query of a callback means. */
  judge(query: string): Verdict
  /**
   * The tokens of an answer that brought a code; as `Exchange`.
   *
   * @throws CodexError as `OAuthFlow.exchangeCode`; where a route checks more, ACCOUNT_CHANGED, STORAGE_CORRUPT,
   *   STORAGE_FAILED, STORAGE_LOCKED
   */
  redeem(answer: CodeAnswer, abandon: Abandon): Promise<TokenResponse>
}

export type CodeAnswer = Extract<Verdict, { kind: 'code' }>

/**
 * Begins one, for an answer at this address. `anew`: whoever signs in may be somebody else than before.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED what has to be kept for it cannot be
 */
export type Authorize = (redirectUri: string, anew: boolean) => Authorization

export interface AuthorizeDeps {
  config: { issuer: string }
  oauth: OAuthFlow
  randomBytes: (size: number) => Buffer
  /** The login that is stored now, as far as it can be opened. */
  stored: () => TokenRecord | undefined
}

/** With PKCE and `state`, under the client that the program is known as (RFC 7636; RFC 6749, section 10.12). */
export function createAuthorize({ config, oauth, randomBytes }: Omit<AuthorizeDeps, 'stored'>): Authorize {
  return (redirectUri) => {
    const { verifier, challenge } = createPkce(randomBytes)
    const state = createState(randomBytes)
    return {
      url: oauth.authorizeUrl({ redirectUri, challenge, state }),
      judge: (query) => judgeCallback(query, { state, issuer: config.issuer }),
      redeem: ({ code }) => oauth.exchangeCode({ code, redirectUri, verifier }),
    }
  }
}

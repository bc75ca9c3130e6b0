import type { Config } from '../../config.ts'
import { oauthErrorCode } from './oauth-error.ts'
import type { OAuthRoute } from './oauth-route.ts'
import { readTokenResponse } from './token-response.ts'

const SCOPE = 'openid profile email offline_access'

/** The issuer as the official Codex client speaks to it (facts: wire-protocol 2 to 5). */
export function codexOAuth(
  { issuer, clientId, originator }: Pick<Config, 'issuer' | 'clientId' | 'originator'>,
  userAgent: string,
): OAuthRoute {
  const postJson = (path: string, body: Record<string, string>) => ({
    url: `${issuer}${path}`,
    headers: { 'content-type': 'application/json', originator, 'user-agent': userAgent },
    body: JSON.stringify(body),
  })

  return {
    authorizeUrl({ redirectUri, challenge, state }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        state,
        scope: SCOPE,
        id_token_add_organizations: 'true',
        codex_cli_simplified_flow: 'true',
        originator,
      })
      return `${issuer}/oauth/authorize?${query}`
    },

    exchange: ({ code, redirectUri, verifier }) => ({
      url: `${issuer}/oauth/token`,
      // No originator or User-Agent of ours here, as in the official client (facts: wire-protocol 2.5).
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }).toString(),
    }),

    refresh: (refreshToken, reason) =>
      postJson('/oauth/token', {
        client_id: clientId,
        grant_type: 'refresh_token',
        refresh_reason: reason,
        refresh_token: refreshToken,
      }),

    revocation: async (refreshToken) =>
      postJson('/oauth/revoke', { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId }),

    pausesBeforeRevoking: [],
    readTokens: readTokenResponse,
    isDead,
    lastingRefusal: () => undefined,
  }
}

/** The answers after which the official client stops as well (facts: wire-protocol 4). */
function isDead(status: number, json: unknown): boolean {
  const code = oauthErrorCode(json)
  if (status === 401 || (status === 400 && code === 'invalid_grant')) return true
  return /^refresh_token_(expired|reused|invalidated)$/.test(code ?? '')
}

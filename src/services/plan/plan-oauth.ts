import { CodexError, isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { textField } from '../codex/remote-text.ts'
import type { Discovery } from '../oauth/discovery.ts'
import type { IdTokenVerifier } from '../oauth/id-token.ts'
import { oauthErrorCode } from '../oauth/oauth-error.ts'
import type { OAuthRequest, OAuthRoute } from '../oauth/oauth-route.ts'
import { BOOTSTRAP_CLIENT } from './plan-client.ts'
import { SCOPES } from './plan-scope.ts'
import { readPlanTokens } from './plan-tokens.ts'

export interface PlanOAuthDeps {
  config: { issuer: string }
  /** @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  hostId: () => string
  discovery: Discovery
  verifier: IdTokenVerifier
  userAgent: string
  clock: Pick<Clock, 'sleep'>
}

/** What tokens are asked for: a name for the API, wherever it is (facts: plan-usage 2.1). */
const RESOURCE = 'https://api.openai.com/v1'
/**
 * What this program is called at the consent, until the user calls it something else. Its own name and nothing else:
 * whether a product of OpenAI may be named there is open (facts: plan-usage 1.3, 9).
 */
const AGENT_NAME = 'codex-oauth'
const REVOKE_AGAIN_MS = [300, 600]
/** Renewed tokens are stored already while this lasts, but whoever needs them waits. */
const VERIFY_LIMIT_MS = 5_000

/** The issuer as "Sign in with ChatGPT" documents it for programs on the user's own machine (facts: plan-usage 2). */
export function planOAuth({ config, hostId, discovery, verifier, userAgent, clock }: PlanOAuthDeps): OAuthRoute {
  const { issuer } = config

  const postForm = (url: string, fields: Record<string, string>): OAuthRequest => ({
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': userAgent },
    body: new URLSearchParams(fields).toString(),
  })
  const tokenUrl = `${issuer}/api/accounts/oauth/token`

  return {
    // No `id_token_hint` or `login_hint`: the address passes through the result of a tool (facts: plan-usage 2.3).
    authorizeUrl({ redirectUri, challenge, state, nonce = '', clientId, asksConsent = false }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId ?? BOOTSTRAP_CLIENT,
        ...(clientId === undefined ? { agent_name_hint: AGENT_NAME } : {}),
        ext_agent_host_id: hostId(),
        redirect_uri: redirectUri,
        scope: SCOPES,
        resource: RESOURCE,
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...(asksConsent ? { prompt: 'consent' } : {}),
      })
      return `${issuer}/api/accounts/authorize?${query}`
    },

    exchange: ({ code, redirectUri, verifier: codeVerifier, clientId }) =>
      postForm(tokenUrl, {
        grant_type: 'authorization_code',
        ...clientOf(clientId),
        code,
        code_verifier: codeVerifier,
        redirect_uri: redirectUri,
        resource: RESOURCE,
      }),

    refresh(refreshToken, _reason, { clientId }) {
      // The keys come meanwhile: whoever waits for the tokens would wait for them, too.
      void verifier.prepare()
      // No `scope`: it stays what the user has agreed to.
      return postForm(tokenUrl, {
        grant_type: 'refresh_token',
        ...clientOf(clientId),
        refresh_token: refreshToken,
        resource: RESOURCE,
      })
    },

    async revocation(refreshToken, { clientId }) {
      const { revocationEndpoint } = await discovery.read()
      // The one that was seen is not documented: there is none to fall back to (facts: plan-usage 2.1).
      if (revocationEndpoint === undefined) throw nowhereToRevoke()
      return postForm(revocationEndpoint, {
        token: refreshToken,
        token_type_hint: 'refresh_token',
        ...clientOf(clientId),
      })
    },

    pausesBeforeRevoking: REVOKE_AGAIN_MS.map((ms) => () => clock.sleep(ms)),
    readTokens: readPlanTokens,
    isDead: (_status, json) => codesIn(json).some((code) => TERMINAL.includes(code)),
    // Perhaps what a deleted registration gives: nothing is cleared for it, and registering again is for the user to
    // ask for (facts: plan-usage 2.7, 9).
    lastingRefusal: (json) => (codesIn(json).includes('invalid_client') ? unknownClient() : undefined),

    async confirmRenewal(tokens, { clientId, accountId }) {
      // It may be missing: then the old one stays (facts: plan-usage 2.7).
      if (tokens.idToken === undefined) return tokens
      // The tokens have rotated: because the keys cannot be had just now, they are not thrown away.
      const unverified = { ...tokens, idToken: undefined }
      const verdict = verifier
        .verify(tokens.idToken, { clientId: clientId ?? '', nonce: undefined, subject: accountId })
        .then(
          () => tokens,
          (error: unknown) => (isWrong(error) ? undefined : unverified),
        )
      const over = new AbortController()
      const limit = clock.sleep(VERIFY_LIMIT_MS, over.signal).catch(() => {})
      return Promise.race([verdict, limit.then(() => unverified)]).finally(() => over.abort())
    },
  }
}

/**
 * Whether an ID token speaks against the tokens it came with. One that could not be checked does not, nor one that a
 * clock of this machine or a list of keys that lags behind makes look too old, too early or unsigned.
 */
function isWrong(error: unknown): boolean {
  if (isCodexError(error, 'ACCOUNT_CHANGED')) return true
  const fault = isCodexError(error, 'TOKEN_REQUEST_FAILED') ? textField(error.cause, 'fault') : undefined
  return fault !== undefined && !['expiry', 'nbf', 'key'].includes(fault)
}

/** Never the bootstrap one (facts: plan-usage 1.4). @throws CodexError TOKEN_REQUEST_FAILED */
function clientOf(clientId: string | undefined): { client_id: string } {
  if (clientId !== undefined) return { client_id: clientId }
  throw new CodexError('TOKEN_REQUEST_FAILED', 'The stored sign-in does not say which registration it belongs to.', {
    hint: 'Sign in again: codex_login with route "plan" and force: true.',
  })
}

/** After which a refresh token is of no use any more, whatever the status (facts: plan-usage 2.7). */
const TERMINAL = [
  'invalid_grant',
  'invalid_refresh_token',
  'token_expired',
  'refresh_token_expired',
  'refresh_token_invalidated',
  'refresh_token_reused',
]

/** The code may be a text or in an object, and a finer one in `error_reason`; only seen so, so all count. */
function codesIn(json: unknown): string[] {
  return [oauthErrorCode(json), textField(json, 'error_reason')].filter((code) => code !== undefined)
}

/** The service does not know the client that was issued to this installation. */
export function unknownClient(): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'OpenAI does not know the registration of this program any more.', {
    hint: 'Nothing was removed here. Register again: codex_login with route "plan" and force: true.',
  })
}

function nowhereToRevoke(): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in service does not say where tokens are revoked.')
}

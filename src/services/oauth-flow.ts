import type { Config } from '../config.ts'
import { CodexError } from '../errors.ts'
import type { HttpAnswer, HttpClient } from '../infrastructure/http-client.ts'
import { readText } from '../infrastructure/http-client.ts'
import { notTheService } from './not-the-service.ts'
import { oauthErrorCode } from './oauth-error.ts'
import { fieldOf, parseJson, quoteRemote, textField } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'
import { readTokenResponse, type TokenResponse } from './token-response.ts'

/** Why a refresh is asked for, in the words the official client sends (facts: wire-protocol 4). */
export type RefreshReason = 'proactive_expiry' | 'unauthorized_recovery'

export type RefreshOutcome =
  | { kind: 'renewed'; tokens: TokenResponse }
  /** The service will never take this refresh token again. */
  | { kind: 'dead' }
  | { kind: 'transient'; error: CodexError; retryAfterMs: number | undefined }

/** The grants of RFC 6749 as OpenAI's issuer speaks them. It knows no storage and no state. */
export interface OAuthFlow {
  /** The address where the user says yes (RFC 6749, section 4.1.1; RFC 7636, section 4.3). */
  authorizeUrl(request: { redirectUri: string; challenge: string; state: string }): string
  /**
   * Redeems an authorization code (RFC 6749, section 4.1.3).
   *
   * @throws CodexError TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT, RESPONSE_INVALID
   */
  exchangeCode(request: { code: string; redirectUri: string; verifier: string }): Promise<TokenResponse>
  /** Spends a refresh token (RFC 6749, section 6). It never throws: each outcome is one the caller must handle. */
  refresh(refreshToken: string, reason: RefreshReason): Promise<RefreshOutcome>
  /** Asks the issuer to forget a refresh token (RFC 7009). True when it confirmed. */
  revoke(refreshToken: string, limitMs: number): Promise<boolean>
}

export interface OAuthFlowDeps {
  config: Pick<Config, 'issuer' | 'clientId' | 'originator'>
  http: HttpClient
  userAgent: string
  now: () => number
}

const SCOPE = 'openid profile email offline_access'
/**
 * A refresh has to be over, and stored, before others take its owner for frozen and spend the token again (60 s):
 * these two and the waits for the lock before and after it stay below that together.
 */
const TOKEN_TIMEOUT_MS = 20_000
const TOKEN_BODY_LIMIT_MS = 5_000

export function createOAuthFlow({ config, http, userAgent, now }: OAuthFlowDeps): OAuthFlow {
  const { issuer, clientId, originator } = config

  const postJson = (path: string, body: Record<string, string>, headerTimeoutMs: number) =>
    http.send({
      method: 'POST',
      url: `${issuer}${path}`,
      headers: { 'content-type': 'application/json', originator, 'user-agent': userAgent },
      body: JSON.stringify(body),
      headerTimeoutMs,
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

    async exchangeCode({ code, redirectUri, verifier }) {
      // No originator or User-Agent of ours here, as in the official client (facts: wire-protocol 2.5).
      const answer = await http.send({
        method: 'POST',
        url: `${issuer}/oauth/token`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: clientId,
          code,
          redirect_uri: redirectUri,
          code_verifier: verifier,
        }).toString(),
        headerTimeoutMs: TOKEN_TIMEOUT_MS,
      })
      const json = parseJson(await readText(answer.body, { limitMs: TOKEN_BODY_LIMIT_MS }))
      const strange = notTheService(answer, 'the tokens of the sign-in service')
      if (strange !== undefined) throw strange
      if (answer.status !== 200) throw exchangeRefused(answer.status, json)
      return readTokenResponse(json, now())
    },

    async refresh(refreshToken, reason) {
      try {
        const body = {
          client_id: clientId,
          grant_type: 'refresh_token',
          refresh_reason: reason,
          refresh_token: refreshToken,
        }
        const answer = await postJson('/oauth/token', body, TOKEN_TIMEOUT_MS)
        return readRefreshAnswer(
          answer,
          parseJson(await readText(answer.body, { limitMs: TOKEN_BODY_LIMIT_MS })),
          now(),
        )
      } catch (error) {
        return { kind: 'transient', error: asTransient(error), retryAfterMs: undefined }
      }
    },

    async revoke(refreshToken, limitMs) {
      const body = { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId }
      try {
        const answer = await postJson('/oauth/revoke', body, limitMs)
        void answer.body?.cancel().catch(() => {})
        return answer.status === 200 && notTheService(answer, 'a confirmation') === undefined
      } catch {
        // Best effort by contract: what is stored here is removed whether or not the issuer can be reached.
        return false
      }
    },
  }
}

function readRefreshAnswer(answer: HttpAnswer, json: unknown, nowMs: number): RefreshOutcome {
  // Before the status is believed: a proxy's 401 must not end a login.
  const strange = notTheService(answer, 'the tokens of the sign-in service')
  if (strange !== undefined) throw strange
  if (answer.status === 200) {
    const tokens = readTokenResponse(json, nowMs)
    if (tokens.accessToken === undefined) throw refreshRefused(200)
    return { kind: 'renewed', tokens }
  }
  if (isDead(answer.status, oauthErrorCode(json))) return { kind: 'dead' }
  return {
    kind: 'transient',
    error: refreshRefused(answer.status),
    retryAfterMs: retryAfterMs(answer.headers, nowMs),
  }
}

/** The answers after which the official client stops as well (facts: wire-protocol 4). */
function isDead(status: number, code: string | undefined): boolean {
  if (status === 401 || (status === 400 && code === 'invalid_grant')) return true
  return /^refresh_token_(expired|reused|invalidated)$/.test(code ?? '')
}

function exchangeRefused(status: number, json: unknown): CodexError {
  const detail =
    textField(json, 'error_description') ?? textField(fieldOf(json, 'error'), 'message') ?? oauthErrorCode(json)
  const words = detail === undefined ? '' : `: ${quoteRemote(detail)}`
  if (status >= 500) {
    return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service is in trouble (${status})${words}.`, {
      hint: 'Start again with codex_login in a minute.',
      retryable: true,
    })
  }
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service refused the sign-in (${status})${words}.`, {
    hint: 'Start again with codex_login.',
  })
}

function refreshRefused(status: number): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in could not be renewed (the service answered ${status}).`, {
    hint: 'You are still signed in. Try again in a moment.',
    retryable: true,
  })
}

function asTransient(error: unknown): CodexError {
  if (error instanceof CodexError) return error
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in could not be renewed.', {
    hint: 'You are still signed in. Try again in a moment.',
    cause: error,
    retryable: true,
  })
}

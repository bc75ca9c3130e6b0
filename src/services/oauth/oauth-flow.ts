import type { Config } from '../../config.ts'
import { CodexError, isCodexError } from '../../errors.ts'
import type { HttpAnswer, HttpClient } from '../../infrastructure/http-client.ts'
import { readText } from '../../infrastructure/http-client.ts'
import { within } from '../../infrastructure/within.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { fieldOf, parseJson, quoteRemote, textField } from '../codex/remote-text.ts'
import { retryAfterMs } from '../codex/retry-after.ts'
import { codexOAuth } from './codex-oauth.ts'
import { oauthErrorCode } from './oauth-error.ts'
import type { AuthorizeRequest, CodeProof, OAuthRequest, OAuthRoute, RefreshReason, TokenOwner } from './oauth-route.ts'
import type { TokenResponse } from './token-response.ts'

export type RefreshOutcome =
  /** `confirm`, where there is something to check: the same tokens with what is believed then, or nothing. */
  | { kind: 'renewed'; tokens: TokenResponse; confirm?: () => Promise<TokenResponse | undefined> }
  /** The service will never take this refresh token again. */
  | { kind: 'dead' }
  /** `lasts`: waiting does not help, although the refresh token may be good yet. */
  | { kind: 'transient'; error: CodexError; retryAfterMs: number | undefined; lasts?: boolean }

/** The grants of RFC 6749 as OpenAI's issuer speaks them. It knows no storage and no state. */
export interface OAuthFlow {
  /** The address where the user says yes (RFC 6749, section 4.1.1; RFC 7636, section 4.3). @throws as `OAuthRoute` */
  authorizeUrl(request: AuthorizeRequest): string
  /**
   * Redeems an authorization code (RFC 6749, section 4.1.3).
   *
   * @throws CodexError TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT, RESPONSE_INVALID
   */
  exchangeCode(proof: CodeProof): Promise<TokenResponse>
  /** Spends a refresh token (RFC 6749, section 6). It never throws: each outcome is one the caller must handle. */
  refresh(refreshToken: string, reason: RefreshReason, owner?: TokenOwner): Promise<RefreshOutcome>
  /** Asks the issuer to forget a refresh token (RFC 7009). True when it confirmed. */
  revoke(refreshToken: string, limitMs: number, owner?: TokenOwner): Promise<boolean>
}

export interface OAuthFlowDeps {
  config: Pick<Config, 'issuer' | 'clientId' | 'originator'>
  http: HttpClient
  userAgent: string
  now: () => number
  /** How the issuer is spoken to; as the Codex client does, unless told. */
  route?: OAuthRoute
}

/**
 * A refresh has to be over, and stored, before others take its owner for frozen and spend the token again (60 s):
 * these two and the waits for the lock before and after it stay below that together.
 */
const TOKEN_TIMEOUT_MS = 20_000
const TOKEN_BODY_LIMIT_MS = 5_000
const NOBODY: TokenOwner = { clientId: undefined, accountId: undefined }

export function createOAuthFlow(deps: OAuthFlowDeps): OAuthFlow {
  const { config, http, userAgent, now, route = codexOAuth(config, userAgent) } = deps

  const post = (request: OAuthRequest, headerTimeoutMs: number) =>
    http.send({ method: 'POST', ...request, headerTimeoutMs })

  const jsonOf = async ({ body }: HttpAnswer) => parseJson(await readText(body, { limitMs: TOKEN_BODY_LIMIT_MS }))

  function readRefreshAnswer(answer: HttpAnswer, json: unknown, owner: TokenOwner): RefreshOutcome {
    // Before the status is believed: a proxy's 401 must not end a login.
    const strange = notTheService(answer, 'the tokens of the sign-in service')
    if (strange !== undefined) throw strange
    if (answer.status === 200) {
      const tokens = route.readTokens(json, now(), 'refresh_token')
      if (tokens.accessToken === undefined) throw refreshRefused(200)
      const { confirmRenewal } = route
      if (confirmRenewal === undefined) return { kind: 'renewed', tokens }
      const unverified = { ...tokens, idToken: undefined }
      return { kind: 'renewed', tokens: unverified, confirm: () => confirmRenewal(tokens, owner) }
    }
    if (route.isDead(answer.status, json)) return { kind: 'dead' }
    const lasting = route.lastingRefusal(json)
    return {
      kind: 'transient',
      error: lasting ?? refreshRefused(answer.status),
      retryAfterMs: retryAfterMs(answer.headers, now()),
      lasts: lasting !== undefined,
    }
  }

  /** True when confirmed, false when refused, undefined when it may be asked for again. */
  async function revokeOnce(refreshToken: string, limitMs: number, owner: TokenOwner): Promise<boolean | undefined> {
    try {
      const answer = await post(await route.revocation(refreshToken, owner), limitMs)
      void answer.body?.cancel().catch(() => {})
      if (answer.status >= 500) return undefined
      return answer.status === 200 && notTheService(answer, 'a confirmation') === undefined
    } catch (error) {
      // Whoever has waited that long waits no longer.
      const isFinal = isCodexError(error) && (error.code === 'TIMEOUT' || !error.retryable)
      return isFinal ? false : undefined
    }
  }

  return {
    authorizeUrl: route.authorizeUrl,

    async exchangeCode(proof) {
      const answer = await post(route.exchange(proof), TOKEN_TIMEOUT_MS)
      const json = await jsonOf(answer)
      const strange = notTheService(answer, 'the tokens of the sign-in service')
      if (strange !== undefined) throw strange
      if (answer.status !== 200) throw exchangeRefused(answer.status, json)
      return route.readTokens(json, now(), 'authorization_code')
    },

    async refresh(refreshToken, reason, owner = NOBODY) {
      try {
        const answer = await post(route.refresh(refreshToken, reason, owner), TOKEN_TIMEOUT_MS)
        return readRefreshAnswer(answer, await jsonOf(answer), owner)
      } catch (error) {
        return { kind: 'transient', error: asTransient(error), retryAfterMs: undefined }
      }
    },

    // Best effort by contract: what is stored here is removed whether or not the issuer can be reached.
    async revoke(refreshToken, limitMs, owner = NOBODY) {
      let confirmed: boolean | undefined
      const over = new AbortController()
      const work = async () => {
        confirmed = await revokeOnce(refreshToken, limitMs, owner)
        for (const pause of route.pausesBeforeRevoking) {
          if (confirmed !== undefined || over.signal.aborted) return
          await pause()
          confirmed = await revokeOnce(refreshToken, limitMs, owner)
        }
      }
      // All of it together, with what has to be found out first.
      await within(work(), limitMs)
      over.abort()
      return confirmed === true
    },
  }
}

/** What the issuer called its refusal of a code, if it did. */
export function refusalCodeOf(error: unknown): string | undefined {
  return error instanceof CodexError ? textField(error.cause, 'oauthError') : undefined
}

function exchangeRefused(status: number, json: unknown): CodexError {
  const detail =
    textField(json, 'error_description') ?? textField(fieldOf(json, 'error'), 'message') ?? oauthErrorCode(json)
  const words = detail === undefined ? '' : `: ${quoteRemote(detail)}`
  const cause = { oauthError: oauthErrorCode(json) }
  if (status >= 500) {
    return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service is in trouble (${status})${words}.`, {
      hint: 'Start again with codex_login in a minute.',
      cause,
      retryable: true,
    })
  }
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service refused the sign-in (${status})${words}.`, {
    hint: 'Start again with codex_login.',
    cause,
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

import { CodexError } from '../../errors.ts'
import { expiryOf } from './id-claims.ts'

/** A token endpoint's answer (RFC 6749, section 5.1). What is absent is undefined, never empty. */
export interface TokenResponse {
  accessToken: string | undefined
  refreshToken: string | undefined
  idToken: string | undefined
  tokenType: string | undefined
  /** Milliseconds since the epoch. */
  expiresAt: number | undefined
  /** The rest where a route reads and checks it; as in `TokenRecord`. */
  clientId?: string | undefined
  accountId?: string | undefined
  scope?: string | undefined
  earliestRefreshAt?: number | undefined
}

const YEAR_S = 365 * 24 * 3600
const HOUR_MS = 3_600_000

/**
 * The tokens in an answer. Unknown fields are ignored; a token of the wrong type, empty, oversized or with
 * characters that no header may carry makes the whole answer unusable: storing half of it would lose the login.
 *
 * @throws CodexError TOKEN_REQUEST_FAILED
 */
export function readTokenResponse(json: unknown, nowMs: number): TokenResponse {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw unusable()
  const field = (name: string): unknown => (Object.hasOwn(json, name) ? json[name as keyof typeof json] : undefined)
  const accessToken = token(field('access_token'))
  return {
    accessToken,
    refreshToken: token(field('refresh_token')),
    idToken: token(field('id_token')),
    tokenType: token(field('token_type')),
    expiresAt: accessToken === undefined ? undefined : expiry(field('expires_in'), accessToken, nowMs),
  }
}

function token(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' || !/^[!-~]{1,65536}$/.test(value)) throw unusable()
  return value
}

/** `expires_in` as number or numeric string, else the token's own `exp`, else an hour. */
function expiry(expiresIn: unknown, accessToken: string, nowMs: number): number {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn
  if (typeof seconds === 'number' && seconds > 0 && seconds <= YEAR_S) return nowMs + seconds * 1000
  return expiryOf(accessToken) ?? nowMs + HOUR_MS
}

function unusable(): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in service sent an answer that makes no sense.', {
    hint: 'Try again. What was stored before is unchanged.',
    retryable: true,
  })
}

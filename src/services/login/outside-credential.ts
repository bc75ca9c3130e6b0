import type { Config } from '../../config.ts'
import { CodexError } from '../../errors.ts'
import { expiryOf, type IdClaims, readIdClaims } from '../oauth/id-claims.ts'
import { accessTokenName, apiKeyName, type CredentialName, STORED_KEY } from './credential-name.ts'

/** A credential somebody else has made: an API key, or an access token from outside. It cannot be renewed here. */
export interface OutsideCredential {
  name: CredentialName
  secret: string
  /** What an access token says of its owner; a key says nothing. */
  claims: IdClaims | undefined
  /** Milliseconds since the epoch, where it is known. */
  expiresAt: number | undefined
  /** Why it cannot be used. */
  problem: CodexError | undefined
}

type OutsideConfig = Pick<Config, 'api' | 'accessToken'>

const TOKEN_VARIABLE = 'CODEX_ACCESS_TOKEN'

/** The credential of the environment: an API key, else an access token. One that is not usable is not passed over. */
export function environmentCredential(
  { api, accessToken }: OutsideConfig,
  nowMs: number,
): OutsideCredential | undefined {
  if (api.source !== undefined) return ofKey(api.key ?? '', api.source, api.problem)
  const { token, problem } = accessToken
  if (token === undefined && problem === undefined) return undefined
  return ofToken(token ?? '', problem, nowMs)
}

/**
 * The credential of a key that is stored, or about to be. `OPENAI_BASE_URL` is often set for other providers, and one of
 * them is no place for a key that was tried and stored for another address.
 */
export function keyCredential(key: string, storedFor: string | undefined, { api }: OutsideConfig): OutsideCredential {
  const isElsewhere = storedFor !== undefined && storedFor !== api.baseUrl
  return ofKey(key, STORED_KEY, api.baseUrlProblem ?? (isElsewhere ? notItsPlace(storedFor) : undefined))
}

function notItsPlace(storedFor: string): CodexError {
  return new CodexError(
    'CONFIG_INVALID',
    `The stored API key is for ${storedFor}, and OPENAI_BASE_URL names another.`,
    {
      hint: 'Remove or correct OPENAI_BASE_URL, or store a key of that service with `codex-oauth-mcp login --with-api-key`.',
    },
  )
}

function ofKey(secret: string, source: string, problem: CodexError | undefined): OutsideCredential {
  return { name: apiKeyName(source), secret, claims: undefined, expiresAt: undefined, problem }
}

function ofToken(secret: string, problem: CodexError | undefined, nowMs: number): OutsideCredential {
  const claims = readIdClaims({ idToken: undefined, accessToken: secret })
  const expiresAt = expiryOf(secret)
  const isOver = expiresAt !== undefined && expiresAt <= nowMs
  return {
    name: accessTokenName(TOKEN_VARIABLE, claims.plan),
    secret,
    claims,
    expiresAt,
    problem: problem ?? (isOver ? expired() : undefined),
  }
}

function expired(): CodexError {
  return new CodexError('NOT_AUTHENTICATED', `The access token from ${TOKEN_VARIABLE} has expired.`, {
    hint: 'Replace it there and restart the server, or sign in with codex_login.',
  })
}

import { createHmac } from 'node:crypto'
import { fixture } from './fake-fixture.ts'

/** Whose login it is. Without an account id the tokens name none. */
export interface Account {
  accountId: string | null
  plan: string
  email: string
}

export interface TokenTimes {
  issuer: string
  clientId: string
  /** Both in seconds, as on the wire. */
  issuedAt: number
  expiresAt: number
  /** What makes two tokens of one second differ. */
  id: string
}

type Claims = Record<string, unknown>

const AUTH = 'https://api.openai.com/auth'
const PROFILE = 'https://api.openai.com/profile'
const example = JSON.parse(fixture('jwt-claims.example.json')) as { id_token: Claims; access_token: Claims }

/** An id_token with the claims of `jwt-claims.example.json` for this account. */
export function idToken(account: Account, { issuer, clientId, issuedAt, expiresAt, id }: TokenTimes): string {
  return sign({
    ...example.id_token,
    iss: issuer,
    aud: [clientId],
    iat: issuedAt,
    exp: expiresAt,
    jti: id,
    email: account.email,
    [AUTH]: authClaims(example.id_token, account),
  })
}

/** An access token with the claims of `jwt-claims.example.json` for this account. */
export function accessToken(account: Account, { issuer, expiresAt, id }: TokenTimes): string {
  return sign({
    ...example.access_token,
    iss: issuer,
    exp: expiresAt,
    jti: id,
    [AUTH]: authClaims(example.access_token, account),
    [PROFILE]: { email: account.email, email_verified: true },
  })
}

function authClaims(claims: Claims, { accountId, plan }: Account): Claims {
  const { chatgpt_account_id: _, ...rest } = claims[AUTH] as Claims
  return { ...rest, chatgpt_plan_type: plan, ...(accountId !== null && { chatgpt_account_id: accountId }) }
}

/** A JWT whose signature begins with `FAKE`, so that the mark is readable in the token itself. */
function sign(claims: Claims): string {
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT', kid: 'FAKE' })}.${base64url(claims)}`
  return `${signed}.FAKE${createHmac('sha256', 'FAKE').update(signed).digest('base64url')}`
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

import { decodeJwtPayload } from '../../infrastructure/jwt.ts'

/** What the tokens say about their owner. Nothing here is verified: it came from the issuer over TLS. */
export interface IdClaims {
  accountId: string | undefined
  email: string | undefined
  plan: string | undefined
  /** The account lives in the US government cloud and its calls need a header that says so. */
  fedramp: boolean
}

type Claims = Readonly<Record<string, unknown>>

const AUTH = 'https://api.openai.com/auth'
const PROFILE = 'https://api.openai.com/profile'

/** The claims of an ID token, completed from the access token (facts: wire-protocol 6). */
export function readIdClaims(tokens: { idToken: string | undefined; accessToken: string }): IdClaims {
  const id = decodeJwtPayload(tokens.idToken ?? '') ?? {}
  const access = decodeJwtPayload(tokens.accessToken) ?? {}
  const both = [id, access]
  return {
    accountId:
      first(both, (claims) => text(object(claims[AUTH]).chatgpt_account_id) ?? text(claims.chatgpt_account_id)) ??
      first(both, firstOrganization),
    email: first(both, (claims) => text(claims.email) ?? text(object(claims[PROFILE]).email)),
    plan: first(both, (claims) => planName(object(claims[AUTH]).chatgpt_plan_type)),
    fedramp: object(id[AUTH]).chatgpt_account_is_fedramp === true,
  }
}

/** What of a stored login tells whose it is. */
interface Login {
  accountId: string | undefined
  idToken: string | undefined
  accessToken: string
}

/** Whose login it is: those of the Python plugin do not say so, but their tokens do. */
export function accountOf(login: Login): string | undefined {
  return login.accountId ?? readIdClaims(login).accountId
}

/** What is known of the owner of a stored login. */
export function ownerOf(login: Login): IdClaims {
  return { ...readIdClaims(login), accountId: accountOf(login) }
}

/** When the access token expires by its own `exp`, in milliseconds, if it says so (RFC 7519, section 4.1.4). */
export function expiryOf(accessToken: string): number | undefined {
  const exp = decodeJwtPayload(accessToken)?.exp
  const expiresAt = typeof exp === 'number' ? exp * 1000 : Number.NaN
  return Number.isFinite(expiresAt) && expiresAt > 0 ? expiresAt : undefined
}

/** `p…n@example.com`: enough for the owner to recognise, too little for a transcript to give away. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@')
  if (at < 1) return '…'
  const name = email.slice(0, at)
  return `${name[0]}…${name.length > 1 ? name.at(-1) : ''}${email.slice(at)}`
}

/** The original plugin's last resort for old tokens without an account claim. */
function firstOrganization(claims: Claims): string | undefined {
  const organizations = object(claims[AUTH]).organizations ?? claims.organizations
  return Array.isArray(organizations) ? text(object(organizations[0]).id) : undefined
}

function first(all: readonly Claims[], read: (claims: Claims) => string | undefined): string | undefined {
  for (const claims of all) {
    const value = read(claims)
    if (value !== undefined) return value
  }
  return undefined
}

/** Plans are single words (facts: wire-protocol 6); anything else would be free text in a sentence of ours. */
function planName(value: unknown): string | undefined {
  return typeof value === 'string' && /^\w{1,60}$/.test(value) ? value : undefined
}

/** A claim that may travel in a header or be shown: printable, of sane length. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\x20-\x7e]{1,320}$/.test(value) ? value : undefined
}

function object(value: unknown): Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {}
}

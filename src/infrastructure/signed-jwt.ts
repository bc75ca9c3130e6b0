import type { LocalJWKSet } from 'jose/jwks/local'

/** Public keys somebody signs with (RFC 7517, section 5), as `readKeySet` makes them. */
export type KeySet = LocalJWKSet

export type OpenedJwt =
  | { kind: 'claims'; claims: Readonly<Record<string, unknown>> }
  /** `form`, `algorithm`, `key`, `signature` or `expiry`; else the name of a claim. */
  | { kind: 'wrong'; part: string }
  /** None of the keys is the one it names. */
  | { kind: 'unknown key' }
  /** The one it names is damaged, too short, or not a public one. */
  | { kind: 'unusable key' }

export interface JwtRules {
  issuer: string
  /** One of those it is meant for. */
  audience: string
  /** Milliseconds since the epoch. */
  now: number
}

/** By how much the clocks of two machines may differ. */
const TOLERANCE_S = 5

/** The keys in a JWK Set; undefined when it is none, or has none. */
export async function readKeySet(json: unknown): Promise<KeySet | undefined> {
  const { createLocalJWKSet } = await import('jose/jwks/local')
  try {
    const keySet = createLocalJWKSet(json as Parameters<typeof createLocalJWKSet>[0])
    return keySet.jwks().keys.length > 0 ? keySet : undefined
  } catch {
    return undefined
  }
}

/**
 * The claims of a JWT that one of `keys` has signed with RS256 and that holds now (RFC 7515, section 5.2; RFC 7519,
 * section 7.2). One that names no key is wrong where there are several: trying them all would let each of them sign.
 */
export async function openSignedJwt(token: string, keys: KeySet, rules: JwtRules): Promise<OpenedJwt> {
  const { jwtVerify } = await import('jose/jwt/verify')
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer: rules.issuer,
      audience: rules.audience,
      // Left out, it would hold for ever.
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(rules.now),
    })
    return { kind: 'claims', claims: payload }
  } catch (error) {
    // Nothing else of it is kept: it has the claims inside, and they are about a person.
    const { code, claim } = Object(error) as { code?: unknown; claim?: unknown }
    return verdictOn(code, claim)
  }
}

function verdictOn(code: unknown, claim: unknown): OpenedJwt {
  switch (code) {
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return { kind: 'wrong', part: String(claim) }
    case 'ERR_JWT_EXPIRED':
      return { kind: 'wrong', part: 'expiry' }
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return { kind: 'wrong', part: 'signature' }
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return { kind: 'wrong', part: 'algorithm' }
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return { kind: 'wrong', part: 'key' }
    case 'ERR_JWS_INVALID':
    case 'ERR_JWT_INVALID':
    case 'ERR_JOSE_NOT_SUPPORTED':
      return { kind: 'wrong', part: 'form' }
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return { kind: 'unknown key' }
    default:
      // What Node says of a key has no code of the library's.
      return { kind: 'unusable key' }
  }
}

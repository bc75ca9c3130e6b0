import { createHash } from 'node:crypto'
import { type Account, accessToken, idToken } from './fake-jwt.ts'

/** What the token endpoint answers. */
export interface TokenSet {
  id_token: string
  access_token: string
  refresh_token: string
  token_type: 'bearer'
  expires_in: number
  scope: string
}

export type RefreshFault = 'refresh_token_expired' | 'refresh_token_reused' | 'refresh_token_invalidated'

export type Bearer = { state: 'live'; account: Account } | { state: 'expired' | 'revoked' | 'unknown' }

export interface TokenLedgerDeps {
  issuer: () => string
  clientId: string
  now: () => number
  accessTokenLifeSeconds: number
}

interface Family {
  name: string
  account: Account
  scope: string
  rotations: number
  revoked: boolean
}

interface Code {
  account: Account
  scope: string
  redirectUri: string
  challenge: string
  /** The family it was exchanged for: a second use revokes it. */
  spentOn?: Family
}

export type TokenLedger = ReturnType<typeof createTokenLedger>

/** The issuer's books: which code, refresh token and access token is worth what. Every refresh token works once. */
export function createTokenLedger({ issuer, clientId, now, accessTokenLifeSeconds }: TokenLedgerDeps) {
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, { family: Family; spent: boolean; expired: boolean }>()
  const accessTokens = new Map<string, { family: Family; expiresAt: number; revoked: boolean }>()
  const secrets = new Set<string>()
  let families = 0
  let reuses = 0

  function startFamily(account: Account, scope: string): Family {
    families += 1
    return { name: `f${families}`, account, scope, rotations: 0, revoked: false }
  }

  function rotate(family: Family, lifeSeconds: number): TokenSet {
    family.rotations += 1
    const serial = `${family.name}_${family.rotations}`
    const issuedAt = Math.floor(now() / 1000)
    const expiresAt = issuedAt + lifeSeconds
    const times = { issuer: issuer(), clientId, issuedAt, expiresAt }
    const tokens: TokenSet = {
      id_token: idToken(family.account, { ...times, id: `FAKE_id_${serial}` }),
      access_token: accessToken(family.account, { ...times, id: `FAKE_at_${serial}` }),
      refresh_token: `rt_FAKE_${serial}`,
      token_type: 'bearer',
      expires_in: lifeSeconds,
      scope: family.scope,
    }
    accessTokens.set(tokens.access_token, { family, expiresAt: expiresAt * 1000, revoked: false })
    refreshTokens.set(tokens.refresh_token, { family, spent: false, expired: false })
    for (const secret of [tokens.id_token, tokens.access_token, tokens.refresh_token]) secrets.add(secret)
    return tokens
  }

  return {
    /** Every code, token, state and verifier that ever came by: what no log and no answer may show. */
    secrets,

    get reuses(): number {
      return reuses
    },

    /** Tokens as a login would have got them, in a family of their own. */
    issue(account: Account, scope: string, lifeSeconds = accessTokenLifeSeconds): TokenSet {
      return rotate(startFamily(account, scope), lifeSeconds)
    },

    createCode(code: Omit<Code, 'spentOn'>): string {
      const name = `ac_FAKE_${codes.size + 1}`
      codes.set(name, code)
      secrets.add(name)
      return name
    },

    /** The tokens of a code, or why not. Using a code again revokes what it gave the first time. */
    redeem(name: string, { redirectUri, verifier }: { redirectUri: string; verifier: string }): TokenSet | string {
      const code = codes.get(name)
      if (code === undefined) return 'unknown code'
      if (code.spentOn !== undefined) {
        code.spentOn.revoked = true
        return 'code already used'
      }
      if (code.redirectUri !== redirectUri) return 'redirect_uri does not match'
      if (createHash('sha256').update(verifier).digest('base64url') !== code.challenge) {
        return 'code_verifier does not match'
      }
      code.spentOn = startFamily(code.account, code.scope)
      return rotate(code.spentOn, accessTokenLifeSeconds)
    },

    /** The next tokens of the family, or why not. Reuse revokes the whole family, as the service does. */
    refresh(token: string): TokenSet | RefreshFault {
      const known = refreshTokens.get(token)
      if (known === undefined) return 'refresh_token_invalidated'
      if (known.spent) {
        reuses += 1
        known.family.revoked = true
        return 'refresh_token_reused'
      }
      if (known.family.revoked) return 'refresh_token_invalidated'
      if (known.expired) return 'refresh_token_expired'
      known.spent = true
      return rotate(known.family, accessTokenLifeSeconds)
    },

    /** Revokes the family of a refresh token, or one access token. False if nobody knows the token. */
    revoke(token: string): boolean {
      const family = refreshTokens.get(token)?.family
      if (family !== undefined) family.revoked = true
      const access = accessTokens.get(token)
      if (access !== undefined) access.revoked = true
      return family !== undefined || access !== undefined
    },

    judge(token: string): Bearer {
      const known = accessTokens.get(token)
      if (known === undefined) return { state: 'unknown' }
      if (known.revoked || known.family.revoked) return { state: 'revoked' }
      return known.expiresAt <= now() ? { state: 'expired' } : { state: 'live', account: known.family.account }
    },

    expireAccessTokens(): void {
      for (const known of accessTokens.values()) known.expiresAt = 0
    },

    expireRefreshTokens(): void {
      for (const known of refreshTokens.values()) known.expired = true
    },
  }
}

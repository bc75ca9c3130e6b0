import type { PlanKeys, TokenChange } from './fake-plan-keys.ts'
import { PLAN_SCOPE, type PlanOptions, type PlanPerson } from './fake-plan-options.ts'
import type { Registration } from './fake-plan-registrations.ts'
import { type PlanTokenSet, planTokens } from './fake-plan-tokens.ts'

export interface PlanBooksDeps {
  issuer: () => string
  now: () => number
  keys: PlanKeys
  options: PlanOptions
}

/** Why a refresh token is worth nothing any more, as `error_reason` has it (facts: plan-usage 2.7). */
export type PlanRefreshFault =
  | 'invalid_refresh_token'
  | 'refresh_token_expired'
  | 'refresh_token_invalidated'
  | 'refresh_token_reused'

export type PlanBearer = { state: 'live'; scope: string; person: PlanPerson } | { state: 'expired' | 'revoked' }

/** What somebody has allowed. */
export interface PlanGrant {
  registration: Registration
  person: PlanPerson
  scope: string
}

/** All that was made of one grant. */
export interface PlanFamily extends PlanGrant {
  name: string
  rotations: number
  revoked: boolean
}

interface Rotation {
  nonce?: string | undefined
  /** What the options say unless told. */
  lifeSeconds?: number | undefined
  change?: TokenChange | undefined
}

const REFRESH_TOKEN_LIFE_MS = 30 * 24 * 3_600_000

export type PlanBooks = ReturnType<typeof createPlanBooks>

/** Which code, refresh token and access token of the plan is worth what. Every refresh token works once. */
export function createPlanBooks({ issuer, now, keys, options }: PlanBooksDeps) {
  const refreshTokens = new Map<string, { family: PlanFamily; spent: boolean; expiresAt: number }>()
  const accessTokens = new Map<string, { family: PlanFamily; scope: string; expiresAt: number }>()
  const tokens = new Set<string>()
  const secrets = new Set<string>()
  let families = 0
  let reuses = 0

  function rotate(
    family: PlanFamily,
    { nonce, lifeSeconds = options.accessTokenLifeSeconds, change }: Rotation,
  ): PlanTokenSet {
    family.rotations += 1
    const { person, scope, registration } = family
    const issuedAt = Math.floor(now() / 1000)
    const serial = `${family.name}_${family.rotations}`
    const facts = { issuer: issuer(), clientId: registration.clientId, person, scope, nonce, issuedAt, lifeSeconds }
    const issued = planTokens({ ...facts, serial }, { keys, options, change })
    accessTokens.set(issued.access_token, { family, scope, expiresAt: (issuedAt + lifeSeconds) * 1000 })
    refreshTokens.set(issued.refresh_token, { family, spent: false, expiresAt: now() + REFRESH_TOKEN_LIFE_MS })
    for (const token of [issued.access_token, issued.refresh_token, issued.id_token]) tokens.add(token)
    return issued
  }

  return {
    /** Every access, refresh and ID token ever given out, and the codes. */
    tokens,

    /** What else no log and no answer may show: states, nonces, verifiers. */
    secrets,

    get reuses(): number {
      return reuses
    },

    /** A family of its own for a grant; `rotate` gives it its first tokens. */
    startFamily({ registration, person, scope }: PlanGrant): PlanFamily {
      families += 1
      return { name: `f${families}`, registration, person, scope, rotations: 0, revoked: false }
    },

    rotate,

    /** The next tokens of the family, or why not. Reuse revokes the whole family. */
    refresh(token: string, change: TokenChange | undefined): PlanTokenSet | PlanRefreshFault {
      const known = refreshTokens.get(token)
      if (known === undefined) return 'invalid_refresh_token'
      if (known.spent) {
        reuses += 1
        known.family.revoked = true
        return 'refresh_token_reused'
      }
      if (known.family.revoked) return 'refresh_token_invalidated'
      if (known.expiresAt <= now()) return 'refresh_token_expired'
      known.spent = true
      return rotate(known.family, { change })
    },

    /** The client a refresh token was given to. */
    clientOf(token: string): string | undefined {
      return refreshTokens.get(token)?.family.registration.clientId
    },

    /** Ends the family of a refresh token. False if nobody knows the token. */
    revoke(token: string): boolean {
      const family = refreshTokens.get(token)?.family
      if (family !== undefined) family.revoked = true
      return family !== undefined
    },

    revokeClient(clientId: string): void {
      for (const { family } of refreshTokens.values()) family.revoked ||= family.registration.clientId === clientId
    },

    judge(token: string): PlanBearer | undefined {
      const known = accessTokens.get(token)
      if (known === undefined) return undefined
      if (known.family.revoked) return { state: 'revoked' }
      return known.expiresAt <= now()
        ? { state: 'expired' }
        : { state: 'live', scope: known.scope, person: known.family.person }
    },

    /** Every login keeps its identity; what it is given from now on does not pay. */
    withdrawPlanScope(): void {
      for (const { family } of refreshTokens.values()) family.scope = withoutPlanScope(family.scope)
    },

    expireAccessTokens(): void {
      for (const known of accessTokens.values()) known.expiresAt = 0
    },

    expireRefreshTokens(): void {
      for (const known of refreshTokens.values()) known.expiresAt = 0
    },
  }
}

export function withoutPlanScope(scope: string): string {
  return scope
    .split(' ')
    .filter((word) => word !== PLAN_SCOPE)
    .join(' ')
}

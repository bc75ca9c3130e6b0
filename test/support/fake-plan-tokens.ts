import type { PlanKeys, TokenChange } from './fake-plan-keys.ts'
import { PLAN_RESOURCE, type PlanOptions, type PlanPerson } from './fake-plan-options.ts'

/** The seven fields of a token answer (facts: plan-usage 2.5). */
export interface PlanTokenSet {
  access_token: string
  refresh_token: string
  id_token: string
  token_type: string
  expires_in: number
  scope: string
  earliest_refresh_at: unknown
}

export interface TokenFacts {
  issuer: string
  clientId: string
  person: PlanPerson
  scope: string
  nonce: string | undefined
  /** Both in seconds, as on the wire. */
  issuedAt: number
  lifeSeconds: number
  /** What makes two tokens of one second differ. */
  serial: string
}

/** The tokens of one grant, signed. */
export function planTokens(
  facts: TokenFacts,
  { keys, options, change }: { keys: PlanKeys; options: PlanOptions; change: TokenChange | undefined },
): PlanTokenSet {
  return {
    access_token: accessToken(facts, keys),
    refresh_token: `rt_FAKE_plan_${facts.serial}`,
    id_token: keys.sign(idClaims(facts, options), change),
    token_type: 'Bearer',
    expires_in: facts.lifeSeconds,
    scope: facts.scope,
    earliest_refresh_at: options.earliestRefreshAt,
  }
}

/** Opaque to its client, so its signature may begin with a readable mark and be none. The ID token cannot have one. */
function accessToken(facts: TokenFacts, keys: PlanKeys): string {
  const { issuer, clientId, person, scope, issuedAt, lifeSeconds, serial } = facts
  const [header, claims, signature] = keys
    .sign({
      iss: issuer,
      sub: person.subject,
      aud: PLAN_RESOURCE,
      client_id: clientId,
      scope,
      iat: issuedAt,
      nbf: issuedAt,
      exp: issuedAt + lifeSeconds,
      jti: `FAKE_at_plan_${serial}`,
      'https://api.openai.com/auth': { per_user_salt: 'FAKE', encrypted_auth_metadata: 'FAKE' },
    })
    .split('.')
  return `${header}.${claims}.FAKE${signature}`
}

function idClaims(facts: TokenFacts, { audience }: PlanOptions): Record<string, unknown> {
  const { issuer, clientId, person, nonce, issuedAt, lifeSeconds, serial } = facts
  return {
    iss: issuer,
    sub: person.subject,
    aud: audience === 'array' ? [clientId] : clientId,
    iat: issuedAt,
    exp: issuedAt + lifeSeconds,
    jti: `FAKE_id_plan_${serial}`,
    nonce,
    email: person.email,
    email_verified: true,
    name: 'Fake Person',
    picture: 'https://cdn.example/fake.png',
  }
}

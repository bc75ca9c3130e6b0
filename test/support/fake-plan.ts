import { createPlanApi } from './fake-plan-api.ts'
import { createPlanAuthorize } from './fake-plan-authorize.ts'
import { createPlanBooks } from './fake-plan-books.ts'
import { createPlanCodes } from './fake-plan-codes.ts'
import { createPlanDiscovery } from './fake-plan-discovery.ts'
import { createPlanGrants } from './fake-plan-grants.ts'
import { createPlanKeys, type TokenChange } from './fake-plan-keys.ts'
import { PLAN_SCOPE, PLAN_SCOPES, type PlanOptions, type PlanPerson, usualPlanOptions } from './fake-plan-options.ts'
import { createRegistrations, type Registration } from './fake-plan-registrations.ts'
import { createPlanRouter } from './fake-plan-router.ts'
import { createPlanSeen, type PlanSeen } from './fake-plan-seen.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import type { Seals } from './fake-reasoning.ts'
import type { SeenRequest } from './fake-request.ts'
import { createScript, type Route, type Script } from './fake-script.ts'

export interface FakePlan {
  /** Where the client is pointed to; the resource it names stays the service's own. */
  baseUrl: string
  options: PlanOptions
  script: Record<'discovery' | 'jwks' | 'authorize' | 'token' | 'revoke' | 'models' | 'responses', Script>
  seen: PlanSeen
  /** Paths at which a token of one route was shown to the other. Empty means none ever left its own. */
  crossings: readonly string[]
  /** Every client id given out, deleted ones too. */
  registrations: readonly Registration[]
  /** Who is at the browser from now on. */
  signInAs(person: Partial<PlanPerson>): void
  /**
   * Whoever is at the browser signs in without the plan, until a client asks with `prompt=consent`. The fake takes that
   * prompt only from a client whose user has declined here, or whose issued tokens lack the scope.
   */
  declinePlanScope(): void
  /** As `declinePlanScope`, and the next refresh of every login answers a scope without the plan. */
  withdrawPlanScope(): void
  /** As if the user had removed the app in the settings. */
  deleteRegistration(clientId: string): void
  /** Tokens as from a login of whoever is at the browser, to seed a record; of a registration of their own unless told. */
  issueTokens(grant?: IssueOptions): IssuedTokens
  expireAccessTokens(): void
  expireRefreshTokens(): void
  /** As if the user had ended the login elsewhere; takes any refresh token of the family. */
  revokeFamily(refreshToken: string): void
  /** A new key under a new `kid` signs from now on; the older ones stay published. */
  rotateKey(): void
  /** The next ID token that an exchange or a refresh makes is changed; a refresh then answers one. One call, one token. */
  nextIdToken(change: TokenChange): void
}

export interface IssueOptions extends Partial<PlanPerson> {
  clientId?: string
  /** All six unless told. */
  scope?: string
  expiresInSeconds?: number
}

export interface IssuedTokens {
  tokens: PlanTokenSet
  clientId: string
  person: PlanPerson
}

export interface PlanDeps {
  issuer: () => string
  now: () => number
  /** The tokens of the other route. */
  codexTokens: () => readonly string[]
  seals: Seals
}

/** Plays OpenAI's documented plan route at the address of the fake. `routeOf` and `secrets` are for the fake itself. */
export function createPlan({ issuer, now, codexTokens, seals }: PlanDeps): {
  plan: FakePlan
  /** What a request to the plan meets; `undefined` if it is none of its business. */
  routeOf: (request: SeenRequest) => Route | undefined
  secrets: () => string[]
} {
  const options = usualPlanOptions()
  const keys = createPlanKeys()
  const registrations = createRegistrations()
  const books = createPlanBooks({ issuer, now, keys, options })
  const codes = createPlanCodes(books)
  const seen = createPlanSeen(() => books.reuses)
  const changes: TokenChange[] = []
  let person: PlanPerson = { subject: 'user-FAKE-0001', email: 'person@example.com', workspace: 'ws-FAKE-0001' }
  const script = {
    discovery: createScript(),
    jwks: createScript(),
    authorize: createScript(),
    token: createScript(),
    revoke: createScript(),
    models: createScript(),
    responses: createScript(),
  }
  const judges = {
    ...createPlanDiscovery({ issuer, keys }),
    authorize: createPlanAuthorize({ issuer, person: () => person, registrations, codes, books, options, seen }),
    ...createPlanGrants({ registrations, codes, books, options, seen, takeChange: () => changes.shift() }),
    ...createPlanApi({ books, options, seals }),
  }
  const router = createPlanRouter({ judges, script, planTokens: books.tokens, codexTokens })

  function issueTokens({ clientId, scope, expiresInSeconds: lifeSeconds, ...other }: IssueOptions = {}): IssuedTokens {
    const known = clientId === undefined ? undefined : registered(clientId)
    const owner = { ...person, ...(known && { subject: known.subject, workspace: known.workspace }), ...other }
    const registration = known ?? registrations.register(owner)
    const granted = scope ?? [...PLAN_SCOPES].sort().join(' ')
    registration.plan = granted.split(' ').includes(PLAN_SCOPE)
    const family = books.startFamily({ registration, person: owner, scope: granted })
    return { tokens: books.rotate(family, { lifeSeconds }), clientId: registration.clientId, person: owner }
  }

  function registered(clientId: string): Registration {
    const registration = registrations.find(clientId)
    if (registration === undefined) throw new Error(`The fake has not given out ${clientId}.`)
    return registration
  }

  const plan: FakePlan = {
    get baseUrl() {
      return `${issuer()}/v1`
    },
    options,
    script,
    seen,
    crossings: router.crossings,
    registrations: registrations.all,
    signInAs: (other) => {
      person = { ...person, ...other }
    },
    declinePlanScope: registrations.declinePlan,
    withdrawPlanScope: () => {
      registrations.declinePlan()
      books.withdrawPlanScope()
    },
    deleteRegistration: (clientId) => {
      registered(clientId).deleted = true
      books.revokeClient(clientId)
    },
    issueTokens,
    expireAccessTokens: books.expireAccessTokens,
    expireRefreshTokens: books.expireRefreshTokens,
    revokeFamily: books.revoke,
    rotateKey: keys.rotate,
    nextIdToken: (change) => {
      changes.push(change)
    },
  }
  return { plan, routeOf: router.routeOf, secrets: () => [...books.tokens, ...books.secrets] }
}

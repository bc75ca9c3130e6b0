import { type PlanModel, planModels } from './fake-plan-models.ts'

/** The one resource the service takes, wherever it is played. */
export const PLAN_RESOURCE = 'https://api.openai.com/v1'

/** Without it a sign-in is an identity only. */
export const PLAN_SCOPE = 'chatgpt.tokens.use.direct'

/** What a client asks for, in the order of the documentation. */
export const PLAN_SCOPES = ['openid', 'profile', 'email', 'offline_access', 'resource.invoke', PLAN_SCOPE]

/** The client id of somebody who has none yet. */
export const BOOTSTRAP_CLIENT = 'dynamic_agent_client'

/** Whoever sits at the browser. */
export interface PlanPerson {
  subject: string
  email: string
  workspace: string
}

/** Where the service is known to differ from day to day, or is not known well enough. A test may change them at any time. */
export interface PlanOptions {
  /** The callback of a later login names the client too. */
  clientIdOnLaterLogins: boolean
  /** The callback carries `iss` (RFC 9207). */
  issInCallback: boolean
  /** How the ID token writes its one audience. */
  audience: 'array' | 'string'
  /** Null, a number, an ISO string; `undefined` leaves the field out. */
  earliestRefreshAt: unknown
  /** A refresh answers an ID token too. */
  idTokenOnRefresh: boolean
  /** A refresh answers the scope even if it has not changed. */
  scopeOnRefresh: boolean
  /** False: no refresh token is ever good, as was reported in October (facts: plan-usage 2.7). */
  refreshWorks: boolean
  accessTokenLifeSeconds: number
  /** Newer models are listed only for a `client_version` that knows them. */
  clientVersionGate: boolean
  models: PlanModel[]
  /**
   * What is refused as a capability it does not support, where the documentation is silent: fields like `include`,
   * `prompt_cache_key`, `text.format`, or a kind of tool like `web_search`, which an account's policy may forbid.
   */
  unsupported: string[]
  /** What every question is answered, after a commentary. */
  reply: string
}

/** The service as it was seen most often (facts: plan-usage 8.1). */
export function usualPlanOptions(): PlanOptions {
  return {
    clientIdOnLaterLogins: false,
    issInCallback: false,
    audience: 'array',
    earliestRefreshAt: null,
    idTokenOnRefresh: false,
    scopeOnRefresh: false,
    refreshWorks: true,
    accessTokenLifeSeconds: 3600,
    clientVersionGate: true,
    models: planModels(),
    unsupported: [],
    reply: 'Hello from the fake plan.',
  }
}

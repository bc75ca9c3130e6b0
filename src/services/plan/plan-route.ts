import type { Config } from '../../config.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { HttpClient } from '../../infrastructure/http-client.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { Route } from '../login/route.ts'
import { createDiscovery } from '../oauth/discovery.ts'
import { createIdTokenVerifier } from '../oauth/id-token.ts'
import { createPlanAuthorize } from './plan-authorize.ts'
import { createPlanConfirmation } from './plan-confirmation.ts'
import { PLAN_LOGIN } from './plan-login.ts'
import { planOAuth } from './plan-oauth.ts'
import type { PlanRegistration } from './plan-registration.ts'
import { createPlanWelcome } from './plan-welcome.ts'

export interface PlanRouteDeps {
  config: Pick<Config, 'issuer'>
  registration: PlanRegistration
  http: HttpClient
  clock: Clock
  log: Log
  userAgent: string
}

/** As OpenAI documents it for programs on the user's own machine (facts: plan-usage). */
export function planRoute({ config, registration, http, clock, log, userAgent }: PlanRouteDeps): Route {
  const now = () => clock.now()
  const discovery = createDiscovery({ issuer: config.issuer, http, now })
  const verifier = createIdTokenVerifier({ issuer: config.issuer, discovery, http, now })
  return {
    login: PLAN_LOGIN,
    oauth: planOAuth({ config, hostId: registration.hostId, discovery, verifier, userAgent, clock }),
    authorize: (deps) => createPlanAuthorize({ ...deps, registration, verifier }),
    userAgent,
    onStored: createPlanConfirmation({ registration, log }),
    welcome: (stored) => createPlanWelcome({ stored: () => stored, registration })(),
  }
}

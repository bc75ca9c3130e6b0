import type { Config } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { type ClaimStore, createClaimStore } from '../../infrastructure/claim.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { HttpClient } from '../../infrastructure/http-client.ts'
import type { Log } from '../../infrastructure/log.ts'
import type { Surroundings } from '../../infrastructure/surroundings.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { DeviceFlow } from '../oauth/device-flow.ts'
import { createOAuthFlow, type OAuthFlow } from '../oauth/oauth-flow.ts'
import type { BrowserSignInDeps } from '../sign-in/browser-sign-in.ts'
import { createSignIn, type SignInOfLogin } from '../sign-in/sign-in.ts'
import { createSignInLease } from '../sign-in/sign-in-lease.ts'
import { createSignedIn, type SignedIn } from '../sign-in/signed-in.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import type { LoginRoute, RouteName } from './login-route.ts'
import type { RunInWorker } from './renewal-delegation.ts'
import type { Route } from './route.ts'
import type { RouteChoice } from './route-choice.ts'
import { createTokenManager, type TokenManager } from './token-manager.ts'
import { createTokenRefresher, type TokenRefresher } from './token-refresh.ts'

/** All the parts of one login. */
export interface Login {
  route: LoginRoute
  storage: TokenStorage
  claims: ClaimStore
  oauth: OAuthFlow
  refresher: TokenRefresher
  tokens: TokenManager
  signedIn: SignedIn
  credentials: Credentials
  signIn: SignInOfLogin
  /** As `Route.welcome`. */
  welcome(): Promise<readonly string[]>
}

/** What the logins share. */
export interface LoginEdges extends Pick<BrowserSignInDeps, 'openBrowser' | 'log'> {
  config: Config
  storages: Readonly<Record<RouteName, TokenStorage>>
  choice: RouteChoice
  http: HttpClient
  device: DeviceFlow
  surroundings: Surroundings
  clock: Clock
  random: () => number
  runInWorker?: RunInWorker | undefined
  randomBytes: (size: number) => Buffer
  log: Log
}

/** The parts of one login, put together as its route has them. */
export function createLogin(edges: LoginEdges, route: Route): Login {
  const { config, storages, choice, http, clock, randomBytes, log } = edges
  const { userAgent, login } = route
  const now = () => clock.now()
  const storage = storages[login.name]
  const claims = createClaimStore({ base: () => `${storage.file()}${login.claimSuffix}`, now })
  const oauth = createOAuthFlow({ config, http, userAgent, now, route: route.oauth })
  const refresher = createTokenRefresher({ ...edges, storage, claims, oauth, route: login })
  const tokens = createTokenManager({ ...edges, storage, refresher, oauth, route: login })
  const signedIn = createSignedIn({ storage, tokens, isIncomplete: (record) => login.lack(record) !== undefined })
  const credentials = createCredentials({ config, storage, tokens, userAgent, now, route: login })
  const lease = createSignInLease({ claims, clock })
  const ways = {
    redirect: login.redirect(config),
    authorize: route.authorize({ config, oauth, randomBytes, stored: signedIn.stored }),
    lease,
    oauth,
  }
  async function onStored(record: TokenRecord): Promise<void> {
    await route.onStored(record)
    // Whatever the clock says, who has signed in last is asked. A call that comes back chooses it again.
    await choice.select(login.name).catch((error: unknown) => log.event('not_chosen', { reason: codeOf(error) }))
  }

  const signIn = createSignIn({ ...edges, ...ways, route: login, storage, signedIn, onStored })
  const welcome = () => route.welcome(signedIn.stored())
  return { route: login, storage, claims, oauth, refresher, tokens, signedIn, credentials, signIn, welcome }
}

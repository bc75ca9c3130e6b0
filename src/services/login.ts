import type { Config } from '../config.ts'
import { type ClaimStore, createClaimStore } from '../infrastructure/claim.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { HttpClient } from '../infrastructure/http-client.ts'
import type { Log } from '../infrastructure/log.ts'
import type { Surroundings } from '../infrastructure/surroundings.ts'
import { createTokenStorage, type TokenRecord, type TokenStorage } from '../infrastructure/token-storage.ts'
import type { Vault } from '../infrastructure/vault.ts'
import type { Authorize, AuthorizeDeps } from './authorization.ts'
import type { BrowserSignInDeps } from './browser-sign-in.ts'
import { type Credentials, createCredentials } from './credentials.ts'
import type { DeviceFlow } from './device-flow.ts'
import type { LoginRoute } from './login-route.ts'
import { createOAuthFlow, type OAuthFlow } from './oauth-flow.ts'
import type { OAuthRoute } from './oauth-route.ts'
import { createSignIn, type SignInOfLogin } from './sign-in.ts'
import { createSignInLease } from './sign-in-lease.ts'
import { createSignedIn, type SignedIn } from './signed-in.ts'
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
}

/** What the logins share. */
export interface LoginEdges extends Pick<BrowserSignInDeps, 'openBrowser' | 'log'> {
  config: Config
  vault: Vault
  http: HttpClient
  device: DeviceFlow
  surroundings: Surroundings
  userAgent: string
  clock: Clock
  random: () => number
  randomBytes: (size: number) => Buffer
  log: Log
}

/** What makes it this one. */
export interface LoginKind {
  route: LoginRoute
  oauthRoute: OAuthRoute
  authorize: (deps: AuthorizeDeps) => Authorize
  /** Told of a login as soon as it is stored. Never rejects. */
  onStored: (record: TokenRecord) => Promise<void>
}

export function createLogin(edges: LoginEdges, { route, oauthRoute, authorize, onStored }: LoginKind): Login {
  const { config, vault, http, clock, randomBytes, userAgent } = edges
  const now = () => clock.now()
  const storage = createTokenStorage({ file: config.credentialsFile, place: route.place, vault, now })
  const claims = createClaimStore({ base: () => `${storage.file()}${route.claimSuffix}`, now })
  const oauth = createOAuthFlow({ config, http, userAgent, now, route: oauthRoute })
  const refresher = createTokenRefresher({ ...edges, storage, claims, oauth, route })
  const tokens = createTokenManager({ ...edges, storage, refresher, oauth, route })
  const signedIn = createSignedIn({ storage, tokens, isIncomplete: (record) => route.lack(record) !== undefined })
  const credentials = createCredentials({ config, storage, tokens, userAgent, now, route })
  const lease = createSignInLease({ claims, clock })
  const ways = {
    redirect: route.redirect(config),
    authorize: authorize({ config, oauth, randomBytes, stored: signedIn.stored }),
    lease,
    oauth,
  }
  const signIn = createSignIn({ ...edges, ...ways, route, storage, signedIn, onStored })
  return { route, storage, claims, oauth, refresher, tokens, signedIn, credentials, signIn }
}

import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { OAuthRoute } from '../oauth/oauth-route.ts'
import type { Authorize, AuthorizeDeps } from '../sign-in/authorization.ts'
import type { LoginRoute } from './login-route.ts'

/**
 * Everything in which one way to sign in and ask differs from another: the services take it, or the part they need, as
 * an argument. How questions are asked (`asking-route.ts`) comes with the credential, because keys have a way as well.
 */
export interface Route {
  login: LoginRoute
  oauth: OAuthRoute
  authorize(deps: AuthorizeDeps): Authorize
  /** What this program calls itself there. */
  userAgent: string
  /** Told of a login as soon as it is stored. Never rejects. */
  onStored(record: TokenRecord): Promise<void>
  /** What somebody has to know who is signed in, each sentence once where that is asked. Never rejects. */
  welcome(stored: TokenRecord | undefined): Promise<readonly string[]>
}

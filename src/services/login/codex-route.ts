import type { Config } from '../../config.ts'
import { codexOAuth } from '../oauth/codex-oauth.ts'
import { createAuthorize } from '../sign-in/authorization.ts'
import { CODEX_LOGIN } from './login-route.ts'
import type { Route } from './route.ts'

export interface CodexRouteDeps {
  config: Pick<Config, 'issuer' | 'clientId' | 'originator'>
  userAgent: string
}

/** As the official Codex client does it (facts: wire-protocol). */
export function codexRoute({ config, userAgent }: CodexRouteDeps): Route {
  return {
    login: CODEX_LOGIN,
    oauth: codexOAuth(config, userAgent),
    authorize: createAuthorize,
    userAgent,
    onStored: async () => {},
    welcome: async () => [],
  }
}

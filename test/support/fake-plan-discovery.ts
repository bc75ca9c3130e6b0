import type { PlanKeys } from './fake-plan-keys.ts'
import type { SeenRequest } from './fake-request.ts'
import type { Verdict } from './fake-script.ts'

/** What the issuer says about itself (facts: plan-usage 2.1). Neither its plan scopes nor registration stand in it. */
export function createPlanDiscovery({ issuer, keys }: { issuer: () => string; keys: PlanKeys }) {
  return {
    discovery: (_: SeenRequest): Verdict => ({ usual: () => ({ json: documentOf(issuer()) }) }),
    jwks: (_: SeenRequest): Verdict => ({ usual: () => ({ json: { keys: keys.published() } }) }),
  }
}

function documentOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/api/accounts/authorize`,
    token_endpoint: `${issuer}/api/accounts/oauth/token`,
    userinfo_endpoint: `${issuer}/api/accounts/oauth/userinfo`,
    revocation_endpoint: `${issuer}/api/accounts/oauth/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

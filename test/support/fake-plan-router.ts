import { oauthRefusal, planError } from './fake-plan-errors.ts'
import { bearerOf, type SeenRequest } from './fake-request.ts'
import { createScript, type Route, type Verdict } from './fake-script.ts'

type Judge = (request: SeenRequest) => Verdict
type ScriptName = 'discovery' | 'jwks' | 'authorize' | 'token' | 'revoke' | 'models' | 'responses'

export interface PlanRouterDeps {
  judges: Record<Exclude<ScriptName, 'models'> | 'listModels', Judge>
  script: Record<ScriptName, Route['script']>
  planTokens: ReadonlySet<string>
  /** The tokens of the other route. */
  codexTokens: () => readonly string[]
}

/** Where the other route lives: its backend, its issuer's endpoints, its device sign-in. */
const CODEX_PATH = /^\/(backend-api|oauth|api\/accounts\/deviceauth)\//

/** Tells the plan's requests from the others on the same address, and notices a token that has left its route. */
export function createPlanRouter({ judges, script, planTokens, codexTokens }: PlanRouterDeps) {
  const crossings: string[] = []
  const issuer: Record<string, Route> = {
    'GET /.well-known/openid-configuration': { judge: judges.discovery, script: script.discovery },
    'GET /.well-known/jwks.json': { judge: judges.jwks, script: script.jwks },
    'GET /api/accounts/authorize': { judge: judges.authorize, script: script.authorize },
    'POST /api/accounts/oauth/token': { judge: judges.token, script: script.token },
    'POST /api/accounts/oauth/revoke': { judge: judges.revoke, script: script.revoke },
  }
  const api: Record<string, Route> = {
    'GET /v1/models': { judge: judges.listModels, script: script.models },
    'POST /v1/responses': { judge: judges.responses, script: script.responses },
  }

  return {
    crossings: crossings as readonly string[],

    routeOf(request: SeenRequest): Route | undefined {
      const { method, path, headers } = request
      if (CODEX_PATH.test(path)) {
        if (!holdsOneOf(request, planTokens)) return undefined
        crossings.push(path)
        return refusing(planError('no_matching_rule'))
      }
      const isForeign = holdsOneOf(request, codexTokens())
      if (isForeign) crossings.push(path)
      const route = issuer[`${method} ${path}`]
      if (route !== undefined) return isForeign ? refusing(oauthRefusal('invalid_grant')) : route
      // An API key, a token of the other route or nobody's: the API has its own words for each.
      if (!path.startsWith('/v1/') || !planTokens.has(bearerOf(headers.authorization) ?? '')) return undefined
      return api[`${method} ${path}`] ?? refusing(planError('subscription_sharing_route_not_supported'))
    },
  }
}

function refusing(refusal: ReturnType<typeof planError>): Route {
  return { judge: () => ({ refusal }), script: createScript() }
}

/** Wherever it stands: in a header, in the query or in the body. Their letters are those that no form escapes. */
function holdsOneOf({ rawHeaders, query, text }: SeenRequest, tokens: Iterable<string>): boolean {
  const all = [...rawHeaders, ...query.values(), text]
  return [...tokens].some((token) => all.some((part) => part.includes(token)))
}

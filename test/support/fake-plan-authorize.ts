import { type PlanBooks, withoutPlanScope } from './fake-plan-books.ts'
import type { PlanCodes } from './fake-plan-codes.ts'
import { BOOTSTRAP_CLIENT, type PlanOptions, type PlanPerson } from './fake-plan-options.ts'
import { wrongPlanParameter } from './fake-plan-parameters.ts'
import type { Registration, Registrations } from './fake-plan-registrations.ts'
import type { PlanSeen } from './fake-plan-seen.ts'
import type { SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'

export interface PlanAuthorizeDeps {
  issuer: () => string
  person: () => PlanPerson
  registrations: Registrations
  codes: PlanCodes
  books: Pick<PlanBooks, 'tokens' | 'secrets'>
  options: PlanOptions
  seen: PlanSeen
}

/** The page that registers a client or lets a known one in (facts: plan-usage 2.3 and 2.4). */
export function createPlanAuthorize(deps: PlanAuthorizeDeps): (request: SeenRequest) => Verdict {
  const { registrations, books, seen } = deps
  /** Which request a state, a nonce or a challenge came with. */
  const attempts = new Map<string, string>()

  /** The name of the value that an earlier, different request has used already. */
  function stale(query: URLSearchParams): string | undefined {
    const attempt = query.toString()
    const used = ['state', 'nonce', 'code_challenge'].map((name) => ({ name, key: `${name}=${query.get(name)}` }))
    const found = used.find(({ key }) => (attempts.get(key) ?? attempt) !== attempt)
    for (const { key } of used) attempts.set(key, attempt)
    return found?.name
  }

  return ({ query }) => {
    for (const name of ['state', 'nonce']) if (query.get(name)) books.secrets.add(query.get(name) ?? '')
    seen.authorizations.push(Object.fromEntries(query))
    const clientId = query.get('client_id')
    const registration = registrations.find(clientId)
    if (registration === undefined && clientId !== BOOTSTRAP_CLIENT) return { refusal: page('client_id') }
    const wrong = wrongPlanParameter(query, registration, (token) => books.tokens.has(token)) ?? stale(query)
    if (wrong !== undefined) return { refusal: page(wrong) }
    if (registration?.deleted) return { usual: () => page('client_id') }
    return { usual: () => letIn(query, registration, deps) }
  }
}

/** The browser goes back with a code, and with the client id that has just been made. */
function letIn(
  query: URLSearchParams,
  known: Registration | undefined,
  { issuer, person, registrations, codes, options }: PlanAuthorizeDeps,
): Answer {
  const registration = known ?? registrations.register(person())
  if (query.get('prompt') === 'consent') registrations.consent(registration)
  const asked = query.get('scope') ?? ''
  const redirectUri = query.get('redirect_uri') ?? ''
  const code = codes.create({
    registration,
    person: person(),
    scope: sorted(registration.plan ? asked : withoutPlanScope(asked)),
    redirectUri,
    challenge: query.get('code_challenge') ?? '',
    nonce: query.get('nonce') ?? '',
  })
  const namesClient = known === undefined || options.clientIdOnLaterLogins
  const parameters = new URLSearchParams({
    code,
    // What was asked for, also where less was granted: only the token answer says what that is.
    scope: asked,
    state: query.get('state') ?? '',
    ...(namesClient && { client_id: registration.clientId }),
    ...(options.issInCallback && { iss: issuer() }),
  })
  return { status: 302, headers: { location: `${redirectUri}?${parameters}` } }
}

function sorted(scope: string): string {
  return scope.split(' ').sort().join(' ')
}

function page(name: string): Answer {
  return { status: 400, html: `<!doctype html><h1>Invalid authorization request</h1><p>${name}</p>` }
}

import { PLAN_RESOURCE, PLAN_SCOPES } from './fake-plan-options.ts'
import type { Registration } from './fake-plan-registrations.ts'

type Rules = Record<string, (value: string) => boolean>

const UUID_V4 = /^urn:uuid:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const THUMBPRINT = /^urn:ietf:params:oauth:jwk-thumbprint:sha-256:[\w-]{43}$/
const DID_KEY = /^did:key:z[1-9A-HJ-NP-Za-km-z]{40,}$/

/** On every request; whether the client is known is for the caller to say. */
const ALWAYS: Rules = {
  client_id: () => true,
  ext_agent_host_id: (value) => [UUID_V4, THUMBPRINT, DID_KEY].some((form) => form.test(value)),
  response_type: (value) => value === 'code',
  redirect_uri: (value) => /^http:\/\/127\.0\.0\.1:\d{1,5}\/auth\/callback$/.test(value),
  scope: (value) => value.split(' ').sort().join(' ') === [...PLAN_SCOPES].sort().join(' '),
  resource: (value) => value === PLAN_RESOURCE,
  state: (value) => /^[\w-]{43,}$/.test(value),
  nonce: (value) => /^[\w-]{43,}$/.test(value),
  code_challenge: (value) => /^[\w-]{43}$/.test(value),
  code_challenge_method: (value) => value === 'S256',
}

/** Of somebody who registers. */
const FIRST: Rules = { agent_name_hint: (value) => value.trim() !== '' }

/**
 * The first parameter that is missing, doubled, of the wrong form, or does not belong here (facts: plan-usage 2.3).
 *
 * @param registration of the issued client id; undefined for the bootstrap id, the only other one that is known
 * @param isOwnToken whether a token is one the issuer has given out
 */
export function wrongPlanParameter(
  query: URLSearchParams,
  registration: Registration | undefined,
  isOwnToken: (token: string) => boolean,
): string | undefined {
  const needed: Rules = { ...ALWAYS, ...(registration === undefined && FIRST) }
  const rules: Rules = { ...needed, ...(registration && laterHints(registration, isOwnToken)) }
  const missing = Object.keys(needed).find((name) => !query.has(name))
  return (
    missing ?? [...query.keys()].find((name) => query.getAll(name).length > 1 || !rules[name]?.(query.get(name) ?? ''))
  )
}

/** Consent is asked for again only where the user has said no to the plan (facts: plan-usage 1.4). */
function laterHints({ plan }: Registration, isOwnToken: (token: string) => boolean): Rules {
  return {
    login_hint: (value) => value.includes('@'),
    id_token_hint: isOwnToken,
    prompt: (value) => value === 'consent' && !plan,
  }
}

import type { PlanBooks } from './fake-plan-books.ts'
import type { PlanCodes } from './fake-plan-codes.ts'
import { oauthRefusal } from './fake-plan-errors.ts'
import type { TokenChange } from './fake-plan-keys.ts'
import { PLAN_RESOURCE, PLAN_SCOPE, type PlanOptions } from './fake-plan-options.ts'
import type { Registrations } from './fake-plan-registrations.ts'
import type { PlanSeen } from './fake-plan-seen.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'
import { hasType, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'

export interface PlanGrantsDeps {
  registrations: Registrations
  codes: PlanCodes
  books: PlanBooks
  options: PlanOptions
  seen: PlanSeen
  /** What the test wants changed in the ID token that is made now; taken once. */
  takeChange: () => TokenChange | undefined
}

type Fields = Record<string, string | undefined>

/** Exactly these, no secret, and never a `scope` (facts: plan-usage 2.5 and 2.7). */
const FIELDS: Record<string, readonly string[]> = {
  authorization_code: ['grant_type', 'client_id', 'code', 'code_verifier', 'redirect_uri', 'resource'],
  refresh_token: ['grant_type', 'client_id', 'refresh_token', 'resource'],
}

/** The token and the revocation endpoint: forms of a public client. */
export function createPlanGrants({ registrations, codes, books, options, seen, takeChange }: PlanGrantsDeps) {
  function token(request: SeenRequest): Verdict {
    const fields = readForm(request)
    if (typeof fields === 'string') return { refusal: invalidRequest(fields) }
    seen.grants.push(fields.grant_type ?? '')
    if (fields.code_verifier) books.secrets.add(fields.code_verifier)
    const refusal = wrongGrant(fields) ?? wrongClient(fields, fields.refresh_token ?? '')
    if (refusal !== undefined) return { refusal }
    if (registrations.find(fields.client_id)?.deleted) return { usual: () => oauthRefusal('invalid_client') }
    return { usual: () => (fields.grant_type === 'refresh_token' ? refresh(fields) : exchange(fields)) }
  }

  function exchange({ code = '', client_id = '', redirect_uri = '', code_verifier = '' }: Fields): Answer {
    const proof = { clientId: client_id, redirectUri: redirect_uri, verifier: code_verifier }
    const result = codes.redeem(code, proof, takeChange())
    return typeof result === 'string' ? oauthRefusal('invalid_grant', { description: result }) : tokenAnswer(result)
  }

  function refresh({ refresh_token = '' }: Fields): Answer {
    if (!options.refreshWorks) return oauthRefusal('invalid_grant', { reason: 'refresh_token_invalidated' })
    const change = takeChange()
    const result = books.refresh(refresh_token, change)
    if (typeof result === 'string') return oauthRefusal('invalid_grant', { reason: result })
    const { id_token, scope, ...rest } = result
    return tokenAnswer({
      ...rest,
      ...((options.idTokenOnRefresh || change !== undefined) && { id_token }),
      // RFC 6749, section 5.1: a scope that is not what was asked for has to be told.
      ...((options.scopeOnRefresh || !scope.includes(PLAN_SCOPE)) && { scope }),
    })
  }

  function revoke(request: SeenRequest): Verdict {
    const fields = readForm(request)
    if (typeof fields === 'string') return { refusal: invalidRequest(fields) }
    const names = ['token', 'token_type_hint', 'client_id']
    const wrong =
      wrongName(fields, names) ?? (fields.token_type_hint === 'refresh_token' ? undefined : 'token_type_hint')
    if (wrong !== undefined) return { refusal: invalidRequest(wrong) }
    const { token = '', client_id: clientId = '' } = fields
    const refusal = wrongClient(fields, token)
    if (refusal !== undefined) return { refusal }
    return {
      usual: () => {
        seen.revocations.push({ token, clientId, known: books.revoke(token) })
        return {}
      },
    }
  }

  /** The bootstrap id is nobody's, and a token belongs to the client that was given it. */
  function wrongClient({ client_id: clientId }: Fields, token: string): Answer | undefined {
    if (registrations.find(clientId) === undefined) return oauthRefusal('invalid_client')
    const owner = books.clientOf(token)
    if (owner === undefined || owner === clientId) return undefined
    return oauthRefusal('invalid_grant', { description: 'the token is of another client' })
  }

  return { token, revoke }
}

function wrongGrant(fields: Fields): Answer | undefined {
  const names = FIELDS[fields.grant_type ?? '']
  if (names === undefined) return oauthRefusal('unsupported_grant_type')
  const wrong = wrongName(fields, names)
  if (wrong !== undefined) return invalidRequest(wrong)
  if (fields.resource !== PLAN_RESOURCE) return oauthRefusal('invalid_target', { description: 'resource' })
  if (fields.grant_type === 'refresh_token' || /^[\w.~-]{43,128}$/.test(fields.code_verifier ?? '')) return undefined
  return invalidRequest('code_verifier')
}

/** The first field that is missing, or that does not belong here. */
function wrongName(fields: Fields, names: readonly string[]): string | undefined {
  return names.find((name) => !fields[name]) ?? Object.keys(fields).find((name) => !names.includes(name))
}

/** The fields of a form, or what is wrong with it. */
function readForm({ headers, text }: SeenRequest): Fields | string {
  if (!hasType(headers['content-type'], 'application/x-www-form-urlencoded')) return 'the body is not a form'
  if (headers.authorization !== undefined) return 'a public client has no authorization'
  const pairs = [...new URLSearchParams(text)]
  const fields = Object.fromEntries(pairs)
  return Object.keys(fields).length === pairs.length ? fields : 'a parameter is given twice'
}

function tokenAnswer(tokens: Partial<PlanTokenSet>): Answer {
  return { headers: { 'cache-control': 'no-store' }, json: tokens }
}

function invalidRequest(description: string): Answer {
  return oauthRefusal('invalid_request', { description })
}

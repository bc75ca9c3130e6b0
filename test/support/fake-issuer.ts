import type { Account } from './fake-jwt.ts'
import { hasType, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Step, Verdict } from './fake-script.ts'
import type { Seen } from './fake-seen.ts'
import type { TokenLedger, TokenSet } from './fake-tokens.ts'

export interface IssuerDeps {
  clientId: string
  ledger: TokenLedger
  seen: Seen
  /** Whoever sits at the browser. */
  account: () => Account
  /** Ports a redirect may name; any if undefined. */
  redirectPorts: readonly number[] | undefined
}

const REFRESH_REASONS = ['proactive_expiry', 'scheduled', 'unauthorized_recovery', 'forced']

const MESSAGES = {
  refresh_token_expired: 'Your refresh token has expired. Please try signing in again.',
  refresh_token_reused:
    'Your refresh token has already been used to generate a new access token. Please try signing in again.',
  refresh_token_invalidated: 'Your refresh token has been invalidated. Please try signing in again.',
}

/** auth.openai.com: `authorize`, `token` and `revoke` (wire-protocol 2, 4 and 5), stricter than the real one. */
export function createIssuer({ clientId, ledger, seen, account, redirectPorts }: IssuerDeps) {
  function authorize({ query }: SeenRequest): Verdict {
    const state = query.get('state')
    if (state) ledger.secrets.add(state)
    const wrong = wrongParameter(query, clientId, redirectPorts)
    if (wrong !== undefined) {
      return {
        refusal: { status: 400, html: `<!doctype html><h1>Invalid authorization request</h1><p>${wrong}</p>` },
      }
    }
    const redirectUri = query.get('redirect_uri') ?? ''
    return {
      usual: () => {
        const scope = query.get('scope') ?? ''
        const challenge = query.get('code_challenge') ?? ''
        const code = ledger.createCode({ account: account(), scope, redirectUri, challenge })
        return redirectTo(redirectUri, { code, state: state ?? '' })
      },
    }
  }

  function token(request: SeenRequest): Verdict {
    const fields = readFields(request)
    if (typeof fields === 'string') return { refusal: oauthError('invalid_request', fields) }
    noteGrant(fields)
    const wrong = wrongTokenRequest(request, fields, clientId)
    if (wrong !== undefined) return { refusal: wrong }
    if (fields.grant_type === 'refresh_token') return { usual: () => refresh(fields.refresh_token ?? '') }
    return { usual: () => exchange(fields) }
  }

  function noteGrant(fields: Fields): void {
    if (fields.grant_type !== undefined) seen.grants.push(fields.grant_type)
    if (fields.grant_type === 'refresh_token') seen.refreshReasons.push(fields.refresh_reason)
    if (fields.code_verifier) ledger.secrets.add(fields.code_verifier)
  }

  function exchange({ code = '', redirect_uri = '', code_verifier = '' }: Fields): Answer {
    const result = ledger.redeem(code, { redirectUri: redirect_uri, verifier: code_verifier })
    return typeof result === 'string' ? oauthError('invalid_grant', result) : tokenAnswer(result)
  }

  function refresh(refreshToken: string): Answer {
    const result = ledger.refresh(refreshToken)
    if (typeof result !== 'string') return tokenAnswer(result)
    return {
      status: 401,
      json: { error: { message: MESSAGES[result], type: 'invalid_request_error', param: null, code: result } },
    }
  }

  function revoke(request: SeenRequest): Verdict {
    const wrong = wrongRevocation(request, clientId)
    if (wrong !== undefined) return { refusal: oauthError('invalid_request', wrong) }
    const { token, token_type_hint: hint } = request.body as { token: string; token_type_hint: string }
    return {
      usual: () => {
        seen.revocations.push({ token, hint, known: ledger.revoke(token) })
        return { json: {} }
      },
    }
  }

  return { authorize, token, revoke }
}

/** A step of the authorize page: the browser goes back with an error instead of a code. */
export function denied(error = 'access_denied', description?: string): Step {
  return (_, { query }) =>
    redirectTo(query.get('redirect_uri') ?? '', {
      error,
      ...(description !== undefined && { error_description: description }),
      state: query.get('state') ?? '',
    })
}

/** The first parameter that is missing, doubled or not as wire-protocol 2.2 has it. */
function wrongParameter(
  query: URLSearchParams,
  clientId: string,
  redirectPorts: readonly number[] | undefined,
): string | undefined {
  const rules: Record<string, (value: string) => boolean> = {
    response_type: (value) => value === 'code',
    client_id: (value) => value === clientId,
    redirect_uri: (value) => isRedirectUri(value, redirectPorts),
    code_challenge: (value) => /^[\w-]{43}$/.test(value),
    code_challenge_method: (value) => value === 'S256',
    state: (value) => /^[\w-]{43,}$/.test(value),
    scope: (value) => ['openid', 'offline_access'].every((word) => value.split(' ').includes(word)),
    id_token_add_organizations: (value) => value === 'true',
    codex_cli_simplified_flow: (value) => value === 'true',
    originator: (value) => value !== '',
  }
  return Object.keys(rules).find((name) => {
    const [value, ...more] = query.getAll(name)
    return value === undefined || more.length > 0 || !rules[name]?.(value)
  })
}

/** The browser is sent back with these parameters. */
function redirectTo(redirectUri: string, parameters: Record<string, string>): Answer {
  return { status: 302, headers: { location: `${redirectUri}?${new URLSearchParams(parameters)}` } }
}

function isRedirectUri(value: string, ports: readonly number[] | undefined): boolean {
  const port = /^http:\/\/(?:localhost|127\.0\.0\.1):(\d{1,5})\/auth\/callback$/.exec(value)?.[1]
  return port !== undefined && (ports === undefined || ports.includes(Number(port)))
}

type Fields = Record<string, string | undefined>

/** The fields of a form or of a flat JSON object, or what is wrong with them. */
function readFields({ headers, body, text }: SeenRequest): Fields | string {
  if (hasType(headers['content-type'], 'application/x-www-form-urlencoded')) {
    const names = [...new URLSearchParams(text).keys()]
    return new Set(names).size === names.length ? (body as Fields) : 'a parameter is given twice'
  }
  if (!hasType(headers['content-type'], 'application/json')) return 'the body is neither a form nor JSON'
  if (!isRecord(body)) return 'the body is not a JSON object'
  return Object.values(body).every((value) => typeof value === 'string') ? (body as Fields) : 'a field is not a string'
}

function wrongTokenRequest({ headers }: SeenRequest, fields: Fields, clientId: string): Answer | undefined {
  const isJson = hasType(headers['content-type'], 'application/json')
  if (headers.authorization !== undefined) return oauthError('invalid_request', 'a public client has no authorization')
  const needed = { authorization_code: ['code', 'redirect_uri', 'code_verifier'], refresh_token: ['refresh_token'] }
  const grant = fields.grant_type
  if (grant !== 'authorization_code' && grant !== 'refresh_token')
    return oauthError('unsupported_grant_type', `${grant}`)
  if (fields.client_id !== clientId) return { ...oauthError('invalid_client', 'unknown client_id'), status: 401 }
  const missing = needed[grant].find((name) => !fields[name])
  if (missing !== undefined) return oauthError('invalid_request', `${missing} is missing`)
  if (grant === 'authorization_code') {
    if (isJson) return oauthError('invalid_request', 'the code exchange takes a form')
    if (!/^[\w.~-]{43,128}$/.test(fields.code_verifier ?? '')) return oauthError('invalid_request', 'code_verifier')
  } else if (isJson && !REFRESH_REASONS.includes(fields.refresh_reason ?? '')) {
    return oauthError('invalid_request', 'refresh_reason')
  }
  return undefined
}

function wrongRevocation({ headers, body }: SeenRequest, clientId: string): string | undefined {
  if (!hasType(headers['content-type'], 'application/json') || !isRecord(body)) return 'the body is not a JSON object'
  if (typeof body.token !== 'string' || body.token === '') return 'token is missing'
  if (body.token_type_hint === 'access_token') return body.client_id === undefined ? undefined : 'client_id'
  if (body.token_type_hint !== 'refresh_token') return 'token_type_hint'
  return body.client_id === clientId ? undefined : 'client_id'
}

function tokenAnswer(tokens: TokenSet): Answer {
  return { headers: { 'cache-control': 'no-store' }, json: tokens }
}

function oauthError(error: string, description: string): Answer {
  return { status: 400, json: { error, error_description: description } }
}

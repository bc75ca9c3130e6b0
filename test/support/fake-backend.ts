import { createHash } from 'node:crypto'
import { type Model, modelsFor } from './fake-catalogue.ts'
import { detail } from './fake-errors.ts'
import type { Account } from './fake-jwt.ts'
import { type FakeLimits, usageReport } from './fake-limits.ts'
import { askerOf, type Seals } from './fake-reasoning.ts'
import { refusalOf } from './fake-refusals.ts'
import { bearerOf, hasType, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'
import { streamed } from './fake-sse.ts'
import type { TokenLedger } from './fake-tokens.ts'

export interface BackendDeps {
  ledger: TokenLedger
  models: readonly Model[]
  /** What every question is answered. */
  reply: string
  /** What answers and the report say about limits; answers say nothing unless told. */
  limits: FakeLimits | undefined
  seals: Seals
  now: () => number
}

const BEARER_REFUSED: Record<'unknown' | 'expired' | 'revoked', Answer> = {
  unknown: detail('Could not parse your authentication token. Please try signing in again.', 401),
  expired: tokenRefused('token_expired', 'Provided authentication token is expired. Please try signing in again.'),
  revoked: tokenRefused(
    'token_invalidated',
    'Your authentication token has been invalidated. Please try signing in again.',
  ),
}

/** chatgpt.com: models, responses and usage for whoever shows a live token and its account. */
export function createBackend({ ledger, models, reply, limits, seals, now }: BackendDeps) {
  /** The account of the token, or the 401 and 403 of wire-protocol 12. */
  function admit({ headers }: SeenRequest): { account: Account } | { refusal: Answer } {
    const token = bearerOf(headers.authorization)
    if (token === undefined) return { refusal: detail('Unauthorized', 401) }
    const bearer = ledger.judge(token)
    if (bearer.state !== 'live') return { refusal: BEARER_REFUSED[bearer.state] }
    const named = headers['chatgpt-account-id'] ?? null
    if (named === bearer.account.accountId) return { account: bearer.account }
    return { refusal: { status: 403, json: { detail: { code: 'invalid_workspace_selected' } } } }
  }

  function listModels(request: SeenRequest): Verdict {
    const admitted = admit(request)
    if ('refusal' in admitted) return admitted
    const clientVersion = request.query.get('client_version') ?? ''
    if (!/^\d+\.\d+\.\d+/.test(clientVersion)) return { refusal: detail('client_version must be a version') }
    return { usual: () => taggedList(modelsFor(models, clientVersion), request.headers['if-none-match']) }
  }

  function responses(request: SeenRequest): Verdict {
    const admitted = admit(request)
    if ('refusal' in admitted) return admitted
    const { headers, body } = request
    if (headers['content-encoding'] !== undefined) return { refusal: detail('The fake reads no content-encoding', 415) }
    if (!hasType(headers['content-type'], 'application/json')) return { refusal: detail('Unsupported content type') }
    if (!isRecord(body)) return { refusal: detail('Invalid JSON') }
    const asker = askerOf(`codex ${admitted.account.accountId}`, body)
    const isGiven = (content: unknown) => seals.isGiven(asker.account, content)
    const refusal = refusalOf(body, headers, { models, isGiven })
    return refusal === undefined ? { usual: () => streamed(reply, `${body.model}`, limits), asker } : { refusal }
  }

  function usage(request: SeenRequest): Verdict {
    const admitted = admit(request)
    if ('refusal' in admitted) return admitted
    return { usual: () => ({ json: usageReport(admitted.account, now(), limits?.report) }) }
  }

  return { listModels, responses, usage }
}

function taggedList(models: readonly Model[], known: string | undefined): Answer {
  const etag = `"${createHash('sha256').update(JSON.stringify(models)).digest('base64url').slice(0, 16)}"`
  return known === etag ? { status: 304, headers: { etag } } : { headers: { etag }, json: { models } }
}

function tokenRefused(code: string, message: string): Answer {
  return { status: 401, json: { error: { message, type: 'invalid_request_error', code, param: null }, status: 401 } }
}

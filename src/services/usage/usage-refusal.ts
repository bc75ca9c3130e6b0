import { CodexError } from '../../errors.ts'
import { type Refusal, toError, wordsIn } from '../codex/refusal.ts'
import { fieldOf, said, textField } from '../codex/remote-text.ts'
import { retryAfterMs } from '../codex/retry-after.ts'
import type { CredentialName } from '../login/credential-name.ts'
import { forbidden, notAccepted } from '../login/refused-credential.ts'
import { USAGE_PAGE } from './usage-limit.ts'

/** An answer of the usage endpoint with another status than 200. */
export interface UsageRefusal {
  status: number
  headers: Headers
  json: unknown
  credential: CredentialName
  nowMs: number
}

/** Why the service does not say how much of a plan is used; it says nothing about whether it would answer questions. */
export function usageRefusal(answer: UsageRefusal): CodexError {
  const { json } = answer
  const error = fieldOf(json, 'error')
  const words = wordsIn(textField(json, 'detail') ?? textField(error, 'message') ?? textField(json, 'message'))
  return toError(byStatus(answer, words), json)
}

/** The answer was none that could be read. */
export function noUsage(): CodexError {
  return new CodexError('RESPONSE_INVALID', 'The answer of the service says nothing about plan usage.', {
    hint: `See ${USAGE_PAGE}; update codex-oauth if this goes on.`,
  })
}

function byStatus({ status, headers, credential, nowMs }: UsageRefusal, words: string | undefined): Refusal {
  if (status === 401) return notAccepted(credential)
  if (status === 403) return forbidden(words, credential)
  if (status === 429) {
    const waitMs = retryAfterMs(headers, nowMs)
    const when = waitMs === undefined ? 'Wait a moment' : `Wait ${Math.max(1, Math.ceil(waitMs / 1000))} s`
    const message = `Plan usage was asked for too often${said(words)}.`
    return { code: 'RATE_LIMITED', message, hint: `${when}, then ask again.`, retryable: true }
  }
  const isAway = status >= 500
  const message = isAway
    ? `The service is in trouble and does not report plan usage (${status}).`
    : `The service did not report plan usage (${status})${said(words)}.`
  return { code: 'CODEX_FAILED', message, hint: `See ${USAGE_PAGE}.`, retryable: isAway }
}

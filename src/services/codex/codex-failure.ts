import type { CodexError } from '../../errors.ts'
import type { CredentialName } from '../login/credential-name.ts'
import { forbidden, missingScope, notAccepted } from '../login/refused-credential.ts'
import { USAGE_PAGE, usageLimit } from '../usage/usage-limit.ts'
import type { KnownUsage } from '../usage/usage-snapshot.ts'
import { MODELS_HINT, type Refusal, sharedRefusal, statusRefusal, streamRefusal, toError, wordsIn } from './refusal.ts'
import { fieldOf, said, textField } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'

/** An HTTP answer that is not a stream. */
export interface RefusedAnswer {
  status: number
  headers: Headers
  /** The parsed body, if it is JSON. */
  json: unknown
  /** What was asked for, for the sentence about it. */
  modelId: string
  credential: CredentialName
  nowMs: number
  /** What was known of the limits of this account before. */
  lastKnown?: KnownUsage | undefined
}

const PLAN_PAGE = 'https://chatgpt.com/explore/plus'
const BILLING_PAGE = 'https://platform.openai.com/settings/organization/billing'

/** The error for an answer of the service (`not-the-service.ts`) with another status than 200. */
export function refusalOf(answer: RefusedAnswer): CodexError {
  const { status, json } = answer
  const error = fieldOf(json, 'error')
  const named = textField(error, 'code') ?? textField(error, 'type')
  const type = textField(error, 'type') ?? named
  const words = wordsIn(textField(json, 'detail') ?? textField(error, 'message') ?? textField(json, 'message'))
  if (/usage_limit_reached$/.test(type ?? '')) return usageLimit(answer)
  const waitMs = retryAfterMs(answer.headers, answer.nowMs)
  const known = byCode(named, words, waitMs) ?? byCode(type, words, waitMs)
  return toError(
    known ?? missingScope(words, answer.credential) ?? byWords(words, answer) ?? byStatus(status, answer, words),
    json,
  )
}

/** True when the body says that a quota is used up: waiting a moment and asking again would not help. */
export function isQuota(json: unknown): boolean {
  const error = fieldOf(json, 'error')
  const names = [textField(error, 'type'), textField(error, 'code')].join(' ')
  return /usage_limit_reached|usage_not_included|insufficient_quota/.test(names)
}

/** The error in a `response.failed` or `error` event; with the facts, a limit that is reached is named. */
export function failureOf(
  error: unknown,
  headers?: Headers,
  facts?: Pick<RefusedAnswer, 'nowMs' | 'lastKnown'>,
): CodexError {
  const code = textField(error, 'code') ?? textField(error, 'type')
  if (code === 'usage_limit_reached' && headers !== undefined && facts !== undefined) {
    return usageLimit({ headers, json: { error }, ...facts })
  }
  const words = wordsIn(textField(error, 'message'))
  return toError(byCode(code, words) ?? streamRefusal(words), error)
}

function byCode(code: string | undefined, words: string | undefined, waitMs?: number): Refusal | undefined {
  switch (code) {
    case 'usage_limit_reached':
    case 'insufficient_quota':
      return {
        code: 'USAGE_LIMIT',
        message: 'The quota of this account is used up.',
        hint: `See plan and billing at ${USAGE_PAGE}, those of an API key at ${BILLING_PAGE}.`,
      }
    case 'usage_not_included':
      return {
        code: 'PLAN_REQUIRED',
        message: 'Codex is not part of the ChatGPT plan of this account.',
        hint: `See ${PLAN_PAGE}, or sign in with another account (codex_login with force: true).`,
      }
    default:
      return sharedRefusal(code, words, waitMs)
  }
}

/** Refusals that carry nothing but a sentence. */
function byWords(words: string | undefined, { modelId }: RefusedAnswer): Refusal | undefined {
  if (words === undefined) return undefined
  if (/model.*(not supported|requires a newer version|does not exist)/i.test(words)) {
    return {
      code: 'MODEL_UNAVAILABLE',
      message: `${modelId} is not available to this account (retired, not in its plan, or newer than our compatibility level).`,
      hint: MODELS_HINT,
    }
  }
  if (/missing_codex_entitlement/.test(words)) {
    return {
      code: 'PLAN_REQUIRED',
      message: 'Codex is not enabled for this workspace.',
      hint: 'Ask the workspace administrator, or sign in with another account (codex_login with force: true).',
    }
  }
  if (/^(unsupported parameter|store must|stream must|instructions are|system messages)/i.test(words)) {
    return {
      code: 'CODEX_FAILED',
      message: `The service no longer takes requests in this form${said(words)}.`,
      hint: 'Leave optional arguments out, or name another model; if it stays so, update codex-oauth or report this.',
    }
  }
  return undefined
}

function byStatus(status: number, answer: RefusedAnswer, words: string | undefined): Refusal {
  if (status === 401) return notAccepted(answer.credential)
  if (status === 403) return forbidden(words, answer.credential)
  return statusRefusal(status, answer, words)
}

import { CodexError, type ErrorCode } from '../errors.ts'
import type { CredentialName } from './credential-name.ts'
import { forbidden, missingScope, notAccepted } from './refused-credential.ts'
import { fieldOf, said, textField } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'
import { USAGE_PAGE, usageLimit } from './usage-limit.ts'

/** What a refusal of the backend means: one code of ours and a sentence that helps (facts: wire-protocol 12, 17). */
export interface Refusal {
  code: ErrorCode
  message: string
  hint: string
  retryable?: boolean
}

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

/** The error in a `response.failed` or `error` event. */
export function failureOf(error: unknown): CodexError {
  const code = textField(error, 'code') ?? textField(error, 'type')
  const words = wordsIn(textField(error, 'message'))
  const known = byCode(code, words)
  return toError(
    known ?? {
      code: 'CODEX_FAILED',
      message: `Codex failed while answering${said(words)}.`,
      hint: 'Ask again; try another model if it stays so.',
      retryable: true,
    },
    error,
  )
}

/** As much of a message as a sentence can hold: more is looked at by expressions that take longer the longer it is. */
function wordsIn(message: string | undefined): string | undefined {
  return message?.slice(0, 1000)
}

function byCode(code: string | undefined, words: string | undefined, waitMs?: number): Refusal | undefined {
  switch (code) {
    case 'context_length_exceeded':
      return {
        code: 'CONTEXT_TOO_LONG',
        message: "The question is longer than the model's context window.",
        hint: 'Shorten the prompt, or split it.',
      }
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
    case 'invalid_prompt':
    case 'cyber_policy':
      return {
        code: 'REFUSED',
        message: `The service refused the question${said(words)}.`,
        hint: 'Put it another way.',
      }
    case 'server_is_overloaded':
      return OVERLOADED
    case 'rate_limit_exceeded':
    case 'slow_down':
      return tooMany(words, waitMs)
    case 'model_not_found':
      return { code: 'MODEL_UNAVAILABLE', message: 'The service does not know this model.', hint: MODELS_HINT }
    default:
      return undefined
  }
}

function tooMany(words: string | undefined, waitMs: number | undefined): Refusal {
  const when = waitMs === undefined ? 'Wait a moment' : `Wait ${Math.max(1, Math.ceil(waitMs / 1000))} s`
  return {
    code: 'RATE_LIMITED',
    message: `Too many requests in a short time${said(words)}.`,
    hint: `${when}, then ask again.`,
    retryable: true,
  }
}

const OVERLOADED: Refusal = {
  code: 'OVERLOADED',
  message: 'The model is at capacity right now.',
  hint: 'Try again in a minute, or name another model (codex_models lists them).',
  retryable: true,
}

const MODELS_HINT = 'Ask for one that codex_models lists, or leave the model out to use the default.'

/** Refusals that carry nothing but a sentence. */
function byWords(words: string | undefined, { modelId, credential }: RefusedAnswer): Refusal | undefined {
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
      hint:
        credential.kind === 'api_key'
          ? 'Leave optional arguments out, or name another model.'
          : 'Update codex-oauth; if it is up to date, report this.',
    }
  }
  return undefined
}

function byStatus(
  status: number,
  { headers, modelId, credential, nowMs }: RefusedAnswer,
  words: string | undefined,
): Refusal {
  switch (status) {
    case 401:
      return notAccepted(credential)
    case 402:
      return {
        code: 'PLAN_REQUIRED',
        message: `The service asks for payment${said(words)}.`,
        hint: `See ${USAGE_PAGE}.`,
      }
    case 403:
      return forbidden(words, credential)
    case 404:
      return {
        code: 'MODEL_UNAVAILABLE',
        message: `The service does not know ${modelId}, or not at this address.`,
        hint: MODELS_HINT,
      }
    case 413:
      return {
        code: 'CONTEXT_TOO_LONG',
        message: 'The question is larger than the service accepts.',
        hint: 'Shorten the prompt, or split it.',
      }
    case 429:
      return tooMany(words, retryAfterMs(headers, nowMs))
    case 503:
      return OVERLOADED
    default:
      return otherStatus(status, words)
  }
}

function otherStatus(status: number, words: string | undefined): Refusal {
  if (status >= 500) {
    return {
      code: 'CODEX_FAILED',
      message: `The service is in trouble (${status}).`,
      hint: 'Try again in a minute.',
      retryable: true,
    }
  }
  return {
    code: 'CODEX_FAILED',
    message: `The service refused the request (${status})${said(words)}.`,
    hint: 'Check the arguments; update codex-oauth if they are right.',
  }
}

function toError({ code, message, hint, retryable = false }: Refusal, cause: unknown): CodexError {
  return new CodexError(code, message, { hint, cause, retryable })
}

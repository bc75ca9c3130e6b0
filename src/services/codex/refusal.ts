import { CodexError, type ErrorCode } from '../../errors.ts'
import { USAGE_PAGE } from '../usage/usage-limit.ts'
import { said } from './remote-text.ts'
import { retryAfterMs } from './retry-after.ts'

export const MODELS_HINT = 'Ask for one that codex_models lists, or leave the model out to use the default.'

/** What a refusal of the service means: one code of ours and a sentence that helps (facts: wire-protocol 12, 17). */
export interface Refusal {
  code: ErrorCode
  message: string
  hint: string
  retryable?: boolean
}

/** The error of a refusal; `cause` is what the service sent. */
export function toError({ code, message, hint, retryable = false }: Refusal, cause: unknown): CodexError {
  return new CodexError(code, message, { hint, cause, retryable })
}

/** As much of a message as a sentence can hold: more is looked at by expressions that take longer the longer it is. */
export function wordsIn(message: string | undefined): string | undefined {
  return message?.slice(0, 1000)
}

/** A code that means the same on every route. */
export function sharedRefusal(
  code: string | undefined,
  words: string | undefined,
  waitMs?: number,
): Refusal | undefined {
  switch (code) {
    case 'context_length_exceeded':
      return {
        code: 'CONTEXT_TOO_LONG',
        message: "The question is longer than the model's context window.",
        hint: 'Shorten the prompt, or split it.',
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
    // With which status it comes is not known, so any will do (facts: plan-usage 4.2).
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

/** A status that means the same on every route, where no code says more; 401 and 403 do not. */
export function statusRefusal(
  status: number,
  { headers, modelId, nowMs }: { headers: Headers; modelId: string; nowMs: number },
  words: string | undefined,
): Refusal {
  switch (status) {
    case 402:
      return {
        code: 'PLAN_REQUIRED',
        message: `The service asks for payment${said(words)}.`,
        hint: `See ${USAGE_PAGE}.`,
      }
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

/** A failure in a stream that says nothing else. */
export function streamRefusal(words: string | undefined): Refusal {
  return {
    code: 'CODEX_FAILED',
    message: `Codex failed while answering${said(words)}.`,
    hint: 'Ask again; try another model if it stays so.',
    retryable: true,
  }
}

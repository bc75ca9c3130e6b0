import type { CodexError } from '../../errors.ts'
import type { RefusedAnswer } from '../codex/codex-failure.ts'
import { type Refusal, streamRefusal, toError, wordsIn } from '../codex/refusal.ts'
import { fieldOf, quoteRemote, textField } from '../codex/remote-text.ts'
import { retryAfterMs } from '../codex/retry-after.ts'
import { type Circumstances, planRefusal, planStatusRefusal } from './plan-refusal.ts'

/**
 * The error for an answer of the plan route with another status than 200. Its cause is what OpenAI asks to keep:
 * status, body and request id (facts: plan-usage 4).
 */
export function planRefusalOf(answer: Omit<RefusedAnswer, 'credential'>): CodexError {
  const { status, headers, json } = answer
  const requestId = requestIdOf(headers)
  const stated = readError(json, requestId)
  const known = knownRefusal(stated, retryAfterMs(headers, answer.nowMs))
  return toError(known ?? withCode(planStatusRefusal(answer, stated), stated), { status, requestId, body: json })
}

/** The error in a `response.failed` or `error` event of the plan route; `headers` are those of its stream. */
export function planFailureOf(error: unknown, headers = new Headers()): CodexError {
  const requestId = requestIdOf(headers)
  const stated = readError(isBody(error) ? error : { error }, requestId)
  const refusal = knownRefusal(stated) ?? withCode(streamRefusal(stated.words), stated)
  return toError(refusal, { requestId, error })
}

/** An event may say it in the forms of a body that have no object for it. */
function isBody(event: unknown): boolean {
  return ['error', 'error_reason', 'detail'].some((name) => textField(event, name) !== undefined)
}

interface StatedError extends Circumstances {
  /** The code as it came, for people. */
  code: string | undefined
  /** All that may be a code, the finer first. */
  names: readonly string[]
}

/**
 * The three forms of a body: `{error: {code, message, param, type}}`, that of OAuth, `{error, error_reason,
 * error_description}`, and `{detail}`, whose text is no code.
 */
function readError(json: unknown, requestId: string | undefined): StatedError {
  const error = fieldOf(json, 'error')
  const codes = [textField(error, 'code'), textField(json, 'error_reason'), textField(json, 'error')]
  const names = [...codes, textField(error, 'type')].filter((name) => name !== undefined)
  const words = textField(error, 'message') ?? textField(json, 'error_description') ?? textField(json, 'detail')
  return {
    code: plain(codes.find((code) => code !== undefined)),
    names,
    words: wordsIn(words),
    param: plain(textField(error, 'param')),
    requestId,
  }
}

function knownRefusal(stated: StatedError, waitMs?: number): Refusal | undefined {
  return stated.names.map((name) => planRefusal(name, stated, waitMs)).find((refusal) => refusal !== undefined)
}

/** OpenAI's list of codes is not complete: one that is not ours to explain can still be looked up. */
function withCode(refusal: Refusal, { code }: StatedError): Refusal {
  if (code === undefined) return refusal
  return { ...refusal, message: `${refusal.message} OpenAI calls it ${quoteRemote(code)}.` }
}

/** Both names were seen, and none is documented (facts: plan-usage 3.3). */
function requestIdOf(headers: Headers): string | undefined {
  const ids = ['x-request-id', 'x-oai-request-id'].map((name) => plain(headers.get(name) ?? undefined))
  return ids.find((id) => id !== undefined)
}

/** A word that may stand in a sentence: a code, the name of a field, an id. */
function plain(word: string | undefined): string | undefined {
  return word !== undefined && /^[\w.[\]-]{1,80}$/.test(word) ? word : undefined
}

import { CodexError } from '../../errors.ts'
import type { HttpAnswer } from '../../infrastructure/http-client.ts'
import { fieldOf, textField } from '../codex/remote-text.ts'
import { retryAfterMs } from '../codex/retry-after.ts'
import { oauthErrorCode } from './oauth-error.ts'

/** What one answer to a poll means. A pause the service asks for is in milliseconds. */
export type PollVerdict =
  | { kind: 'proof'; code: string; verifier: string }
  | { kind: 'pending' }
  | { kind: 'slow_down'; retryAfterMs: number | undefined }
  | { kind: 'busy'; retryAfterMs: number | undefined }
  | { kind: 'trouble'; retryAfterMs?: number | undefined }
  | { kind: 'ended'; error: CodexError }

const DEFAULT_INTERVAL_MS = 5_000
const SHORTEST_INTERVAL_MS = 1_000
const LONGEST_INTERVAL_MS = 60_000

/**
 * The answer to the first step (RFC 8628, section 3.2, in the issuer's own names). The user's code is shown to people
 * and hosts, so it has to look like one.
 *
 * @throws CodexError RESPONSE_INVALID
 */
export function readDeviceCode(json: unknown): { deviceAuthId: string; userCode: string; intervalMs: number } {
  const deviceAuthId = textField(json, 'device_auth_id')
  const userCode = textField(json, 'user_code') ?? textField(json, 'usercode')
  if (deviceAuthId === undefined || !/^[!-~]{1,4096}$/.test(deviceAuthId)) throw unreadable()
  if (userCode === undefined || !/^[A-Z0-9][A-Z0-9-]{3,19}$/i.test(userCode)) throw unreadable()
  return { deviceAuthId, userCode, intervalMs: readInterval(fieldOf(json, 'interval')) }
}

/** Seconds, as a number or (what the service sends) a string of one. */
function readInterval(interval: unknown): number {
  const seconds = typeof interval === 'string' && interval.trim() !== '' ? Number(interval) : interval
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return DEFAULT_INTERVAL_MS
  return Math.min(Math.max(seconds * 1000, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS)
}

/**
 * The answer to a poll (RFC 8628, section 3.5). The error code in the body comes first, because the service answers
 * 403 and 404 for a code nobody has entered yet (facts: wire-protocol 3).
 */
export function readPoll({ status, headers }: HttpAnswer, json: unknown, nowMs: number): PollVerdict {
  if (status === 200 && fieldOf(json, 'authorization_code') !== undefined) return readProof(json)
  const pauseMs = retryAfterMs(headers, nowMs)
  const code = oauthErrorCode(json)?.replace(/^deviceauth_/, '')
  if (code === 'slow_down') return { kind: 'slow_down', retryAfterMs: pauseMs }
  if (code === 'authorization_pending') return { kind: 'pending' }
  if (code !== undefined && /(?:^|_)(?:denied|declined)$/.test(code)) return { kind: 'ended', error: denied() }
  if (code !== undefined && /(?:^|_)expired(?:_|$)/.test(code)) return { kind: 'ended', error: expired() }
  if (status === 403 || status === 404) return { kind: 'pending' }
  if (status === 429) return { kind: 'busy', retryAfterMs: pauseMs }
  if (status >= 500) return { kind: 'trouble', retryAfterMs: pauseMs }
  return { kind: 'ended', error: status < 400 ? unreadable() : refused(status) }
}

/** RFC 7636, section 4.1: a verifier has 43 to 128 unreserved characters. Here the service makes it. */
function readProof(json: unknown): PollVerdict {
  const code = textField(json, 'authorization_code')
  const verifier = textField(json, 'code_verifier')
  if (code === undefined || !/^[!-~]{1,4096}$/.test(code)) return { kind: 'ended', error: unreadable() }
  if (verifier === undefined || !/^[\w.~-]{43,128}$/.test(verifier)) return { kind: 'ended', error: unreadable() }
  return { kind: 'proof', code, verifier }
}

/** The code has run out. */
export function expired(): CodexError {
  return new CodexError('LOGIN_TIMEOUT', 'The sign-in code has expired before anybody entered it.', {
    hint: 'Ask for a new one: codex_login with method "device".',
  })
}

/** An answer that is none of the sign-in service. */
export function unreadable(): CodexError {
  return new CodexError(
    'RESPONSE_INVALID',
    'The sign-in service sent an answer to the device sign-in that makes no sense.',
    {
      hint: 'Try again; a proxy or a sign-in page of your network may stand in between.',
    },
  )
}

function denied(): CodexError {
  return new CodexError('LOGIN_DENIED', 'The sign-in was refused where the code was entered.', {
    hint: 'Ask for a new code (codex_login with method "device") and accept it.',
  })
}

/** Own words only: a refusal may repeat what it was sent. */
function refused(status: number): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service ended the device sign-in (${status}).`, {
    hint: 'Ask for a new code (codex_login with method "device"), or sign in in a browser (codex_login with method "browser").',
  })
}

/** Every stable code of an error: what a user can search for and a caller can decide by. */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'INPUT_INVALID',
  'NOT_AUTHENTICATED',
  'ACCOUNT_CHANGED',
  'LOGIN_DENIED',
  'LOGIN_TIMEOUT',
  'TOKEN_REQUEST_FAILED',
  'CALLBACK_PORT_IN_USE',
  'STORAGE_LOCKED',
  'STORAGE_CORRUPT',
  'STORAGE_FAILED',
  'STORAGE_SEALED',
  'NETWORK',
  'TIMEOUT',
  'CANCELLED',
  'RESPONSE_INVALID',
  'USAGE_LIMIT',
  'RATE_LIMITED',
  'PLAN_REQUIRED',
  'MODEL_UNAVAILABLE',
  'CONTEXT_TOO_LONG',
  'REFUSED',
  'OVERLOADED',
  'INCOMPLETE',
  'CODEX_FAILED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface CodexErrorOptions {
  /** What the user can do next, a full sentence; tools and their arguments are spelled as `cli/words.ts` lists them. */
  hint?: string
  cause?: unknown
  /** True when the same call may succeed later without anybody changing anything. */
  retryable?: boolean
}

/**
 * The one error of this program. `message` and `hint` are sentences of ours and may be shown;
 * text from outside belongs in `cause`.
 */
export class CodexError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, { hint, cause, retryable = false }: CodexErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CodexError'
    this.code = code
    this.hint = hint
    this.retryable = retryable
  }
}

/** The same error in other words; what is not given stays. */
export function reworded(error: CodexError, words: { message?: string; hint?: string }): CodexError {
  const { code, cause, retryable } = error
  const { message = error.message, hint = error.hint } = words
  return new CodexError(code, message, { ...(hint === undefined ? {} : { hint }), cause, retryable })
}

/** For the log, which takes no message: the code of an error of ours. */
export function codeOf(error: unknown): ErrorCode | 'UNKNOWN' {
  return error instanceof CodexError ? error.code : 'UNKNOWN'
}

/** True for a `CodexError`, of the given code if one is named. */
export function isCodexError(error: unknown, code?: ErrorCode): error is CodexError {
  return error instanceof CodexError && (code === undefined || error.code === code)
}

/** For users, who cannot tell one fault of ours from another. */
export function unexpected(cause: unknown): CodexError {
  return new CodexError('CODEX_FAILED', 'Something went wrong inside codex-oauth.', {
    hint: 'Try again; if it stays so, set CODEX_DEBUG=1 and report what is written to standard error.',
    cause,
  })
}

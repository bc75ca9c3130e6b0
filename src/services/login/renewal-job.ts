import { CodexError, ERROR_CODES } from '../../errors.ts'
import { fieldOf, parseJson } from '../codex/remote-text.ts'
import { REFRESH_REASONS, type RefreshReason } from '../oauth/oauth-route.ts'
import { ROUTE_NAMES, type RouteName } from './login-route.ts'

/** A renewal for a worker process to do: no token is in it, the worker reads the credentials file itself. */
export interface RenewalJob {
  route: RouteName
  /** What names the refresh token in claims. */
  subject: string
  /** The claim that whoever delegates has taken. The worker takes the next number. */
  number: number
  reason: RefreshReason
}

/** How it went: no token is in it either. */
export type RenewalResult =
  /** The file and the claims say all there is to know. */
  | { kind: 'over' }
  /** `lasts`: waiting does not help. */
  | { kind: 'failed'; error: CodexError; lasts: boolean }

/** The job in a value; undefined when there is none, as from another version of this program. */
export function readJob(value: unknown): RenewalJob | undefined {
  const route = ROUTE_NAMES.find((name) => name === fieldOf(value, 'route'))
  const reason = REFRESH_REASONS.find((name) => name === fieldOf(value, 'reason'))
  const [subject, number] = [fieldOf(value, 'subject'), fieldOf(value, 'number')]
  if (route === undefined || reason === undefined) return undefined
  if (typeof subject !== 'string' || typeof number !== 'number' || !Number.isInteger(number)) return undefined
  return { route, subject, number, reason }
}

/** A result as one line. Of an error only what may be shown. */
export function resultLine(result: RenewalResult): string {
  if (result.kind !== 'failed') return JSON.stringify(result)
  const { code, message, hint, retryable } = result.error
  return JSON.stringify({ ...result, error: { code, message, hint, retryable } })
}

/** The result in a line; undefined when there is none. */
export function readResult(line: string | undefined): RenewalResult | undefined {
  const value = line === undefined ? undefined : parseJson(line)
  const kind = fieldOf(value, 'kind')
  if (kind === 'over') return { kind }
  const error = kind === 'failed' ? readError(fieldOf(value, 'error')) : undefined
  return error === undefined ? undefined : { kind: 'failed', error, lasts: fieldOf(value, 'lasts') === true }
}

function readError(value: unknown): CodexError | undefined {
  const code = ERROR_CODES.find((known) => known === fieldOf(value, 'code'))
  const [message, hint] = [fieldOf(value, 'message'), fieldOf(value, 'hint')]
  if (code === undefined || typeof message !== 'string') return undefined
  const options = { ...(typeof hint === 'string' ? { hint } : {}), retryable: fieldOf(value, 'retryable') === true }
  return new CodexError(code, message, options)
}

import type { CodexError } from '../../errors.ts'
import { isSameSecret } from '../../infrastructure/pkce.ts'

/** What a request to the callback address means for the sign-in that waits for it. */
export type Verdict =
  /** Not an answer to this sign-in: it goes on waiting. */
  | { kind: 'ignore' }
  /** The service says no (RFC 6749, section 4.1.2.1). */
  | { kind: 'denied'; error: string; description: string | undefined }
  | { kind: 'code'; code: string; clientId?: string | undefined }
  /** The answer to this sign-in, and of no use. */
  | { kind: 'unusable'; error: CodexError }

/**
 * Judges the raw query of a callback. `state` comes first: until it matches, nothing else in the request is
 * believed, so a stranger can neither inject a code nor end the sign-in with an error (RFC 6749, section 10.12).
 * A parameter given twice is a malformed request (section 3.1); `iss`, if present, must be our issuer (RFC 9207).
 */
export function judgeCallback(query: string, expected: { state: string; issuer: string }): Verdict {
  const parameters = new URLSearchParams(query)
  const only = (name: string) => {
    const values = parameters.getAll(name)
    // One without a value counts as left out (RFC 6749, section 3.1).
    return values.length === 1 ? values[0] || undefined : undefined
  }
  if (!isSameSecret(only('state') ?? '', expected.state)) return { kind: 'ignore' }
  if (parameters.has('iss') && only('iss') !== expected.issuer) return { kind: 'ignore' }
  if (parameters.has('error')) {
    const error = only('error')
    if (error === undefined || parameters.has('code')) return { kind: 'ignore' }
    return { kind: 'denied', error, description: only('error_description') }
  }
  const code = only('code')
  return code !== undefined && /^[!-~]{1,4096}$/.test(code) ? { kind: 'code', code } : { kind: 'ignore' }
}

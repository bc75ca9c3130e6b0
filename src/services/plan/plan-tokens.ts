import { CodexError } from '../../errors.ts'
import { fieldOf, textField } from '../codex/remote-text.ts'
import type { Grant } from '../oauth/oauth-route.ts'
import { readTokenResponse, type TokenResponse } from '../oauth/token-response.ts'

/**
 * The tokens in an answer for plan usage (facts: plan-usage 2.5), with what this route says besides.
 *
 * @throws CodexError TOKEN_REQUEST_FAILED
 */
export function readPlanTokens(json: unknown, nowMs: number, grant: Grant): TokenResponse {
  const tokens = readTokenResponse(json, nowMs)
  // Renewed tokens are all there is: the old ones are spent, and their life can be told from the token itself.
  if (grant === 'authorization_code') assertUsual(tokens, fieldOf(json, 'expires_in'))
  const scope = textField(json, 'scope')
  return {
    ...tokens,
    scope: scope !== undefined && /^[ -~]{1,4096}$/.test(scope) ? scope : undefined,
    earliestRefreshAt: earliest(fieldOf(json, 'earliest_refresh_at')),
  }
}

function assertUsual({ tokenType = 'bearer' }: TokenResponse, expiresIn: unknown): void {
  const lives = typeof expiresIn === 'number' && Number.isFinite(expiresIn) && expiresIn > 0
  if (!lives || tokenType.toLowerCase() !== 'bearer') throw unusual()
}

/** Undefined in the facts; seen as null, as seconds since the epoch and as a date: whatever else it is says nothing. */
function earliest(value: unknown): number | undefined {
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

function unusual(): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in service sent tokens of a kind that cannot be used.', {
    hint: 'Try again. What was stored before is unchanged.',
    retryable: true,
  })
}

import { CodexError } from '../../errors.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import { PLAN_OFF } from './plan-words.ts'

const PLAN_SCOPE = 'chatgpt.tokens.use.direct'

/** What a sign-in asks for: who it is, and the usage of the plan (facts: plan-usage 2.1). */
export const SCOPES = `openid profile email offline_access resource.invoke ${PLAN_SCOPE}`

/**
 * Whether questions may be asked with this login: only what the token endpoint has said counts, and of that only the
 * one scope, because what else comes back after a no is not known (facts: plan-usage 2.5, 9).
 */
export function hasPlanScope({ scope }: Pick<TokenRecord, 'scope'>): boolean {
  return (scope ?? '').split(' ').includes(PLAN_SCOPE)
}

/** Signed in, and no question may be asked. */
export function planOff(): CodexError {
  return new CodexError('PLAN_REQUIRED', PLAN_OFF.message, { hint: PLAN_OFF.hint })
}

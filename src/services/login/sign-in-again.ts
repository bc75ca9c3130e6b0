import { CodexError } from '../../errors.ts'
import type { Unopened } from '../../infrastructure/vault.ts'
import { CODEX_LOGIN, type LoginRoute } from './login-route.ts'

/** Nobody is signed in, or not any more. The record, if there is one, stays for `codex_status`. */
export function signInAgain(
  message: string,
  { call, aboutAgain = '' }: Pick<LoginRoute, 'call' | 'aboutAgain'> = CODEX_LOGIN,
): CodexError {
  return new CodexError('NOT_AUTHENTICATED', message, { hint: `Sign in with ${call}, then ask again.${aboutAgain}` })
}

/** The stored sign-in cannot be opened here: that is not a sign-out. */
export function cannotOpen({ reason, remedy }: Unopened): CodexError {
  return new CodexError('STORAGE_SEALED', reason, { hint: remedy })
}

export function accountChanged(): CodexError {
  return new CodexError('ACCOUNT_CHANGED', 'Another account has been signed in while this call was running.', {
    hint: 'Ask again to use the account that is signed in now.',
    retryable: true,
  })
}

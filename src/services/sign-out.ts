import type { CredentialName } from './credential-name.ts'
import type { Credentials } from './credentials.ts'
import type { SignIn } from './sign-in.ts'
import type { Cleared, TokenManager } from './token-manager.ts'

export interface ClearOutcome extends Cleared {
  /** Whether a sign-in was open. */
  cancelled: boolean
  /** The credential of the environment that answers questions from now on. */
  remaining: CredentialName | undefined
}

/**
 * Ends a sign-in that is open, then removes the login or the stored key. It may be called again and again.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
 */
export type SignOut = () => Promise<ClearOutcome>

export interface SignOutDeps {
  signIn: SignIn
  tokens: TokenManager
  credentials: Credentials
}

export function createSignOut({ signIn, tokens, credentials }: SignOutDeps): SignOut {
  return async () => {
    const open = signIn.view()
    // Another window's sign-in goes on there.
    const cancelled = open?.state === 'pending' && open.method !== 'other-window'
    // First: an exchange that is under way must find itself cancelled before the record is gone.
    await signIn.cancel()
    const cleared = await tokens.clear()
    const outside = credentials.view(undefined)
    return { ...cleared, cancelled, remaining: outside?.problem === undefined ? outside : undefined }
  }
}

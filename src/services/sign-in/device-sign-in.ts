import { CodexError, isCodexError } from '../../errors.ts'
import type { DeviceFlow } from '../oauth/device-flow.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import type { SignInSession } from './sign-in-session.ts'

/** The way through any other device: an address and a code to type in there (RFC 8628). */
export interface DeviceSignIn {
  url: string
  userCode: string
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface DeviceSignInDeps {
  device: DeviceFlow
  oauth: OAuthFlow
  /** Told why this way has ended without a login, unless the session has ended before. */
  onLost: (error: CodexError) => void
}

/**
 * Asks for a code and goes on asking in the background whether the user has entered it; that ends with the session.
 *
 * @throws as `DeviceFlow.begin`
 */
export async function openDeviceSignIn(
  session: SignInSession,
  { device, oauth, onLost }: DeviceSignInDeps,
): Promise<DeviceSignIn> {
  const code = await device.begin(session.ended)
  void device.wait(code, session.ended).then(
    (proof) => session.redeem(() => oauth.exchangeCode(proof), onLost),
    (error: unknown) => {
      if (!session.ended.aborted) onLost(isCodexError(error) ? error : lost(error))
    },
  )
  return { url: code.verificationUrl, userCode: code.userCode, expiresAt: code.expiresAt }
}

function lost(cause: unknown): CodexError {
  return new CodexError('TOKEN_REQUEST_FAILED', 'The device sign-in broke off.', {
    hint: 'Start again with codex_login.',
    cause,
  })
}

import { CodexError, isCodexError } from '../errors.ts'
import { type BrowserSignIn, type BrowserSignInDeps, openBrowserSignIn } from './browser-sign-in.ts'
import type { DeviceFlow } from './device-flow.ts'
import { type DeviceSignIn, openDeviceSignIn } from './device-sign-in.ts'
import type { SignInLease } from './sign-in-lease.ts'
import { because, type MethodChoice, type SignInMethod } from './sign-in-method.ts'
import type { SignInSession } from './sign-in-session.ts'

/** A sign-in with the ways that are open to it, side by side: the first to bring a login closes the others. */
export interface OpenSignIn {
  session: SignInSession
  browser: BrowserSignIn | undefined
  device: DeviceSignIn | undefined
  /** The way that was opened last. */
  shown: MethodChoice | undefined
  /** It has no way of its own: another window's sign-in is waited for. */
  isElsewhere: boolean
  /** Whether the address has been shown to the user, in a browser or a dialog. */
  opened: boolean
  /** When the login was stored that was there before; another one means that somebody has signed in elsewhere. */
  savedBefore: number | undefined
  /** Whether a call has said how it ended. */
  told: boolean
}

export interface WayDeps extends BrowserSignInDeps {
  device: DeviceFlow
  lease: SignInLease
}

/**
 * Opens a way beside those that are open. Where it is closed to this user and was not asked for by name, the other way
 * is opened in its place, and the reason says so.
 *
 * @throws CodexError CALLBACK_PORT_IN_USE, LOGIN_DENIED device sign-in is switched off; otherwise as
 *   `DeviceFlow.begin`
 */
export async function openWay(signIn: OpenSignIn, choice: MethodChoice, deps: WayDeps): Promise<void> {
  try {
    await open(signIn, choice.method, deps)
    signIn.shown = choice
  } catch (error) {
    const other = choice.isAsked ? undefined : wayAround(error)
    if (other === undefined) throw error
    await open(signIn, other, deps).catch((second: unknown) => {
      throw deadEnd(error, second)
    })
    signIn.shown = {
      ...choice,
      method: other,
      reason: because(other, isCodexError(error) ? error.message.replace(/\.$/, '') : 'the other way failed'),
    }
  }
}

async function open(signIn: OpenSignIn, method: SignInMethod, deps: WayDeps): Promise<void> {
  const { session } = signIn
  if (method === 'browser') {
    signIn.browser ??= await openBrowserSignIn(session, deps)
    // It may have been called off while the listener was opening.
    if (session.ended.aborted) await signIn.browser.close()
    return
  }
  const onLost = (error: CodexError) => {
    signIn.device = undefined
    // What was asked in the browser may still be answered there.
    if (signIn.browser === undefined) session.fail(error)
  }
  signIn.device ??= await openDeviceSignIn(session, { device: deps.device, onLost })
  session.prolong(signIn.device.expiresAt)
  deps.lease.take(session.expiresAt(), true)
}

/** The way that leads around this obstacle: a port nobody else can free, a switch in the account's settings. */
function wayAround(error: unknown): SignInMethod | undefined {
  if (isCodexError(error, 'CALLBACK_PORT_IN_USE')) return 'device'
  return isCodexError(error, 'LOGIN_DENIED') ? 'browser' : undefined
}

function deadEnd(first: unknown, second: unknown): unknown {
  if (!isCodexError(first) || !isCodexError(second)) return second
  return new CodexError(first.code, `${first.message} ${second.message}`, {
    hint: `${first.hint ?? ''} An API key in the environment of the server (CODEX_API_KEY) needs no sign-in.`.trim(),
    cause: second,
  })
}

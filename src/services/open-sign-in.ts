import { CodexError, isCodexError } from '../errors.ts'
import { type BrowserSignIn, type BrowserSignInDeps, openBrowserSignIn } from './browser-sign-in.ts'
import type { DeviceFlow } from './device-flow.ts'
import { type DeviceSignIn, openDeviceSignIn } from './device-sign-in.ts'
import type { SignInLease } from './sign-in-lease.ts'
import { because, type MethodChoice, type SignInMethod } from './sign-in-method.ts'
import { type SignInSession, signInCancelled } from './sign-in-session.ts'

/** What the user is told of a way. */
interface Shown {
  /** Sentences: why this way, or what stood in the way of showing it. */
  reason: string
  /** Whether the address has been shown to the user, in a browser or a dialog. */
  opened: boolean
}

export interface BrowserWay extends BrowserSignIn, Shown {
  method: 'browser'
  /** False where the address is only shown. */
  opensBrowser: boolean
}

export interface DeviceWay extends DeviceSignIn, Shown {
  method: 'device'
}

/** A sign-in with the ways that are open to it, side by side: the first to bring a login closes the others. */
export interface OpenSignIn {
  session: SignInSession
  browser: BrowserWay | undefined
  device: DeviceWay | undefined
  /** The way that was asked for last. */
  shown: BrowserWay | DeviceWay | undefined
  /** It has no way of its own: another window's sign-in is waited for. */
  isElsewhere: boolean
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
 *   `DeviceFlow.begin`; CANCELLED when the session has ended meanwhile
 */
export async function openWay(signIn: OpenSignIn, choice: MethodChoice, deps: WayDeps): Promise<void> {
  try {
    signIn.shown = await open(signIn, choice.method, choice, deps)
  } catch (error) {
    const other = choice.isAsked ? undefined : wayAround(error)
    if (other === undefined) throw error
    const why = isCodexError(error) ? error.message.replace(/\.$/, '') : 'the other way failed'
    signIn.shown = await open(signIn, other, { ...choice, reason: because(other, why) }, deps).catch(
      (second: unknown) => {
        throw deadEnd(error, second)
      },
    )
  }
}

async function open(
  signIn: OpenSignIn,
  method: SignInMethod,
  { reason, opensBrowser }: MethodChoice,
  deps: WayDeps,
): Promise<BrowserWay | DeviceWay> {
  const { session } = signIn
  if (method === 'browser') {
    if (signIn.browser === undefined) {
      const way = await openBrowserSignIn(session, deps)
      signIn.browser = { ...way, method, reason, opensBrowser, opened: false }
    }
    // It may have been called off while the listener was opening.
    if (!session.ended.aborted) return signIn.browser
    await signIn.browser.close()
    throw session.error() ?? signInCancelled('The sign-in has ended.')
  }
  if (signIn.device === undefined) {
    const way = await openDeviceSignIn(session, { device: deps.device, onLost: (error) => loseDevice(signIn, error) })
    signIn.device = { ...way, method, reason, opened: false }
    session.prolong(way.expiresAt)
    deps.lease.prolong(session.expiresAt())
  }
  return signIn.device
}

/** What was asked in the browser may still be answered there. */
function loseDevice(signIn: OpenSignIn, error: CodexError): void {
  signIn.device = undefined
  if (signIn.browser === undefined) {
    signIn.session.fail(error)
    return
  }
  signIn.browser.reason = because('browser', error.message.replace(/\.$/, ''))
  signIn.shown = signIn.browser
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

import { CodexError, isCodexError } from '../../errors.ts'
import type { LoginRoute } from '../login/login-route.ts'
import type { DeviceFlow } from '../oauth/device-flow.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import { type BrowserSignIn, type BrowserSignInDeps, openBrowserSignIn } from './browser-sign-in.ts'
import { type DeviceSignIn, openDeviceSignIn } from './device-sign-in.ts'
import type { SignInLease } from './sign-in-lease.ts'
import { because, type MethodChoice, type Rung, type SignInMethod } from './sign-in-method.ts'
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
  /** Ways that were tried and are closed to this user. */
  closed: SignInMethod[]
  /** The way that was asked for last. */
  shown: BrowserWay | DeviceWay | undefined
  /** It has no way of its own: another window's sign-in is waited for. */
  isElsewhere: boolean
  /** When the login was stored that was there before; another one means that somebody has signed in elsewhere. */
  savedBefore: number | undefined
  /** Whether a call has said how it ended. */
  told: boolean
  /** Whoever signs in may be somebody else than before. */
  anew: boolean
}

export interface WayDeps extends BrowserSignInDeps {
  route: Pick<LoginRoute, 'ladders' | 'signedIn'>
  oauth: OAuthFlow
  device: DeviceFlow
  lease: SignInLease
}

/**
 * Opens a way beside those that are open. Where it is closed to this user and was not asked for by name, the other way
 * is opened in its place, and where both are closed, the browser without a listener: then only pasting is left. The
 * reason says so.
 *
 * @throws CodexError CALLBACK_PORT_IN_USE, LOGIN_DENIED device sign-in is switched off; otherwise as
 *   `DeviceFlow.begin`; CANCELLED when the session has ended meanwhile
 */
export async function openWay(signIn: OpenSignIn, choice: MethodChoice, deps: WayDeps): Promise<void> {
  const reasons: string[] = []
  const ladder = deps.route.ladders[choice.method]
  for (const rung of choice.isAsked ? ladder.slice(0, 1) : ladder) {
    try {
      signIn.shown = await open(signIn, rung, asRung(choice, rung, reasons), deps)
      return
    } catch (error) {
      if (!isObstacle(error) || rung === 'paste') throw error
      if (choice.isAsked) throw withWayAround(error, ladder)
      reasons.push(error.message.replace(/\.$/, ''))
      if (!signIn.closed.includes(rung)) signIn.closed.push(rung)
    }
  }
}

/** Nothing is tried that was not asked for, but it is named. */
function withWayAround(error: CodexError, ladder: readonly Rung[]): CodexError {
  if (error.code !== 'CALLBACK_PORT_IN_USE' || !ladder.includes('device')) return error
  const hint = `${error.hint ?? ''} Or use codex_login with method "device".`.trim()
  return new CodexError(error.code, error.message, { hint, cause: error })
}

/** What another way leads around: a port nobody else can free, a switch in the account's settings. */
function isObstacle(error: unknown): error is CodexError {
  return isCodexError(error, 'CALLBACK_PORT_IN_USE') || isCodexError(error, 'LOGIN_DENIED')
}

function asRung(choice: MethodChoice, rung: Rung, reasons: readonly string[]): MethodChoice {
  if (reasons.length === 0) return choice
  const method = rung === 'paste' ? 'browser' : rung
  // Without a listener a browser that opens by itself would end on a page nobody can explain.
  const opensBrowser = choice.opensBrowser && rung !== 'paste'
  return { ...choice, method, reason: because(method, reasons.join('; ')), opensBrowser }
}

async function open(
  signIn: OpenSignIn,
  rung: Rung,
  { reason, opensBrowser }: MethodChoice,
  deps: WayDeps,
): Promise<BrowserWay | DeviceWay> {
  const { session } = signIn
  if (rung !== 'device') {
    if (signIn.browser === undefined) {
      const way = await openBrowserSignIn(session, deps, {
        listens: rung === 'browser',
        anew: signIn.anew,
        onLost: (error) => loseBrowser(signIn, error),
      })
      signIn.browser = { ...way, method: 'browser', reason, opensBrowser, opened: false }
    }
    // It may have been called off while the listener was opening.
    if (!session.ended.aborted) return signIn.browser
    await signIn.browser.close()
    throw session.error() ?? signInCancelled('The sign-in has ended.')
  }
  if (signIn.device === undefined) {
    const way = await openDeviceSignIn(session, { ...deps, onLost: (error) => loseDevice(signIn, error) })
    signIn.device = { ...way, method: rung, reason, opened: false }
    session.prolong(way.expiresAt)
    deps.lease.prolong(session.expiresAt())
  }
  return signIn.device
}

/** Where a code is shown on another device, it may still be entered there. */
function loseBrowser(signIn: OpenSignIn, error: CodexError): void {
  const { browser, device } = signIn
  if (device === undefined || browser === undefined) {
    signIn.session.fail(error)
    return
  }
  // Not waited for: its page says first why.
  void browser.close()
  signIn.browser = undefined
  device.reason = because('device', error.message.replace(/\.$/, ''))
  signIn.shown = device
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

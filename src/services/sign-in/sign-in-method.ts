import { CodexError } from '../../errors.ts'
import type { Place, Surroundings } from '../../infrastructure/surroundings.ts'

export type SignInMethod = 'browser' | 'device'

/** What is tried when the way before it is closed; `paste` is the browser without a listener. */
export type Rung = SignInMethod | 'paste'

/** The way to begin with, and what comes after it. A login that has none for a method does not have that method. */
export type Ladders = Readonly<Record<SignInMethod, readonly Rung[]>>

/** A way to sign in, and a sentence for the user that says why this one. */
export interface MethodChoice {
  method: SignInMethod
  reason: string
  /** False where the address is only shown. */
  opensBrowser: boolean
  /** Asked for by name: then no other way is tried in its place. */
  isAsked: boolean
}

export interface MethodWish {
  method: SignInMethod | undefined
  opensBrowser: boolean
  surroundings: Surroundings
  /** Whether this sign-in knows a code for other devices; it does unless told. */
  hasDevice?: boolean
}

/**
 * The way that fits. Where no browser can be seen, a code that is typed in on any other device needs nothing of this
 * machine, while a redirect to its loopback would not arrive. Who only switched the opening off sits at a desk and
 * opens the address by hand.
 */
export function chooseMethod({ method, opensBrowser, surroundings, hasDevice = true }: MethodWish): MethodChoice {
  const { place, hasBrowser } = surroundings
  if (method !== undefined) {
    const reason = `${NAMES[method]}, as asked for.`
    return { method, reason, opensBrowser: opensBrowser && hasBrowser, isAsked: true }
  }
  if (!hasBrowser && !hasDevice) {
    const why = `${WITHOUT_BROWSER[place]}, and this sign-in knows no code for other devices`
    return { method: 'browser', reason: because('browser', why), opensBrowser: false, isAsked: false }
  }
  if (!hasBrowser) {
    return { method: 'device', reason: because('device', WITHOUT_BROWSER[place]), opensBrowser: false, isAsked: false }
  }
  const why = opensBrowser ? WITH_BROWSER[place] : 'CODEX_OAUTH_NO_BROWSER is set, so the address is only shown'
  return { method: 'browser', reason: because('browser', why), opensBrowser, isAsked: false }
}

/** The sentence that names the way and its cause, `why` without a full stop. */
export function because(method: SignInMethod, why: string): string {
  return `${NAMES[method]}: ${why}.`
}

const NAMES: Readonly<Record<SignInMethod, string>> = { browser: 'Browser sign-in', device: 'Device sign-in' }

const WITH_BROWSER: Readonly<Record<Place, string>> = {
  desk: 'a browser can be opened on this machine',
  wsl: 'this is WSL, where the browser of Windows can be opened',
  ssh: 'this is an SSH session with a browser of its own',
  container: 'this is a container with a browser of its own',
  headless: 'BROWSER names a browser',
}

const WITHOUT_BROWSER: Readonly<Record<Place, string>> = {
  desk: 'there is no browser here',
  wsl: 'there is no browser here',
  ssh: 'this is an SSH session, and a browser that is opened here would not be visible to you',
  container: 'this is a container, which no browser outside can answer to',
  headless: 'there is no display here on which a browser could be shown',
}

/** For a sign-in that does not know this method. */
export function noDevice(): CodexError {
  return new CodexError('INPUT_INVALID', 'This sign-in has no code to enter on another device.', {
    hint:
      'Its address can be opened in any browser, and that of the last page given to codex_login as callback_url. ' +
      'A code is for the Codex route: codex_login with route "codex" and method "device".',
  })
}

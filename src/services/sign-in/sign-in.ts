import type { Config } from '../../config.ts'
import { raceSignal } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { Surroundings } from '../../infrastructure/surroundings.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { LoginRoute } from '../login/login-route.ts'
import type { IdClaims } from '../oauth/id-claims.ts'
import { type OpenSignIn, openWay, type WayDeps } from './open-sign-in.ts'
import { nothingToComplete, onlyAnAddress } from './pasted-address.ts'
import { chooseMethod, type MethodChoice, noDevice, type SignInMethod } from './sign-in-method.ts'
import { openSession, signInCancelled } from './sign-in-session.ts'
import { type LoginOutcome, type LoginView, pendingLogin, viewOf } from './sign-in-view.ts'
import { showAndWait, type WaitOptions } from './sign-in-wait.ts'
import type { SignedIn } from './signed-in.ts'

export interface LoginOptions extends WaitOptions {
  /** Sign in again although somebody is signed in; also ends a sign-in that is open. */
  force: boolean
  /** Sign in again also where somebody is signed in and the login lacks something: it is asked for then. */
  whole?: boolean
  /** The surroundings decide where nothing is asked for. */
  method?: SignInMethod | undefined
  /** False: only show the address. */
  openBrowser?: boolean
  /** The redirect of an open browser sign-in, as the user has copied it. */
  callbackUrl?: string | undefined
}

/**
 * The sign-in of this process: one at a time, shared by all calls that ask for it, with one or more ways open side by
 * side (browser and pasted address, RFC 8252; device code, RFC 8628).
 */
export interface SignIn {
  /**
   * Signs in, joining a sign-in that is open already, here or in another window. It waits as long as one call may, or
   * not at all where the user has to act first; then the outcome is `pending` and a later call or `view` tells how it
   * ended. Stored credentials change only by success.
   *
   * @throws CodexError INPUT_INVALID a pasted address of something else; CALLBACK_PORT_IN_USE, LOGIN_DENIED,
   *   LOGIN_TIMEOUT, TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT, RESPONSE_INVALID, STORAGE_CORRUPT, STORAGE_FAILED,
   *   STORAGE_LOCKED, ACCOUNT_CHANGED; CANCELLED by `signal`, `codex_clear` or a newer sign-in
   */
  login(options: LoginOptions): Promise<LoginOutcome>
  view(): LoginView | undefined
  /** Ends the open sign-in and frees its port. */
  cancel(): Promise<void>
  /** The same at the end of the process, but for one whose code is being redeemed: the user has said yes. */
  stop(): Promise<void>
  /** Resolves when nothing of it is under way any more that must not be interrupted. */
  settled(): Promise<void>
}

/** One among those of several logins. */
export interface SignInOfLogin extends SignIn {
  /** Whether a sign-in has succeeded and no call has said so yet. */
  hasNews(): boolean
  /** Whether the login that is stored cannot be used any more. */
  isOver(): boolean
  /** That it knows the method. @throws CodexError INPUT_INVALID */
  assertPossible(options: Pick<LoginOptions, 'method'>): void
}

export interface SignInDeps extends WayDeps {
  config: Pick<Config, 'loginTimeoutMs' | 'loginWaitMs' | 'openBrowser'>
  route: Pick<LoginRoute, 'ladders' | 'invitation' | 'signedIn' | 'call' | 'callBeside' | 'label' | 'nobodyCame'>
  surroundings: Surroundings
  storage: TokenStorage
  signedIn: SignedIn
  clock: Clock
  /** Told of a login as soon as it is stored. Never rejects. */
  onStored: (record: TokenRecord) => Promise<void>
}

interface Begun {
  signIn: OpenSignIn
  /** Whether this call has opened the way that is shown. */
  isNew: boolean
}

export function createSignIn(deps: SignInDeps): SignInOfLogin {
  const { config, route, surroundings, storage, signedIn, oauth, clock, lease, onStored } = deps
  const hasDevice = route.ladders.device.length > 0
  let running: OpenSignIn | undefined
  /** Calls begin one after the other, so that two at once share one sign-in. */
  let beginning: Promise<unknown> = Promise.resolve()
  /** Counts sign-outs: a sign-in that was still beginning then must not open any more. */
  let cancels = 0

  async function begin(options: LoginOptions): Promise<IdClaims | Begun> {
    const asked = cancels
    const { force, signal } = options
    /** Also after every wait before something opens: nobody may be there any more to whom it could be shown. */
    const assertWanted = () => {
      if (asked !== cancels || signal?.aborted) throw signInCancelled('The sign-in was cancelled.')
    }
    await storage.unlock()
    const savedBefore = signedIn.stored()?.savedAt
    // Outside the queue: it may ask the service, and nobody should have to wait behind that.
    // What a sign-in has brought is told first, before any more is asked for.
    const whole = options.whole === true && !hasNews()
    const account = force || isPending() ? undefined : await signedIn.account(signal, whole)
    if (account !== undefined) return account
    const begun = beginning.then(async () => {
      assertWanted()
      return (force ? undefined : await join(options)) ?? openAnew(options, savedBefore, assertWanted)
    })
    beginning = begun.catch(() => {})
    return begun
  }

  const isPending = () => running?.session.state() === 'pending'
  const hasNews = () => running?.session.state() === 'succeeded' && !running.told

  const choiceFor = ({ method, openBrowser = true }: LoginOptions): MethodChoice =>
    chooseMethod({ method, opensBrowser: config.openBrowser && openBrowser, surroundings, hasDevice })

  /** The sign-in that is open already, or who has meanwhile signed in in another window. */
  async function join(options: LoginOptions): Promise<IdClaims | Begun | undefined> {
    if (running === undefined || !isPending()) return undefined
    const signIn = running
    const account = await signedIn.since(signIn.savedBefore)
    if (account !== undefined) {
      signIn.session.adopt(account)
      return account
    }
    const { method } = options
    // Another window's sign-in is left to that window, and this one gets its own if it asks for one or that one is over.
    if (signIn.isElsewhere) {
      return method === undefined && lease.isElsewhere() ? { signIn, isNew: false } : undefined
    }
    const isNew = method !== undefined && signIn.shown?.method !== method
    if (isNew) await orSignedIn(signIn, openWay(signIn, choiceFor(options), deps))
    return { signIn, isNew }
  }

  async function openAnew(
    options: LoginOptions,
    savedBefore: number | undefined,
    assertWanted: () => void,
  ): Promise<IdClaims | Begun> {
    // What would refuse the login at its end is better said before the browser opens.
    await storage.rehearse()
    assertWanted()
    await end('A newer sign-in has taken the place of this one.')
    assertWanted()
    const isWanted = options.force || options.method !== undefined
    const signIn = newSignIn(savedBefore, options.force)
    running = signIn
    try {
      signIn.isElsewhere = !lease.take(signIn.session.expiresAt(), isWanted)
      if (signIn.isElsewhere) return { signIn, isNew: true }
      signIn.session.ended.addEventListener('abort', () => lease.release())
      // The other window may have finished while this call was getting ready.
      const account = isWanted ? undefined : await signedIn.since(savedBefore)
      if (account !== undefined) {
        signIn.session.adopt(account)
        return account
      }
      await orSignedIn(signIn, openWay(signIn, choiceFor(options), deps))
      assertWanted()
    } catch (error) {
      signIn.session.fail(signInCancelled('The sign-in could not begin.'))
      await signIn.browser?.close()
      if (running === signIn) running = undefined
      throw error
    }
    return { signIn, isNew: true }
  }

  /** A way that was closed on us because the login came by another one is no failure. */
  async function orSignedIn({ session }: OpenSignIn, opening: Promise<void>): Promise<void> {
    await opening.catch((error: unknown) => {
      if (session.state() !== 'succeeded') throw error
    })
  }

  /** One without a way as yet. */
  function newSignIn(savedBefore: number | undefined, anew: boolean): OpenSignIn {
    const session = openSession({
      storage,
      oauth,
      clock,
      route,
      limitMs: config.loginTimeoutMs,
      replaces: signedIn.stored() !== undefined,
      onStored,
    })
    const way = { browser: undefined, device: undefined, shown: undefined, isElsewhere: false }
    return { session, ...way, closed: hasDevice ? [] : ['device'], savedBefore, told: false, anew }
  }

  async function end(why: string): Promise<void> {
    running?.session.fail(signInCancelled(why))
    await running?.browser?.close()
  }

  async function paste(address: string, { force, method, signal }: LoginOptions): Promise<LoginOutcome> {
    const signIn = running
    if (force || method !== undefined) throw onlyAnAddress()
    if (signIn?.browser === undefined) throw nothingToComplete()
    // It may have arrived by itself while the user was copying it.
    if (signIn.session.state() === 'succeeded') signIn.browser.check(address)
    else if (isPending()) await raceSignal(signIn.browser.paste(address), signal)
    else throw nothingToComplete()
    signIn.told = true
    return { status: 'authenticated', account: await signIn.session.outcome, fresh: true }
  }

  /** True once: for the call that comes back after the user has signed in meanwhile. */
  function isNews(): boolean {
    const news = hasNews()
    if (running !== undefined) running.told = true
    return news
  }

  function assertPossible({ method }: Pick<LoginOptions, 'method'>): void {
    if (method === 'device' && !hasDevice) throw noDevice()
  }

  return {
    async login(options) {
      if (options.callbackUrl !== undefined) return paste(options.callbackUrl, options)
      assertPossible(options)
      const begun = await raceSignal(begin(options), options.signal)
      if (!('signIn' in begun)) return { status: 'authenticated', account: begun, fresh: isNews() }
      const { signIn, isNew } = begun
      const isOpenElsewhere = () => lease.isElsewhere()
      const wait = { config, route, clock, signedIn, isOpenElsewhere }
      const account = await showAndWait(signIn, isNew, options, wait)
      if (account === undefined) return pendingLogin(signIn, route)
      signIn.told = true
      return { status: 'authenticated', account, fresh: true }
    },
    view: () => (running === undefined ? undefined : viewOf(running)),
    hasNews,
    isOver: () => {
      const record = signedIn.stored()
      return record !== undefined && (record.accessToken === '' || record.refreshFailed !== undefined)
    },
    assertPossible,
    async stop() {
      cancels += 1
      if (running?.session.isRedeeming() !== true) await end('The sign-in was cancelled.')
    },
    settled: async () => running?.session.settled(),
    async cancel() {
      cancels += 1
      await end('The sign-in was cancelled.')
      // How an earlier sign-in ended interests nobody who has signed out.
      if (running?.session.state() !== 'cancelled') running = undefined
    },
  }
}

import type { Config } from '../config.ts'
import type { CodexError } from '../errors.ts'
import { raceSignal } from '../infrastructure/abort.ts'
import type { BrowserOutcome } from '../infrastructure/browser.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { TokenStorage } from '../infrastructure/token-storage.ts'
import { type BrowserSignIn, type BrowserSignInDeps, openBrowserSignIn } from './browser-sign-in.ts'
import { type IdClaims, readIdClaims } from './id-claims.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import { openSession, type SignInSession, signInCancelled } from './sign-in-session.ts'
import type { TokenManager } from './token-manager.ts'

/** How the sign-in of this process stands: what `codex_status` shows as `login`. */
export interface LoginView {
  state: 'pending' | 'succeeded' | 'failed' | 'cancelled'
  /** The address to open, while it is of use. */
  url: string
  /** Milliseconds since the epoch, like `expiresAt`. */
  openedAt: number
  expiresAt: number
  error: CodexError | undefined
}

export type LoginOutcome =
  | { status: 'authenticated'; account: IdClaims; fresh: boolean }
  /** Still waiting for the user: the listener stays open until `expiresAt`. */
  | { status: 'pending'; url: string; port: number; expiresAt: number; browser: BrowserOutcome }

export interface LoginOptions {
  /** Sign in again although somebody is signed in; also ends a sign-in that is open. */
  force: boolean
  signal?: AbortSignal | undefined
  onProgress?: ((message: string) => void) | undefined
}

/** The browser sign-in (RFC 8252): one at a time in a process, shared by all calls that ask for it. */
export interface SignIn {
  /**
   * Signs in, joining a sign-in that is open already. It waits as long as one call may, or not at all where no browser
   * opens; then the outcome is
   * `pending` and a later call or `view` tells how it ended. Stored credentials change only by success.
   *
   * @throws CodexError CALLBACK_PORT_IN_USE, LOGIN_DENIED, LOGIN_TIMEOUT, TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT, RESPONSE_INVALID,
   *   STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED; CANCELLED by `signal`, `codex_clear` or a newer sign-in
   */
  login(options: LoginOptions): Promise<LoginOutcome>
  view(): LoginView | undefined
  /** Ends the open sign-in and frees its port. */
  cancel(): Promise<void>
}

export interface SignInDeps extends BrowserSignInDeps {
  config: BrowserSignInDeps['config'] & Pick<Config, 'loginTimeoutMs' | 'loginWaitMs'>
  storage: TokenStorage
  tokens: TokenManager
  oauth: OAuthFlow
  clock: Clock
}

interface Running {
  session: SignInSession
  way: BrowserSignIn
  /** Whether a call has said how it ended. */
  told: boolean
}

interface Begun {
  /** False for the call that opened it. */
  joined: boolean
  running: Running
}

/** How often a waiting call looks whether another window has signed in, and how often it says that it waits. */
const LOOK_MS = 1_000
const PROGRESS_MS = 10_000

export function createSignIn(deps: SignInDeps): SignIn {
  const { config, storage, tokens, oauth, clock } = deps
  let running: Running | undefined
  /** Calls begin one after the other, so that two at once share one listener. */
  let beginning: Promise<unknown> = Promise.resolve()
  /** Counts sign-outs: a sign-in that was still beginning then must not open any more. */
  let cancels = 0

  async function begin({ force, signal }: LoginOptions): Promise<IdClaims | Begun> {
    const asked = cancels
    // Outside the queue: it may ask the service, and nobody should have to wait behind that.
    const account = force || isPending() ? undefined : await signedInAccount(signal)
    if (account !== undefined) return account
    const begun = beginning.then(async () => {
      if (asked !== cancels) throw signInCancelled('The sign-in was cancelled.')
      return (force ? undefined : await join()) ?? openAnew()
    })
    beginning = begun.catch(() => {})
    return begun
  }

  const isPending = () => running?.session.state() === 'pending'

  /** The sign-in that is open already, or who has meanwhile signed in in another window. */
  async function join(): Promise<IdClaims | Begun | undefined> {
    if (running === undefined || !isPending()) return undefined
    const account = signedInSince(running)
    if (account === undefined) return { joined: true, running }
    running.session.adopt(account)
    return account
  }

  async function openAnew(): Promise<Begun> {
    // What would refuse the login at its end is better said before the browser opens.
    await storage.rehearse()
    await end('A newer sign-in has taken the place of this one.')
    running = await open()
    return { joined: false, running }
  }

  /** Who is signed in with a login that works or can be renewed; nobody, when in doubt. */
  async function signedInAccount(signal: AbortSignal | undefined): Promise<IdClaims | undefined> {
    try {
      const record = await tokens.getTokens(signal)
      // The service will not renew it any more: a login that only seems to work.
      return record.refreshFailed === undefined ? readIdClaims(record) : undefined
    } catch {
      return undefined
    }
  }

  /** Who has signed in elsewhere, in another window say, since this sign-in was opened. */
  function signedInSince({ session }: Running): IdClaims | undefined {
    try {
      const { record } = storage.read()
      // The file rounds down to whole seconds: one within the second of the opening goes unseen.
      if (record?.savedAt === undefined || record.savedAt <= session.openedAt) return undefined
      return readIdClaims(record)
    } catch {
      return undefined
    }
  }

  async function open(): Promise<Running> {
    const session = openSession({ storage, oauth, clock, limitMs: config.loginTimeoutMs })
    try {
      return { session, way: await openBrowserSignIn(session, deps), told: false }
    } catch (error) {
      session.fail(signInCancelled('The sign-in could not begin.'))
      throw error
    }
  }

  async function end(why: string): Promise<void> {
    running?.session.fail(signInCancelled(why))
    await running?.way.close()
  }

  async function waitFor({ joined, running: awaited }: Begun, options: LoginOptions): Promise<LoginOutcome> {
    const { session, way } = awaited
    const { signal, onProgress } = options
    const pending = async (): Promise<LoginOutcome> => {
      const { url, port, browser } = way
      return { status: 'pending', url, port, expiresAt: session.expiresAt, browser: await browser }
    }
    const waited = new AbortController()
    try {
      // Without a browser the user needs the whole address, and many clients show it only in a result.
      const opened = () =>
        Promise.race([way.browser.then((outcome) => outcome.opened), session.outcome.then(() => true)])
      if (!joined && !(await raceSignal(opened(), signal))) return await pending()
      // Only a call that goes on: clients stumble over progress that comes together with the result.
      onProgress?.(`Waiting for you to sign in. If no browser has opened: ${way.url}`)
      const watching = watch(awaited, waited.signal, onProgress)
      const account = await raceSignal(Promise.race([session.outcome, watching]), signal)
      if (account === undefined) return await pending()
      awaited.told = true
      return { status: 'authenticated', account, fresh: true }
    } finally {
      waited.abort()
    }
  }

  /** True once: for the call that comes back after the user has signed in meanwhile. */
  function isNews(): boolean {
    const news = running?.session.state() === 'succeeded' && !running.told
    if (running !== undefined) running.told = true
    return news
  }

  /** Waits as long as one call may. Resolves to who has signed in in another window, if somebody does. */
  async function watch(
    awaited: Running,
    signal: AbortSignal,
    onProgress: LoginOptions['onProgress'],
  ): Promise<IdClaims | undefined> {
    for (let waitedMs = 0; waitedMs < config.loginWaitMs; waitedMs += LOOK_MS) {
      if (waitedMs % PROGRESS_MS === 0 && waitedMs > 0)
        onProgress?.(`Waiting for you to sign in. If no browser has opened: ${awaited.way.url}`)
      await clock.sleep(Math.min(LOOK_MS, config.loginWaitMs - waitedMs), signal)
      const account = awaited.session.state() === 'pending' ? signedInSince(awaited) : undefined
      if (account === undefined) continue
      awaited.session.adopt(account)
      return account
    }
    return undefined
  }

  return {
    async login(options) {
      const begun = await raceSignal(begin(options), options.signal)
      if ('running' in begun) return waitFor(begun, options)
      return { status: 'authenticated', account: begun, fresh: isNews() }
    },
    view() {
      if (running === undefined) return undefined
      const { session, way } = running
      const { openedAt, expiresAt } = session
      return { state: session.state(), url: way.url, openedAt, expiresAt, error: session.error() }
    },
    async cancel() {
      cancels += 1
      await end('The sign-in was cancelled.')
      // How an earlier sign-in ended interests nobody who has signed out.
      if (running?.session.state() !== 'cancelled') running = undefined
    },
  }
}

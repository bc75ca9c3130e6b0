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
  url: string | undefined
  expiresAt: number | undefined
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
   * Signs in, joining a sign-in that is open already. It waits as long as one call may; then the outcome is
   * `pending` and a later call or `view` tells how it ended. Stored credentials change only by success.
   *
   * @throws CodexError CALLBACK_PORT_IN_USE, LOGIN_DENIED, LOGIN_TIMEOUT, TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT,
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
}

const PROGRESS_MS = 10_000

export function createSignIn(deps: SignInDeps): SignIn {
  const { config, storage, tokens, oauth, clock } = deps
  let running: Running | undefined
  /** Calls begin one after the other, so that two at once share one listener. */
  let beginning: Promise<unknown> = Promise.resolve()

  function begin(force: boolean): Promise<Running | IdClaims> {
    const begun = beginning.then(async () => {
      if (running?.session.state() === 'pending' && !force) return running
      const account = force ? undefined : await signedInAccount()
      if (account !== undefined) return account
      // A damaged file, or a folder nobody may write to, would refuse the login at its end: better said before the
      // browser opens.
      storage.read()
      storage.reserve()
      await end('A newer sign-in has taken the place of this one.')
      running = await open()
      return running
    })
    beginning = begun.catch(() => {})
    return begun
  }

  /** Who is signed in with a login that works or can be renewed; nobody, when in doubt. */
  async function signedInAccount(): Promise<IdClaims | undefined> {
    try {
      const record = await tokens.getTokens()
      // The service will not renew it any more: a login that only seems to work.
      return record.refreshFailed === undefined ? readIdClaims(record) : undefined
    } catch {
      return undefined
    }
  }

  async function open(): Promise<Running> {
    const session = openSession({ storage, oauth, clock, limitMs: config.loginTimeoutMs })
    try {
      return { session, way: await openBrowserSignIn(session, deps) }
    } catch (error) {
      session.fail(signInCancelled('The sign-in could not begin.'))
      throw error
    }
  }

  async function end(why: string): Promise<void> {
    running?.session.fail(signInCancelled(why))
    await running?.way.close()
  }

  async function waitFor({ session, way }: Running, { signal, onProgress }: LoginOptions): Promise<LoginOutcome> {
    const { url, port } = way
    onProgress?.(`Open this address to sign in: ${url}`)
    const waited = new AbortController()
    const still = async (): Promise<undefined> => {
      for (let leftMs = config.loginWaitMs; leftMs > 0; leftMs -= PROGRESS_MS) {
        await clock.sleep(Math.min(leftMs, PROGRESS_MS), waited.signal)
        if (leftMs > PROGRESS_MS) onProgress?.(`Waiting for you to sign in: ${url}`)
      }
      return undefined
    }
    try {
      const account = await raceSignal(Promise.race([session.outcome, still()]), signal)
      if (account !== undefined) return { status: 'authenticated', account, fresh: true }
      return { status: 'pending', url, port, expiresAt: session.expiresAt, browser: await way.browser }
    } finally {
      waited.abort()
    }
  }

  return {
    async login(options) {
      const begun = await raceSignal(begin(options.force), options.signal)
      if (!('session' in begun)) return { status: 'authenticated', account: begun, fresh: false }
      return waitFor(begun, options)
    },
    view() {
      if (running === undefined) return undefined
      const { session, way } = running
      return { state: session.state(), url: way.url, expiresAt: session.expiresAt, error: session.error() }
    },
    async cancel() {
      await end('The sign-in was cancelled.')
      if (running?.session.state() !== 'cancelled') running = undefined
    },
  }
}

import type { Config } from '../config.ts'
import { CodexError, isCodexError } from '../errors.ts'
import { raceSignal } from '../infrastructure/abort.ts'
import type { BrowserOutcome } from '../infrastructure/browser.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { Log } from '../infrastructure/log.ts'
import type { CallbackReply, LoopbackServer } from '../infrastructure/loopback-server.ts'
import { createPkce, createState } from '../infrastructure/pkce.ts'
import type { TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import { judgeCallback, type Verdict } from './callback-judge.ts'
import { type IdClaims, readIdClaims } from './id-claims.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import { quoteRemote } from './remote-text.ts'
import { failurePage, strangerPage, successPage } from './sign-in-pages.ts'
import type { TokenManager } from './token-manager.ts'
import type { TokenResponse } from './token-response.ts'

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

export interface SignInDeps {
  config: Pick<Config, 'ports' | 'redirectHost' | 'issuer' | 'loginTimeoutMs' | 'loginWaitMs' | 'openBrowser'>
  storage: TokenStorage
  tokens: TokenManager
  oauth: OAuthFlow
  openBrowser: (url: string) => Promise<BrowserOutcome>
  randomBytes: (size: number) => Buffer
  clock: Clock
  log: Log
}

interface Session {
  view: LoginView & { url: string; expiresAt: number }
  port: number
  browser: Promise<BrowserOutcome>
  /** The account, when it succeeded. */
  outcome: Promise<IdClaims>
  settle(account: IdClaims | CodexError): void
  close(): Promise<void>
}

const CALLBACK_PATH = '/auth/callback'
const PROGRESS_MS = 10_000
const REVOKE_LIMIT_MS = 5_000

export function createSignIn(deps: SignInDeps): SignIn {
  const { config, storage, tokens, oauth, openBrowser, randomBytes, clock, log } = deps
  let session: Session | undefined
  /** Calls begin one after the other, so that two at once share one listener. */
  let beginning: Promise<unknown> = Promise.resolve()

  function begin(force: boolean): Promise<Session | IdClaims> {
    const begun = beginning.then(async () => {
      if (session?.view.state === 'pending' && !force) return session
      const account = force ? undefined : await signedInAccount()
      if (account !== undefined) return account
      // A damaged file, or a folder nobody may write to, would refuse the login at its end: better said before the
      // browser opens.
      storage.read()
      storage.reserve()
      await endSession('A newer sign-in has taken the place of this one.')
      session = await openSession()
      return session
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

  async function openSession(): Promise<Session> {
    const { openLoopbackServer } = await import('../infrastructure/loopback-server.ts')
    const pkce = createPkce(randomBytes)
    const state = createState(randomBytes)
    let answer: (query: string) => Promise<CallbackReply> = async () => reply(400, strangerPage())
    const server = await openLoopbackServer({
      ports: config.ports,
      path: CALLBACK_PATH,
      answer: (query) => answer(query),
    })
    const redirectUri = `http://${config.redirectHost}:${server.port}${CALLBACK_PATH}`
    const url = oauth.authorizeUrl({ redirectUri, challenge: pkce.challenge, state })
    const opened = createSession(server, url)
    let used = false
    answer = async (query) => {
      const verdict: Verdict = used ? { kind: 'ignore' } : judgeCallback(query, { state, issuer: config.issuer })
      log.event('callback', { verdict: verdict.kind })
      if (verdict.kind === 'ignore') return reply(400, strangerPage())
      used = true
      return finish(opened, verdict, { redirectUri, verifier: pkce.verifier })
    }
    return opened
  }

  function createSession(server: LoopbackServer, url: string): Session {
    const expiresAt = clock.now() + config.loginTimeoutMs
    const view: Session['view'] = { state: 'pending', url, expiresAt, error: undefined }
    const ended = new AbortController()
    const { promise: outcome, resolve, reject } = deferred<IdClaims>()
    // Nobody may be waiting when it fails; `view` keeps the error for the next call.
    outcome.catch(() => {})
    const settle = (account: IdClaims | CodexError) => {
      if (view.state !== 'pending') return
      const failed = account instanceof CodexError
      view.state = failed ? (account.code === 'CANCELLED' ? 'cancelled' : 'failed') : 'succeeded'
      view.error = failed ? account : undefined
      ended.abort()
      void server.close()
      failed ? reject(account) : resolve(account)
    }
    void clock.sleep(config.loginTimeoutMs, ended.signal).then(
      () => settle(loginTimeout(config.loginTimeoutMs)),
      () => {},
    )
    const browser = config.openBrowser ? openBrowser(url) : Promise.resolve(browserOff())
    return { view, port: server.port, browser, outcome, settle, close: () => server.close() }
  }

  /** Ends the sign-in with what the service said. The page comes last: it shows what is true by then. */
  async function finish(
    opened: Session,
    verdict: Exclude<Verdict, { kind: 'ignore' }>,
    proof: { redirectUri: string; verifier: string },
  ): Promise<CallbackReply> {
    try {
      if (verdict.kind === 'denied') throw loginDenied(verdict.error, verdict.description)
      const record = newRecord(await oauth.exchangeCode({ code: verdict.code, ...proof }), clock.now())
      await store(opened, record)
      opened.settle(readIdClaims(record))
      return reply(200, successPage())
    } catch (cause) {
      const error = asCodexError(cause)
      opened.settle(error)
      return reply(400, failurePage(error.message, error.hint))
    }
  }

  /** Replaces the stored login, unless this sign-in was cancelled meanwhile, and lets the old one be forgotten. */
  async function store(opened: Session, record: TokenRecord): Promise<void> {
    let previous: TokenRecord | undefined
    let stored = false
    try {
      await storage.update((current) => {
        previous = current
        stored = opened.view.state === 'pending'
        return stored ? record : current
      })
    } catch (error) {
      // Nobody has these tokens any more, and nobody would ever sign them out.
      forget(record)
      throw error
    }
    forget(stored ? previous : record)
    if (!stored) throw opened.view.error ?? loginCancelled('The sign-in was cancelled.')
  }

  /** Best effort, and nobody waits for it. */
  function forget(obsolete: TokenRecord | undefined): void {
    if (obsolete?.refreshToken !== undefined) void oauth.revoke(obsolete.refreshToken, REVOKE_LIMIT_MS)
  }

  async function endSession(why: string): Promise<void> {
    session?.settle(loginCancelled(why))
    await session?.close()
  }

  async function waitFor(running: Session, { signal, onProgress }: LoginOptions): Promise<LoginOutcome> {
    const { url, expiresAt } = running.view
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
      const account = await raceSignal(Promise.race([running.outcome, still()]), signal)
      if (account !== undefined) return { status: 'authenticated', account, fresh: true }
      return { status: 'pending', url, port: running.port, expiresAt, browser: await running.browser }
    } finally {
      waited.abort()
    }
  }

  return {
    async login(options) {
      const begun = await raceSignal(begin(options.force), options.signal)
      if (!('outcome' in begun)) return { status: 'authenticated', account: begun, fresh: false }
      return waitFor(begun, options)
    },
    view: () => session?.view,
    async cancel() {
      await endSession('The sign-in was cancelled.')
      if (session?.view.state !== 'cancelled') session = undefined
    },
  }
}

function newRecord(tokens: TokenResponse, nowMs: number): TokenRecord {
  const { accessToken, refreshToken, idToken, tokenType, expiresAt } = tokens
  if (accessToken === undefined || refreshToken === undefined || idToken === undefined) {
    throw new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in service did not send all the tokens of a login.', {
      hint: 'Start again with codex_login.',
    })
  }
  const { accountId } = readIdClaims({ idToken, accessToken })
  const times = { savedAt: nowMs, refreshedAt: nowMs }
  return {
    accessToken,
    refreshToken,
    idToken,
    tokenType,
    expiresAt,
    accountId,
    ...times,
    method: 'chatgpt',
    refreshFailed: undefined,
  }
}

function reply(status: number, html: string): CallbackReply {
  return { status, html }
}

function browserOff(): BrowserOutcome {
  return { opened: false, reason: 'CODEX_OAUTH_NO_BROWSER is set.' }
}

/** The service's refusal in words of ours; its own description only quoted (facts: wire-protocol 2.3). */
function loginDenied(error: string, description: string | undefined): CodexError {
  if (description?.includes('missing_codex_entitlement')) {
    return new CodexError('LOGIN_DENIED', 'Codex is not enabled for your workspace.', {
      hint: 'Ask your workspace administrator, or sign in with another account.',
    })
  }
  if (error === 'access_denied') {
    return new CodexError('LOGIN_DENIED', 'The sign-in was refused in the browser.', {
      hint: 'Start again with codex_login and agree to the request.',
    })
  }
  return new CodexError('LOGIN_DENIED', `The sign-in service refused: ${quoteRemote(description ?? error)}.`, {
    hint: 'Start again with codex_login.',
  })
}

function loginTimeout(limitMs: number): CodexError {
  return new CodexError('LOGIN_TIMEOUT', `Nobody finished the sign-in within ${Math.round(limitMs / 1000)} s.`, {
    hint: 'Start again with codex_login. On a remote machine, the browser must be able to reach this one: forward the port.',
  })
}

function loginCancelled(message: string): CodexError {
  return new CodexError('CANCELLED', message, { hint: 'Start again with codex_login.' })
}

function asCodexError(error: unknown): CodexError {
  if (isCodexError(error)) return error
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in failed unexpectedly.', { cause: error })
}

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

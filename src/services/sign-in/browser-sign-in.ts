import { CodexError } from '../../errors.ts'
import type { BrowserOutcome } from '../../infrastructure/browser.ts'
import type { CallbackReply } from '../../infrastructure/callback-request.ts'
import type { Log } from '../../infrastructure/log.ts'
import { quoteRemote } from '../codex/remote-text.ts'
import type { LoginRoute } from '../login/login-route.ts'
import type { Authorization, Authorize } from './authorization.ts'
import { alreadyUsed, notThisSignIn, queryOfPasted } from './pasted-address.ts'
import { failurePage, strangerPage, successPage } from './sign-in-pages.ts'
import type { SignInSession } from './sign-in-session.ts'

/** The way through the user's browser: an address, and a listener for the answer (RFC 8252, section 7.3). */
export interface BrowserSignIn {
  url: string
  /** Where the answer is expected; nowhere, when only its address can be pasted. */
  port: number | undefined
  /** Opens the browser; the first call does. Resolves to whether that worked. */
  show(): Promise<BrowserOutcome>
  /**
   * Takes the redirect as the user has copied it from the browser, for when it cannot reach this machine. The listener
   * and this share one verdict: whatever comes first counts. Resolves when the login is stored.
   *
   * @throws CodexError INPUT_INVALID not the answer to this sign-in, which goes on waiting; LOGIN_DENIED and as
   *   `SignInSession.redeem`
   */
  paste(address: string): Promise<void>
  /** That a pasted text has the form of our redirect. @throws CodexError INPUT_INVALID */
  check(address: string): void
  /** Frees the port. */
  close(): Promise<void>
}

export interface BrowserSignInDeps {
  route: Pick<LoginRoute, 'signedIn'>
  redirect: Redirect
  authorize: Authorize
  openBrowser: (url: string) => Promise<BrowserOutcome>
  log: Log
}

/** Where the service may send the browser back to (RFC 8252, section 7.3). */
export interface Redirect {
  /** As it stands in the address. */
  host: 'localhost' | '127.0.0.1'
  /** What else the browser may call this machine is turned away; unless told, each name it has is fine. */
  isLiteral?: boolean
  /** To listen on, in order of preference; 0 is any. */
  ports: readonly number[]
  /** For an address that is only pasted: nobody listens there. */
  portToPaste: number
}

export interface BrowserSignInOptions {
  listens: boolean
  /** As for `Authorize`. */
  anew: boolean
  /** Told why this way has brought a code that cannot be redeemed. */
  onLost: (error: CodexError) => void
}

const CALLBACK_PATH = '/auth/callback'

/**
 * Listens, and lets the answer end the session. The listener closes with the session. Without one the redirect goes to
 * a port the service knows all the same: who listens there gets a code that is worth nothing without our verifier
 * (RFC 7636), and the user pastes the address.
 *
 * @throws CodexError CALLBACK_PORT_IN_USE; as `Authorize`
 */
export async function openBrowserSignIn(
  session: SignInSession,
  deps: BrowserSignInDeps,
  { listens, anew, onLost }: BrowserSignInOptions,
): Promise<BrowserSignIn> {
  const { route, redirect, authorize, openBrowser, log } = deps
  const { openLoopbackServer } = await import('../../infrastructure/loopback-server.ts')
  let used = false

  /** What came of an answer, whichever way it came; nothing for one that is none. */
  async function receive(query: string): Promise<Received | undefined> {
    const verdict = used ? { kind: 'ignore' as const } : authorization.judge(query)
    log.event('callback', { verdict: verdict.kind })
    if (verdict.kind === 'ignore') return undefined
    used = true
    if (verdict.kind === 'code') {
      return { error: await session.redeem((abandon) => authorization.redeem(verdict, abandon), onLost) }
    }
    const error = verdict.kind === 'unusable' ? verdict.error : signInDenied(verdict.error, verdict.description)
    session.fail(error)
    return { error }
  }

  async function answer(query: string): Promise<CallbackReply> {
    const received = await receive(query)
    if (received === undefined) return { status: 400, html: strangerPage() }
    // The page comes last: it shows what is true by then.
    if (received.error === undefined) return { status: 200, html: successPage(route.signedIn) }
    return { status: 400, html: failurePage(received.error.message, received.error.hint) }
  }

  async function paste(address: string): Promise<void> {
    const query = queryOfPasted(address, redirectUri)
    if (used) throw alreadyUsed()
    // Most likely a part of it: all of it can still be copied.
    if (authorization.judge(query).kind === 'unusable') throw notThisSignIn()
    const received = await receive(query)
    if (received === undefined) throw notThisSignIn()
    if (received.error !== undefined) throw received.error
  }

  const hosts = redirect.isLiteral ? { hosts: [redirect.host] } : {}
  const server = listens
    ? await openLoopbackServer({ ports: redirect.ports, path: CALLBACK_PATH, answer, ...hosts })
    : { port: undefined, close: async () => {} }
  session.ended.addEventListener('abort', () => void server.close())
  const redirectUri = `http://${redirect.host}:${server.port ?? redirect.portToPaste}${CALLBACK_PATH}`
  const authorization = await begin()
  const { url } = authorization
  let browser: Promise<BrowserOutcome> | undefined
  const show = () => {
    browser ??= openBrowser(url)
    return browser
  }
  const check = (address: string) => void queryOfPasted(address, redirectUri)

  async function begin(): Promise<Authorization> {
    try {
      return authorize(redirectUri, anew)
    } catch (error) {
      await server.close()
      throw error
    }
  }

  return { url, port: server.port, show, paste, check, close: () => server.close() }
}

interface Received {
  error: CodexError | undefined
}

/** The service's refusal in words of ours; its own description only quoted (facts: wire-protocol 2.3). */
function signInDenied(error: string, description: string | undefined): CodexError {
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

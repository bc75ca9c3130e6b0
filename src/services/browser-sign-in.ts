import type { Config } from '../config.ts'
import { CodexError } from '../errors.ts'
import type { BrowserOutcome } from '../infrastructure/browser.ts'
import type { Log } from '../infrastructure/log.ts'
import type { CallbackReply } from '../infrastructure/loopback-server.ts'
import { createPkce, createState } from '../infrastructure/pkce.ts'
import { judgeCallback } from './callback-judge.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import { quoteRemote } from './remote-text.ts'
import { failurePage, strangerPage, successPage } from './sign-in-pages.ts'
import type { SignInSession } from './sign-in-session.ts'

/** The way through the user's browser: an address, and a listener for the answer (RFC 8252, section 7.3). */
export interface BrowserSignIn {
  url: string
  port: number
  /** Whether a browser was opened. */
  browser: Promise<BrowserOutcome>
  /** Frees the port. */
  close(): Promise<void>
}

export interface BrowserSignInDeps {
  config: Pick<Config, 'ports' | 'redirectHost' | 'issuer' | 'openBrowser'>
  oauth: OAuthFlow
  openBrowser: (url: string) => Promise<BrowserOutcome>
  randomBytes: (size: number) => Buffer
  log: Log
}

const CALLBACK_PATH = '/auth/callback'

/**
 * Listens, then opens the browser, and lets the answer end the session. The listener closes with the session.
 *
 * @throws CodexError CALLBACK_PORT_IN_USE
 */
export async function openBrowserSignIn(session: SignInSession, deps: BrowserSignInDeps): Promise<BrowserSignIn> {
  const { config, oauth, openBrowser, randomBytes, log } = deps
  const { openLoopbackServer } = await import('../infrastructure/loopback-server.ts')
  const { verifier, challenge } = createPkce(randomBytes)
  const state = createState(randomBytes)
  let redirectUri = ''
  let used = false

  async function answer(query: string): Promise<CallbackReply> {
    const verdict = used ? { kind: 'ignore' as const } : judgeCallback(query, { state, issuer: config.issuer })
    log.event('callback', { verdict: verdict.kind })
    if (verdict.kind === 'ignore') return { status: 400, html: strangerPage() }
    used = true
    if (verdict.kind === 'denied') return refuse(signInDenied(verdict.error, verdict.description))
    // The page comes last: it shows what is true by then.
    const error = await session.redeem({ code: verdict.code, redirectUri, verifier })
    return error === undefined ? { status: 200, html: successPage() } : failed(error)
  }

  function refuse(error: CodexError): CallbackReply {
    session.fail(error)
    return failed(error)
  }

  const server = await openLoopbackServer({ ports: config.ports, path: CALLBACK_PATH, answer })
  session.ended.addEventListener('abort', () => void server.close())
  redirectUri = `http://${config.redirectHost}:${server.port}${CALLBACK_PATH}`
  const url = oauth.authorizeUrl({ redirectUri, challenge, state })
  const browser = config.openBrowser ? openBrowser(url) : Promise.resolve(browserOff())
  return { url, port: server.port, browser, close: () => server.close() }
}

function failed({ message, hint }: CodexError): CallbackReply {
  return { status: 400, html: failurePage(message, hint) }
}

function browserOff(): BrowserOutcome {
  return { opened: false, reason: 'No browser was opened, because CODEX_OAUTH_NO_BROWSER is set.' }
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

import { isCodexError } from '../../errors.ts'
import { inWords } from '../sign-in/login-sentence.ts'
import type { SignIns } from '../sign-in/sign-ins.ts'
import type { SignedIn } from '../sign-in/signed-in.ts'
import type { CredentialName } from './credential-name.ts'
import type { Credentials } from './credentials.ts'
import type { LoginRoute, RouteName } from './login-route.ts'
import type { RouteChoice } from './route-choice.ts'
import type { Cleared, TokenManager } from './token-manager.ts'

/** A login or key that is gone. */
export interface EndedLogin extends Cleared {
  /** What it is called; absent where there was none. */
  title?: string
  /** What to say when the issuer has not confirmed it. */
  unconfirmed?: string | undefined
}

export interface ClearOutcome extends EndedLogin {
  /** What was removed besides, where more than one login was stored. */
  others?: readonly EndedLogin[]
  /** Whether a sign-in was open. */
  cancelled: boolean
  /** What answers questions from now on: another login, or a credential of the environment. */
  remaining: CredentialName | undefined
}

/**
 * Ends a sign-in that is open, then removes the logins or the stored key, or only what `route` names. It may be called
 * again and again.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
 */
export type SignOut = (route?: RouteName) => Promise<ClearOutcome>

/** What of a login takes part in its end. */
export interface LoginToEnd {
  route: Pick<LoginRoute, 'name' | 'title' | 'unconfirmed'>
  tokens: Pick<TokenManager, 'clear'>
  signedIn: Pick<SignedIn, 'stored'>
  credentials: Pick<Credentials, 'view'>
}

export interface SignOutDeps {
  signIn: Pick<SignIns, 'view' | 'cancel'>
  logins: Readonly<Record<RouteName, LoginToEnd>>
  choice: Pick<RouteChoice, 'asked'>
}

export function createSignOut({ signIn, logins, choice }: SignOutDeps): SignOut {
  async function endOne({ route, tokens }: LoginToEnd): Promise<EndedLogin> {
    const { title, unconfirmed } = route
    return { ...(await tokens.clear()), title, ...(unconfirmed === undefined ? {} : { unconfirmed }) }
  }

  async function remaining(): Promise<CredentialName | undefined> {
    const { credentials, signedIn } = logins[await choice.asked()]
    const view = credentials.view(signedIn.stored())
    return view?.problem === undefined ? view : undefined
  }

  return async (only) => {
    const open = signIn.view()
    // Another window's sign-in goes on there.
    const cancelled = open?.state === 'pending' && open.method !== 'other-window'
    // First: an exchange that is under way must find itself cancelled before the record is gone.
    await signIn.cancel()
    const meant = Object.values(logins).filter(({ route }) => only === undefined || only === route.name)
    // Side by side: what is removed here must not wait for what is revoked there.
    const results = await Promise.allSettled(meant.map(endOne))
    const ended = results.flatMap((one) => (one.status === 'fulfilled' && one.value.removed ? [one.value] : []))
    const failed = results.find((one) => one.status === 'rejected')
    // What ended has to be told; what did not, too.
    if (failed !== undefined && ended.length === 0) throw failed.reason
    const [first = NOTHING, ...others] = failed === undefined ? ended : [withProblem(ended, failed.reason)]
    return { ...first, others, cancelled, remaining: await remaining().catch(() => undefined) }
  }
}

/** The one that ended, with what has kept the other one. */
function withProblem([ended = NOTHING]: readonly EndedLogin[], reason: unknown): EndedLogin {
  const why = isCodexError(reason) ? inWords(reason) : ''
  return { ...ended, problem: [ended.problem, `The other login could not be removed. ${why}`.trim()].join(' ').trim() }
}

const NOTHING: EndedLogin = { removed: undefined, revoked: false }

import type { CodexError } from '../../errors.ts'
import type { LoginRoute, RouteName } from '../login/login-route.ts'
import type { IdClaims } from '../oauth/id-claims.ts'
import type { OpenSignIn } from './open-sign-in.ts'
import type { SignInMethod } from './sign-in-method.ts'

/** How the sign-in of this process stands: what `codex_status` shows as `login`. */
export interface LoginView {
  state: 'pending' | 'succeeded' | 'failed' | 'cancelled'
  /** `other-window`: it is open there, and waited for here. */
  method: SignInMethod | 'other-window'
  /** The address to open, while it is of use. */
  url: string | undefined
  userCode: string | undefined
  /** Milliseconds since the epoch, like `expiresAt`. */
  openedAt: number
  expiresAt: number
  /** When it ended, however it did. */
  endedAt: number | undefined
  error: CodexError | undefined
  /** Which login it is for, where there are several. */
  route?: RouteName
}

/** Still waiting for the user; it stays open until `expiresAt`. */
export interface PendingLogin {
  status: 'pending'
  method: SignInMethod | 'other-window'
  /** Sentences: why this way, and what stands in the way of another. */
  reason: string
  url: string | undefined
  /** To be typed in at `url`. */
  userCode: string | undefined
  /** Where the browser's answer is expected, while one is. */
  port: number | undefined
  expiresAt: number
  /** Whether a browser shows the address already. */
  opened: boolean
  /** Ways that were tried and are closed to this user. */
  closed: readonly SignInMethod[]
  /** How to sign in here all the same while another window does; `LoginRoute.callBeside`. */
  callBeside?: string
}

export type LoginOutcome = ({ status: 'authenticated'; account: IdClaims; fresh: boolean } | PendingLogin) & {
  /** Which login it is, where there are several. */
  route?: RouteName
  /** Sentences: what the user has to know besides. */
  notes?: readonly string[]
}

/** Nothing for one that is only being opened: it has nothing to show. */
export function viewOf(signIn: OpenSignIn): LoginView | undefined {
  const { session, shown, isElsewhere } = signIn
  if (shown === undefined && !isElsewhere) return undefined
  const { openedAt } = session
  const { url, userCode, method } = addressOf(signIn)
  return {
    state: session.state(),
    method,
    url,
    userCode,
    openedAt,
    expiresAt: session.expiresAt(),
    endedAt: session.endedAt(),
    error: session.error(),
  }
}

export function pendingLogin(
  signIn: OpenSignIn,
  { callBeside, label }: Pick<LoginRoute, 'callBeside' | 'label'>,
): PendingLogin {
  const { session, shown, browser } = signIn
  const reason = shown?.reason ?? 'A sign-in is open in another window.'
  return {
    status: 'pending',
    reason: label === undefined ? reason : `${label}. ${reason}`,
    ...addressOf(signIn),
    port: browser?.port,
    expiresAt: session.expiresAt(),
    opened: shown?.opened === true,
    closed: signIn.closed,
    callBeside,
  }
}

function addressOf({ shown }: OpenSignIn): Pick<PendingLogin, 'method' | 'url' | 'userCode'> {
  if (shown === undefined) return { method: 'other-window', url: undefined, userCode: undefined }
  return { method: shown.method, url: shown.url, userCode: shown.method === 'device' ? shown.userCode : undefined }
}

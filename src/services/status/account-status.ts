import type { CodexError } from '../../errors.ts'
import { isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { StoredTokens, TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { AskingRoute } from '../codex/asking-route.ts'
import { ACCOUNT, STORED_KEY } from '../login/credential-name.ts'
import type { Credentials, CredentialView } from '../login/credentials.ts'
import { CODEX_LOGIN, type LoginRoute, type RouteName } from '../login/login-route.ts'
import { openRecord } from '../login/open-record.ts'
import { isRenewable, remainingMs } from '../login/token-manager.ts'
import { type IdClaims, maskEmail, readIdClaims } from '../oauth/id-claims.ts'
import { inWords, loginSentence } from '../sign-in/login-sentence.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import type { LoginView } from '../sign-in/sign-in-view.ts'
import type { UsageStatus } from '../usage/usage-status.ts'
import { duration } from './duration.ts'

/** How things stand, from what lies on this machine alone. */
export interface AccountStatus {
  status: 'authenticated' | 'needs_refresh' | 'expired' | 'not_authenticated'
  /** Whether a question would be answered. False also for a login or token that can no longer be used or renewed. */
  authenticated: boolean
  account: IdClaims | undefined
  method: CredentialView['kind'] | 'none'
  /** Where the credential comes from and what a question costs, as in `CredentialName`. */
  source: string | undefined
  cost: string | undefined
  /** When what is stored was first stored and last renewed, in milliseconds. */
  createdAt: number | undefined
  refreshedAt: number | undefined
  /** Never below zero; undefined for what does not expire as far as we know. */
  expiresInMs: number | undefined
  hasRefreshToken: boolean
  login: LoginView | undefined
  /** Empty when it cannot be told where the file lies; the problem then names the path. */
  storagePath: string
  /** How the record lies there: as it is, or encrypted with a key of this kind. */
  storageForm: StoredTokens['form']
  storageProblem: string | undefined
  message: string
  /** How one asks with the credential that applies. */
  asking?: AskingRoute | undefined
  /** The login that all of this is about; absent when none is stored. */
  route?: RouteName | undefined
  /** All logins that are stored, this one among them. */
  logins?: readonly LoginStatus[]
  /** How much of the plan is used; absent where nobody has asked and nothing is known. */
  usage?: UsageStatus | undefined
}

export interface LoginStatus extends AccountStatus {
  route: RouteName
  /** Whether questions are asked with it. */
  answers: boolean
}

export interface StatusOptions {
  /** Whether to ask the service how much of the plan is used. */
  usage?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * Gives the status. Unless usage is to be asked, it asks nobody but the store of credentials. It never rejects, but for
 * CANCELLED while it asks.
 */
export type ReadStatus = (options?: StatusOptions) => Promise<AccountStatus>

export interface StatusDeps {
  storage: TokenStorage
  signIn: Pick<SignIn, 'view'>
  credentials: Credentials
  configProblem: CodexError | undefined
  clock: Pick<Clock, 'now'>
  /** The Codex login unless told. */
  route?: LoginRoute
}

export function createStatusReader(deps: StatusDeps): ReadStatus {
  const { storage, signIn, credentials, configProblem, clock, route = CODEX_LOGIN } = deps

  return async () => {
    const { isReadable, record, form, problem } = await readStored(storage)
    // Nobody knows who is signed in then: no question is asked with anything else.
    const view = isReadable ? credentials.view(record) : undefined
    const login = signIn.view()
    const standing = view?.source === ACCOUNT && record !== undefined ? ofLogin(record, view) : ofOthers(view)
    const message = sentences([
      configProblem === undefined ? undefined : inWords(configProblem),
      problem,
      // Where a setting or the file is at fault, signing in is not the way out.
      view === undefined && (problem ?? configProblem) !== undefined ? undefined : standing.message,
      form === 'machine' ? MACHINE_KEY : undefined,
      loginSentence(login, record?.savedAt),
    ])
    return {
      ...standing,
      account: view?.account,
      method: view?.kind ?? 'none',
      source: view?.source,
      cost: view?.cost,
      asking: view?.asking,
      createdAt: record?.savedAt,
      refreshedAt: record?.refreshedAt,
      hasRefreshToken: record?.refreshToken !== undefined,
      login,
      storagePath: locate(storage),
      storageForm: form,
      storageProblem: problem,
      message,
    }
  }

  function ofLogin(record: TokenRecord, { problem, usage }: CredentialView): Standing {
    const leftMs = Math.max(0, remainingMs(record, clock.now()))
    const status = statusOf(record, leftMs, route.refreshMarginMs)
    const works = leftMs > 0 || isRenewable(record)
    const rest = problem === undefined ? (works ? usage : undefined) : inWords(problem)
    const message = sentences([accountSentence(record, status, leftMs, route), rest])
    return { status, authenticated: works && problem === undefined, expiresInMs: leftMs, message }
  }

  function ofOthers(view: CredentialView | undefined): Standing {
    if (view === undefined) {
      const message = 'Nobody is signed in. Sign in with codex_login.'
      return { status: 'not_authenticated', authenticated: false, expiresInMs: 0, message }
    }
    const { label, source, expiresAt, problem } = view
    const leftMs = expiresAt === undefined ? undefined : Math.max(0, expiresAt - clock.now())
    const authenticated = problem === undefined
    const whenUnusable = leftMs === 0 ? 'expired' : 'not_authenticated'
    const asked = source === STORED_KEY ? 'Questions' : 'Nobody is signed in; questions'
    const left = leftMs === undefined ? '' : `, for another ${duration(leftMs)}`
    return {
      status: authenticated ? 'authenticated' : whenUnusable,
      authenticated,
      expiresInMs: leftMs,
      message: authenticated ? `${asked} are asked with the ${label}${left}.` : inWords(problem),
    }
  }
}

/** How it stands with the credential that applies. */
type Standing = Pick<AccountStatus, 'status' | 'authenticated' | 'expiresInMs' | 'message'>

/** A file that cannot be read is a state to report here, not a failure of the call. */
async function readStored(storage: TokenStorage): Promise<Stored> {
  try {
    const { record, unopened, form, warnings } = await openRecord(storage)
    const problem = warnings.length === 0 ? undefined : warnings.join(' ')
    return { isReadable: unopened === undefined, record, form, problem }
  } catch (error) {
    const problem = isCodexError(error) ? inWords(error) : 'It cannot be read.'
    return { isReadable: false, record: undefined, form: undefined, problem }
  }
}

interface Stored extends Pick<StoredTokens, 'form'> {
  isReadable: boolean
  record: TokenRecord | undefined
  problem: string | undefined
}

const MACHINE_KEY =
  'The credentials are encrypted with a key made from this machine and user, which protects only copies of the file taken off this machine.'

function locate(storage: TokenStorage): string {
  try {
    return storage.file()
  } catch {
    return ''
  }
}

function statusOf(record: TokenRecord, leftMs: number, marginMs: number): AccountStatus['status'] {
  if (leftMs === 0) return 'expired'
  return leftMs < marginMs || record.refreshFailed !== undefined ? 'needs_refresh' : 'authenticated'
}

function accountSentence(
  record: TokenRecord,
  status: AccountStatus['status'],
  leftMs: number,
  { call }: Pick<LoginRoute, 'call'>,
): string {
  // With the tokens it is gone who that was.
  if (record.accessToken === '') return `The sign-in is no longer valid. Sign in again with ${call}.`
  const who = whose(record)
  if (!isRenewable(record)) {
    const until = leftMs > 0 ? `The sign-in ${who} works for another ${duration(leftMs)} and` : `The sign-in ${who}`
    return `${until} can no longer be renewed. Sign in again with ${call}.`
  }
  if (status === 'expired') {
    return `Signed in ${who}; the access token has expired and is renewed with the next question.`
  }
  if (status === 'needs_refresh') return `Signed in ${who}; the access token is about to be renewed by itself.`
  return `Signed in ${who}; the access token is good for ${duration(leftMs)} and is renewed by itself.`
}

function whose(record: TokenRecord): string {
  const { email, plan } = readIdClaims(record)
  const name = email === undefined ? 'with an account without e-mail' : `as ${maskEmail(email)}`
  return plan === undefined ? name : `${name} (${plan})`
}

function sentences(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' ')
}

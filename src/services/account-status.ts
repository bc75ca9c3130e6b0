import type { CodexError } from '../errors.ts'
import { isCodexError } from '../errors.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { StoredTokens, TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import type { Credentials } from './credentials.ts'
import { type IdClaims, maskEmail, readIdClaims } from './id-claims.ts'
import { openRecord } from './open-record.ts'
import type { LoginView, SignIn } from './sign-in.ts'
import { REFRESH_MARGIN_MS, remainingMs } from './token-manager.ts'

/** How things stand, from what lies on this machine alone. */
export interface AccountStatus {
  status: 'authenticated' | 'needs_refresh' | 'expired' | 'not_authenticated'
  /** False also for a login that can no longer be used or renewed. */
  authenticated: boolean
  account: IdClaims | undefined
  method: string | undefined
  /** Never below zero. */
  expiresInMs: number
  hasRefreshToken: boolean
  login: LoginView | undefined
  /** Empty when it cannot be told where the file lies; the problem then names the path. */
  storagePath: string
  /** How the record lies there: as it is, or encrypted with a key of this kind. */
  storageForm: StoredTokens['form']
  storageProblem: string | undefined
  message: string
}

/** Gives the status; it asks nobody but the store of credentials and never throws. */
export type ReadStatus = () => Promise<AccountStatus>

export interface StatusDeps {
  storage: TokenStorage
  signIn: SignIn
  credentials: Credentials
  configProblem: CodexError | undefined
  clock: Clock
}

export function createStatusReader({ storage, signIn, credentials, configProblem, clock }: StatusDeps): ReadStatus {
  return async () => {
    const { record, form, problem } = await readStored(storage)
    const leftMs = record === undefined ? 0 : Math.max(0, remainingMs(record, clock.now()))
    const status = statusOf(record, leftMs)
    const login = signIn.view()
    const message = sentences([
      configProblem === undefined ? undefined : `${configProblem.message} ${configProblem.hint ?? ''}`.trim(),
      problem,
      // Where a setting or the file is at fault, signing in is not the way out.
      record === undefined && (problem ?? configProblem) !== undefined
        ? undefined
        : accountSentence(record, status, leftMs, credentials.environmentKey()),
      form === 'machine' ? MACHINE_KEY : undefined,
      loginSentence(login, record),
    ])
    return {
      status,
      authenticated: record !== undefined && (leftMs > 0 || isRenewable(record)),
      account: record === undefined ? undefined : readIdClaims(record),
      method: record === undefined ? keyMethod(credentials) : (record.method ?? 'chatgpt'),
      expiresInMs: leftMs,
      hasRefreshToken: record?.refreshToken !== undefined,
      login,
      storagePath: locate(storage),
      storageForm: form,
      storageProblem: problem,
      message,
    }
  }
}

/** A file that cannot be read is a state to report here, not a failure of the call. */
async function readStored(
  storage: TokenStorage,
): Promise<Pick<StoredTokens, 'record' | 'form'> & { problem: string | undefined }> {
  try {
    const { record, form, warnings } = await openRecord(storage)
    return { record, form, problem: warnings.length === 0 ? undefined : warnings.join(' ') }
  } catch (error) {
    const problem = isCodexError(error) ? `${error.message} ${error.hint ?? ''}`.trim() : 'It cannot be read.'
    return { record: undefined, problem }
  }
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

function statusOf(record: TokenRecord | undefined, leftMs: number): AccountStatus['status'] {
  if (record === undefined) return 'not_authenticated'
  if (leftMs === 0) return 'expired'
  return leftMs < REFRESH_MARGIN_MS || record.refreshFailed !== undefined ? 'needs_refresh' : 'authenticated'
}

function isRenewable({ refreshToken, refreshFailed }: TokenRecord): boolean {
  return refreshToken !== undefined && refreshFailed === undefined
}

function accountSentence(
  record: TokenRecord | undefined,
  status: AccountStatus['status'],
  leftMs: number,
  key: string | undefined,
): string {
  if (record === undefined) {
    if (key !== undefined)
      return `Nobody is signed in; questions are asked with the API key in ${key}, billed per token.`
    return 'Nobody is signed in. Sign in with codex_login.'
  }
  const who = whose(record)
  if (!isRenewable(record)) {
    const until = leftMs > 0 ? `The sign-in ${who} works for another ${duration(leftMs)} and` : `The sign-in ${who}`
    return `${until} can no longer be renewed. Sign in again with codex_login.`
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

function loginSentence(login: LoginView | undefined, record: TokenRecord | undefined): string | undefined {
  // Another window has signed in since: how this attempt ended does not matter any more.
  if (login !== undefined && (record?.savedAt ?? 0) > login.openedAt) return undefined
  switch (login?.state) {
    case 'pending':
      return `A sign-in waits in the browser: ${login.url}`
    case 'failed':
      return `The last sign-in failed: ${login.error?.message} ${login.error?.hint ?? ''}`.trim()
    default:
      return undefined
  }
}

function keyMethod(credentials: Credentials): string {
  return credentials.environmentKey() === undefined ? 'none' : 'api_key'
}

function sentences(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' ')
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)} days`
  if (minutes >= 120) return `${Math.floor(minutes / 60)} hours`
  return minutes >= 2 ? `${minutes} minutes` : `${Math.floor(ms / 1000)} seconds`
}

import type { CodexError } from '../errors.ts'
import { isCodexError } from '../errors.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { StoredTokens, TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import type { Credentials } from './credentials.ts'
import { type IdClaims, readIdClaims } from './id-claims.ts'
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
  storagePath: string
  storageProblem: string | undefined
  message: string
}

/** Gives the status; it asks nobody and never throws. */
export type ReadStatus = () => AccountStatus

export interface StatusDeps {
  storage: TokenStorage
  signIn: SignIn
  credentials: Credentials
  configProblem: CodexError | undefined
  clock: Clock
}

export function createStatusReader({ storage, signIn, credentials, configProblem, clock }: StatusDeps): ReadStatus {
  return () => {
    const { record, problem } = readStored(storage)
    const leftMs = record === undefined ? 0 : Math.max(0, remainingMs(record, clock.now()))
    const status = statusOf(record, leftMs)
    const login = signIn.view()
    const message = sentences([
      configProblem === undefined ? undefined : `${configProblem.message} ${configProblem.hint ?? ''}`.trim(),
      problem,
      accountSentence(record, status, leftMs, credentials.environmentKey()),
      loginSentence(login),
    ])
    return {
      status,
      authenticated: record !== undefined && (leftMs > 0 || isRenewable(record)),
      account: record === undefined ? undefined : readIdClaims(record),
      method: record === undefined ? keyMethod(credentials) : (record.method ?? 'chatgpt'),
      expiresInMs: leftMs,
      hasRefreshToken: record?.refreshToken !== undefined,
      login,
      storagePath: storage.file(),
      storageProblem: problem,
      message,
    }
  }
}

/** A file that cannot be read is a state to report here, not a failure of the call. */
function readStored(storage: TokenStorage): { record: TokenRecord | undefined; problem: string | undefined } {
  try {
    const { record, warnings }: StoredTokens = storage.read()
    return { record, problem: warnings.length === 0 ? undefined : warnings.join(' ') }
  } catch (error) {
    const problem = isCodexError(error) ? `${error.message} ${error.hint ?? ''}`.trim() : 'It cannot be read.'
    return { record: undefined, problem }
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
  if (record.refreshFailed !== undefined) {
    return 'This sign-in is no longer valid at the service. Sign in again with codex_login.'
  }
  if (status === 'expired') {
    return !isRenewable(record)
      ? 'The sign-in has expired and cannot be renewed. Sign in again with codex_login.'
      : 'Signed in; the access token has expired and is renewed with the next question.'
  }
  return `Signed in; the access token is good for ${duration(leftMs)} and is renewed by itself.`
}

function loginSentence(login: LoginView | undefined): string | undefined {
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

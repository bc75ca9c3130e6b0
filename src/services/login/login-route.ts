import type { Config } from '../../config.ts'
import type { CodexError } from '../../errors.ts'
import { CODEX_PLACE, type RecordPlace, type TokenRecord } from '../../infrastructure/token-record.ts'
import { accountOf, type IdClaims, readIdClaims } from '../oauth/id-claims.ts'
import type { Redirect } from '../sign-in/browser-sign-in.ts'
import type { Ladders } from '../sign-in/sign-in-method.ts'
import { accountName, type CredentialName } from './credential-name.ts'
import { environmentCredential, type OutsideCredential } from './outside-credential.ts'

/** The logins there are. */
export const ROUTE_NAMES = ['codex', 'plan'] as const
export type RouteName = (typeof ROUTE_NAMES)[number]

/**
 * What differs between the logins where people sign in and tokens are kept. `oauth-route.ts` says how their issuer is
 * spoken to, `asking-route.ts` how questions are asked.
 */
export interface LoginRoute {
  name: RouteName
  /** What it is called where there are several. */
  title: string
  /** Where its record lies in the credentials file. */
  place: RecordPlace
  /** What its claims are named after, behind the credentials file. */
  claimSuffix: string
  redirect(config: Pick<Config, 'ports' | 'redirectHost' | 'planPort'>): Redirect
  ladders: Ladders
  /** What a dialog or a line of progress says about the page to open. */
  invitation: string
  /** What the last page in the browser says of a sign-in that has succeeded. */
  signedIn: string
  /** How to ask for this login and no other, as hints spell it. */
  call: string
  /** What somebody is told whose questions go to it from now on. */
  switched: string
  /** What stands in front of the reason why a sign-in waits for the user, where it has a name of its own. */
  label?: string
  /** What else is worth knowing for somebody who has to sign in again; it begins with a blank. */
  aboutAgain?: string
  /** How to sign in beside a sign-in that is open in another window, as hints spell it. */
  callBeside: string
  /** What to do when nobody has finished a sign-in in time. */
  nobodyCame: string
  /** The tokens are renewed when less is left than this. */
  refreshMarginMs: number
  /** What stays stored of a login whose refresh token, by its hash, the service has declared dead. */
  buried(record: TokenRecord, refreshFailed: string): TokenRecord
  /** What a question costs that is asked with it, and how it is asked. */
  credentialName(record: TokenRecord): CredentialName
  /** Where its questions go, and no token of it anywhere else. */
  baseUrl(config: Pick<Config, 'baseUrl' | 'planBaseUrl'>): string
  /** The headers of a question. */
  headers(record: TokenRecord, identity: ClientIdentity, authorization: string): Readonly<Record<string, string>>
  /** Whose the list of models is. */
  modelOwner(record: TokenRecord): string | undefined
  /** Why no question may be asked although somebody is signed in. */
  lack(record: TokenRecord): CodexError | undefined
  /** What else may answer where nobody is signed in with it. */
  outside(config: Pick<Config, 'api' | 'accessToken'>, nowMs: number): OutsideCredential | undefined
  report: ReportWords
  /** What to say after a sign-out that the issuer has not confirmed, where there is more to it. */
  unconfirmed: string | undefined
}

/** How it is spoken of in the report of the doctor. */
export interface ReportWords {
  /** What the names of its lines begin with. */
  prefix: string
  /** What to do where a sign-in is missing, a sentence. */
  signIn: string
  /** The plan, to stand behind whose it is. */
  planOf(record: TokenRecord): string
}

/** How this program calls itself at the service. */
export interface ClientIdentity {
  originator: string
  userAgent: string
  clientVersion: string
}

/** The login of the official Codex client. */
export const CODEX_LOGIN: LoginRoute = {
  name: 'codex',
  title: 'Codex route',
  place: CODEX_PLACE,
  claimSuffix: '',
  // The service knows these ports only.
  redirect: ({ ports, redirectHost }) => ({ host: redirectHost, ports, portToPaste: ports[0] ?? 0 }),
  ladders: { browser: ['browser', 'device', 'paste'], device: ['device', 'browser', 'paste'] },
  invitation: 'Sign in to Codex with ChatGPT',
  signedIn: 'You are signed in to Codex.',
  call: 'codex_login',
  switched: 'Questions go by the Codex route from now on.',
  callBeside: 'codex_login with force: true',
  nobodyCame:
    'Start again with codex_login; where the last page of the browser does not load, give its address to codex_login as callback_url, or use codex_login with method "device".',
  refreshMarginMs: 300_000,
  // The access token may be good for days yet.
  buried: (record, refreshFailed) => ({ ...record, refreshFailed }),
  credentialName: (record) => accountName(readIdClaims(record).plan),
  baseUrl: ({ baseUrl }) => baseUrl,
  headers: (record, identity, authorization) =>
    codexHeaders(identity, authorization, { ...readIdClaims(record), accountId: accountOf(record) }),
  modelOwner: accountOf,
  lack: () => undefined,
  outside: environmentCredential,
  report: {
    prefix: '',
    signIn: 'Sign in: codex_login, or `codex-oauth-mcp login` in a terminal.',
    planOf: (record) => `plan ${readIdClaims(record).plan ?? 'unknown'}`,
  },
  unconfirmed: undefined,
}

/** What the Codex backend is told of program and account. */
export function codexHeaders(
  { originator, userAgent, clientVersion }: ClientIdentity,
  authorization: string,
  { accountId, fedramp }: IdClaims,
): Readonly<Record<string, string>> {
  const account = accountId === undefined ? {} : { 'chatgpt-account-id': accountId }
  const cloud = fedramp ? { 'x-openai-fedramp': 'true' } : {}
  return { originator, 'user-agent': userAgent, version: clientVersion, authorization, ...account, ...cloud }
}

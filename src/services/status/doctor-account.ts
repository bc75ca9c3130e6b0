import type { Config } from '../../config.ts'
import { isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import { isApiKeyRecord } from '../login/api-key.ts'
import type { Credential, Credentials } from '../login/credentials.ts'
import { isRenewable, isRenewalDue, remainingMs } from '../login/token-manager.ts'
import type { ModelCatalogue } from '../models/model-catalogue.ts'
import { maskEmail, readIdClaims } from '../oauth/id-claims.ts'
import { type DoctorCheck, type Guard, ok, problem, skipped, warning } from './doctor-check.ts'
import { type DoctorLogin, storedIn } from './doctor-login.ts'
import { duration } from './duration.ts'

export interface AccountDeps {
  config: Pick<Config, 'model'>
  credentials: Pick<Credentials, 'current'>
  catalogue: Pick<ModelCatalogue, 'list'>
  clock: Clock
}

/** A renewal may take longer than this: it goes on then, and the report does not wait for it. */
const RENEWAL_LIMIT_MS = 8_000
const CREDENTIAL_LIMIT_MS = 2_000
const CATALOGUE_LIMIT_MS = 5_000

/** Of a login. */
type Account = Pick<DoctorLogin, 'route' | 'storage' | 'refresher'>

/** The sign-ins, renewed first if that is due, then what they open. */
export async function checkAccount(
  deps: AccountDeps,
  logins: readonly Account[],
  guard: Guard,
): Promise<readonly DoctorCheck[]> {
  const nobody = logins.length > 1 ? 'Nobody is signed in this way.' : 'Nobody is signed in.'
  // Side by side: a renewal may take its time, and the report does not.
  const signIns = await Promise.all(logins.map((login) => checkSignIn(login, nobody, deps.clock, guard)))
  let credential: Credential | undefined
  const inUse = await guard('credential', CREDENTIAL_LIMIT_MS, async (signal) => {
    credential = await deps.credentials.current(signal)
    return ok('credential', `Questions are asked with: ${credential.label}.`)
  })
  const models = await guard('models', CATALOGUE_LIMIT_MS, (signal) => checkModels(deps, credential, signal))
  return [...signIns, inUse, models].flat()
}

async function checkSignIn(
  login: Account,
  nobody: string,
  clock: Clock,
  guard: Guard,
): Promise<readonly DoctorCheck[]> {
  const { prefix } = login.route.report
  const names = { token: `${prefix}sign-in`, owner: `${prefix}account` }
  const token = await guard(names.token, RENEWAL_LIMIT_MS, () => checkToken(names.token, login, nobody, clock))
  const owner = await guard(names.owner, CREDENTIAL_LIMIT_MS, () => checkOwner(names.owner, login, nobody))
  return [...token, ...owner]
}

async function checkToken(name: string, login: Account, nobody: string, clock: Clock): Promise<DoctorCheck> {
  const { route, refresher } = login
  const { signIn } = route.report
  const { record, unopened } = storedIn(login)
  if (unopened !== undefined) return problem(name, unopened.reason, unopened.remedy)
  if (record === undefined) return skipped(name, nobody)
  if (isApiKeyRecord(record)) return skipped(name, 'An API key is stored, which does not run out by itself.')
  const leftMs = remainingMs(record, clock.now())
  const state = stateOf(record, clock.now())
  if (!isRenewable(record)) {
    const finding = `${state} It can no longer be renewed.`
    return leftMs > 0 ? warning(name, finding, signIn) : problem(name, finding, signIn)
  }
  if (!isRenewalDue(record, route.refreshMarginMs, clock.now())) return ok(name, `${state} It is renewed by itself.`)
  try {
    const renewed = await refresher.renew(record, 'proactive_expiry')
    return ok(name, `A renewal was due and went well. ${stateOf(renewed, clock.now())}`)
  } catch (error) {
    if (!isCodexError(error)) throw error
    const finding = `${state} A renewal was due and failed: ${error.message} [${error.code}]`
    const remedy = error.hint ?? signIn
    const isWorse = leftMs <= 0 || error.code === 'NOT_AUTHENTICATED'
    return isWorse ? problem(name, finding, remedy) : warning(name, finding, remedy)
  }
}

function checkOwner(name: string, login: Account, nobody: string): DoctorCheck {
  const { report, lack } = login.route
  const { record, unopened } = storedIn(login)
  if (unopened !== undefined) return skipped(name, 'The stored sign-in cannot be opened.')
  if (record === undefined) return skipped(name, nobody)
  if (isApiKeyRecord(record)) return skipped(name, 'An API key belongs to no ChatGPT account.')
  const { email, accountId } = readIdClaims(record)
  const who = email === undefined ? 'an account without e-mail' : maskEmail(email)
  const finding = `Signed in as ${who}, ${report.planOf(record)}.`
  const missing = lack(record)
  if (missing !== undefined) return warning(name, `${finding} ${missing.message}`, missing.hint ?? report.signIn)
  if ((record.accountId ?? accountId) !== undefined) return ok(name, finding)
  const unnamed = `${finding} The sign-in names no ChatGPT account, so questions may be refused.`
  return warning(name, unnamed, report.signIn)
}

async function checkModels(
  { config, catalogue }: AccountDeps,
  credential: Credential | undefined,
  signal: AbortSignal,
): Promise<DoctorCheck> {
  if (credential === undefined) return skipped('models', 'Without a credential there is no list to ask for.')
  const { models, source } = await catalogue.list(credential, signal)
  const shown = models.filter(({ hidden }) => !hidden).length
  const finding = `${shown} models, ${SOURCES[source]}.`
  if (source === 'built-in') {
    return warning('models', finding, 'The list of the service could not be had: look at the lines about the network.')
  }
  if (config.model === undefined || models.some(({ id }) => id === config.model)) return ok('models', finding)
  const unlisted = `${finding} CODEX_OAUTH_MODEL is ${config.model}, which is not among them.`
  return warning('models', unlisted, 'Choose one of codex_models, or remove CODEX_OAUTH_MODEL.')
}

const SOURCES = {
  live: 'fresh from the service',
  cached: 'from the copy on this machine',
  'built-in': 'built into this program',
}

function stateOf(record: TokenRecord, nowMs: number): string {
  const from = record.refreshedAt ?? record.savedAt
  const age = from === undefined || from > nowMs ? '' : `is ${duration(nowMs - from)} old and `
  const leftMs = remainingMs(record, nowMs)
  return `The access token ${age}${leftMs > 0 ? `is good for another ${duration(leftMs)}` : 'has expired'}.`
}

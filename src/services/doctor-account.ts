import type { Config } from '../config.ts'
import { isCodexError } from '../errors.ts'
import type { Clock } from '../infrastructure/clock.ts'
import type { StoredTokens, TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import { isApiKeyRecord } from './api-key.ts'
import type { Credential, Credentials } from './credentials.ts'
import { type DoctorCheck, type Guard, ok, problem, skipped, warning } from './doctor-check.ts'
import { duration } from './duration.ts'
import { maskEmail, readIdClaims } from './id-claims.ts'
import { CODEX_LOGIN } from './login-route.ts'
import type { ModelCatalogue } from './model-catalogue.ts'
import { isRenewable, remainingMs } from './token-manager.ts'
import type { TokenRefresher } from './token-refresh.ts'

export interface AccountDeps {
  config: Pick<Config, 'model'>
  storage: Pick<TokenStorage, 'read'>
  refresher: Pick<TokenRefresher, 'renew'>
  credentials: Pick<Credentials, 'current'>
  catalogue: Pick<ModelCatalogue, 'list'>
  clock: Clock
}

/** A renewal may take longer than this: it goes on then, and the report does not wait for it. */
const RENEWAL_LIMIT_MS = 8_000
const CREDENTIAL_LIMIT_MS = 2_000
const CATALOGUE_LIMIT_MS = 5_000

const SIGN_IN = 'Sign in: codex_login, or `codex-oauth-mcp login` in a terminal.'

/** The sign-in, renewed first if that is due, then what it opens. */
export async function checkAccount(deps: AccountDeps, guard: Guard): Promise<readonly DoctorCheck[]> {
  const token = await guard('sign-in', RENEWAL_LIMIT_MS, () => checkToken(deps))
  const account = await guard('account', CREDENTIAL_LIMIT_MS, () => checkOwner(deps))
  let credential: Credential | undefined
  const inUse = await guard('credential', CREDENTIAL_LIMIT_MS, async (signal) => {
    credential = await deps.credentials.current(signal)
    return ok('credential', `Questions are asked with: ${credential.label}.`)
  })
  const models = await guard('models', CATALOGUE_LIMIT_MS, (signal) => checkModels(deps, credential, signal))
  return [token, account, inUse, models].flat()
}

async function checkToken({ storage, refresher, clock }: AccountDeps): Promise<DoctorCheck> {
  const { record, unopened } = stored(storage)
  if (unopened !== undefined) return problem('sign-in', unopened.reason, unopened.remedy)
  if (record === undefined) return skipped('sign-in', 'Nobody is signed in.')
  if (isApiKeyRecord(record)) return skipped('sign-in', 'An API key is stored, which does not run out by itself.')
  const leftMs = remainingMs(record, clock.now())
  const state = stateOf(record, clock.now())
  if (!isRenewable(record)) {
    const finding = `${state} It can no longer be renewed.`
    return leftMs > 0 ? warning('sign-in', finding, SIGN_IN) : problem('sign-in', finding, SIGN_IN)
  }
  if (leftMs >= CODEX_LOGIN.refreshMarginMs) return ok('sign-in', `${state} It is renewed by itself.`)
  try {
    const renewed = await refresher.renew(record, 'proactive_expiry')
    return ok('sign-in', `A renewal was due and went well. ${stateOf(renewed, clock.now())}`)
  } catch (error) {
    if (!isCodexError(error)) throw error
    const finding = `${state} A renewal was due and failed: ${error.message} [${error.code}]`
    const remedy = error.hint ?? SIGN_IN
    const isWorse = leftMs <= 0 || error.code === 'NOT_AUTHENTICATED'
    return isWorse ? problem('sign-in', finding, remedy) : warning('sign-in', finding, remedy)
  }
}

function checkOwner({ storage }: AccountDeps): DoctorCheck {
  const { record, unopened } = stored(storage)
  if (unopened !== undefined) return skipped('account', 'The stored sign-in cannot be opened.')
  if (record === undefined) return skipped('account', 'Nobody is signed in.')
  if (isApiKeyRecord(record)) return skipped('account', 'An API key belongs to no ChatGPT account.')
  const { email, plan, accountId } = readIdClaims(record)
  const who = email === undefined ? 'an account without e-mail' : maskEmail(email)
  const finding = `Signed in as ${who}, plan ${plan ?? 'unknown'}.`
  if ((record.accountId ?? accountId) !== undefined) return ok('account', finding)
  return warning('account', `${finding} The sign-in names no ChatGPT account, so questions may be refused.`, SIGN_IN)
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

/** A file that cannot be read has a line of its own. */
function stored(storage: AccountDeps['storage']): Pick<StoredTokens, 'record' | 'unopened'> {
  try {
    return storage.read()
  } catch {
    return { record: undefined }
  }
}

function stateOf(record: TokenRecord, nowMs: number): string {
  const from = record.refreshedAt ?? record.savedAt
  const age = from === undefined || from > nowMs ? '' : `is ${duration(nowMs - from)} old and `
  const leftMs = remainingMs(record, nowMs)
  return `The access token ${age}${leftMs > 0 ? `is good for another ${duration(leftMs)}` : 'has expired'}.`
}

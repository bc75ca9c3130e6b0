import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ClaimStore, createClaimStore } from '../../src/infrastructure/claim.ts'
import { createHttpClient, type HttpClient } from '../../src/infrastructure/http-client.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import type { ProcessIdentity } from '../../src/infrastructure/process-identity.ts'
import { createTokenStorage, type TokenRecord, type TokenStorage } from '../../src/infrastructure/token-storage.ts'
import type { Vault } from '../../src/infrastructure/vault.ts'
import type { RouteName } from '../../src/services/login/login-route.ts'
import type { RunInWorker } from '../../src/services/login/renewal-delegation.ts'
import { createTokenManager, type TokenManager } from '../../src/services/login/token-manager.ts'
import { createTokenRefresher, type TokenRefresher } from '../../src/services/login/token-refresh.ts'
import { createDiscovery } from '../../src/services/oauth/discovery.ts'
import { createIdTokenVerifier } from '../../src/services/oauth/id-token.ts'
import { createOAuthFlow, type OAuthFlow } from '../../src/services/oauth/oauth-flow.ts'
import { planOAuth } from '../../src/services/plan/plan-oauth.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import { type FakeRoute, fakeRoute, type LoginTokens } from './fake-route.ts'
import { tempFolder } from './temp-folder.ts'
import { createTestClock, type TestClock } from './test-clock.ts'
import { aVault } from './vaults.ts'

/** What of a program takes part in a refresh. */
export interface Instance {
  storage: TokenStorage
  claims: ClaimStore
  refresher: TokenRefresher
  tokens: TokenManager
  oauth: OAuthFlow
  logged: string[]
}

export interface InstanceOptions {
  /** A part of the instance as it behaves in this test, made from the real one. */
  storage?: (real: TokenStorage) => TokenStorage
  claims?: (real: ClaimStore) => ClaimStore
  runInWorker?: RunInWorker
  vault?: Vault
  lockWaitMs?: number
}

/** One credentials file, the fake issuer, a clock that stands still, and as many programs as a test wants. */
export interface Bench {
  fake: FakeOpenAI
  /** The fake as the login of this bench sees it. */
  at: FakeRoute
  clock: TestClock
  file: string
  start(options?: InstanceOptions): Instance
  /** Stores a login; `fields` replace what it would have, `undefined` leaves a field out. */
  signIn(options?: { leftSeconds?: number; accountId?: string; fields?: Record<string, unknown> }): LoginTokens
  /** The text of the credentials file. */
  text(): string
  /** The stored record, as it stands in the file. */
  stored(): Record<string, unknown> | undefined
  /** What lies beside the credentials file. */
  beside(): string[]
  /** Takes the next claim on the stored refresh token in another's name; returns its number. */
  claimAs(owner: ProcessIdentity): number
  /** Requests to refresh that reached the issuer. */
  refreshes(): number
  /** The same file, fake and clock for another login. */
  forLogin(route: RouteName): Bench
}

export interface BenchOptions extends FakeOpenAIOptions {
  /** Which login it is about; that of the Codex client unless told. */
  route?: RouteName
}

export async function startBench({ route = 'codex', ...options }: BenchOptions = {}): Promise<Bench> {
  const clock = createTestClock()
  const fake = await startFakeOpenAI({ now: clock.now, ...options })
  onTestFinished(() => fake.close())
  const folder = join(tempFolder(), 'claude')
  mkdirSync(folder, { mode: 0o700 })
  const file = join(folder, 'auth.json')
  return benchOf({ fake, clock, file }, route)
}

type Place = Pick<Bench, 'fake' | 'clock' | 'file'>

function benchOf({ fake, clock, file }: Place, route: RouteName): Bench {
  const at = fakeRoute(fake, route)
  const { login, key } = at
  const base = () => `${file}${login.claimSuffix}`
  const text = () => readFileSync(file, 'utf8')

  const start = (options: InstanceOptions = {}): Instance => {
    const { storage: wrapStorage, claims: wrapClaims, vault = aVault(), lockWaitMs = 5000 } = options
    const logged: string[] = []
    const log = createLog({ write: (line) => void logged.push(line), enabled: true })
    const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
    const realStorage = createTokenStorage({ file, place: login.place, vault, now: clock.now, lockWaitMs })
    const realClaims = createClaimStore({ base, now: clock.now })
    const storage = wrapStorage?.(realStorage) ?? realStorage
    const claims = wrapClaims?.(realClaims) ?? realClaims
    const config = { issuer: fake.issuer, clientId: 'app_EMoamEEZ73f0CkXaXp7hrann', originator: 'codex-oauth' }
    const userAgent = 'codex-oauth/test'
    const oauthRoute = route === 'plan' ? { route: planOAuth({ config, userAgent, clock, ...planParts(http) }) } : {}
    const oauth = createOAuthFlow({ config, http, userAgent, now: clock.now, ...oauthRoute })
    const { runInWorker } = options
    const parts = { storage, claims, oauth, clock, random: () => 0.5, log, route: login, runInWorker }
    const refresher = createTokenRefresher(parts)
    onTestFinished(() => refresher.stop())
    return {
      storage,
      claims,
      refresher,
      tokens: createTokenManager({ storage, refresher, oauth, clock, log, route: login }),
      oauth,
      logged,
    }
  }

  const planParts = (http: HttpClient) => {
    const deps = { issuer: fake.issuer, http, now: clock.now }
    const discovery = createDiscovery(deps)
    return { hostId: () => 'urn:uuid:FAKE', discovery, verifier: createIdTokenVerifier({ ...deps, discovery }) }
  }

  return {
    fake,
    at,
    clock,
    file,
    start,
    signIn({ leftSeconds = -1, accountId, fields = {} } = {}) {
      const owner = accountId === undefined ? {} : { accountId }
      const { tokens, fields: usual } = at.issue({ ...owner, expiresInSeconds: leftSeconds })
      const record = { ...usual, expires_at: clock.now() / 1000 + leftSeconds, ...fields }
      const others = existsSync(file) ? JSON.parse(text()) : {}
      writeFileSync(file, JSON.stringify({ ...others, [key]: record }, null, 2), { mode: 0o600 })
      return tokens
    },
    text,
    stored: () => JSON.parse(text())[key],
    beside: () => readdirSync(dirname(file)).filter((name) => name !== basename(file)),
    claimAs(owner) {
      const subject = subjectOf(recordIn(start()).refreshToken ?? '')
      const claims = createClaimStore({ base, identity: owner, now: clock.now })
      const number = (claims.top(subject)?.number ?? 0) + 1
      claims.take(subject, number)
      return number
    },
    refreshes: () => at.grants().filter((grant) => grant === 'refresh_token').length,
    forLogin: (other) => benchOf({ fake, clock, file }, other),
  }
}

/** The stored record, which has to be there. */
export function recordIn({ storage }: Instance): TokenRecord {
  const { record } = storage.read()
  if (record === undefined) throw new Error('nobody is signed in')
  return record
}

/** What claims on a refresh token are named after (facts: reliability 3.3). */
export function subjectOf(refreshToken: string): string {
  return createHash('sha256').update(refreshToken).digest('hex').slice(0, 20)
}

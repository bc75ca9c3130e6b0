import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ClaimStore, createClaimStore } from '../../src/infrastructure/claim.ts'
import { createHttpClient } from '../../src/infrastructure/http-client.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import type { ProcessIdentity } from '../../src/infrastructure/process-identity.ts'
import { createTokenStorage, type TokenRecord, type TokenStorage } from '../../src/infrastructure/token-storage.ts'
import type { Vault } from '../../src/infrastructure/vault.ts'
import { createOAuthFlow } from '../../src/services/oauth-flow.ts'
import { createTokenManager, type TokenManager } from '../../src/services/token-manager.ts'
import { createTokenRefresher, type TokenRefresher } from '../../src/services/token-refresh.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import type { TokenSet } from './fake-tokens.ts'
import { tempFolder } from './temp-folder.ts'
import { createTestClock, type TestClock } from './test-clock.ts'
import { aVault } from './vaults.ts'

/** What of a program takes part in a refresh. */
export interface Instance {
  storage: TokenStorage
  claims: ClaimStore
  refresher: TokenRefresher
  tokens: TokenManager
  logged: string[]
}

export interface InstanceOptions {
  /** A part of the instance as it behaves in this test, made from the real one. */
  storage?: (real: TokenStorage) => TokenStorage
  claims?: (real: ClaimStore) => ClaimStore
  vault?: Vault
  lockWaitMs?: number
}

/** One credentials file, the fake issuer, a clock that stands still, and as many programs as a test wants. */
export interface Bench {
  fake: FakeOpenAI
  clock: TestClock
  file: string
  start(options?: InstanceOptions): Instance
  /** Stores a login; `fields` replace what it would have, `undefined` leaves a field out. */
  signIn(options?: { leftSeconds?: number; accountId?: string; fields?: Record<string, unknown> }): TokenSet
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
}

export async function startBench(options: FakeOpenAIOptions = {}): Promise<Bench> {
  const clock = createTestClock()
  const fake = await startFakeOpenAI({ now: clock.now, ...options })
  onTestFinished(() => fake.close())
  const folder = join(tempFolder(), 'claude')
  mkdirSync(folder, { mode: 0o700 })
  const file = join(folder, 'auth.json')
  const text = () => readFileSync(file, 'utf8')

  const start = (options: InstanceOptions = {}): Instance => {
    const { storage: wrapStorage, claims: wrapClaims, vault = aVault(), lockWaitMs = 5000 } = options
    const logged: string[] = []
    const log = createLog({ write: (line) => void logged.push(line), enabled: true })
    const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
    const realStorage = createTokenStorage({ file, vault, now: clock.now, lockWaitMs })
    const realClaims = createClaimStore({ base: () => file, now: clock.now })
    const storage = wrapStorage?.(realStorage) ?? realStorage
    const claims = wrapClaims?.(realClaims) ?? realClaims
    const config = { issuer: fake.issuer, clientId: 'app_EMoamEEZ73f0CkXaXp7hrann', originator: 'codex-oauth' }
    const oauth = createOAuthFlow({ config, http, userAgent: 'codex-oauth/test', now: clock.now })
    const refresher = createTokenRefresher({ storage, claims, oauth, clock, random: () => 0.5, log })
    onTestFinished(() => refresher.stop())
    return {
      storage,
      claims,
      refresher,
      tokens: createTokenManager({ storage, refresher, oauth, clock, log }),
      logged,
    }
  }

  return {
    fake,
    clock,
    file,
    start,
    signIn({ leftSeconds = -1, accountId = 'acct-fake-0001', fields = {} } = {}) {
      const tokens = fake.issueTokens({ accountId, expiresInSeconds: leftSeconds })
      const record = {
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        token_type: 'bearer',
        expires_at: clock.now() / 1000 + leftSeconds,
        id_token: tokens.id_token,
        account_id: accountId,
        saved_at: 1_790_000_000,
        method: 'chatgpt',
        ...fields,
      }
      writeFileSync(file, JSON.stringify({ codex: record }, null, 2), { mode: 0o600 })
      return tokens
    },
    text,
    stored: () => JSON.parse(text()).codex,
    beside: () => readdirSync(dirname(file)).filter((name) => name !== basename(file)),
    claimAs(owner) {
      const subject = subjectOf(recordIn(start()).refreshToken ?? '')
      const claims = createClaimStore({ base: () => file, identity: owner, now: clock.now })
      const number = (claims.top(subject)?.number ?? 0) + 1
      claims.take(subject, number)
      return number
    },
    refreshes: () => fake.seen.grants.filter((grant) => grant === 'refresh_token').length,
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

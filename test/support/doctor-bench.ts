import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Config, loadConfig } from '../../src/config.ts'
import { createClaimStore } from '../../src/infrastructure/claim.ts'
import { systemClock } from '../../src/infrastructure/clock.ts'
import { createHttpClient } from '../../src/infrastructure/http-client.ts'
import { createJsonFile } from '../../src/infrastructure/json-file.ts'
import { createTokenStorage } from '../../src/infrastructure/token-storage.ts'
import { createCredentials } from '../../src/services/login/credentials.ts'
import { createTokenManager } from '../../src/services/login/token-manager.ts'
import { createTokenRefresher } from '../../src/services/login/token-refresh.ts'
import { createModelCatalogue } from '../../src/services/models/model-catalogue.ts'
import { createOAuthFlow } from '../../src/services/oauth/oauth-flow.ts'
import { createDoctor, type DoctorCheck, type DoctorDeps } from '../../src/services/status/doctor.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import { freePorts } from './free-ports.ts'
import { recordOf } from './start-app.ts'
import { tempFolder } from './temp-folder.ts'
import { aVault } from './vaults.ts'

/** A doctor with all the parts it looks at, real but for OpenAI. */
export interface DoctorBench {
  fake: FakeOpenAI
  home: string
  file: string
  config: Config
  /** Read at each run. */
  deps: DoctorDeps
  logged: string[]
  /** Stores a login; `fields` replace what it would have. */
  signIn(expiresInSeconds?: number, fields?: Record<string, unknown>): void
  /** The whole report. */
  run(signal?: AbortSignal): Promise<readonly DoctorCheck[]>
  /** The lines of this name, each as `state: finding`, with `→ remedy` where there is one. */
  lines(name: string): Promise<string[]>
}

export interface DoctorBenchOptions {
  env?: Record<string, string>
  home?: string
  deps?: Partial<DoctorDeps>
}

export async function startDoctorBench({ env, home = tempFolder(), deps: changes }: DoctorBenchOptions = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const [first, second] = await freePorts(2)
  const loaded = loadConfig({ ...fake.env(), CODEX_OAUTH_PORTS: `${first},${second}`, ...env }, () => home)
  const logged: string[] = []
  const deps = { ...wire(loaded, home, logged), ...changes }
  const file = loaded.config.credentialsFile
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const run = async (signal?: AbortSignal) => (await createDoctor(deps)(signal)).checks
  const bench: DoctorBench = {
    fake,
    home,
    file,
    config: loaded.config,
    deps,
    logged,
    signIn(expiresInSeconds = 3600, fields = {}) {
      const record = { ...recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds), ...fields }
      writeFileSync(file, JSON.stringify({ codex: record }), { mode: 0o600 })
    },
    run,
    lines: async (name) => (await run()).filter((check) => check.name === name).map(inWords),
  }
  return bench
}

/** Stores a login under a passphrase that the doctor does not have. */
export async function seal(bench: DoctorBench): Promise<void> {
  bench.signIn()
  const vault = aVault({ store: 'encrypted', passphrase: 'FAKE correct horse' })
  await createTokenStorage({ file: bench.file, vault, now: Date.now }).unlock()
}

export function inWords({ state, finding, remedy }: DoctorCheck): string {
  return `${state}: ${finding}${remedy === undefined ? '' : ` → ${remedy}`}`
}

function wire({ config, problem }: ReturnType<typeof loadConfig>, home: string, logged: string[]): DoctorDeps {
  const clock = systemClock
  const now = () => clock.now()
  const log = { event: (name: string, fields = {}) => void logged.push(`${name} ${JSON.stringify(fields)}`) }
  const userAgent = 'codex-oauth/0.0.0-test (linux; x64)'
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const storage = createTokenStorage({ file: config.credentialsFile, vault: aVault(), now })
  const claims = createClaimStore({ base: () => storage.file(), now })
  const oauth = createOAuthFlow({ config, http, userAgent, now })
  const refresher = createTokenRefresher({ storage, claims, oauth, clock, random: () => 0.5, log })
  onTestFinished(() => refresher.stop())
  const tokens = createTokenManager({ storage, refresher, oauth, clock, log })
  return {
    config,
    configProblem: problem,
    surroundings: { place: 'desk', hasBrowser: true },
    machine: {
      nodeVersion: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      searchPath: process.env.PATH,
      browser: undefined,
      home,
    },
    version: '0.0.0-test',
    http,
    clock,
    userAgent,
    storage,
    claims,
    refresher,
    credentials: createCredentials({ config, storage, tokens, now: () => clock.now(), userAgent }),
    catalogue: createModelCatalogue({
      config,
      http,
      cache: createJsonFile(join(config.stateDir, 'models.json')),
      clock,
      log,
    }),
  }
}

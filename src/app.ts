import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { LoadedConfig } from './config.ts'
import type { BrowserOutcome } from './infrastructure/browser.ts'
import { createClaimStore } from './infrastructure/claim.ts'
import type { Clock } from './infrastructure/clock.ts'
import { createHttpClient } from './infrastructure/http-client.ts'
import { createJsonFile } from './infrastructure/json-file.ts'
import type { Log } from './infrastructure/log.ts'
import { createFetch } from './infrastructure/network.ts'
import type { Surroundings } from './infrastructure/surroundings.ts'
import { createTokenStorage } from './infrastructure/token-storage.ts'
import { createUuid } from './infrastructure/uuid.ts'
import { createMcpServer } from './server.ts'
import { createModelLister } from './services/account-models.ts'
import { createStatusReader } from './services/account-status.ts'
import { createCodexClient } from './services/codex-client.ts'
import { createCredentials } from './services/credentials.ts'
import { createModelCatalogue } from './services/model-catalogue.ts'
import { createOAuthFlow } from './services/oauth-flow.ts'
import { createSignIn } from './services/sign-in.ts'
import { createSignOut } from './services/sign-out.ts'
import { createTokenManager } from './services/token-manager.ts'
import { createTokenRefresher } from './services/token-refresh.ts'
import { createTools } from './tools/index.ts'

/** Everything a program reaches for outside itself, passed in. */
export interface Edges {
  fetch: typeof globalThis.fetch
  clock: Clock
  randomBytes: (size: number) => Buffer
  openBrowser: (url: string) => Promise<BrowserOutcome>
  surroundings: Surroundings
  /** For the User-Agent: operating system and processor. */
  system: { os: string; arch: string }
  log: Log
}

export interface App {
  server: Server
  /** Ends an open sign-in and lets nothing new begin that must not be interrupted. */
  stop(): Promise<void>
  /** Resolves when no refresh is under way any more. */
  settled(): Promise<void>
}

/** The whole program but for its process: every part is made here, once, in the order in which they depend. */
export function createApp({ config, problem }: LoadedConfig, edges: Edges, version: string): App {
  const { fetch, clock, randomBytes, openBrowser, system, log } = edges
  const now = () => clock.now()
  const random = () => randomBytes(4).readUInt32BE() / 2 ** 32
  const newId = () => createUuid(randomBytes, now)
  const userAgent = `${config.originator}/${version} (${system.os}; ${system.arch})`

  const wayOut = createFetch({ fetch, network: config.network, insecureTls: config.insecureTls })
  const http = createHttpClient({ fetch: wayOut, log })
  const storage = createTokenStorage({ file: config.credentialsFile, now })
  const claims = createClaimStore({ base: () => storage.file(), now })
  const cache = createJsonFile(`${config.stateDir}/models.json`)

  const oauth = createOAuthFlow({ config, http, userAgent, now })
  const refresher = createTokenRefresher({ storage, claims, oauth, clock, random, log })
  const tokens = createTokenManager({ storage, refresher, oauth, clock, log })
  const credentials = createCredentials({ config, tokens, userAgent })
  const catalogue = createModelCatalogue({ config, http, cache, clock, log })
  const client = createCodexClient({ config, credentials, catalogue, http, clock, random, newId, log })
  const signIn = createSignIn({ config, storage, tokens, oauth, openBrowser, randomBytes, clock, log })
  const signOut = createSignOut({ signIn, tokens, credentials })
  const readStatus = createStatusReader({ storage, signIn, credentials, configProblem: problem, clock })
  const listModels = createModelLister({ config, credentials, catalogue })

  const tools = createTools({ client, readStatus, signIn, signOut, listModels, now })
  const onFault = (error: unknown) => log.event('fault', { error: error instanceof Error ? error.name : typeof error })
  const server = createMcpServer({ tools, version, configProblem: problem, onFault })

  return {
    server,
    async stop() {
      refresher.stop()
      await signIn.cancel()
    },
    settled: () => refresher.settled(),
  }
}

import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { LoadedConfig } from './config.ts'
import type { BrowserOutcome } from './infrastructure/browser.ts'
import type { Clock } from './infrastructure/clock.ts'
import { createHttpClient } from './infrastructure/http-client.ts'
import { createJsonFile } from './infrastructure/json-file.ts'
import { createKeychain } from './infrastructure/keychain.ts'
import type { Log } from './infrastructure/log.ts'
import { machineSecret } from './infrastructure/machine-secret.ts'
import { createFetch } from './infrastructure/network.ts'
import { once } from './infrastructure/once.ts'
import type { Surroundings } from './infrastructure/surroundings.ts'
import { createCredentialsSnapshots, createTokenStorage } from './infrastructure/token-storage.ts'
import { createUuid } from './infrastructure/uuid.ts'
import { createVault } from './infrastructure/vault.ts'
import { createMcpServer } from './server.ts'
import { type AnswerStore, createAnswerStore } from './services/answers/answer-store.ts'
import { createCheckedQuery } from './services/answers/checked-query.ts'
import { createCollectAnswer } from './services/answers/collect-answer.ts'
import { createQueryDesk } from './services/answers/query-desk.ts'
import { createCodexClient } from './services/codex/codex-client.ts'
import { createPost } from './services/codex/codex-post.ts'
import { createConversationStore } from './services/conversations/conversation-store.ts'
import type { Attachments } from './services/files/attachments.ts'
import { createAnsweringCredentials } from './services/login/answering-credentials.ts'
import { codexRoute } from './services/login/codex-route.ts'
import { createLogin, type Login } from './services/login/login.ts'
import type { RunInWorker } from './services/login/renewal-delegation.ts'
import type { RenewalJob, RenewalResult } from './services/login/renewal-job.ts'
import type { Route } from './services/login/route.ts'
import { createRouteChoice } from './services/login/route-choice.ts'
import { createSignOut } from './services/login/sign-out.ts'
import { createModelLister } from './services/models/account-models.ts'
import { createModelCatalogue } from './services/models/model-catalogue.ts'
import { createDeviceFlow } from './services/oauth/device-flow.ts'
import { createPlanRegistration } from './services/plan/plan-registration.ts'
import { planRoute } from './services/plan/plan-route.ts'
import { readSchema } from './services/schema/output-schema.ts'
import { type ApiKeySignIn, createApiKeySignIn } from './services/sign-in/api-key-sign-in.ts'
import { createGuidedQuery } from './services/sign-in/guided-query.ts'
import { createSignIns, viewOfRoute } from './services/sign-in/sign-ins.ts'
import { createStatusReader } from './services/status/account-status.ts'
import type { Doctor } from './services/status/doctor.ts'
import type { Machine } from './services/status/doctor-machine.ts'
import { createStatusOfAll } from './services/status/status-of-all.ts'
import { createStatusWithUsage } from './services/usage/status-with-usage.ts'
import { createUsageMeter } from './services/usage/usage-meter.ts'
import { createTools, type Services } from './tools/index.ts'
import type { Tool } from './tools/tool.ts'

/** Everything a program reaches for outside itself, passed in. */
export interface Edges {
  fetch: typeof globalThis.fetch
  clock: Clock
  randomBytes: (size: number) => Buffer
  openBrowser: (url: string) => Promise<BrowserOutcome>
  surroundings: Surroundings
  /** Where files come from when the client names no folder of its own. */
  projectFolder: () => string
  /** Where a process can be started that outlives this one. */
  runInWorker?: RunInWorker | undefined
  /** For the doctor: what this process runs on. */
  machine: Machine
  /** For the User-Agent: operating system and processor. */
  system: { os: string; arch: string }
  log: Log
  /** The first list of tools is about to go out. */
  beforeFirstList?: () => void
}

export interface App {
  server: Server
  /** The other face of the same services is the command line. */
  tools: readonly Tool[]
  /** Renews a login for another process. Never rejects. */
  runJob(job: RenewalJob): Promise<RenewalResult>
  services: Services & { answers: AnswerStore; storeApiKey: ApiKeySignIn; doctor: Doctor }
  /** Ends an open sign-in and lets nothing new begin that must not be interrupted. */
  stop(): Promise<void>
  /** Resolves when no refresh and no sign-in is under way any more that must not be interrupted. */
  settled(): Promise<void>
}

/** The whole program but for its process: every part is made here, once, in the order in which they depend. */
export function createApp(
  { config, problem }: LoadedConfig,
  edges: Edges,
  version: string,
  toolList?: readonly object[],
): App {
  const { fetch, clock, randomBytes, surroundings, projectFolder, machine, system, log, beforeFirstList } = edges
  const now = () => clock.now()
  const random = () => randomBytes(4).readUInt32BE() / 2 ** 32
  const newId = () => createUuid(randomBytes, now)
  const agentNamed = (name: string) => `${name}/${version} (${system.os}; ${system.arch})`
  const userAgent = agentNamed(config.originator)
  // Whatever the Codex backend is told: there a program goes by its own name (facts: plan-usage 1.3).
  const planAgent = agentNamed('codex-oauth')

  const wayOut = createFetch({ fetch, network: config.network, insecureTls: config.insecureTls })
  const http = createHttpClient({ fetch: wayOut, log })
  const keychain = createKeychain({ service: 'codex-oauth', folder: config.stateDir })
  const vault = createVault({
    store: config.store,
    passphrase: config.passphrase,
    passphraseSource: 'CODEX_OAUTH_PASSPHRASE',
    machine: () => machineSecret(),
    keychain,
    randomBytes,
    now,
  })
  const cache = createJsonFile(`${config.stateDir}/models.json`)
  const device = createDeviceFlow({ config, http, clock })
  const registration = createPlanRegistration({ folder: config.stateDir, randomBytes, now })
  const routes = {
    codex: codexRoute({ config, userAgent }),
    plan: planRoute({ config, registration, http, clock, log, userAgent: planAgent }),
  }
  const storageOf = ({ login: { place } }: Route) =>
    createTokenStorage({ file: config.credentialsFile, place, vault, now })
  const storages = { codex: storageOf(routes.codex), plan: storageOf(routes.plan) }
  const places = [routes.codex.login.place, routes.plan.login.place]
  const takeSnapshot = createCredentialsSnapshots(config.credentialsFile, places)
  const choice = createRouteChoice({ storages, takeSnapshot, now })
  const edgesOfLogins = { ...edges, config, storages, choice, http, device, random }
  const codex = createLogin(edgesOfLogins, routes.codex)
  const plan = createLogin(edgesOfLogins, routes.plan)
  const logins = { codex, plan }
  const described = { codex: routes.codex.login, plan: routes.plan.login }

  const credentialsOfAll = { codex: codex.credentials, plan: plan.credentials }
  const credentials = createAnsweringCredentials({ credentials: credentialsOfAll, choice })
  const catalogue = createModelCatalogue({ config, http, cache, clock, log })
  const usage = createJsonFile(`${config.stateDir}/usage.json`)
  const meter = createUsageMeter({ config, http, cache: usage, clock, log })
  const post = createPost({ config, http, clock, random, log })
  const client = createCodexClient({ config, credentials, catalogue, post, meter, clock, newId, log })
  const signIn = createSignIns({
    config,
    routes: described,
    signIns: { codex: codex.signIn, plan: plan.signIn },
    choice,
    welcome: { codex: codex.welcome, plan: plan.welcome },
  })
  const signOut = createSignOut({ signIn, logins, choice })
  const statusOf = ({ signIn: _, ...login }: Login) => {
    const own = viewOfRoute(signIn, login.route.name)
    return createStatusReader({ ...login, signIn: own, configProblem: problem, clock })
  }
  const readers = { codex: statusOf(codex), plan: statusOf(plan) }
  const readLogins = createStatusOfAll({ routes: described, readers, choice })
  const readStatus = createStatusWithUsage({
    readStatus: readLogins,
    credentials,
    meter,
    configProblem: problem,
    now,
  })
  const guided = createGuidedQuery({ client, signIn, readStatus: readLogins })
  const query = createCheckedQuery({ query: guided, now })
  const answers = createAnswerStore({
    folder: `${config.stateDir}/answers`,
    isOn: config.keepAnswers,
    clock,
    randomBytes,
  })
  const conversations = createConversationStore({ folder: `${config.stateDir}/conversations`, newId, now })
  // Few questions come with files, and a start should not pay for them. All share one git, which counts its runs.
  const loadAttachments = once(async () => {
    const { createAttachments } = await import('./services/files/attachments.ts')
    const { createProjectFiles } = await import('./infrastructure/project-files.ts')
    const { createGit } = await import('./infrastructure/git.ts')
    const git = createGit()
    const own = [config.credentialsFile, config.stateDir]
    return createAttachments({ projectFiles: createProjectFiles({ git }), git, own, randomBytes })
  })
  const attachments: Attachments = {
    attach: async (...request) => (await loadAttachments()).attach(...request),
  }
  const desk = createQueryDesk({ query, attachments, conversations, answers, readSchema, projectFolder, clock })
  const collect = createCollectAnswer({ answers, desk, clock })
  const listModels = createModelLister({ config, credentials, catalogue })

  const services = { desk, collect, answers, conversations, readStatus, signIn, signOut, listModels, now }
  const tools = createTools(services)
  const storeApiKey = createApiKeySignIn({ ...codex, http, now, onStored: () => choice.select('codex') })
  // What a server needs while it starts is short; a doctor is called for rarely.
  const doctor: Doctor = async (signal) => {
    const { createDoctor } = await import('./services/status/doctor.ts')
    const parts = { config, configProblem: problem, surroundings, machine, version, http, clock, userAgent }
    return createDoctor({ ...parts, ...codex, others: [plan], registration, credentials, catalogue })(signal)
  }
  const onFault = (error: unknown) => log.event('fault', { error: error instanceof Error ? error.name : typeof error })
  const server = createMcpServer({ tools, toolList, version, configProblem: problem, newId, beforeFirstList, onFault })

  return {
    server,
    tools,
    services: { ...services, storeApiKey, doctor },
    runJob: (job) => logins[job.route].refresher.runJob(job),
    async stop() {
      // First and at once: what has been received is worth more than a tidy end.
      desk.stop()
      for (const { refresher } of Object.values(logins)) refresher.stop()
      await signIn.stop()
    },
    async settled() {
      await Promise.all([codex.refresher.settled(), plan.refresher.settled(), signIn.settled()])
    },
  }
}

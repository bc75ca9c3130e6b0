import { dirname, join } from 'node:path'
import { type Config, loadConfig } from '../../src/config.ts'
import { createHttpClient } from '../../src/infrastructure/http-client.ts'
import { createJsonFile } from '../../src/infrastructure/json-file.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import { type CodexClient, createCodexClient } from '../../src/services/codex-client.ts'
import type { Question } from '../../src/services/codex-request.ts'
import { type Credentials, createCredentials } from '../../src/services/credentials.ts'
import { createModelCatalogue, type ModelCatalogue } from '../../src/services/model-catalogue.ts'
import { type Bench, type Instance, startBench } from './refresh-bench.ts'

/** A bench with a window on it: all that takes part in a question. */
export interface ClientBench extends Bench {
  config: Config
  instance: Instance
  credentials: Credentials
  catalogue: ModelCatalogue
  client: CodexClient
  /** Requests to the model endpoint that reached the service. */
  posts(): number
  logged: string[]
}

export interface ClientBenchOptions {
  env?: Record<string, string>
  /** False: nobody is signed in. */
  signedIn?: boolean
  /** Before the list of models is asked for, which happens once and before any question. */
  prepare?: (bench: Bench) => void
}

export const USER_AGENT = 'codex-oauth/0.0.0-test (linux; x64)'

/** From here on, waiting takes no time and moves the clock. */
export async function startClientBench({ env = {}, signedIn = true, prepare }: ClientBenchOptions = {}) {
  const bench = await startBench()
  if (signedIn) bench.signIn({ leftSeconds: 3600 })
  prepare?.(bench)
  const { fake, clock, file } = bench
  const { config } = loadConfig(fake.env({ CODEX_OAUTH_FILE: file, ...env }), () => dirname(file))
  const instance = bench.start()
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const credentials = createCredentials({ config, tokens: instance.tokens, userAgent: USER_AGENT })
  const cache = createJsonFile(join(config.stateDir, 'models.json'))
  const catalogue = createModelCatalogue({ config, http, cache, clock, log })
  let ids = 0
  const newId = () => {
    ids += 1
    return `id-${ids}`
  }
  if (signedIn) await catalogue.list(await credentials.current())
  clock.hurry()
  const client = createCodexClient({ config, credentials, catalogue, http, clock, random: () => 0.5, newId, log })
  const started: ClientBench = {
    ...bench,
    config,
    instance,
    credentials,
    catalogue,
    client,
    logged,
    posts: () => fake.seen.requests.filter(({ path }) => path.endsWith('/responses')).length,
  }
  return started
}

/** A question that leaves everything open but what the test is about. */
export function question(changes: Partial<Question> = {}): Question {
  return {
    prompt: 'Anybody there?',
    model: undefined,
    systemPrompt: undefined,
    temperature: undefined,
    effort: undefined,
    ...changes,
  }
}

import { dirname, join } from 'node:path'
import { type Config, loadConfig } from '../../src/config.ts'
import { createHttpClient } from '../../src/infrastructure/http-client.ts'
import { createJsonFile } from '../../src/infrastructure/json-file.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import { type CodexClient, createCodexClient } from '../../src/services/codex/codex-client.ts'
import { createPost } from '../../src/services/codex/codex-post.ts'
import type { Question } from '../../src/services/codex/codex-request.ts'
import { type Credentials, createCredentials } from '../../src/services/login/credentials.ts'
import { createModelCatalogue, type ModelCatalogue } from '../../src/services/models/model-catalogue.ts'
import { createUsageMeter } from '../../src/services/usage/usage-meter.ts'
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
  /** True: a token of the fake stands in CODEX_ACCESS_TOKEN. */
  accessToken?: boolean
  /** Models that refuse `temperature` from an API key. */
  withoutTemperature?: readonly string[]
  /** Before the list of models is asked for, which happens once and before any question. */
  prepare?: (bench: Bench) => void
}

export const USER_AGENT = 'codex-oauth/0.0.0-test (linux; x64)'

/** From here on, waiting takes no time and moves the clock. */
export async function startClientBench(options: ClientBenchOptions = {}) {
  const { env = {}, signedIn = true, accessToken = false, withoutTemperature = [], prepare } = options
  const bench = await startBench({ withoutTemperature })
  if (signedIn) bench.signIn({ leftSeconds: 3600 })
  prepare?.(bench)
  const { fake, clock, file } = bench
  const outside = accessToken ? { CODEX_ACCESS_TOKEN: fake.issueTokens().access_token } : {}
  const { config } = loadConfig(fake.env({ CODEX_OAUTH_FILE: file, ...outside, ...env }), () => dirname(file))
  const instance = bench.start()
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const credentials = createCredentials({ config, ...instance, userAgent: USER_AGENT, now: clock.now })
  const cache = createJsonFile(join(config.stateDir, 'models.json'))
  const catalogue = createModelCatalogue({ config, http, cache, clock, log })
  let ids = 0
  const newId = () => {
    ids += 1
    return `id-${ids}`
  }
  // In a clock that hurries, no list would come in time for a question.
  await credentials.current().then(catalogue.list, () => {})
  clock.hurry()
  const post = createPost({ config, http, clock, random: () => 0.5, log })
  const usage = createJsonFile(join(config.stateDir, 'usage.json'))
  const meter = createUsageMeter({ config, http, cache: usage, clock, log })
  const client = createCodexClient({ config, credentials, catalogue, post, meter, clock, newId, log })
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

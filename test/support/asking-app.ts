import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import { type CallOutcome, recordOf, type StartedApp, type StartOptions, startApp } from './start-app.ts'
import { until } from './until.ts'

/** The whole program with somebody signed in, and the service that answers. */
export interface AskingApp {
  fake: FakeOpenAI
  app: StartedApp
  /** Where answers are kept. */
  answers: string
  /** The kept files, by the id of their answer. */
  files(): Record<string, string>
}

/** A call of `codex_query` under way. */
export interface Asked {
  outcome: Promise<CallOutcome>
  /** The progress so far. */
  said: string[]
  /** The id, as soon as progress has told it. */
  id(): Promise<string>
  /** Resolves when progress with these words has come. */
  hears(words: string | RegExp): Promise<string>
}

export async function startAskingApp({ fake: played, ...options }: StartOptions & { fake?: FakeOpenAIOptions } = {}) {
  const fake = await startFakeOpenAI(played)
  onTestFinished(() => fake.close())
  const app = await startApp(fake, options)
  app.seed(recordOf(fake.issueTokens()))
  const answers = join(app.home, '.claude', 'codex-oauth', 'answers')
  const started: AskingApp = {
    fake,
    app,
    answers,
    files() {
      const names = existsSync(answers) ? readdirSync(answers) : []
      return Object.fromEntries(
        names.map((name) => [name.replace(/\.jsonl$/, ''), readFileSync(join(answers, name), 'utf8')]),
      )
    },
  }
  return started
}

/** Another window over the same files. */
export function openWindow({ fake, app }: AskingApp, options: StartOptions = {}): Promise<StartedApp> {
  return startApp(fake, { ...options, home: app.home })
}

/** Asks, or collects, and lets the test see what happens meanwhile. */
export function ask(
  app: StartedApp,
  args: Record<string, unknown>,
  options: { signal?: AbortSignal; timeout?: number; onSaid?: (message: string) => void } = {},
): Asked {
  const said: string[] = []
  const { onSaid = () => {}, ...others } = options
  const outcome = app.call('codex_query', args, {
    ...others,
    onProgress(message) {
      said.push(message)
      onSaid(message)
    },
  })
  // Tests look at it when they get there.
  outcome.catch(() => {})
  const hears = (words: string | RegExp) =>
    until(() => said.find((one) => (typeof words === 'string' ? one.includes(words) : words.test(one))))
  return { outcome, said, hears, id: async () => idIn(await hears(/answer a-/)) }
}

/** The id of the answer that a text names. */
export function idIn(text: string): string {
  const [id] = /a-[0-9a-z]{10}/.exec(text) ?? []
  if (id === undefined) throw new Error(`There is no id in ${text}`)
  return id
}

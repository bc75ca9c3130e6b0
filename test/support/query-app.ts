import { onTestFinished } from 'vitest'
import type { RouteName } from '../../src/services/login/login-route.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import type { SeenRequest } from './fake-request.ts'
import type { Script } from './fake-script.ts'
import { planRecordOf, seedLogins } from './plan-app.ts'
import {
  type CallOptions,
  type CallOutcome,
  recordOf,
  type StartedApp,
  type StartOptions,
  startApp,
} from './start-app.ts'
import { tempFolder } from './temp-folder.ts'

/** An item of `input` as it was sent. */
export type SentItem = Record<string, unknown> & { type: string; role?: string; content?: SentPart[] }

export interface SentPart {
  type: string
  text?: string
  image_url?: string
}

/** A question as the fake got it. */
export interface SentQuestion {
  headers: SeenRequest['headers']
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  body: any
  /** `input` without the item that holds the tools. */
  items: SentItem[]
}

/** The whole program, signed in, with the list of models already there, and the fake it asks. */
export interface QueryApp {
  fake: FakeOpenAI
  app: StartedApp
  /** The project folder, which is not the home of the login. */
  project: string
  /** What the next questions are answered. */
  script: Script
  ask(args: Record<string, unknown>, options?: CallOptions): Promise<CallOutcome>
  /** Questions that have reached the fake, on whatever route. */
  asked(): SentQuestion[]
  /** Another window of the same user; with a route, one who is signed in to that. */
  window(options?: Pick<QueryAppOptions, 'as' | 'env'>): Promise<StartedApp>
}

export interface QueryAppOptions extends Omit<StartOptions, 'home'> {
  fake?: FakeOpenAIOptions
  /** How somebody is signed in; `codex` unless told. */
  as?: RouteName | 'api-key'
}

export async function startQueryApp(options: QueryAppOptions = {}): Promise<QueryApp> {
  const { fake: played, as = 'codex', edges, ...others } = options
  const fake = await startFakeOpenAI(played)
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const project = tempFolder()

  async function window({ as: other, ...more }: Pick<QueryAppOptions, 'as' | 'env'> = {}): Promise<StartedApp> {
    const key = (other ?? as) === 'api-key' ? { OPENAI_API_KEY: fake.apiKey } : {}
    const env = { ...others.env, ...more.env, ...key }
    const app = await startApp(fake, { ...others, env, home, edges: { projectFolder: () => project, ...edges } })
    if (other !== undefined) signIn(fake, app, other)
    // What is asked before the list of models is there may go to a model that is not the first.
    await app.call('codex_models')
    return app
  }

  const app = await window({ as })
  return {
    fake,
    app,
    project,
    script: as === 'plan' ? fake.plan.script.responses : fake.script.responses,
    ask: (args, call) => app.call('codex_query', args, call),
    asked: () => fake.seen.requests.filter(({ path }) => path.endsWith('/responses')).map(sentQuestion),
    window,
  }
}

/** Puts that login in place of any other. */
function signIn(fake: FakeOpenAI, app: StartedApp, as: RouteName | 'api-key'): void {
  const codex = as === 'codex' ? { codex: recordOf(fake.issueTokens()) } : {}
  const plan = as === 'plan' ? { codex_plan: planRecordOf(fake.plan.issueTokens()) } : {}
  seedLogins(app, { ...codex, ...plan })
}

/** What a request of a question holds. */
export function sentQuestion({ headers, body }: SeenRequest): SentQuestion {
  const { input = [] } = body as { input?: SentItem[] }
  return { headers, body, items: input.filter(({ type }) => type !== 'additional_tools') }
}

/** All text of an item. */
export function wordsOf(item: SentItem | undefined): string {
  return (item?.content ?? []).map(({ text = '' }) => text).join('\n')
}

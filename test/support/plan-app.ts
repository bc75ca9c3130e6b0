import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { onTestFinished } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import type { IssuedTokens } from './fake-plan.ts'
import type { SeenRequest } from './fake-request.ts'
import { type StartedApp, type StartOptions, startApp } from './start-app.ts'
import { createTestClock, type TestClock } from './test-clock.ts'

/** The whole program with a sign-in for plan usage in its file, and the fake that issued it. */
export interface PlanApp {
  fake: FakeOpenAI
  app: StartedApp
  issued: IssuedTokens
  clock: TestClock
  /** Questions that have reached the fake, on whatever route. */
  asked(): SeenRequest[]
}

export interface PlanAppOptions extends Omit<StartOptions, 'home'> {
  fake?: FakeOpenAIOptions
}

/** The list of models is there before the first question, and from then on waiting takes no time. */
export async function startPlanApp({ fake: played, edges, ...options }: PlanAppOptions = {}): Promise<PlanApp> {
  const fake = await startFakeOpenAI(played)
  onTestFinished(() => fake.close())
  const clock = createTestClock()
  const app = await startApp(fake, { ...options, edges: { clock, ...edges } })
  const issued = fake.plan.issueTokens()
  seedLogins(app, { codex_plan: planRecordOf(issued) })
  // In a clock that hurries, no list would come in time for a question.
  await app.call('codex_models')
  clock.hurry()
  const asked = () => fake.seen.requests.filter(({ path }) => path.endsWith('/responses'))
  return { fake, app, issued, clock, asked }
}

/** The record a sign-in for plan usage stores; `expiresInSeconds` from now. */
export function planRecordOf(
  { tokens, clientId, person }: IssuedTokens,
  expiresInSeconds = 3600,
): Record<string, unknown> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  return {
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    id_token: tokens.id_token,
    token_type: tokens.token_type,
    expires_at: nowSeconds + expiresInSeconds,
    account_id: person.subject,
    saved_at: nowSeconds,
    refreshed_at: nowSeconds,
    method: 'chatgpt',
    issued_client_id: clientId,
    granted_scope: tokens.scope,
  }
}

/** Puts logins into the credentials file, side by side. */
export function seedLogins(
  { credentialsFile }: Pick<StartedApp, 'credentialsFile'>,
  logins: Partial<Record<'codex' | 'codex_plan', Record<string, unknown>>>,
): void {
  mkdirSync(dirname(credentialsFile), { recursive: true, mode: 0o700 })
  writeFileSync(credentialsFile, JSON.stringify(logins, null, 2), { mode: 0o600 })
}

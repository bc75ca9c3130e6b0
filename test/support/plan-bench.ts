import { expect, onTestFinished } from 'vitest'
import type { BrowserOptions } from './fake-browser.ts'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import { type StartedApp, type StartOptions, startApp } from './start-app.ts'

/** A fake that ends with the test. */
export async function startFake(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  return fake
}

/** The program, whose sign-ins answer "pending" at once unless told: the test is the browser. */
export function startPatient(fake: FakeOpenAI, { env, ...others }: StartOptions = {}, waitMs = 1): Promise<StartedApp> {
  return startApp(fake, { env: { CODEX_OAUTH_LOGIN_WAIT_MS: String(waitMs), ...env }, ...others })
}

export async function startPlanApp(options: StartOptions = {}) {
  const fake = await startFake()
  return { fake, app: await startPatient(fake, options) }
}

/** Opens a sign-in for plan usage, is its browser, and calls again as somebody would who has been told to. */
export async function signInToPlan(
  fake: FakeOpenAI,
  app: StartedApp,
  args: Record<string, unknown> = {},
  browser: BrowserOptions = {},
) {
  const opened = await app.call('codex_login', { route: 'plan', ...args })
  const page = await fake.browser(opened.data.url, browser)
  return { opened, page, login: await app.call('codex_login') }
}

/** The parameters of an authorize address. */
export function asked(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams)
}

/** Where the browser is sent after it was at this address: the callback, not yet opened. */
export async function callbackOf(url: string): Promise<URL> {
  const answer = await fetch(url, { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? 'http://nowhere')
}

/** A correct client: nothing was turned away for its shape, and no token has left its route. */
export function expectCorrect(fake: FakeOpenAI): void {
  expect(fake.seen.refusals).toEqual([])
  expect(fake.plan.crossings).toEqual([])
}

export function pathCount(fake: FakeOpenAI, path: string): number {
  return fake.seen.requests.filter((request) => request.path === path).length
}

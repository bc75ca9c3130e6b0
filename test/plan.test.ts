import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from './support/fake-openai.ts'
import { startApp } from './support/start-app.ts'

async function start() {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const app = await startApp(fake, { env: { CODEX_OAUTH_LOGIN_WAIT_MS: '1' } })
  return { fake, app }
}

test('somebody signs in for plan usage, asks, sees how it stands and signs out', async () => {
  const { fake, app } = await start()
  const opened = await app.call('codex_login', { route: 'plan' })
  expect(opened.data).toMatchObject({ status: 'pending', route: 'plan', method: 'browser' })
  const page = await fake.browser(opened.data.url)
  expect(page.body).toContain('You are signed in')
  const login = await app.call('codex_login')
  expect(login.data).toMatchObject({ status: 'authenticated', route: 'plan' })
  const answer = await app.call('codex_query', { prompt: 'Hello?', temperature: 0.5 })
  expect(answer.texts[0]).toBe('Hello from the fake plan.')
  expect(answer.texts[1]).toMatch(/ChatGPT plan usage · answer a-\w+\nNote: temperature was ignored/)
  const status = await app.call('codex_status')
  expect(status.data).toMatchObject({ authenticated: true, route: 'plan', method: 'chatgpt_plan' })
  expect(status.data.message).toContain('Using ChatGPT plan. Manage usage: https://chatgpt.com/settings/usage')
  const models = await app.call('codex_models')
  expect(models.data).toMatchObject({ default: 'gpt-6-astra', usage: expect.stringMatching(/^Using ChatGPT plan/) })
  const cleared = await app.call('codex_clear')
  expect(cleared.data).toMatchObject({ cleared: true, revoked: true })
  expect(app.stored()).toEqual({})
  expect(fake.plan.crossings).toEqual([])
  expect(fake.seen.refusals).toEqual([])
})

test('a login knows its client, also when the file that keeps the registration is lost', async () => {
  const { fake, app } = await start()
  const first = await app.call('codex_login', { route: 'plan' })
  await fake.browser(first.data.url)
  await app.call('codex_login')
  rmSync(join(dirname(app.credentialsFile), 'codex-oauth', 'plan-registration.json'))
  fake.plan.expireAccessTokens()
  fake.plan.expireRefreshTokens()
  expect((await app.call('codex_query', { prompt: 'Hello?' })).text).toContain('[NOT_AUTHENTICATED]')
  const again = await app.call('codex_login', { route: 'plan' })
  expect(new URL(again.data.url).searchParams.get('client_id')).toBe(fake.plan.registrations[0]?.clientId)
})

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planRecordOf } from './support/plan-app.ts'
import { signInToPlan, startFake, startPatient } from './support/plan-bench.ts'
import { recordOf } from './support/start-app.ts'

const CODEX_ANSWER = 'Hello from the fake Codex.'
const PLAN_ANSWER = 'Hello from the fake plan.'
const QUESTION = { prompt: 'Hello?' }
const KEY = { OPENAI_API_KEY: 'sk-FAKE-environment' }

/** What somebody may have written there by hand, or a program that knows better. */
const DAMAGE: [unknown][] = [[null], ['pro'], [[]], [3], [true], [{}], [{ plan: 'pro' }], [{ access_token: 7 }]]

type Key = 'codex' | 'codex_plan'

/** One record is damaged, and the other one good where `other` is set. */
async function damaged(key: Key, value: unknown, { other = true, env = {} } = {}) {
  const fake = await startFake()
  const app = await startPatient(fake, { env })
  const good =
    key === 'codex_plan'
      ? { codex: recordOf(fake.issueTokens()) }
      : { codex_plan: planRecordOf(fake.plan.issueTokens()) }
  mkdirSync(dirname(app.credentialsFile), { recursive: true, mode: 0o700 })
  const text = JSON.stringify({ ...(other ? good : {}), [key]: value })
  writeFileSync(app.credentialsFile, text, { mode: 0o600 })
  return { fake, app, text, file: () => readFileSync(app.credentialsFile, 'utf8') }
}

const SIDES = [
  { key: 'codex_plan', other: 'codex', otherRoute: 'codex', route: 'plan', answer: CODEX_ANSWER },
  { key: 'codex', other: 'codex_plan', otherRoute: 'plan', route: 'codex', answer: PLAN_ANSWER },
] as const

describe.each(SIDES)('where $key is damaged beside a good login', ({ key, other, otherRoute, route, answer }) => {
  test.each(DAMAGE)('(%j) questions go to the good one', async (value) => {
    const { app, file, text } = await damaged(key, value)
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe(answer)
    expect(file()).toBe(text)
  })

  test.each(DAMAGE)('(%j) the status shows the good one, and tells what is wrong once', async (value) => {
    const { app } = await damaged(key, value)
    const { data } = await app.call('codex_status')
    expect(data).toMatchObject({ authenticated: true, route: otherRoute })
    expect(data.logins.map((login: { route: string }) => login.route)).toEqual([otherRoute])
    expect(data.storage.problem).toContain(app.credentialsFile)
    expect(data.storage.problem).toContain('damaged')
    expect(data.message.split(data.storage.problem)).toHaveLength(2)
  })

  test.each(DAMAGE)(
    '(%j) a plain sign-in finds the good one, and one to the other says what is wrong',
    async (value) => {
      const { app, file, text } = await damaged(key, value)
      expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', route: otherRoute })
      expect((await app.call('codex_login', { route })).text).toContain('[STORAGE_CORRUPT]')
      expect([app.opened, file()]).toEqual([[], text])
    },
  )

  test.each(DAMAGE)('(%j) a sign-out ends the good one and says what has kept the other', async (value) => {
    const { app } = await damaged(key, value)
    const { data } = await app.call('codex_clear')
    expect(data).toMatchObject({ cleared: true, revoked: true })
    expect(data.message).toMatch(/The other login could not be removed\. .*damaged/)
    expect(app.stored()).toEqual({ [key]: value })
    expect(app.stored()).not.toHaveProperty(other)
  })

  test('its place is not chosen, and the good one goes on answering', async () => {
    const { app } = await damaged(key, 'pro')
    await app.call('codex_login', { route })
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe(answer)
  })
})

describe.each(SIDES)('where $key is damaged and nothing else is stored', ({ key }) => {
  test.each(DAMAGE)('(%j) that is the error, and no key of the environment is used', async (value) => {
    const { fake, app, file, text } = await damaged(key, value, { other: false, env: KEY })
    const tools = [
      ['codex_query', QUESTION],
      ['codex_login', {}],
      ['codex_clear', {}],
    ] as const
    for (const [tool, args] of tools) {
      expect((await app.call(tool, args)).text).toContain('[STORAGE_CORRUPT]')
    }
    const { data } = await app.call('codex_status')
    expect(data).toMatchObject({ authenticated: false, logins: [] })
    expect(data.message).toContain('damaged')
    expect(data.message.split('damaged')).toHaveLength(2)
    expect([app.opened, file()]).toEqual([[], text])
    expect(JSON.stringify(fake.seen.requests)).not.toContain(KEY.OPENAI_API_KEY)
  })
})

test('a good sign-in beside a damaged record is stored, and what is damaged stays', async () => {
  const { fake, app } = await damaged('codex', 'pro', { other: false })
  await signInToPlan(fake, app)
  expect((await app.call('codex_query', QUESTION)).texts[0]).toBe(PLAN_ANSWER)
  expect(app.stored()).toMatchObject({ codex: 'pro' })
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { FakeLimits } from './support/fake-limits.ts'
import { startFakeOpenAI } from './support/fake-openai.ts'
import { gate, late } from './support/fake-script.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, startApp } from './support/start-app.ts'
import { startCli } from './support/start-cli.ts'
import { createTestClock } from './support/test-clock.ts'

/** `codex_status {usage: true}` and `status --usage`, through the whole program. */

const USAGE = '/backend-api/wham/usage'
const MANAGE = 'https://chatgpt.com/settings/usage'
/** Monday, in Berlin 17:36. */
const NOW = Date.parse('2026-11-30T16:36:00Z')

beforeEach(() => {
  vi.stubEnv('TZ', 'Europe/Berlin')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

async function start({ limits, env = {} }: { limits?: FakeLimits; env?: Record<string, string> } = {}) {
  const clock = createTestClock(NOW)
  const fake = await startFakeOpenAI({ now: clock.now, ...(limits === undefined ? {} : { limits }) })
  onTestFinished(() => fake.close())
  const app = await startCli(fake, { env, edges: { clock } })
  const nowS = NOW / 1000
  /** Somebody is signed in; the token is good for so long from now. */
  const signIn = (leftSeconds = 3600) =>
    app.seed({
      ...recordOf(fake.issueTokens({ expiresInSeconds: leftSeconds })),
      saved_at: nowS,
      expires_at: nowS + leftSeconds,
    })
  return {
    fake,
    app,
    clock,
    signIn,
    /** As it goes over a wire. */
    status: async (args: object = {}) => JSON.parse(JSON.stringify((await app.call('codex_status', { ...args })).data)),
    asked: () => fake.seen.counts[USAGE] ?? 0,
    keptIn: join(app.home, '.claude', 'codex-oauth', 'usage.json'),
  }
}

describe('codex_status with usage: true', () => {
  test('says what the service says, in local time', async () => {
    const { status, signIn, fake } = await start()
    signIn()
    expect((await status({ usage: true })).usage).toEqual({
      asked: true,
      age_seconds: 0,
      plan: 'pro',
      primary: {
        used_percent: 12,
        window: '5-hour',
        resets_at: '2026-11-30T16:46:00.000Z',
        resets: 'at 17:46 GMT+1',
      },
      secondary: {
        used_percent: 34,
        window: 'weekly',
        resets_at: '2026-11-30T18:16:00.000Z',
        resets: 'at 19:16 GMT+1',
      },
      credits: { has_credits: true, unlimited: false, balance: 9.5 },
      message: 'Plan usage: 5-hour 12 %, resets at 17:46 GMT+1 · weekly 34 %, resets at 19:16 GMT+1 · credits 9.5.',
    })
    expect(fake.seen.refusals).toEqual([])
  })

  test('warns from 80 percent on', async () => {
    const { status, signIn } = await start({ limits: { report: { primary: 82, secondary: 97 } } })
    signIn()
    expect((await status({ usage: true })).usage.message).toMatch(
      / 82 % of the 5-hour limit is used\. 97 % of the weekly limit is used; it opens again at 19:16 GMT\+1\.$/,
    )
  })

  test('renews a token that has expired, and shows the login as it is then', async () => {
    const { status, signIn, fake } = await start()
    signIn(-1)
    const data = await status({ usage: true })
    expect(data).toMatchObject({ status: 'authenticated', usage: { asked: true, primary: { used_percent: 12 } } })
    expect(fake.seen.counts['/oauth/token']).toBe(1)
  })

  test('renews a token that the service does not take, once', async () => {
    const { status, signIn, fake, asked } = await start()
    signIn()
    fake.expireAccessTokens()
    expect((await status({ usage: true })).usage).toMatchObject({ asked: true, primary: { used_percent: 12 } })
    expect([fake.seen.counts['/oauth/token'], asked()]).toEqual([1, 2])
  })

  test.each([
    ['403', { status: 403, json: { detail: 'No.' } }, /^The service forbids this request .*\[CODEX_FAILED\]$/],
    ['404', { status: 404, json: {} }, /\(404\).*\[CODEX_FAILED\]$/],
    ['a web page', { html: '<p>Hello</p>' }, /^A web page came back.*\[RESPONSE_INVALID\]$/],
    ['nonsense', { json: 'x' }, /\[RESPONSE_INVALID\]$/],
    ['nothing', { reset: true } as const, /\[NETWORK\]$/],
  ])('does not fail when the service answers %s: the reason stands there', async (_name, answer, words) => {
    const { status, app, signIn, fake } = await start()
    signIn()
    fake.script.usage.push(answer)
    const { isError, data } = await app.call('codex_status', { usage: true })
    expect(isError).toBe(false)
    expect(data).toMatchObject({ authenticated: true, usage: { asked: true, message: expect.stringMatching(words) } })
    expect(await status()).not.toHaveProperty('usage')
  })

  test('shows what it said last when it does not say it now', async () => {
    const { status, signIn, fake, clock } = await start()
    signIn()
    await status({ usage: true })
    clock.advance(180_000)
    fake.script.usage.push({ status: 500 })
    expect((await status({ usage: true })).usage).toMatchObject({
      asked: true,
      age_seconds: 180,
      primary: { used_percent: 12 },
      message: expect.stringMatching(/\[CODEX_FAILED\] Plan usage: 5-hour 12 %.* \(as of 3 minutes ago\)\.$/),
    })
  })

  test('says so where the plan has no limit that is told', async () => {
    const { status, signIn, fake } = await start()
    signIn()
    fake.script.usage.push({ json: { plan_type: 'pro', credits: { has_credits: false, unlimited: false } } })
    expect((await status({ usage: true })).usage).toEqual({
      asked: true,
      age_seconds: 0,
      plan: 'pro',
      credits: { has_credits: false, unlimited: false },
      message: 'The service reports no limit for this plan.',
    })
  })

  test('of nobody says so, and asks nobody', async () => {
    const { status, fake } = await start()
    expect(await status({ usage: true })).toMatchObject({
      status: 'not_authenticated',
      usage: { asked: false, message: expect.stringMatching(/^You are not signed in\..*\[NOT_AUTHENTICATED\]$/) },
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('of a login that is damaged says so', async () => {
    const { status, app, fake } = await start()
    app.seed({ access_token: 7 })
    expect((await status({ usage: true })).usage).toMatchObject({
      asked: false,
      message: expect.stringMatching(/\[STORAGE_CORRUPT\]$/),
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('of a key says that there is no plan, and asks nobody', async () => {
    const { status, fake } = await start({ env: { OPENAI_API_KEY: 'sk-FAKE-0001' } })
    expect((await status({ usage: true })).usage).toEqual({
      asked: false,
      message: 'An API key is billed per token: there is no plan whose usage could be asked.',
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('of plan usage says where to look, and its token goes nowhere', async () => {
    const { status, app, fake } = await start()
    // It would have to be renewed.
    seedLogins(app, { codex_plan: planRecordOf(fake.plan.issueTokens(), -7200) })
    expect((await status({ usage: true })).usage).toEqual({
      asked: false,
      manage: MANAGE,
      message: `OpenAI lets no program ask how much of a plan is used with this sign-in. Manage usage: ${MANAGE}`,
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('of an access token from outside is that of its plan', async () => {
    const clock = createTestClock(NOW)
    const fake = await startFakeOpenAI({ now: clock.now })
    onTestFinished(() => fake.close())
    const env = { CODEX_ACCESS_TOKEN: fake.issueTokens().access_token }
    const app = await startApp(fake, { env, edges: { clock } })
    expect((await app.call('codex_status', { usage: true })).data.usage).toMatchObject({ asked: true, plan: 'pro' })
    expect((await app.call('codex_status')).data.usage).toMatchObject({ asked: false, age_seconds: 0, plan: 'pro' })
  })

  test('at an address beside which there is no such place says so', async () => {
    const { status, signIn, fake } = await start({ env: { CODEX_OAUTH_BASE_URL: 'http://127.0.0.1:9/proxy' } })
    signIn()
    expect((await status({ usage: true })).usage).toMatchObject({
      asked: false,
      manage: MANAGE,
      message: expect.stringContaining('CODEX_OAUTH_BASE_URL'),
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('with settings that are not usable asks nobody', async () => {
    const { status, signIn, fake } = await start({ env: { CODEX_OAUTH_PORTS: 'many' } })
    signIn()
    expect((await status({ usage: true })).usage).toMatchObject({
      asked: false,
      message: expect.stringMatching(/CODEX_OAUTH_PORTS.*\[CONFIG_INVALID\]$/),
    })
    expect(fake.seen.requests).toEqual([])
  })

  test('ends when the call is cancelled', async () => {
    const { app, signIn, fake } = await start()
    signIn()
    const { promise, open } = gate()
    fake.script.usage.push(late(promise))
    const cancel = new AbortController()
    const call = app.call('codex_status', { usage: true }, { signal: cancel.signal })
    await fake.arrival(USAGE)
    cancel.abort()
    await expect(call).rejects.toThrow()
    await fake.clientGone()
    open()
    const { readStatus } = app.app.services
    await expect(readStatus({ usage: true, signal: cancel.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe('codex_status without it', () => {
  test('asks nobody, and says nothing where nothing is known', async () => {
    const { status, signIn, fake } = await start()
    signIn()
    expect(await status()).not.toHaveProperty('usage')
    expect(await status({ usage: false })).not.toHaveProperty('usage')
    expect(fake.seen.requests).toEqual([])
  })

  test('shows what was said last, with its age, also in another window', async () => {
    const { status, signIn, fake, app, clock, asked } = await start()
    signIn()
    await status({ usage: true })
    clock.advance(300_000)
    const expected = {
      asked: false,
      age_seconds: 300,
      primary: { used_percent: 12, resets: 'at 17:46 GMT+1' },
      message: expect.stringMatching(/^Plan usage: 5-hour 12 %.* \(as of 5 minutes ago\)\.$/),
    }
    expect((await status()).usage).toMatchObject(expected)
    const other = await startApp(fake, { home: app.home, edges: { clock } })
    expect((await other.call('codex_status')).data.usage).toMatchObject(expected)
    expect(asked()).toBe(1)
  })

  test('forgets a window that has opened again since, and in the end all of it', async () => {
    const { status, signIn, clock } = await start({ limits: { report: { balance: 'unknown' } } })
    signIn()
    await status({ usage: true })
    clock.advance(600_000)
    const { usage } = await status()
    expect(usage).toMatchObject({ secondary: { used_percent: 34 } })
    expect(usage).not.toHaveProperty('primary')
    clock.advance(6_000_000)
    expect(await status()).not.toHaveProperty('usage')
  })

  test('does not show for plan usage what the other login was told, though the account is the same', async () => {
    const { status, signIn, app, fake } = await start()
    signIn()
    await status({ usage: true })
    seedLogins(app, { codex_plan: { ...planRecordOf(fake.plan.issueTokens()), account_id: 'acct-fake-0001' } })
    expect(await status()).toMatchObject({ route: 'plan', account_id: 'acct-fake-0001' })
    expect(await status()).not.toHaveProperty('usage')
  })

  test("does not show one account another one's", async () => {
    const { status, signIn, app, fake } = await start()
    signIn()
    await status({ usage: true })
    const tokens = fake.issueTokens({ accountId: 'acct-fake-0002' })
    app.seed({ ...recordOf(tokens), account_id: 'acct-fake-0002' })
    expect(await status()).not.toHaveProperty('usage')
  })

  test('survives a file that has been damaged', async () => {
    const { status, signIn, keptIn } = await start()
    signIn()
    await status({ usage: true })
    expect(readFileSync(keptIn, 'utf8')).toMatch(/"usedPercent":12/)
    // This window remembers; what other programs wrote is no reason to fail.
    writeFileSync(keptIn, '{"owners":{"x":[]}}')
    expect((await status()).usage).toMatchObject({ primary: { used_percent: 12 } })
  })
})

describe('on the command line', () => {
  test('status --usage asks, and has a row for each limit', async () => {
    const { app, signIn } = await start()
    signIn()
    const { code, stdout, stderr } = await app.run(['status', '--usage'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(
      '5-hour    12 % used, resets at 17:46 GMT+1\nweekly    34 % used, resets at 19:16 GMT+1\ncredits   9.5\nstored in',
    )
  })

  test('status alone shows what was said last and when', async () => {
    const { app, signIn, clock, asked } = await start()
    signIn()
    await app.run(['status', '--usage'])
    clock.advance(120_000)
    expect((await app.run(['status'])).stdout).toContain('credits   9.5\nas of     2 minutes ago\nstored in')
    expect(asked()).toBe(1)
  })

  test('a reason not to say it is a row as well, in words for a terminal', async () => {
    const { app, signIn, fake } = await start()
    expect((await app.run(['status', '--usage'])).stdout).toMatch(
      /^usage {5}You are not signed in\. Sign in with `codex-oauth-mcp login`, .*\[NOT_AUTHENTICATED\]$/m,
    )
    signIn()
    fake.script.usage.push({ status: 404 })
    const { code, stdout } = await app.run(['status', '--usage'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^usage {5}The service did not report plan usage \(404\)\./m)
  })

  test('other limits are told by their names', async () => {
    const { app, signIn, fake } = await start()
    signIn()
    fake.script.usage.push((usual) => {
      const report = usual().json as object
      const rate_limit = { primary_window: { used_percent: 81, limit_window_seconds: 86_400 } }
      return { json: { ...report, additional_rate_limits: [{ limit_name: 'gpt-x', rate_limit }] } }
    })
    expect((await app.run(['status', '--usage'])).stdout).toContain('\nalso      gpt-x, 1-day: 81 % used\n')
  })

  test('--json is what the tool gives, asked once', async () => {
    const { app, signIn, status, asked } = await start()
    signIn()
    const { code, stdout } = await app.run(['status', '--json', '--usage'])
    expect(code).toBe(0)
    expect(asked()).toBe(1)
    expect(JSON.parse(stdout)).toEqual(await status({ usage: true }))
    expect(JSON.parse((await app.run(['status', '--json'])).stdout)).toMatchObject({ usage: { asked: false } })
  })

  test('--json of nobody is exit code 3', async () => {
    const { app } = await start()
    expect((await app.run(['status', '--json', '--usage'])).code).toBe(3)
  })
})

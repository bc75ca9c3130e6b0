import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { apiError, detail } from './support/fake-errors.ts'
import { type FakeLimits, type Limits, rateLimitHeaders, usageLimitReached } from './support/fake-limits.ts'
import { startFakeOpenAI } from './support/fake-openai.ts'
import { planError } from './support/fake-plan-errors.ts'
import type { Answer } from './support/fake-script.ts'
import { answer } from './support/fake-sse.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, startApp } from './support/start-app.ts'
import { createTestClock } from './support/test-clock.ts'

/** Issue 5, section 6, "What it costs", in the answers themselves; what the status tells is in `usage.test.ts`. */

const MANAGE = 'Manage usage: https://chatgpt.com/settings/usage'
/** Monday, in Berlin 17:36. */
const NOW = Date.parse('2026-11-30T16:36:00Z')
const seconds = (time: string) => Date.parse(time) / 1000
/** In Berlin 20:00 today, and Friday at 9. */
const TONIGHT = seconds('2026-11-30T19:00:00Z')
const FRIDAY = seconds('2026-12-04T08:00:00Z')
const RESETS = { primaryResetsAt: TONIGHT, secondaryResetsAt: FRIDAY }

beforeEach(() => {
  vi.stubEnv('TZ', 'Europe/Berlin')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

type RouteName = 'codex' | 'plan' | 'key' | 'token'

async function start({ route = 'codex', limits = {} }: { route?: RouteName; limits?: FakeLimits } = {}) {
  const clock = createTestClock(NOW)
  const fake = await startFakeOpenAI({ now: clock.now, limits })
  onTestFinished(() => fake.close())
  const envs: Record<RouteName, () => Record<string, string>> = {
    codex: () => ({}),
    plan: () => ({}),
    key: () => ({ OPENAI_API_KEY: 'sk-FAKE-0001' }),
    token: () => ({ CODEX_ACCESS_TOKEN: fake.issueTokens().access_token }),
  }
  const env = envs[route]()
  const app = await startApp(fake, { env, edges: { clock } })
  const signedIn = { saved_at: NOW / 1000, expires_at: NOW / 1000 + 86_400 }
  if (route === 'codex') app.seed({ ...recordOf(fake.issueTokens({ expiresInSeconds: 86_400 })), ...signedIn })
  if (route === 'plan') seedLogins(app, { codex_plan: { ...planRecordOf(fake.plan.issueTokens()), ...signedIn } })
  const script = route === 'plan' ? fake.plan.script.responses : fake.script.responses
  return {
    fake,
    app,
    clock,
    script,
    limits,
    ask: (args = {}) => app.call('codex_query', { prompt: 'Anybody there?', ...args }),
    /** What the status says was last known. */
    lastKnown: async () => (await app.call('codex_status')).data.usage,
    /** Another window over the same files. */
    another: () => startApp(fake, { env, home: app.home, edges: { clock } }),
  }
}

type Outcome = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['ask']>>
const linesWith = (start: string, { text }: Outcome) => text.split('\n').filter((line) => line.startsWith(start))
const usageLines = (outcome: Outcome) => linesWith('Plan usage', outcome)
const warnings = (outcome: Outcome) => linesWith('Note: ', outcome)

describe('below an answer stands how much of the plan is used and when that begins anew, in local time,', () => {
  const said: Limits = { primary: 12.9, secondary: 40, ...RESETS }
  const line =
    'Plan usage: 5-hour 12 %, resets at 20:00 GMT+1 · weekly 40 %, resets on Fri, Dec 4, 09:00 GMT+1 · credits 9.99'

  test.each<[string, FakeLimits]>([
    ['headers', { headers: said }],
    ['an event of its stream', { event: said }],
    [
      'both, and the event was later',
      { headers: { primary: 11, secondary: 39, balance: '10', ...RESETS }, event: said },
    ],
  ])('as its %s say it', async (_name, limits) => {
    const { ask, fake } = await start({ limits })
    const outcome = await ask()
    expect(usageLines(outcome)).toEqual([line])
    expect(outcome.text.split('\n')[2]).toBe(line)
    expect(warnings(outcome)).toEqual([])
    expect(fake.seen.counts).not.toHaveProperty('/backend-api/wham/usage')
  })

  test('also with an access token from outside', async () => {
    const { ask } = await start({ route: 'token', limits: { headers: said } })
    expect(usageLines(await ask())).toEqual([line])
  })

  test('and nothing where it says nothing', async () => {
    const { ask, lastKnown } = await start()
    expect(usageLines(await ask())).toEqual([])
    expect(await lastKnown()).toBeUndefined()
  })

  test('nor what an earlier answer said: that is what the status is for', async () => {
    const scene = await start({ limits: { headers: said } })
    await scene.ask()
    delete scene.limits.headers
    expect(usageLines(await scene.ask())).toEqual([])
  })

  test('with an answer that is collected, as it was then', async () => {
    const { ask, app, clock } = await start({ limits: { headers: said } })
    const { text } = await ask()
    const id = /answer (a-\w+)/.exec(text)?.[1]
    clock.advance(86_400_000)
    expect(usageLines(await app.call('codex_query', { collect: id }))).toEqual([line])
  })

  test('with one that broke off', async () => {
    const { ask, script } = await start()
    script.push({ headers: rateLimitHeaders(said), sse: answer('Half', { end: 'cut' }) })
    const outcome = await ask()
    expect(outcome.text).toMatch(/^Half\nINCOMPLETE ANSWER/)
    expect(usageLines(outcome)).toEqual([line])
  })
})

test.each<[string, Limits, string[]]>([
  ['below 80 percent', { primary: 79.9, secondary: 79 }, []],
  ['from 80 percent on', { primary: 80, secondary: 12 }, ['Note: 80 % of the 5-hour limit is used.']],
  ['below 95 percent without the time', { secondary: 94.9 }, ['Note: 94 % of the weekly limit is used.']],
  [
    'from 95 percent on with when it opens again',
    { secondary: 95 },
    ['Note: 95 % of the weekly limit is used; it opens again on Fri, Dec 4, 09:00 GMT+1.'],
  ],
  [
    'of both',
    { primary: 100, secondary: 81 },
    [
      'Note: 100 % of the 5-hour limit is used; it opens again at 20:00 GMT+1.',
      'Note: 81 % of the weekly limit is used.',
    ],
  ],
])('a warning: %s', async (_name, headers, expected) => {
  const { ask } = await start({ limits: { headers: { ...RESETS, ...headers } } })
  expect(warnings(await ask())).toEqual(expected)
})

describe('what was said is known later', () => {
  const headers: Limits = { primary: 41, secondary: 7, ...RESETS }

  test('with its age, to the status here and in another window, which ask nobody', async () => {
    const { ask, lastKnown, clock, another, fake } = await start({ limits: { headers } })
    await ask()
    clock.advance(120_000)
    const expected = {
      asked: false,
      age_seconds: 120,
      plan: 'pro',
      primary: { used_percent: 41, window: '5-hour', resets: 'at 20:00 GMT+1' },
      message: expect.stringMatching(/^Plan usage: 5-hour 41 %.*\(as of 2 minutes ago\)\.$/),
    }
    expect(await lastKnown()).toMatchObject(expected)
    expect((await (await another()).call('codex_status')).data.usage).toMatchObject(expected)
    expect(fake.seen.counts).not.toHaveProperty('/backend-api/wham/usage')
  })

  const failing: [string, Answer][] = [
    ['a question that is refused', detail('No.')],
    ['one that is refused for its length', apiError(400, { message: 'x', code: 'context_length_exceeded' })],
    ['one that meets a limit', { ...usageLimitReached('pro', TONIGHT), headers: {} }],
    ['one whose stream fails', { sse: answer('', { end: { failed: { code: 'server_error', message: 'x' } } }) }],
    ['one whose stream ends before any text', { sse: answer('', { end: 'cut' }) }],
  ]
  test.each(failing)('also from %s', async (_name, refusal) => {
    const { ask, lastKnown, script } = await start()
    script.push({ ...refusal, headers: rateLimitHeaders(headers) })
    expect((await ask()).isError).toBe(true)
    expect(await lastKnown()).toMatchObject({ primary: { used_percent: 41 }, secondary: { used_percent: 7 } })
  })

  test('but not from a page, which is of somebody in between', async () => {
    const { ask, lastKnown, script } = await start()
    script.push({ html: '<p>Hello</p>', headers: rateLimitHeaders(headers) })
    expect((await ask()).text).toMatch(/\[RESPONSE_INVALID\]$/)
    expect(await lastKnown()).toBeUndefined()
  })

  test('also from an event of a stream that fails', async () => {
    const { ask, lastKnown, script } = await start()
    const failed = { code: 'server_error', message: 'x' }
    script.push({ sse: answer('', { deltas: 0, items: false, limits: headers, end: { failed } }) })
    expect((await ask()).isError).toBe(true)
    expect(await lastKnown()).toMatchObject({ primary: { used_percent: 41 } })
  })

  test('also from one that is cancelled', async () => {
    const { app, lastKnown, script, fake } = await start()
    script.push({ headers: rateLimitHeaders(headers), sse: answer('Half', { end: 'cut' }), silent: true })
    const cancel = new AbortController()
    const onProgress = (message: string) => message.includes('writing') && cancel.abort()
    await expect(
      app.call(
        'codex_query',
        { prompt: 'x' },
        { signal: cancel.signal, onProgress: (message) => void onProgress(message) },
      ),
    ).rejects.toThrow()
    await fake.clientGone()
    expect(await lastKnown()).toMatchObject({ primary: { used_percent: 41 } })
  })

  test('and from a refusal that was mended, unless the answer says more', async () => {
    const { ask, lastKnown, script } = await start()
    const refusal = {
      ...detail('Unsupported parameter: include'),
      headers: rateLimitHeaders({ ...headers, primary: 99 }),
    }
    script.push(refusal, { headers: rateLimitHeaders(headers), sse: answer('Hello.') }, refusal, {
      sse: answer('Hello.'),
    })
    expect(usageLines(await ask({ model: 'gpt-6-sol' }))[0]).toContain('5-hour 41 %')
    expect(await lastKnown()).toMatchObject({ primary: { used_percent: 41 } })
    expect(usageLines(await ask({ model: 'gpt-6-luna' }))[0]).toContain('5-hour 99 %')
  })
})

describe('a limit that is reached: which one, and when it opens again,', () => {
  const reached = (fields: object): Answer => ({
    status: 429,
    json: { error: { type: 'usage_limit_reached', message: 'The usage limit has been reached', ...fields } },
  })
  const limitWords = (window: string, opens: string) =>
    `The ${window} limit of the ChatGPT pro plan is used up. It opens again ${opens}. See https://chatgpt.com/settings/usage. [USAGE_LIMIT]`
  const streamed = (text: string, limits?: Limits): Answer => ({
    sse: answer(text, {
      ...(text === '' ? { deltas: 0, items: false } : {}),
      ...(limits === undefined ? {} : { limits }),
      end: { failed: { code: 'usage_limit_reached', message: 'The usage limit has been reached' } },
    }),
  })

  test.each<[string, Limits, string, string]>([
    ['the short one', { primary: 100, secondary: 50 }, '5-hour usage', 'at 20:00 GMT+1'],
    ['the long one', { primary: 50, secondary: 100 }, 'weekly usage', 'on Fri, Dec 4, 09:00 GMT+1'],
    ['of two the one that opens last', { primary: 100, secondary: 100 }, 'weekly usage', 'on Fri, Dec 4, 09:00 GMT+1'],
  ])('by its headers: %s', async (_name, limits, window, opens) => {
    const { ask, script, fake } = await start()
    script.push({ ...reached({ plan_type: 'pro' }), headers: rateLimitHeaders({ ...RESETS, ...limits }) })
    expect((await ask()).text).toBe(limitWords(window, opens))
    expect(fake.seen.counts['/backend-api/codex/responses']).toBe(1)
  })

  test.each<[string, Limits, object, string, string]>([
    ['which was nearly full', { primary: 30, secondary: 96 }, {}, 'weekly usage', 'on Fri, Dec 4, 09:00 GMT+1'],
    [
      'which opens when it says',
      { primary: 30, secondary: 60 },
      { resets_at: TONIGHT },
      '5-hour usage',
      'at 20:00 GMT+1',
    ],
  ])('without headers, by what was known before: the one %s', async (_name, limits, fields, window, opens) => {
    const { ask, script } = await start({ limits: { headers: { ...RESETS, ...limits } } })
    await ask()
    script.push(reached({ plan_type: 'pro', ...fields }))
    expect((await ask()).text).toBe(limitWords(window, opens))
  })

  test('also by what another window was told', async () => {
    const { ask, another, script } = await start({ limits: { headers: { primary: 97, secondary: 20, ...RESETS } } })
    await ask()
    script.push(reached({ plan_type: 'pro' }))
    const { text } = await (await another()).call('codex_query', { prompt: 'x' })
    expect(text).toBe(limitWords('5-hour usage', 'at 20:00 GMT+1'))
  })

  test('but not by one that has opened since, nor by one that was not nearly full', async () => {
    const { ask, clock, script } = await start({ limits: { headers: { primary: 99, secondary: 20, ...RESETS } } })
    await ask()
    clock.advance(4 * 3_600_000)
    script.push(reached({ plan_type: 'pro' }))
    expect((await ask()).text).toMatch(/^The usage limit of the ChatGPT pro plan is used up\. Try again later\./)
  })

  test('of which nobody knows anything, as far as the service says it', async () => {
    const { ask, script } = await start()
    script.push(reached({ plan_type: 'pro', resets_at: TONIGHT }), reached({}))
    expect((await ask()).text).toBe(limitWords('usage', 'at 20:00 GMT+1'))
    expect((await ask()).text).toMatch(
      /^The usage limit of this account is used up\. Try again later\..*\[USAGE_LIMIT\]$/,
    )
  })

  test.each<[string, Answer]>([
    ['headers', { ...streamed(''), headers: rateLimitHeaders({ primary: 100, secondary: 1, ...RESETS }) }],
    ['an event', streamed('', { primary: 100, secondary: 1, ...RESETS })],
  ])('in a stream that has said so before, in %s', async (_name, step) => {
    const { ask, script } = await start()
    script.push(step)
    expect((await ask()).text).toMatch(/^The 5-hour usage limit .* It opens again at 20:00 GMT\+1\..*\[USAGE_LIMIT\]$/)
  })

  test('in a stream that says nothing of it, by what was known before', async () => {
    const { ask, script } = await start({ limits: { headers: { primary: 98, secondary: 1, ...RESETS } } })
    await ask()
    script.push(streamed(''))
    expect((await ask()).text).toMatch(/^The 5-hour usage limit .* at 20:00 GMT\+1\..*\[USAGE_LIMIT\]$/)
  })

  test('in the middle of an answer, which is kept', async () => {
    const { ask, script } = await start()
    script.push(streamed('Half an answer', { primary: 100, secondary: 1, ...RESETS }))
    const outcome = await ask()
    const [text, why] = outcome.text.split('\n')
    expect([outcome.isError, text]).toEqual([false, 'Half an answer'])
    expect(why).toMatch(/^INCOMPLETE ANSWER: .*The 5-hour usage limit .* at 20:00 GMT\+1.*\[USAGE_LIMIT\]$/)
    expect(usageLines(outcome)[0]).toContain('5-hour 100 %')
  })
})

describe('on the route of the plan, which programs are told nothing of,', () => {
  test('no line stands below an answer, whatever its headers say', async () => {
    const { ask, script, lastKnown } = await start({ route: 'plan' })
    script.push((usual) => {
      const { headers, ...rest } = usual()
      return { ...rest, headers: { ...headers, ...rateLimitHeaders({ primary: 99, ...RESETS }) } }
    })
    const { text, isError } = await ask()
    expect(isError).toBe(false)
    expect(text).not.toMatch(/Plan usage|Note:|Manage usage|%/)
    expect(await lastKnown()).toBeUndefined()
  })

  test('the address of its documentation stands with a limit, and with the status', async () => {
    const { ask, app, script } = await start({ route: 'plan' })
    script.push(planError('subscription_sharing_usage_limit_exceeded'))
    expect((await ask()).text).toMatch(new RegExp(`^Usage limit reached.* ${MANAGE}\\. .*\\[USAGE_LIMIT\\]$`))
    expect((await app.call('codex_status')).data.message).toContain(`Using ChatGPT plan. ${MANAGE}`)
  })
})

test('with an API key nothing is said of a plan, whatever the headers say', async () => {
  const { ask, script, lastKnown } = await start({ route: 'key' })
  script.push({ headers: rateLimitHeaders({ primary: 99, ...RESETS }), sse: answer('Hello.') })
  const { text } = await ask()
  expect(text).toMatch(/^Hello\.\nAnswered by Codex .*billed per token/)
  expect(text).not.toMatch(/Plan usage|Note:|Manage usage|%/)
  expect(await lastKnown()).toBeUndefined()
})

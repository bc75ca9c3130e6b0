import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../src/errors.ts'
import { planError } from './support/fake-plan-errors.ts'
import { type PlanFailureOptions, planFailure, planStream } from './support/fake-plan-stream.ts'
import type { Answer } from './support/fake-script.ts'
import { answerEvents } from './support/fake-sse.ts'
import { type PlanApp, planRecordOf, seedLogins, startPlanApp } from './support/plan-app.ts'
import { recordOf } from './support/start-app.ts'

const QUESTION = { prompt: 'Anybody there?' }
const LIMIT = 'subscription_sharing_usage_limit_exceeded'
const WORDS = 'Their own words.'

interface Expected {
  code: ErrorCode
  says: RegExp
  requests?: number
}

const LIMIT_WORDS =
  /^Usage limit reached:.*for this app\. Manage usage: https:\/\/chatgpt\.com\/settings\/usage\. OpenAI does not say when/
const PLAN_REQUIRED = 'PLAN_REQUIRED' as const
const CODES: [string, number, Expected][] = [
  [
    'subscription_sharing_user_not_eligible',
    403,
    { code: PLAN_REQUIRED, says: /Plus and Pro.*signing in again does not help/ },
  ],
  ['subscription_sharing_usage_limit_exceeded', 429, { code: 'USAGE_LIMIT', says: LIMIT_WORDS }],
  [
    'subscription_sharing_usage_unavailable',
    503,
    { code: 'OVERLOADED', says: /still signed in.*in a minute/, requests: 4 },
  ],
  [
    'subscription_sharing_unsupported_capability',
    400,
    { code: 'CODEX_FAILED', says: /not possible on the ChatGPT plan/ },
  ],
  [
    'subscription_sharing_route_not_supported',
    403,
    { code: 'CODEX_FAILED', says: /a place that the ChatGPT plan does not cover/ },
  ],
  [
    'subscription_sharing_invalid_user',
    401,
    { code: 'CODEX_FAILED', says: /req_FAKE.*Ask again in a minute/, requests: 2 },
  ],
  ['subscription_sharing_user_unavailable', 503, { code: 'OVERLOADED', says: /still signed in/, requests: 4 }],
  ['subscription_sharing_client_not_enabled', 403, { code: PLAN_REQUIRED, says: /has not enabled codex-oauth/ }],
  [
    'chatpass_v2_scope_not_authorized',
    403,
    { code: PLAN_REQUIRED, says: /codex_login with route "plan" and force: true/ },
  ],
  ['chatpass_v2_invalid_authorization_context', 403, { code: PLAN_REQUIRED, says: /does not cover questions/ }],
  ['unsupported_value', 400, { code: 'INPUT_INVALID', says: /does not take this value/ }],
  ['model_not_found', 404, { code: 'MODEL_UNAVAILABLE', says: /does not know this model/ }],
]

/** The older names of the same codes. */
const ALL_CODES = CODES.flatMap(([code, ...rest]): typeof CODES => {
  const alias = code.replace(/^subscription_sharing_/, 'subscription_sharing_v2_')
  return alias === code
    ? [[code, ...rest]]
    : [
        [code, ...rest],
        [alias, ...rest],
      ]
})

const HEADERS = { 'x-request-id': 'req_FAKE_plan' }
/** The forms a body has (facts: plan-usage 4). */
const BODIES: [string, (code: string) => unknown][] = [
  ['as the API has it', (code) => ({ error: { code, message: WORDS, param: null, type: 'invalid_request_error' } })],
  ['as OAuth has it', (code) => ({ error: code, error_description: WORDS })],
  [
    'as the reason of an OAuth error',
    (code) => ({ error: 'access_denied', error_reason: code, error_description: WORDS }),
  ],
  ['as the type of an error', (code) => ({ error: { code: null, message: WORDS, param: null, type: code } })],
]

async function ask(step: Answer, { fake, app, asked }: PlanApp) {
  fake.plan.script.responses.always(step)
  const { text, isError } = await app.call('codex_query', QUESTION)
  return { text, isError, requests: asked().length }
}

/** What has come before it stands above the reason; a failure before any text is an error. */
function expectInStream({ code }: Pick<Expected, 'code'>, { text, isError }: { text: string; isError: boolean }) {
  const isPartial = text.startsWith('Half a\n')
  expect(isError).toBe(!isPartial)
  expect(text).toMatch(new RegExp(isPartial ? `^INCOMPLETE ANSWER: .*\\[${code}\\]$` : `\\[${code}\\]$`, 'm'))
}

function expectThe({ code, says }: Expected, { text, isError }: { text: string; isError: boolean }) {
  expect(isError).toBe(true)
  expect(text).toMatch(new RegExp(`\\[${code}\\]$`))
  expect(text).toMatch(says)
}

describe('a code before the stream', () => {
  test.each(ALL_CODES)('%s', async (code, status, expected) => {
    for (const [, bodyOf] of BODIES) {
      const started = await startPlanApp()
      const before = started.app.stored()
      const outcome = await ask({ status, headers: HEADERS, json: bodyOf(code) }, started)
      expectThe(expected, outcome)
      expect(outcome.requests).toBe(expected.requests ?? 1)
      // Nobody is signed out by the answer to a question, and a 401 is renewed before it is believed.
      expect(Object.keys(started.app.stored()?.codex_plan ?? {})).toEqual(Object.keys(before?.codex_plan ?? {}))
      expect(started.fake.plan.seen.grants).toEqual(status === 401 ? ['refresh_token'] : [])
    }
  })

  test.each([
    ['reasoning.effort', 2],
    ['reasoning', 2],
    ['text.format', 1],
  ])('`unsupported_capability` names the field %s, and the same is not sent again', async (param, posts) => {
    const started = await startPlanApp()
    const message = `Unsupported parameter: '${param}'`
    const step = planError('subscription_sharing_unsupported_capability', { param, message })
    const { text, requests } = await ask(step, started)
    expect(text).toContain(`(“${param}”)`)
    // What was in it is left out once; what was not is nobody's to mend.
    expect(requests).toBe(posts)
    expect(new Set(started.asked().map(({ text: body }) => body)).size).toBe(posts)
  })

  test.each([400, 403, 418, 429])('one that nobody knows, with status %i, can still be looked up', async (status) => {
    const started = await startPlanApp()
    const { text, requests } = await ask(
      { status, json: { error: { code: 'brand_new_thing', message: WORDS } } },
      started,
    )
    expect(text).toMatch(/“Their own words\.”.*OpenAI calls it “brand_new_thing”/)
    expect(text).toMatch(status === 429 ? /\[RATE_LIMITED\]$/ : /\[CODEX_FAILED\]$/)
    expect(requests).toBe(1)
  })
})

describe('a status without a code', () => {
  const rows: [number, unknown, Expected][] = [
    [
      401,
      { error: { code: null, message: WORDS } },
      { code: 'NOT_AUTHENTICATED', says: /does not accept this sign-in/, requests: 2 },
    ],
    [401, undefined, { code: 'NOT_AUTHENTICATED', says: /Ask again in a minute/, requests: 2 }],
    [
      403,
      { detail: WORDS },
      { code: 'CODEX_FAILED', says: /forbids.*“Their own words\.”.*region.*neither asking nor signing in/ },
    ],
    [403, undefined, { code: 'CODEX_FAILED', says: /forbids this request \(403\)\./ }],
    [503, { detail: WORDS }, { code: 'OVERLOADED', says: /still signed in/, requests: 4 }],
    [500, undefined, { code: 'CODEX_FAILED', says: /in trouble \(500\)/, requests: 4 }],
    [
      400,
      { detail: 'Unsupported service_tier: flex' },
      { code: 'CODEX_FAILED', says: /“Unsupported service_tier: flex”/ },
    ],
    [404, { detail: 'Not Found' }, { code: 'MODEL_UNAVAILABLE', says: /gpt-6-astra/ }],
    [413, undefined, { code: 'CONTEXT_TOO_LONG', says: /larger than the service accepts/ }],
    [402, undefined, { code: 'PLAN_REQUIRED', says: /asks for payment/ }],
  ]
  test.each(rows)('%i with %j', async (status, json, expected) => {
    const started = await startPlanApp()
    const outcome = await ask({ status, headers: HEADERS, ...(json === undefined ? {} : { json }) }, started)
    expectThe(expected, outcome)
    expect(outcome.requests).toBe(expected.requests ?? 1)
  })
})

describe('a code in the stream', () => {
  const inStream: [string, (code: string) => Answer][] = [
    ['of `response.failed`', (code) => planFailure({ code, errorEvent: 'none' })],
    ['of an `error` event and `response.failed`', (code) => planFailure({ code })],
    ['of `response.failed`, behind an `error` event without one', (code) => planFailure({ code, errorEvent: 'bare' })],
    ['of an `error` event, nested', (code) => planFailure({ code, errorEvent: 'nested' })],
    ['of an `error` event, and the stream ends', (code) => planFailure({ code, failedEvent: false })],
    [
      'of an `error` event, nested, and the stream ends',
      (code) => planFailure({ code, errorEvent: 'nested', failedEvent: false }),
    ],
    ['of `response.failed` before any text', (code) => planFailure({ code, text: '' })],
    ['of an `error` event as OAuth has it', (code) => errorEvent({ error: code, error_description: WORDS })],
    ['of the reason in an `error` event', (code) => errorEvent({ error: 'access_denied', error_reason: code })],
    ['of `response.failed` as OAuth has it', (code) => failedWith(code)],
    [
      'of `response.failed` as OAuth has it, behind an `error` event without one',
      (code) => failedWith(code, [{ type: 'error', message: WORDS, code: null }]),
    ],
  ]

  test.each(inStream)('is that %s', async (_, stepOf) => {
    for (const [code, , expected] of ALL_CODES) {
      const started = await startPlanApp()
      const outcome = await ask(stepOf(code), started)
      expectInStream(expected, outcome)
      // The service may have worked on it: a second question would be paid again.
      expect(outcome.requests).toBe(1)
    }
  })

  test('the words are the same as before the stream', async () => {
    const started = await startPlanApp()
    const outcome = await ask(planFailure(), started)
    expectInStream({ code: 'USAGE_LIMIT' }, outcome)
    expect(outcome.text.replace(/^Half a\nINCOMPLETE ANSWER: only part of it came\. /, '')).toMatch(LIMIT_WORDS)
  })

  test('the text of a form without a code is told', async () => {
    const { text } = await ask(errorEvent({ detail: WORDS }), await startPlanApp())
    expect(text).toMatch(/^Codex failed while answering: “Their own words\.”\..*\[CODEX_FAILED\]$/)
  })

  test('one that nobody knows can still be looked up', async () => {
    const { text } = await ask(planFailure({ code: 'brand_new_thing' }), await startPlanApp())
    expect(text).toMatch(/^Half a\n.*OpenAI calls it “brand_new_thing”.*\[CODEX_FAILED\]$/m)
  })

  const silences: [string, PlanFailureOptions, RegExp][] = [
    ['that says nothing more', { errorEvent: 'bare' }, /Codex failed while answering.*\[CODEX_FAILED\]$/m],
    ['with a code', { errorEvent: 'coded' }, /\[USAGE_LIMIT\]$/m],
    ['with a code inside', { errorEvent: 'nested' }, /\[USAGE_LIMIT\]$/m],
    ['that nobody knows', { code: 'brand_new_thing' }, /brand_new_thing.*\[CODEX_FAILED\]$/m],
  ]
  test.each(silences)(
    'an `error` event %s, and then silence, ends soon',
    async (_, options, expected) => {
      const started = await startPlanApp()
      const step = { ...planFailure({ ...options, failedEvent: false }), silent: true as const }
      const { text } = await ask(step, started)
      expect(text).toMatch(expected)
      await started.fake.clientGone()
    },
    5_000,
  )
})

describe('a token that is not taken', () => {
  test('is renewed once, and the question asked again', async () => {
    const { fake, app, asked } = await startPlanApp()
    fake.plan.expireAccessTokens()
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
    expect(fake.plan.seen.grants).toEqual(['refresh_token'])
    const bearers = asked().map(({ headers }) => headers.authorization)
    expect(new Set(bearers).size).toBe(2)
    expect(bearers[1]).toBe(`Bearer ${app.stored()?.codex_plan?.access_token}`)
  })

  test('is not taken a second time either: nobody is signed out, and nobody is asked to sign in at once', async () => {
    const started = await startPlanApp()
    const step = { status: 401, headers: HEADERS, json: { error: { code: null, message: WORDS } } }
    const { text, requests } = await ask(step, started)
    expect(text).toMatch(
      /request id “req_FAKE_plan”.*codex_login with route "plan" and force: true.*\[NOT_AUTHENTICATED\]$/,
    )
    expect(requests).toBe(2)
    expect(started.fake.plan.seen.grants).toEqual(['refresh_token'])
    expect(started.app.stored()?.codex_plan?.refresh_token).toMatch(/_2$/)
    expect(started.app.opened).toEqual([])
    started.fake.plan.script.responses.always(undefined)
    expect((await started.app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
  })

  test('and cannot be renewed: the question is not asked again', async () => {
    const started = await startPlanApp()
    started.fake.plan.options.refreshWorks = false
    started.fake.plan.expireAccessTokens()
    const { text } = await started.app.call('codex_query', QUESTION)
    expect(text).toMatch(/\[NOT_AUTHENTICATED\]$/)
    expect(started.asked()).toHaveLength(1)
    expect(started.app.stored()?.codex_plan).toMatchObject({ issued_client_id: started.issued.clientId })
  })
})

describe('a limit', () => {
  const limits: [string, Answer][] = [
    ['with its code', planError(LIMIT)],
    ['with its code and a time to wait', { ...planError(LIMIT), headers: { 'retry-after': '1' } }],
    ['without a code', { status: 429, headers: { 'retry-after': '1' }, json: { detail: 'Too many.' } }],
    ['in a stream', planFailure()],
  ]
  test.each(limits)('%s is asked once and by nobody else', async (_, step) => {
    const env = { OPENAI_API_KEY: 'sk-FAKE-0001', CODEX_API_KEY: 'sk-FAKE-0001' }
    const started = await startPlanApp({ env })
    const { fake, app, issued } = started
    const codex = { ...recordOf(fake.issueTokens()), saved_at: 1, refreshed_at: 1 }
    seedLogins(app, { codex, codex_plan: planRecordOf(issued) })
    const { text, requests } = await ask(step, started)
    expect(text).toMatch(/\[(USAGE_LIMIT|RATE_LIMITED)\]$/m)
    expect(requests).toBe(1)
    expect(started.asked()[0]?.headers.authorization).toBe(`Bearer ${issued.tokens.access_token}`)
    // Nor does it decide for the next question.
    await app.call('codex_query', QUESTION)
    expect(started.asked().map(({ path }) => path)).toEqual(['/v1/responses', '/v1/responses'])
    expect((await app.call('codex_status')).data).toMatchObject({ route: 'plan' })
  })

  test('of one model leaves the others', async () => {
    const { fake, app } = await startPlanApp()
    fake.plan.script.responses.push(planError(LIMIT))
    expect((await app.call('codex_query', QUESTION)).text).toContain('another model may still answer')
    expect((await app.call('codex_query', { ...QUESTION, model: 'gpt-5.6-luna' })).isError).toBe(false)
  })
})

describe('a service that is away', () => {
  test('for a moment is waited for', async () => {
    const { fake, app, asked, clock } = await startPlanApp()
    const away = planError('subscription_sharing_usage_unavailable')
    fake.plan.script.responses.push(
      away,
      { status: 503, json: { detail: 'Off.' } },
      { ...away, headers: { 'retry-after': '7' } },
    )
    const before = clock.sleptMs
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
    expect(asked()).toHaveLength(4)
    expect(clock.sleptMs - before).toBeGreaterThan(7000)
  })

  test('for long is told, and the login is kept', async () => {
    const started = await startPlanApp()
    const before = started.app.stored()
    const { text, requests } = await ask({ status: 503, json: { detail: 'Off.' } }, started)
    expect(text).toMatch(/\[OVERLOADED\]$/)
    expect(requests).toBe(4)
    expect(started.app.stored()).toEqual(before)
    expect((await started.app.call('codex_status')).data).toMatchObject({ authenticated: true, route: 'plan' })
  })

  test('for as long as it says itself is not waited for', async () => {
    const started = await startPlanApp()
    const { requests } = await ask({ status: 503, headers: { 'retry-after': '3600' }, json: {} }, started)
    expect(requests).toBe(1)
  })
})

function errorEvent(fields: Record<string, unknown>): Answer {
  return planStream([{ type: 'error', ...fields }])
}

/** `response.error` is the code itself. */
function failedWith(code: string, before: Parameters<typeof planStream>[0] = []): Answer {
  return planStream([
    ...answerEvents('Half a', { items: false, end: 'cut' }),
    ...before,
    { type: 'response.failed', response: { status: 'failed', error: code } },
  ])
}

import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { planFailureOf, planRefusalOf } from '../../../src/services/plan/plan-failure.ts'

const IDS = { 'x-request-id': 'req_FAKE_1' }

function refusal(status: number, json: unknown, headers: Record<string, string> = IDS) {
  return planRefusalOf({ status, json, headers: new Headers(headers), modelId: 'gpt-7', nowMs: 0 })
}

const CODES: [string, number, ErrorCode][] = [
  ['subscription_sharing_user_not_eligible', 403, 'PLAN_REQUIRED'],
  ['subscription_sharing_v2_user_not_eligible', 403, 'PLAN_REQUIRED'],
  ['subscription_sharing_usage_limit_exceeded', 429, 'USAGE_LIMIT'],
  ['subscription_sharing_usage_unavailable', 503, 'OVERLOADED'],
  ['subscription_sharing_unsupported_capability', 400, 'CODEX_FAILED'],
  ['subscription_sharing_route_not_supported', 403, 'CODEX_FAILED'],
  ['subscription_sharing_v2_route_not_supported', 403, 'CODEX_FAILED'],
  ['subscription_sharing_invalid_user', 401, 'CODEX_FAILED'],
  ['subscription_sharing_v2_invalid_user', 401, 'CODEX_FAILED'],
  ['subscription_sharing_user_unavailable', 503, 'OVERLOADED'],
  ['subscription_sharing_v2_user_unavailable', 503, 'OVERLOADED'],
  ['subscription_sharing_v2_client_not_enabled', 403, 'PLAN_REQUIRED'],
  ['chatpass_v2_scope_not_authorized', 403, 'PLAN_REQUIRED'],
  ['chatpass_v2_invalid_authorization_context', 403, 'PLAN_REQUIRED'],
  ['unsupported_value', 400, 'INPUT_INVALID'],
  ['model_not_found', 404, 'MODEL_UNAVAILABLE'],
]

describe('a code is read', () => {
  test.each(CODES)('%s from every form of a body and from the stream', (name, status, code) => {
    const words = 'Their words.'
    const plainForm = refusal(status, {
      error: { code: name, message: words, param: null, type: 'invalid_request_error' },
    })
    const { message, hint, retryable } = plainForm
    expect(plainForm.code).toBe(code)
    expect(message).not.toContain('OpenAI calls it')
    const forms = [
      refusal(status, { error: { code: null, message: words, type: name } }),
      refusal(status, { error: name, error_description: words }),
      refusal(status, { error: 'access_denied', error_reason: name, error_description: words }),
      refusal(418, { error: { code: name, message: words } }),
      planFailureOf({ code: name, message: words, param: null, type: 'x' }, new Headers(IDS)),
      planFailureOf({ type: 'error', code: name, message: words, sequence_number: 4 }, new Headers(IDS)),
    ]
    for (const form of forms) expect(form).toMatchObject({ code, message, hint, retryable })
  })

  test('from the reason, which is the finer one, before the error', () => {
    const json = { error: 'unsupported_value', error_reason: 'subscription_sharing_usage_limit_exceeded' }
    expect(refusal(403, json).code).toBe('USAGE_LIMIT')
  })

  test('never from a text', () => {
    const name = 'subscription_sharing_usage_limit_exceeded'
    for (const json of [{ detail: name }, { error: { message: name } }, { error_description: name }]) {
      expect(refusal(403, json)).toMatchObject({ code: 'CODEX_FAILED', message: expect.stringContaining(`“${name}”`) })
    }
  })
})

describe('without a known code the status decides', () => {
  test.each<[string, number, unknown, ErrorCode, boolean, RegExp]>([
    ['401', 401, undefined, 'NOT_AUTHENTICATED', false, /this sign-in \(request id “req_FAKE_1”\)\.$/],
    ['403 with a policy', 403, { detail: 'Not here.' }, 'CODEX_FAILED', false, /\(403\): “Not here\.”\.$/],
    [
      '429 with a code that is not of this route',
      429,
      { error: { code: 'slow_down' } },
      'RATE_LIMITED',
      true,
      /time\.$/,
    ],
    ['429', 429, undefined, 'RATE_LIMITED', true, /^Too many requests in a short time\.$/],
    ['503', 503, { detail: 'Off.' }, 'OVERLOADED', true, /; you are still signed in\.$/],
    [
      '400 with a detail',
      400,
      { detail: 'Unsupported service_tier: flex' },
      'CODEX_FAILED',
      false,
      /\(400\): “Unsupported service_tier: flex”\.$/,
    ],
    ['400 in the form of OAuth', 400, { error_description: 'So.' }, 'CODEX_FAILED', false, /\(400\): “So\.”\.$/],
    ['400 with a list', 400, ['x'], 'CODEX_FAILED', false, /\(400\)\.$/],
    ['422 with details', 422, { detail: [{ msg: 'x' }] }, 'CODEX_FAILED', false, /\(422\)\.$/],
    ['500 with a page', 500, undefined, 'CODEX_FAILED', true, /\(500\)\.$/],
    ['404', 404, { error: null }, 'MODEL_UNAVAILABLE', false, /gpt-7/],
    ['413', 413, { error: 5 }, 'CONTEXT_TOO_LONG', false, /larger/],
    ['402', 402, {}, 'PLAN_REQUIRED', false, /payment/],
  ])('%s', (_name, status, json, code, retryable, message) => {
    expect(refusal(status, json)).toMatchObject({ code, retryable, message: expect.stringMatching(message) })
  })

  test.each([undefined, { error: { code: 'rate_limit_exceeded' } }])(
    'and the service may say how long to wait: %j',
    (json) => {
      expect(refusal(429, json, { 'retry-after': '7' }).hint).toBe('Wait 7 s, then ask again.')
    },
  )

  test.each([
    ['an object', { error: { code: 'subscription_sharing_of_tomorrow', message: 'So.' } }],
    ['OAuth', { error: 'subscription_sharing_of_tomorrow', error_description: 'So.' }],
    ['a reason of OAuth', { error: 'access_denied', error_reason: 'subscription_sharing_of_tomorrow' }],
  ])('and a new code is named: %s', (_name, json) => {
    const error = refusal(500, json)
    expect(error).toMatchObject({ code: 'CODEX_FAILED', retryable: true })
    expect(error.message).toBe('The service is in trouble (500). OpenAI calls it “subscription_sharing_of_tomorrow”.')
  })

  test.each([
    ['in words', 'not a code'],
    ['with markup', '<b>'],
    ['too long', 'x'.repeat(81)],
    ['no text', 5],
    ['empty', ''],
    ['none', null],
  ])('and what is no plain code is not named: %s', (_name, code) => {
    expect(refusal(500, { error: { code } }).message).toBe('The service is in trouble (500).')
  })

  test('and a code that only resembles one is not taken for it', () => {
    const error = refusal(403, { error: { code: 'not_subscription_sharing_user_not_eligible' } })
    expect(error).toMatchObject({ code: 'CODEX_FAILED', retryable: false })
    expect(error.message).toMatch(/\(403\)\. OpenAI calls it “not_subscription_sharing_user_not_eligible”\.$/)
  })
})

describe('why a response failed', () => {
  test.each([undefined, null, 'text with spaces', 5, [], {}, { type: 'error' }])(
    'nothing that can be read: %j',
    (error) => {
      const failure = planFailureOf(error)
      expect(failure).toMatchObject({ code: 'CODEX_FAILED', message: 'Codex failed while answering.', retryable: true })
    },
  )

  test('a new code is named', () => {
    expect(planFailureOf({ code: 'server_error', message: 'So.' }).message).toBe(
      'Codex failed while answering: “So.”. OpenAI calls it “server_error”.',
    )
  })

  test('a code alone', () => {
    expect(planFailureOf('subscription_sharing_usage_limit_exceeded').code).toBe('USAGE_LIMIT')
  })
})

describe('the field of the request', () => {
  const code = 'subscription_sharing_unsupported_capability'

  test.each(['tools', 'reasoning.effort', 'input[0].content[1]'])('is named: %s', (param) => {
    expect(refusal(400, { error: { code, param } }).message).toContain(`(“${param}”)`)
    expect(planFailureOf({ code, param }).message).toContain(`(“${param}”)`)
  })

  test.each([['two words'], ['<b>'], ['x'.repeat(81)], [''], [7], [null]])('is not, where it is none: %j', (param) => {
    expect(refusal(400, { error: { code, param } }).message).toBe(
      'A part of this request is not possible on the ChatGPT plan.',
    )
  })
})

describe('what OpenAI asks to keep', () => {
  const json = { error: { code: 'unsupported_value', message: 'So.', param: 'reasoning.effort', type: 'x' } }

  test('is in the cause: status, body and request id', () => {
    expect(refusal(400, json).cause).toEqual({ status: 400, requestId: 'req_FAKE_1', body: json })
    expect(planFailureOf(json.error, new Headers(IDS)).cause).toEqual({ requestId: 'req_FAKE_1', error: json.error })
  })

  test.each([
    ['the first', { 'x-request-id': 'req_FAKE_1', 'x-oai-request-id': 'req_FAKE_2' }, 'req_FAKE_1'],
    ['the other', { 'x-oai-request-id': 'req_FAKE_2' }, 'req_FAKE_2'],
    ['the one that is an id', { 'x-request-id': 'no id', 'x-oai-request-id': 'req_FAKE_2' }, 'req_FAKE_2'],
    ['a UUID', { 'x-request-id': '019f0000-0000-7000-8000-000000000001' }, '019f0000-0000-7000-8000-000000000001'],
  ])('the request id is %s', (_name, headers, id) => {
    expect(refusal(401, undefined, headers).message).toContain(`(request id “${id}”)`)
  })

  test.each([
    ['none', {}],
    ['one with markup', { 'x-request-id': '<b>x</b>' }],
    ['one without end', { 'x-request-id': 'x'.repeat(81) }],
    ['an empty one', { 'x-request-id': '' }],
  ])('%s is not shown', (_name, headers) => {
    const { message, hint } = refusal(401, undefined, headers as Record<string, string>)
    expect(message).toBe('The service does not accept this sign-in.')
    expect(hint).not.toContain('request id')
  })
})

test('what looks like a credential is not shown, wherever it stands', () => {
  const secret = 'sk-FAKE-0123456789'
  const errors = [
    refusal(500, { error: { code: secret } }),
    refusal(401, undefined, { 'x-request-id': secret }),
    refusal(400, { error: { code: 'unsupported_value', param: secret, message: `Bearer ${secret}` } }),
    refusal(403, { detail: secret }),
    planFailureOf({ code: secret, message: secret }),
  ]
  for (const { message, hint } of errors) expect(`${message} ${hint}`).not.toContain('FAKE')
})

test('their words are quoted on one line, without markup, and cut', () => {
  const words = `<script>\u001b[31m\r\nred\u202e\`\`\`${'x'.repeat(1_000_000)}`
  for (const error of [
    refusal(400, { detail: words }),
    refusal(403, { error: { message: words } }),
    planFailureOf({ message: words }),
  ]) {
    expect(error.message).toMatch(/: “script \[31m red x{100,}…”\.$/)
    expect(error.message.length).toBeLessThan(260)
  }
})

test('a message of a megabyte is dealt with at once, also one that looks like a thousand tokens', () => {
  const started = performance.now()
  for (const message of ['eyJ-'.repeat(50_000), 'model not '.repeat(100_000)]) {
    refusal(400, { detail: message })
    planFailureOf({ message })
  }
  expect(performance.now() - started).toBeLessThan(1000)
})

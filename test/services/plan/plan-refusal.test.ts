import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { type Circumstances, planRefusal, planStatusRefusal } from '../../../src/services/plan/plan-refusal.ts'

/** One or several sentences, from the first letter to the last stop. */
const SENTENCES = /^[A-Z].*\.$/
const NOTHING: Circumstances = { words: undefined, param: undefined, requestId: undefined }
const ABOUT: Circumstances = { words: 'Their words.', param: 'reasoning.effort', requestId: 'req_FAKE_1' }
const OTHER_WAYS = /the user to choose and never taken by itself: codex_login with route "codex", or an API key\.$/
const SIGN_IN_ANEW = /codex_login with route "plan" and force: true/
const STILL = /; you are still signed in\.$/

const CODES: [string, ErrorCode, boolean, message: RegExp, hint: RegExp][] = [
  ['subscription_sharing_user_not_eligible', 'PLAN_REQUIRED', false, /the plan, the workspace or a policy/, OTHER_WAYS],
  [
    'subscription_sharing_client_not_enabled',
    'PLAN_REQUIRED',
    false,
    /^OpenAI has not enabled codex-oauth/,
    OTHER_WAYS,
  ],
  ['chatpass_v2_scope_not_authorized', 'PLAN_REQUIRED', false, /^This sign-in does not cover/, SIGN_IN_ANEW],
  ['chatpass_v2_invalid_authorization_context', 'PLAN_REQUIRED', false, /^This sign-in does not cover/, SIGN_IN_ANEW],
  [
    'subscription_sharing_usage_limit_exceeded',
    'USAGE_LIMIT',
    false,
    /^Usage limit reached: .*, or the one that is set there for this app\.$/,
    /^Manage usage: https:\/\/chatgpt\.com\/settings\/usage\. .*another model may still answer\.$/,
  ],
  ['subscription_sharing_usage_unavailable', 'OVERLOADED', true, STILL, /^Ask again/],
  ['subscription_sharing_user_unavailable', 'OVERLOADED', true, STILL, /^Ask again/],
  [
    'subscription_sharing_unsupported_capability',
    'CODEX_FAILED',
    false,
    /^A part of this request \(“reasoning\.effort”\) is not possible on the ChatGPT plan: “Their words\.”\.$/,
    /^Leave optional arguments out, .*Update codex-oauth/,
  ],
  [
    'unsupported_value',
    'INPUT_INVALID',
    false,
    /^The model does not take this value of a field \(“reasoning\.effort”\): “Their words\.”\.$/,
    /^See codex_models for what each model takes\.$/,
  ],
  [
    'subscription_sharing_route_not_supported',
    'CODEX_FAILED',
    false,
    /^This program asked at a place .*\(request id “req_FAKE_1”\)\.$/,
    /^Update codex-oauth;/,
  ],
  [
    'subscription_sharing_invalid_user',
    'CODEX_FAILED',
    true,
    /\(request id “req_FAKE_1”\)\.$/,
    /^Ask again in a minute\. If it stays so: codex_login with route "plan" and force: true, and report the request id\.$/,
  ],
  ['context_length_exceeded', 'CONTEXT_TOO_LONG', false, /context window/, /^Shorten/],
  ['invalid_prompt', 'REFUSED', false, /“Their words\.”/, /^Put it another way/],
  ['cyber_policy', 'REFUSED', false, /“Their words\.”/, /^Put it another way/],
  ['server_is_overloaded', 'OVERLOADED', true, /capacity/, /^Try again/],
  ['rate_limit_exceeded', 'RATE_LIMITED', true, /“Their words\.”/, /^Wait 3 s/],
  ['slow_down', 'RATE_LIMITED', true, /“Their words\.”/, /^Wait 3 s/],
  ['model_not_found', 'MODEL_UNAVAILABLE', false, /does not know this model/, /codex_models lists/],
]

describe('what a code means (plan-usage 4.2)', () => {
  test.each(CODES)('%s', (name, code, retryable, message, hint) => {
    const { retryable: again = false, ...refusal } = planRefusal(name, ABOUT, 3000) ?? {}
    expect(refusal).toEqual({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
    expect(again).toBe(retryable)
  })

  test.each(CODES)('%s, whole sentences, also with nothing beside it', (name) => {
    for (const about of [ABOUT, NOTHING]) {
      const { message, hint } = planRefusal(name, about) ?? {}
      expect([message, hint]).toEqual([expect.stringMatching(SENTENCES), expect.stringMatching(SENTENCES)])
      expect(`${message} ${hint}`).not.toMatch(/undefined|\(\)| {2}/)
    }
  })

  test.each([
    'user_not_eligible',
    'route_not_supported',
    'invalid_user',
    'user_unavailable',
    'client_not_enabled',
    'usage_limit_exceeded',
  ])('%s has an older name', (name) => {
    const older = planRefusal(`subscription_sharing_v2_${name}`, ABOUT)
    expect(older).toBeDefined()
    expect(older).toEqual(planRefusal(`subscription_sharing_${name}`, ABOUT))
  })

  test.each(CODES)('%s in a longer code is another code', (name) => {
    for (const other of [`x_${name}`, `${name}_x`, `${name} `, name.toUpperCase(), name.slice(0, -1)]) {
      expect(planRefusal(other, ABOUT)).toBeUndefined()
    }
  })

  test.each([
    '',
    '__proto__',
    'constructor',
    'subscription_sharing_',
    'subscription_sharing_v2_',
    'subscription_sharing_v3_invalid_user',
    'subscription_sharing_v2_subscription_sharing_v2_invalid_user',
    'v2_invalid_user',
    'invalid_user',
    'usage_limit_exceeded',
    'usage_limit_reached',
    'scope_not_authorized',
    'chatpass_scope_not_authorized',
    'no_matching_rule',
  ])('%j is none', (name) => {
    expect(planRefusal(name, ABOUT)).toBeUndefined()
  })

  test('a limit neither guesses when it opens again nor says that the plan is empty', () => {
    const { message, hint } = planRefusal('subscription_sharing_usage_limit_exceeded', ABOUT, 3_600_000) ?? {}
    expect(`${message} ${hint}`).not.toMatch(/\d|used up|empty|Their words/)
  })

  test('without an id, the user is not asked to report one', () => {
    const { message, hint } = planRefusal('subscription_sharing_invalid_user', NOTHING) ?? {}
    expect(`${message} ${hint}`).not.toContain('request id')
    expect(hint).toMatch(/, and report it\.$/)
  })
})

describe('what a status means without a code (plan-usage 4.1)', () => {
  const STATES: [number, ErrorCode, boolean, message: RegExp, hint: RegExp][] = [
    [400, 'CODEX_FAILED', false, /\(400\): “Their words\.”\.$/, /^Check the arguments/],
    [401, 'NOT_AUTHENTICATED', false, /this sign-in \(request id “req_FAKE_1”\)\.$/, SIGN_IN_ANEW],
    [402, 'PLAN_REQUIRED', false, /asks for payment: “Their words\.”\.$/, /settings\/usage/],
    [
      403,
      'CODEX_FAILED',
      false,
      /forbids this request \(403\): “Their words\.”\.$/,
      /^A policy .*neither asking nor signing in/,
    ],
    [404, 'MODEL_UNAVAILABLE', false, /^The service does not know gpt-7/, /codex_models lists/],
    [413, 'CONTEXT_TOO_LONG', false, /larger than the service accepts/, /^Shorten/],
    [422, 'CODEX_FAILED', false, /\(422\): “Their words\.”\.$/, /^Check the arguments/],
    [429, 'RATE_LIMITED', true, /^Too many requests .*“Their words\.”\.$/, /^Wait 7 s, then ask again\.$/],
    [500, 'CODEX_FAILED', true, /\(500\)\.$/, /^Try again/],
    [502, 'CODEX_FAILED', true, /\(502\)\.$/, /^Try again/],
    [503, 'OVERLOADED', true, STILL, /^Ask again/],
  ]

  test.each(STATES)('%i', (status, code, retryable, message, hint) => {
    const answer = { status, headers: new Headers({ 'retry-after': '7' }), modelId: 'gpt-7', nowMs: 0 }
    const { retryable: again = false, ...refusal } = planStatusRefusal(answer, ABOUT)
    expect(refusal).toEqual({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
    expect(again).toBe(retryable)
    expect([refusal.message, refusal.hint]).toEqual([
      expect.stringMatching(SENTENCES),
      expect.stringMatching(SENTENCES),
    ])
  })
})

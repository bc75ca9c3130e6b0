import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../src/errors.ts'
import { failureOf, isQuota, type RefusedAnswer, refusalOf } from '../../../src/services/codex/codex-failure.ts'
import { accessTokenName, accountName, apiKeyName, STORED_KEY } from '../../../src/services/login/credential-name.ts'
import { rateLimitHeaders, usageLimitReached } from '../../support/fake-limits.ts'

const NOW = Date.parse('2026-11-21T10:00:00Z')
/** One or several sentences, from the first letter to the last stop. */
const SENTENCES = /^[A-Z].*\.$/

type Reply = Partial<Omit<RefusedAnswer, 'headers'>> & { headers?: Record<string, string> }

function refusal({ headers = {}, ...answer }: Reply) {
  return refusalOf({
    status: 400,
    json: undefined,
    modelId: 'gpt-5.2-codex',
    credential: accountName('plus'),
    nowMs: NOW,
    ...answer,
    headers: new Headers(headers),
  })
}

const apiError = (fields: object) => ({ error: { message: 'Their words.', type: 'invalid_request_error', ...fields } })
const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html' }

describe('what a status and its body mean (wire-protocol 12)', () => {
  test.each<[string, Reply, ErrorCode, boolean, RegExp]>([
    ['500', { status: 500 }, 'CODEX_FAILED', true, /^The service is in trouble \(500\)\.$/],
    ['502 with a page', { status: 502, headers: html }, 'CODEX_FAILED', true, /\(502\)\.$/],
    ['504', { status: 504, json: apiError({}) }, 'CODEX_FAILED', true, /\(504\)\.$/],
    ['520', { status: 520 }, 'CODEX_FAILED', true, /\(520\)\.$/],
    ['503', { status: 503 }, 'OVERLOADED', true, /^The model is at capacity right now\.$/],
    [
      '503 overloaded',
      { status: 503, json: apiError({ code: 'server_is_overloaded' }) },
      'OVERLOADED',
      true,
      /capacity/,
    ],
    [
      '503 slow_down',
      { status: 503, json: apiError({ code: 'slow_down' }) },
      'RATE_LIMITED',
      true,
      /“Their words\.”\.$/,
    ],
    [
      '400 with a detail',
      { json: { detail: 'No such thing.' } },
      'CODEX_FAILED',
      false,
      /\(400\): “No such thing\.”\.$/,
    ],
    ['400 with a message', { json: { message: 'On top.' } }, 'CODEX_FAILED', false, /\(400\): “On top\.”\.$/],
    ['400 with an error', { json: apiError({}) }, 'CODEX_FAILED', false, /\(400\): “Their words\.”\.$/],
    ['400 with a list', { json: ['x'] }, 'CODEX_FAILED', false, /^The service refused the request \(400\)\.$/],
    ['422 with details', { status: 422, json: { detail: [{ msg: 'x' }] } }, 'CODEX_FAILED', false, /\(422\)\.$/],
    [
      '401',
      { status: 401, json: { detail: 'Unauthorized' } },
      'NOT_AUTHENTICATED',
      false,
      /does not accept this sign-in/,
    ],
    [
      '401 for a key',
      { status: 401, credential: apiKeyName('OPENAI_API_KEY'), json: apiError({ code: 'invalid_api_key' }) },
      'NOT_AUTHENTICATED',
      false,
      /^The service does not accept this API key from OPENAI_API_KEY\.$/,
    ],
    [
      '401 for an expired token',
      { status: 401, json: apiError({ code: 'token_expired' }) },
      'NOT_AUTHENTICATED',
      false,
      /does not accept this sign-in/,
    ],
    [
      '402',
      { status: 402, json: { detail: 'Pay.' } },
      'PLAN_REQUIRED',
      false,
      /^The service asks for payment: “Pay\.”\.$/,
    ],
    ['402 with nothing', { status: 402 }, 'PLAN_REQUIRED', false, /^The service asks for payment\.$/],
    [
      '403 through Cloudflare',
      { status: 403, headers: { ...json, 'cf-ray': '8a-FRA' }, json: { detail: 'Forbidden' } },
      'CODEX_FAILED',
      false,
      /^The service forbids this request \(403\): “Forbidden”\.$/,
    ],
    ['403 with nothing', { status: 403 }, 'CODEX_FAILED', false, /^The service forbids this request \(403\)\.$/],
    [
      '403 of a workspace without Codex',
      { status: 403, json: { detail: 'missing_codex_entitlement' } },
      'PLAN_REQUIRED',
      false,
      /^Codex is not enabled for this workspace\.$/,
    ],
    [
      '404',
      { status: 404, json: apiError({}) },
      'MODEL_UNAVAILABLE',
      false,
      /^The service does not know gpt-5\.2-codex, or not at this address\.$/,
    ],
    [
      '404 model_not_found',
      { status: 404, json: apiError({ code: 'model_not_found' }) },
      'MODEL_UNAVAILABLE',
      false,
      /know/,
    ],
    [
      '400 too long',
      { json: apiError({ code: 'context_length_exceeded' }) },
      'CONTEXT_TOO_LONG',
      false,
      /context window/,
    ],
    ['413', { status: 413 }, 'CONTEXT_TOO_LONG', false, /larger than the service accepts/],
    [
      '429 usage_not_included',
      { status: 429, json: apiError({ type: 'usage_not_included' }) },
      'PLAN_REQUIRED',
      false,
      /not part of the ChatGPT plan/,
    ],
    [
      '429 insufficient_quota',
      { status: 429, json: apiError({ type: 'insufficient_quota', code: 'insufficient_quota' }) },
      'USAGE_LIMIT',
      false,
      /^The quota of this account is used up\.$/,
    ],
    ['429 with words', { status: 429, json: { detail: 'Slowly.' } }, 'RATE_LIMITED', true, /time: “Slowly\.”\.$/],
    ['429 with nothing', { status: 429 }, 'RATE_LIMITED', true, /^Too many requests in a short time\.$/],
    [
      '429 rate_limit_exceeded',
      { status: 429, json: apiError({ code: 'rate_limit_exceeded' }) },
      'RATE_LIMITED',
      true,
      /“Their words\.”\.$/,
    ],
    ['202', { status: 202 }, 'CODEX_FAILED', false, /^The service refused the request \(202\)\.$/],
  ])('%s', (_name, reply, code, retryable, message) => {
    const error = refusal(reply)
    expect(error).toMatchObject({ code, retryable, message: expect.stringMatching(message) })
    expect([error.message, error.hint]).toEqual([expect.stringMatching(SENTENCES), expect.stringMatching(SENTENCES)])
  })
})

describe('what the real backend refuses (wire-protocol 17)', () => {
  const notSupported = "The 'gpt-5.2-codex' model is not supported when using Codex with a ChatGPT account."

  test.each<[string, ErrorCode]>([
    ['Store must be set to false', 'CODEX_FAILED'],
    ['Stream must be set to true', 'CODEX_FAILED'],
    ['Unsupported parameter: temperature', 'CODEX_FAILED'],
    ['Unsupported parameter: top_p', 'CODEX_FAILED'],
    ['Unsupported parameter: max_output_tokens', 'CODEX_FAILED'],
    ['System messages are not allowed', 'CODEX_FAILED'],
    ['Instructions are required', 'CODEX_FAILED'],
    ['Instructions are not valid', 'CODEX_FAILED'],
  ])('%s: the form of the request is at fault', (detail, code) => {
    expect(refusal({ json: { detail } })).toMatchObject({
      code,
      message: `The service no longer takes requests in this form: “${detail}”.`,
      hint: expect.stringMatching(/^Leave optional arguments out.* update codex-oauth or report this\.$/),
      retryable: false,
    })
  })

  test.each([
    notSupported,
    "The 'gpt-6-sol' model requires a newer version of Codex. Please upgrade.",
    "The model 'gpt-x' does not exist or you do not have access to it.",
  ])('%s', (detail) => {
    expect(refusal({ json: { detail } })).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringMatching(/^gpt-5\.2-codex is not available to this account/),
      hint: expect.stringMatching(/^Ask for one that codex_models lists/),
      retryable: false,
    })
  })

  test('a path nobody serves', () => {
    expect(refusal({ status: 403, json: { detail: 'Forbidden' } }).code).toBe('CODEX_FAILED')
  })

  test('the wrong workspace', () => {
    const error = refusal({ status: 403, json: { detail: { code: 'invalid_workspace_selected' } } })
    expect(error).toMatchObject({ code: 'CODEX_FAILED', hint: expect.stringContaining('codex_login with force: true') })
  })

  const key = apiKeyName('CODEX_API_KEY')
  const noScope = apiError({
    message: 'You have insufficient permissions for this operation. Missing scopes: api.responses.write.',
  })

  test.each<[string, Reply, ErrorCode, message: RegExp, hint: RegExp]>([
    ['a login', {}, 'NOT_AUTHENTICATED', /this sign-in\.$/, /^Sign in again: codex_login with force: true\.$/],
    [
      'a key of the environment',
      { credential: key },
      'NOT_AUTHENTICATED',
      /this API key from CODEX_API_KEY\.$/,
      /^Replace it in the environment of the server/,
    ],
    [
      'a stored key',
      { credential: apiKeyName(STORED_KEY) },
      'NOT_AUTHENTICATED',
      /this stored API key\.$/,
      /^Store another with `codex-oauth-mcp login --with-api-key`/,
    ],
    [
      'an access token of the environment',
      { credential: accessTokenName('CODEX_ACCESS_TOKEN', 'plus') },
      'NOT_AUTHENTICATED',
      /this access token from CODEX_ACCESS_TOKEN\.$/,
      /^Replace it in the environment of the server/,
    ],
    [
      'a key made for other things',
      { credential: key, json: noScope },
      'NOT_AUTHENTICATED',
      /^The API key from CODEX_API_KEY may not ask models: it lacks api\.responses\.write\.$/,
      /api-keys/,
    ],
    [
      'a key made for other things, by a 403',
      { credential: key, status: 403, json: noScope },
      'NOT_AUTHENTICATED',
      /it lacks api\.responses\.write\.$/,
      /api-keys/,
    ],
    [
      'a key in the wrong project',
      { credential: key, status: 403, json: apiError({}) },
      'CODEX_FAILED',
      /forbids this request \(403\): “Their words\.”\.$/,
      /^Check what the key and its project may do/,
    ],
  ])('%s that is refused: what it is, and the way out', (_name, reply, code, message, hint) => {
    const error = refusal({ status: 401, ...reply })
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
    expect(error.message).toMatch(SENTENCES)
    expect(error.hint).toMatch(SENTENCES)
  })

  test('an argument that a model does not take from an API key', () => {
    const words = "Unsupported parameter: 'temperature' is not supported with this model."
    expect(refusal({ credential: apiKeyName('OPENAI_API_KEY'), json: apiError({ message: words }) })).toMatchObject({
      code: 'CODEX_FAILED',
      hint: expect.stringMatching(/^Leave optional arguments out, or name another model/),
    })
  })
})

describe('why a response failed', () => {
  test.each<[string | null, ErrorCode, boolean]>([
    ['context_length_exceeded', 'CONTEXT_TOO_LONG', false],
    ['insufficient_quota', 'USAGE_LIMIT', false],
    ['usage_limit_reached', 'USAGE_LIMIT', false],
    ['usage_not_included', 'PLAN_REQUIRED', false],
    ['invalid_prompt', 'REFUSED', false],
    ['cyber_policy', 'REFUSED', false],
    ['server_is_overloaded', 'OVERLOADED', true],
    ['rate_limit_exceeded', 'RATE_LIMITED', true],
    ['slow_down', 'RATE_LIMITED', true],
    ['model_not_found', 'MODEL_UNAVAILABLE', false],
    ['server_error', 'CODEX_FAILED', true],
    ['of_tomorrow', 'CODEX_FAILED', true],
    ['__proto__', 'CODEX_FAILED', true],
    [null, 'CODEX_FAILED', true],
  ])('%s', (code, expected, retryable) => {
    const error = failureOf({ code, message: 'Their words.' })
    expect(error).toMatchObject({ code: expected, retryable })
    expect([error.message, error.hint]).toEqual([expect.stringMatching(SENTENCES), expect.stringMatching(SENTENCES)])
  })

  test('a limit is named where the stream came with its windows, or they were known before', () => {
    const error = { code: 'usage_limit_reached', message: 'Their words.' }
    const headers = new Headers(rateLimitHeaders({ secondary: 100 }))
    expect(failureOf(error, headers, { nowMs: NOW }).message).toBe('The weekly usage limit of this account is used up.')
    const snapshot = { primary: { usedPercent: 99, windowMinutes: 300 } }
    const facts = { nowMs: NOW, lastKnown: { snapshot, at: NOW - 1000 } }
    expect(failureOf(error, new Headers(), facts)).toMatchObject({
      code: 'USAGE_LIMIT',
      message: 'The 5-hour usage limit of this account is used up.',
    })
    expect(failureOf({ code: 'insufficient_quota' }, headers, facts).message).toBe(
      'The quota of this account is used up.',
    )
  })

  test.each([undefined, null, 'text', 5, [], {}])('nothing that can be read: %j', (error) => {
    expect(failureOf(error)).toMatchObject({ code: 'CODEX_FAILED', message: 'Codex failed while answering.' })
  })
})

describe('a used-up plan', () => {
  const limit = (error: object) => refusal({ status: 429, json: { error } })

  test.each(['usage_limit_reached', 'codex_usage_limit_reached'])('is known by its type: %s', (type) => {
    expect(limit({ type, code: 'x' }).code).toBe('USAGE_LIMIT')
  })

  test('is known by its code too', () => {
    expect(limit({ code: 'usage_limit_reached' }).code).toBe('USAGE_LIMIT')
  })

  test('is told with its window where only an earlier answer has said it', () => {
    const snapshot = { secondary: { usedPercent: 100, windowMinutes: 10_080 } }
    const json = { error: { type: 'usage_limit_reached' } }
    const error = refusal({ status: 429, json, lastKnown: { snapshot, at: NOW - 1000 } })
    expect(error.message).toBe('The weekly usage limit of this account is used up.')
  })

  test('is told with its window, whatever the words', () => {
    const { headers, json: body } = usageLimitReached('plus', NOW / 1000 + 7200)
    const error = refusal({ status: 429, headers: headers as Record<string, string>, json: body })
    expect(error.message).toBe('The 5-hour usage limit of the ChatGPT plus plan is used up.')
  })
})

test.each<[unknown, boolean]>([
  [{ error: { type: 'usage_limit_reached' } }, true],
  [{ error: { type: 'usage_not_included' } }, true],
  [{ error: { code: 'insufficient_quota' } }, true],
  [{ error: { type: 'requests', code: 'rate_limit_exceeded' } }, false],
  [{ error: { message: 'usage_limit_reached' } }, false],
  [{ detail: 'usage_limit_reached' }, false],
  [undefined, false],
])('whether waiting a moment is of no use: %j', (body, expected) => {
  expect(isQuota(body)).toBe(expected)
})

test('their words are quoted on one line, without markup, and cut', () => {
  const words = `<script>\u001b[31m\r\nred\u202e\`\`\`${'x'.repeat(1000)}`
  for (const error of [refusal({ json: { detail: words } }), failureOf({ message: words })]) {
    expect(error.message).toMatch(/: “script \[31m red x{100,}…”\.$/)
    expect(error.message.length).toBeLessThan(260)
    expect(error.cause).toBeDefined()
  }
})

test('a message of a megabyte is dealt with at once', () => {
  const started = performance.now()
  for (const part of ['model', 'not ', 'a model ']) {
    refusal({ json: { detail: part.repeat(1_000_000 / part.length) } })
    failureOf({ message: part.repeat(1_000_000 / part.length) })
  }
  expect(performance.now() - started).toBeLessThan(1000)
})

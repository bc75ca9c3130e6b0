import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { AnswerProgress } from '../../../src/services/codex/answer-progress.ts'
import { type ClientBench, question, startClientBench, USER_AGENT } from '../../support/client-bench.ts'
import { errorOf } from '../../support/error-of.ts'
import { wireCatalogue } from '../../support/fake-catalogue.ts'
import { usageLimitReached } from '../../support/fake-limits.ts'
import { type Answer, gate, late, parts, type Step } from '../../support/fake-script.ts'
import { answer, endlessDeltas } from '../../support/fake-sse.ts'
import { ownHeaders } from '../../support/own-headers.ts'
import { startServer } from '../../support/start-server.ts'

const RESPONSES = '/backend-api/codex/responses'
const TOKEN = '/oauth/token'
const MEBIBYTE = 1_048_576
const KEY = 'sk-FAKE-0001'
const withKey = { signedIn: false, env: { OPENAI_API_KEY: KEY } }
/** What the fake answers every question. */
const REPLY = 'Hello from the fake Codex.'

const ask = ({ client }: ClientBench, changes = {}, options = {}) => client.query(question(changes), options)

function posted({ fake }: ClientBench, path = RESPONSES) {
  return fake.seen.requests.filter((request) => request.path === path)
}

const unauthorized: Answer = { status: 401, json: { detail: 'Unauthorized' } }

describe('a question', () => {
  test('is sent as the service wants it, and its answer read', async () => {
    const bench = await startClientBench()
    expect(await ask(bench)).toEqual({
      text: REPLY,
      model: 'gpt-6.1-sol',
      effort: 'low',
      usage: { inputTokens: 11, cachedTokens: 3, outputTokens: 7, reasoningTokens: 2 },
      account: 'ChatGPT pro plan',
      owner: expect.stringMatching(/^[0-9a-f]{20}$/),
      notes: [],
      sources: [],
      limits: undefined,
      message: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Anybody there?' }] },
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: REPLY }] }],
    })
    const [request] = posted(bench)
    expect(request?.headers).toMatchObject({
      originator: 'codex-oauth',
      'user-agent': USER_AGENT,
      version: '0.169.0',
      authorization: `Bearer ${bench.stored()?.access_token}`,
      'chatgpt-account-id': 'acct-fake-0001',
      'x-openai-internal-codex-responses-lite': 'true',
      'x-client-request-id': 'id-2',
      'session-id': 'id-1',
      'thread-id': 'id-2',
      accept: 'text/event-stream',
      'content-type': 'application/json',
    })
    expect(ownHeaders(request)).toEqual([
      'accept',
      'authorization',
      'chatgpt-account-id',
      'content-type',
      'originator',
      'session-id',
      'thread-id',
      'user-agent',
      'version',
      'x-client-request-id',
      'x-openai-internal-codex-responses-lite',
    ])
    expect(request?.body).toMatchObject({
      model: 'gpt-6.1-sol',
      instructions: expect.stringMatching(/^You are Codex/),
      input: [{ type: 'additional_tools' }, { role: 'user', content: [{ text: 'Anybody there?' }] }],
      prompt_cache_key: 'id-1',
    })
    expect(bench.fake.seen.refusals).toEqual([])
  })

  test('goes to the model it names, in the form of that model', async () => {
    const bench = await startClientBench()
    expect(await ask(bench, { model: 'gpt-5.5', effort: 'high' })).toMatchObject({ model: 'gpt-5.5', effort: 'high' })
    const [request] = posted(bench)
    expect(request?.headers).not.toHaveProperty('x-openai-internal-codex-responses-lite')
    expect(request?.body).toMatchObject({ model: 'gpt-5.5', tools: [], reasoning: { effort: 'high' } })
    expect(bench.fake.seen.refusals).toEqual([])
  })

  test('that names an effort the model does not have is not sent; a setting it does not have is left out and said', async () => {
    const bench = await startClientBench({ env: { CODEX_OAUTH_EFFORT: 'ultra' } })
    expect((await errorOf(ask(bench, { model: 'gpt-5.5', effort: 'hyper' }))).code).toBe('INPUT_INVALID')
    expect(bench.posts()).toBe(0)
    expect(await ask(bench, { model: 'gpt-5.5' })).toMatchObject({
      effort: 'medium',
      notes: ['CODEX_OAUTH_EFFORT is “ultra”, which gpt-5.5 does not have; it was left out'],
    })
  })

  test('that names nothing takes the model and the effort of the settings', async () => {
    const bench = await startClientBench({ env: { CODEX_OAUTH_MODEL: 'gpt-6-luna', CODEX_OAUTH_EFFORT: 'max' } })
    expect(await ask(bench)).toMatchObject({ model: 'gpt-6-luna', effort: 'max', notes: [] })
  })

  test('shares the session of this server, and has an id of its own', async () => {
    const bench = await startClientBench()
    await ask(bench)
    await ask(bench)
    expect(posted(bench).map(({ headers }) => [headers['session-id'], headers['thread-id']])).toEqual([
      ['id-1', 'id-2'],
      ['id-1', 'id-3'],
    ])
  })

  test('tells its progress', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ sse: answer('Twelve chars', { reasoning: 'Hm.' }) })
    const seen: AnswerProgress[] = []
    await ask(bench, {}, { onProgress: (progress: AnswerProgress) => seen.push(progress) })
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['connecting', 'queued', 'thinking', 'writing']))
    expect(seen.at(-1)).toEqual({ phase: 'writing', characters: 12 })
  })

  test('tells the answer as it is written', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ sse: answer('Twelve chars', { deltas: 3 }) })
    const bits: string[] = []
    await ask(bench, {}, { onText: (bit: string) => bits.push(bit) })
    // The service sends it all in one piece; the first bit is told when the phase changes.
    expect(bits).toEqual(['Twel', 've chars'])
  })

  test('without a login is not asked at all', async () => {
    const bench = await startClientBench({ signedIn: false })
    expect((await errorOf(ask(bench))).code).toBe('NOT_AUTHENTICATED')
    expect(bench.fake.seen.requests).toEqual([])
  })
})

describe('with an API key', () => {
  test('it goes to the API, with a temperature, and nowhere else', async () => {
    const bench = await startClientBench(withKey)
    expect(await ask(bench, { temperature: 0.3 })).toMatchObject({
      text: REPLY,
      model: 'gpt-6.1-sol',
      account: 'API key from OPENAI_API_KEY, billed per token',
      notes: [],
    })
    expect(bench.fake.seen.counts).toEqual({ '/v1/models': 1, '/v1/responses': 1 })
    const [request] = posted(bench, '/v1/responses')
    expect(request?.headers.authorization).toBe(`Bearer ${KEY}`)
    expect(request?.headers).not.toHaveProperty('chatgpt-account-id')
    expect(request?.body).toMatchObject({ temperature: 0.3, store: false })
  })

  test('that is refused nothing is repeated: there is nothing to renew', async () => {
    const bench = await startClientBench({ signedIn: false, env: { OPENAI_API_KEY: 'sk-FAKE-wrong' } })
    expect((await errorOf(ask(bench))).code).toBe('NOT_AUTHENTICATED')
    expect(posted(bench, '/v1/responses')).toHaveLength(1)
    expect(posted(bench)).toEqual([])
  })

  test('and a login, the key stays where it is', async () => {
    const bench = await startClientBench({ env: { OPENAI_API_KEY: KEY, CODEX_API_KEY: KEY } })
    await ask(bench)
    expect(posted(bench, '/v1/responses')).toEqual([])
    expect(JSON.stringify(bench.fake.seen.requests)).not.toContain(KEY)
  })
})

describe('what a model does not take from an API key', () => {
  const bodies = (bench: ClientBench) => posted(bench, '/v1/responses').map(({ body }) => Object(body))
  const refusing = (param: string, fields: object = {}): Answer => {
    const message = `Unsupported parameter: '${param}' is not supported with this model.`
    return { status: 400, json: { error: { message, type: 'invalid_request_error', param, code: null, ...fields } } }
  }
  const leftOut = (what: string, model = 'gpt-5.5') => `${what} was not accepted by ${model} and left out`

  test('a temperature is left out and said, and the next question does not ask twice', async () => {
    const bench = await startClientBench({ ...withKey, withoutTemperature: ['gpt-5.5'] })
    for (const posts of [2, 3]) {
      const { text, notes } = await ask(bench, { model: 'gpt-5.5', temperature: 0.2 })
      expect({ text, notes }).toEqual({ text: REPLY, notes: [leftOut('temperature')] })
      expect(bodies(bench)).toHaveLength(posts)
    }
    expect(bodies(bench).map(({ temperature }) => temperature)).toEqual([0.2, undefined, undefined])
    const [first, second] = bodies(bench)
    expect(second).toEqual({ ...first, temperature: undefined })
    expect((await ask(bench, { model: 'gpt-5.5' })).notes).toEqual([])
  })

  test('of one model says nothing about another', async () => {
    const bench = await startClientBench({ ...withKey, withoutTemperature: ['gpt-5.5'] })
    await ask(bench, { model: 'gpt-5.5', temperature: 0.2 })
    expect((await ask(bench, { model: 'gpt-6-sol', temperature: 0.2 })).notes).toEqual([])
    expect(bodies(bench).at(-1)?.temperature).toBe(0.2)
  })

  test('an effort is left out and said; what nobody asked for is said once', async () => {
    const bench = await startClientBench(withKey)
    const asked = await ask(bench, { model: 'gpt-4.1', effort: 'high', temperature: 0.2 })
    expect(asked).toMatchObject({
      text: REPLY,
      effort: undefined,
      notes: [
        leftOut('effort high', 'gpt-4.1'),
        'asked again without include, because the service refused it otherwise',
      ],
    })
    expect(bodies(bench)).toHaveLength(3)
    expect(await ask(bench, { model: 'gpt-4.1', temperature: 0.2 })).toMatchObject({ text: REPLY, notes: [] })
    expect(bodies(bench)).toHaveLength(4)
    expect(Object.keys(bodies(bench)[3])).not.toEqual(expect.arrayContaining(['reasoning']))
    expect(bodies(bench)[3]).toMatchObject({ temperature: 0.2 })
  })

  test.each<[string, Answer]>([
    ['in the words of the ChatGPT backend', { status: 400, json: { detail: 'Unsupported parameter: temperature' } }],
    ['by its name alone', refusing('temperature', { message: 'No.' })],
    ['by its value', refusing('temperature', { message: 'Unsupported value: …', code: 'unsupported_value' })],
  ])('is understood %s', async (_name, step) => {
    const bench = await startClientBench(withKey)
    bench.fake.script.responses.push(step)
    expect((await ask(bench, { temperature: 0.2 })).notes).toEqual([leftOut('temperature', 'gpt-6.1-sol')])
  })

  test.each<[string, Answer]>([
    ['something else', refusing('input')],
    ['a value of the effort', refusing('reasoning.effort', { message: "Unsupported value: 'max' is not supported." })],
    ['a temperature that was not sent', refusing('temperature')],
    ['a temperature with another status', { ...refusing('temperature'), status: 422 }],
  ])('when it is %s, the refusal is the answer', async (_name, step) => {
    const bench = await startClientBench(withKey)
    bench.fake.script.responses.always(step)
    const changes = _name.includes('not sent') ? {} : { temperature: 0.2 }
    expect((await errorOf(ask(bench, changes))).code).toBe('CODEX_FAILED')
    expect(bodies(bench)).toHaveLength(1)
  })

  test('is asked without one thing after the other, and then no more', async () => {
    const bench = await startClientBench(withKey)
    bench.fake.script.responses.always((_usual, { body }) => {
      const field = ['temperature', 'reasoning', 'include', 'text'].find((name) => Object(body)[name] !== undefined)
      return refusing(field ?? 'stream')
    })
    expect((await errorOf(ask(bench, { model: 'gpt-5.5', temperature: 1 }))).code).toBe('CODEX_FAILED')
    expect(bodies(bench)).toHaveLength(5)
  })
})

describe('with an access token from outside', () => {
  test('the question goes where one with a login goes', async () => {
    const bench = await startClientBench({ signedIn: false, accessToken: true })
    expect(await ask(bench, { temperature: 0.2 })).toMatchObject({
      text: REPLY,
      account: 'access token from CODEX_ACCESS_TOKEN, ChatGPT pro plan',
      notes: ['temperature was ignored: Codex models with a ChatGPT login do not take one'],
    })
    expect(bench.fake.seen.refusals).toEqual([])
    expect(posted(bench, '/v1/responses')).toEqual([])
  })

  test('that is refused nothing is renewed: the error says where to replace it', async () => {
    const bench = await startClientBench({ signedIn: false, accessToken: true })
    bench.fake.expireAccessTokens()
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'NOT_AUTHENTICATED',
      message: 'The service does not accept this access token from CODEX_ACCESS_TOKEN.',
      hint: expect.stringContaining('Replace it in the environment of the server'),
    })
    expect([bench.posts(), bench.refreshes()]).toEqual([1, 0])
  })
})

describe('notes tell', () => {
  test('that a temperature was left out', async () => {
    const bench = await startClientBench()
    expect((await ask(bench, { temperature: 0.7 })).notes).toEqual([
      'temperature was ignored: Codex models with a ChatGPT login do not take one',
    ])
    expect(bench.fake.seen.refusals).toEqual([])
  })

  test('that the model is not on the list', async () => {
    const bench = await startClientBench({
      prepare: ({ fake }) => fake.script.models.push({ json: { models: wireCatalogue().slice(0, 2) } }),
    })
    expect(await ask(bench, { model: 'gpt-5.5' })).toMatchObject({
      text: REPLY,
      notes: ['gpt-5.5 is not in the model list of this account; it was asked all the same'],
    })
  })

  const answeredBy = (header: string | undefined, model = 'gpt-6.1-sol'): Answer => ({
    ...(header !== undefined && { headers: { 'openai-model': header } }),
    sse: answer('Hi.', { model }),
  })
  const rerouted = (model: string) => [`the service answered with ${model} instead of gpt-6.1-sol`]

  test.each<[string, Answer, string[]]>([
    ['that another model answered', answeredBy('gpt-6-luna'), rerouted('gpt-6-luna')],
    ['that, when only the stream says so', answeredBy(undefined, 'gpt-6-luna'), rerouted('gpt-6-luna')],
    ['that, when a smaller one of its family did', answeredBy('gpt-6.1-sol-mini'), rerouted('gpt-6.1-sol-mini')],
    ['nothing of a dated form of the same model', answeredBy('gpt-6.1-sol-2026-10-01'), []],
    ['nothing when nobody says who answered', { sse: answer('Hi.', { model: '' }) }, []],
    ['nothing of a name that is none', answeredBy('<b>evil</b> model'), []],
  ])('%s', async (_name, step, notes) => {
    const bench = await startClientBench()
    bench.fake.script.responses.push(step)
    expect((await ask(bench)).notes).toEqual(notes)
  })

  test('of the request before those of the answer', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({
      headers: { 'openai-model': 'gpt-6-luna' },
      sse: answer('The rest.', { refusal: 'Not this.' }),
    })
    expect((await ask(bench, { temperature: 0, effort: 'ultra' })).notes).toEqual([
      'temperature was ignored: Codex models with a ChatGPT login do not take one',
      'effort ultra was sent as xhigh',
      'the service answered with gpt-6-luna instead of gpt-6.1-sol',
      'the model declined a part: “Not this.”',
    ])
  })
})

describe('what is sent again, and how long that takes', () => {
  const retryAfter = (status: number, seconds: string, json: unknown = {}): Answer => ({
    status,
    headers: { 'retry-after': seconds },
    json,
  })

  test.each<[string, Answer, code: string, posts: number, sleptMs: number]>([
    ['500', { status: 500 }, 'CODEX_FAILED', 4, 2800],
    ['502 with a page', { status: 502, html: '<h1>Bad gateway</h1>' }, 'CODEX_FAILED', 4, 2800],
    ['503', { status: 503, json: { error: { code: 'server_is_overloaded' } } }, 'OVERLOADED', 4, 2800],
    ['504', { status: 504 }, 'CODEX_FAILED', 4, 2800],
    ['a reset connection', { reset: true }, 'NETWORK', 4, 2800],
    ['503 that says when', retryAfter(503, '2'), 'OVERLOADED', 4, 6000],
    ['503 that says now', retryAfter(503, '0'), 'OVERLOADED', 4, 0],
    ['503 that says nonsense', retryAfter(503, 'soon 5'), 'OVERLOADED', 4, 2800],
    ['503 that says too late', retryAfter(503, '31'), 'OVERLOADED', 1, 0],
    ['429 that says when', retryAfter(429, '3'), 'RATE_LIMITED', 4, 9000],
    ['429 that says just in time', retryAfter(429, '30'), 'RATE_LIMITED', 4, 90_000],
    ['429 that says too late', retryAfter(429, '31'), 'RATE_LIMITED', 1, 0],
    ['429 that says nothing', { status: 429, json: {} }, 'RATE_LIMITED', 1, 0],
    ['a used-up plan', usageLimitReached(), 'USAGE_LIMIT', 1, 0],
    ['a used-up plan that says when', { ...usageLimitReached(), headers: { 'retry-after': '3' } }, 'USAGE_LIMIT', 1, 0],
    [
      'a plan without Codex that says when',
      retryAfter(429, '3', { error: { type: 'usage_not_included' } }),
      'PLAN_REQUIRED',
      1,
      0,
    ],
    [
      'a quota that says when',
      retryAfter(429, '3', { error: { type: 'insufficient_quota', code: 'insufficient_quota' } }),
      'USAGE_LIMIT',
      1,
      0,
    ],
    ['400', { status: 400, json: { detail: 'No.' } }, 'CODEX_FAILED', 1, 0],
    ['400 that says when', retryAfter(400, '1', { detail: 'No.' }), 'CODEX_FAILED', 1, 0],
    ['402', { status: 402 }, 'PLAN_REQUIRED', 1, 0],
    ['403', { status: 403, json: { detail: 'No.' } }, 'CODEX_FAILED', 1, 0],
    ['403 with a page', { status: 403, html: '<h1>No</h1>' }, 'RESPONSE_INVALID', 1, 0],
    ['403 by Cloudflare', { status: 403, html: '<h1>No</h1>', headers: { 'cf-ray': '1' } }, 'RESPONSE_INVALID', 1, 0],
    ['401 with a page', { status: 401, html: '<h1>No</h1>' }, 'RESPONSE_INVALID', 1, 0],
    ['a network that wants a sign-in', { status: 511, html: '<h1>No</h1>' }, 'RESPONSE_INVALID', 1, 0],
    // For the list of models, which in this clock does not come in time.
    ['404', { status: 404 }, 'MODEL_UNAVAILABLE', 1, 3000],
    ['413', { status: 413 }, 'CONTEXT_TOO_LONG', 1, 0],
    ['422', { status: 422, json: { detail: [] } }, 'CODEX_FAILED', 1, 0],
    ['204', { status: 204 }, 'CODEX_FAILED', 1, 0],
    ['a redirect', { status: 302, headers: { location: '/' } }, 'RESPONSE_INVALID', 1, 0],
    ['a page with 200', { html: '<!doctype html><p>Sign in</p>' }, 'RESPONSE_INVALID', 1, 0],
    ['JSON with 200', { json: { detail: 'x' } }, 'RESPONSE_INVALID', 1, 0],
    ['an empty 200', {}, 'RESPONSE_INVALID', 1, 0],
    ['a refusal', { sse: answer('', { refusal: 'No.', deltas: 0 }) }, 'REFUSED', 1, 0],
    [
      'a response that fails before any text',
      { sse: answer('', { end: { failed: { code: 'server_error', message: 'x' } } }) },
      'CODEX_FAILED',
      1,
      0,
    ],
    ['an answer that ends before any text', { sse: answer('', { end: 'cut' }) }, 'INCOMPLETE', 1, 0],
  ])('%s', async (_name, step, code, posts, sleptMs) => {
    const bench = await startClientBench()
    bench.fake.script.responses.always(step)
    const error = await errorOf(ask(bench))
    expect([error.code, bench.posts(), bench.clock.sleptMs]).toEqual([code, posts, sleptMs])
  })

  test('the answer that comes in the end is the answer', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ status: 500 }, { reset: true }, { status: 503, headers: { 'retry-after': '1' } })
    expect((await ask(bench)).text).toBe(REPLY)
    expect([bench.posts(), bench.clock.sleptMs]).toEqual([4, 400 + 800 + 1000])
    expect(new Set(posted(bench).map(({ text, headers }) => `${headers['thread-id']} ${text}`)).size).toBe(1)
  })

  test('a connection that can never be had is tried once', async () => {
    const plain = await startServer()
    const bench = await startClientBench({
      env: { CODEX_OAUTH_BASE_URL: plain.origin.replace('http', 'https') },
    })
    expect(await errorOf(ask(bench))).toMatchObject({ code: 'NETWORK', retryable: false })
    expect(bench.logged.join()).not.toContain('query_retry')
  })
})

describe('an answer that ends too early keeps its text, says why, and is not asked for again:', () => {
  test.each<[string, Answer, code: string]>([
    [
      'its response fails',
      { sse: answer('Half', { end: { failed: { code: 'server_error', message: 'x' } } }) },
      'CODEX_FAILED',
    ],
    ['it is as long as it may be', { sse: answer('Half', { end: { incomplete: 'max_output_tokens' } }) }, 'INCOMPLETE'],
    ['the filter stops it', { sse: answer('Half', { end: { incomplete: 'content_filter' } }) }, 'REFUSED'],
    ['it has no end', { sse: answer('Half', { end: 'cut' }) }, 'INCOMPLETE'],
    ['the connection breaks', { sse: answer('Half', { deltas: 1 }), cutAfter: 1800 }, 'NETWORK'],
    ['it falls silent', { sse: answer('Half', { end: 'cut' }), silent: true }, 'TIMEOUT'],
    [
      'the limit is reached',
      { sse: answer('Half', { end: { failed: { code: 'usage_limit_reached', message: 'x' } } }) },
      'USAGE_LIMIT',
    ],
  ])('%s', async (_name, step, code) => {
    const bench = await startClientBench({ env: { CODEX_OAUTH_IDLE_TIMEOUT_MS: '80' } })
    bench.fake.script.responses.always(step)
    const { text, incomplete, output } = await ask(bench)
    expect([text, incomplete?.code, bench.posts()]).toEqual(['Half', code, 1])
    // A conversation goes on with what was said, and with nothing that was thought for the rest.
    expect(output).toEqual([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Half' }] }])
  })
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) leads the question and the token nowhere', async (status) => {
  const bench = await startClientBench()
  const stranger = await startServer()
  bench.fake.script.responses.always({ status, headers: { location: `${stranger.origin}/responses` } })
  expect((await errorOf(ask(bench))).code).toBe('RESPONSE_INVALID')
  expect([bench.posts(), stranger.hits]).toEqual([1, 0])
})

describe('a token that is refused', () => {
  test('is renewed once, and the question asked once more', async () => {
    const bench = await startClientBench()
    bench.fake.expireAccessTokens()
    expect((await ask(bench)).text).toBe(REPLY)
    expect([bench.posts(), bench.refreshes()]).toEqual([2, 1])
    expect(bench.fake.seen.refreshReasons).toEqual(['unauthorized_recovery'])
    expect(posted(bench)[1]?.headers.authorization).toBe(`Bearer ${bench.stored()?.access_token}`)
  })

  test('again after that is refused: no third post, no second refresh', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.always(unauthorized)
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'NOT_AUTHENTICATED',
      message: 'The service does not accept this sign-in.',
    })
    expect([bench.posts(), bench.refreshes()]).toEqual([2, 1])
  })

  test('and that a sibling has already renewed costs no refresh', async () => {
    const bench = await startClientBench()
    let renewed = ''
    bench.fake.script.responses.push(() => {
      renewed = bench.signIn({ leftSeconds: 3600 }).access_token
      return unauthorized
    })
    expect((await ask(bench)).text).toBe(REPLY)
    expect([bench.posts(), bench.refreshes()]).toEqual([2, 0])
    expect(posted(bench)[1]?.headers.authorization).toBe(`Bearer ${renewed}`)
  })

  test('of an account that is no longer the one signed in is not replaced by another', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push(() => {
      bench.signIn({ leftSeconds: 3600, accountId: 'acct-fake-0002' })
      return unauthorized
    })
    expect(await errorOf(ask(bench))).toMatchObject({ code: 'ACCOUNT_CHANGED', retryable: true })
    expect([bench.posts(), bench.refreshes()]).toEqual([1, 0])
  })

  test('of somebody who has signed out is not renewed', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push(() => {
      rmSync(bench.file)
      return unauthorized
    })
    expect((await errorOf(ask(bench))).code).toBe('NOT_AUTHENTICATED')
    expect([bench.posts(), bench.refreshes()]).toEqual([1, 0])
  })

  test('and cannot be renewed any more ends it', async () => {
    const bench = await startClientBench()
    bench.fake.expireAccessTokens()
    bench.fake.expireRefreshTokens()
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'NOT_AUTHENTICATED',
      message: 'Your sign-in is no longer valid.',
    })
    expect([bench.posts(), bench.refreshes()]).toEqual([1, 1])
  })

  test('and cannot be renewed just now ends it too, but nobody is signed out', async () => {
    const bench = await startClientBench()
    bench.fake.expireAccessTokens()
    bench.fake.script.token.push({ status: 503 })
    expect(await errorOf(ask(bench))).toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
    expect(bench.stored()?.refresh_failed).toBeUndefined()
  })
})

describe('a cancel', () => {
  async function cancelled(step: Step, moment: (bench: ClientBench) => Promise<unknown>) {
    const bench = await startClientBench()
    bench.fake.script.responses.push(step)
    const controller = new AbortController()
    const outcome = errorOf(ask(bench, {}, { signal: controller.signal }))
    await moment(bench)
    controller.abort()
    return { bench, error: await outcome }
  }

  test('before the question is sent sends none', async () => {
    const bench = await startClientBench()
    expect((await errorOf(ask(bench, {}, { signal: AbortSignal.abort() }))).code).toBe('CANCELLED')
    expect(bench.posts()).toBe(0)
  })

  test('while the service thinks ends the request at once', async () => {
    const { bench, error } = await cancelled(late(new Promise(() => {})), ({ fake }) => fake.arrival(RESPONSES))
    expect(error).toMatchObject({ code: 'CANCELLED', message: 'The call was cancelled.' })
    await bench.fake.clientGone()
    expect(bench.posts()).toBe(1)
  })

  test('while the answer comes ends the stream at once', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ sse: endlessDeltas() })
    const controller = new AbortController()
    const onProgress = ({ characters }: AnswerProgress) => characters > 100 && controller.abort()
    expect((await errorOf(ask(bench, {}, { signal: controller.signal, onProgress }))).code).toBe('CANCELLED')
    await bench.fake.clientGone()
    expect(bench.posts()).toBe(1)
  })

  test('while the answer is silent ends the stream at once', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ sse: answer('Half', { end: 'cut' }), silent: true })
    const controller = new AbortController()
    const onProgress = ({ characters }: AnswerProgress) => characters === 4 && controller.abort()
    expect((await errorOf(ask(bench, {}, { signal: controller.signal, onProgress }))).code).toBe('CANCELLED')
    await bench.fake.clientGone()
  })

  test('between two tries ends it without the second', async () => {
    const { bench, error } = await cancelled({ status: 500 }, ({ clock }) => clock.naps(1))
    expect([error.code, bench.posts()]).toEqual(['CANCELLED', 1])
  })

  test('while a refusal comes spends no refresh token', async () => {
    const { bench, error } = await cancelled(
      { status: 401, headers: { 'content-type': 'application/json' }, bytes: '{"detail', silent: true },
      ({ logged }) => vi.waitFor(() => expect(logged.join()).toContain('status=401')),
    )
    expect(error.code).toBe('CANCELLED')
    await bench.fake.clientGone()
    await bench.instance.refresher.settled()
    expect([bench.posts(), bench.refreshes()]).toEqual([1, 0])
  })

  test('while the token is renewed lets the refresh end, and its answer is stored', async () => {
    const bench = await startClientBench()
    const { refresh_token: old } = bench.stored() ?? {}
    const answered = gate()
    bench.fake.expireAccessTokens()
    bench.fake.script.token.push(late(answered.promise))
    const controller = new AbortController()
    const outcome = errorOf(ask(bench, {}, { signal: controller.signal }))
    await bench.fake.arrival(TOKEN)
    controller.abort()
    expect((await outcome).code).toBe('CANCELLED')
    answered.open()
    await bench.instance.refresher.settled()
    expect(bench.stored()?.refresh_token).not.toBe(old)
    expect(bench.posts()).toBe(1)
  })
})

describe('a limit', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('of a minute holds for the wait for headers, and the question is not asked again', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push(late(new Promise(() => {})))
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const outcome = errorOf(ask(bench))
    await bench.fake.arrival(RESPONSES)
    vi.advanceTimersByTime(60_000)
    const error = await outcome
    expect(error).toMatchObject({ code: 'TIMEOUT', message: expect.stringMatching(/did not answer within 60 s\.$/) })
    await bench.fake.clientGone()
    expect(bench.posts()).toBe(1)
  })

  test('holds for the wait for the first event, and comments are none', async () => {
    const bench = await startClientBench({
      env: { CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS: '80', CODEX_OAUTH_IDLE_TIMEOUT_MS: '60000' },
    })
    bench.fake.script.responses.push({ sse: ': still here\n\n', silent: true })
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'TIMEOUT',
      message: 'The service accepted the question and then sent nothing for 80 ms.',
      hint: expect.stringContaining('CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS'),
      retryable: true,
    })
    await bench.fake.clientGone()
    expect(bench.posts()).toBe(1)
  })

  test('holds for the silence in an answer, from its first event on', async () => {
    const bench = await startClientBench({
      env: { CODEX_OAUTH_IDLE_TIMEOUT_MS: '80', CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS: '60000' },
    })
    bench.fake.script.responses.push({ sse: answer('', { end: 'cut', deltas: 0, items: false }), silent: true })
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer stopped arriving: nothing came for 80 ms.',
      hint: expect.stringContaining('CODEX_OAUTH_IDLE_TIMEOUT_MS'),
    })
    await bench.fake.clientGone()
    expect(bench.posts()).toBe(1)
  })

  test('holds for all that comes after an error that says nothing, comments too', async () => {
    const bench = await startClientBench()
    const said: number[] = []
    bench.fake.script.responses.push({
      sse: {
        async *[Symbol.asyncIterator]() {
          yield 'data: {"type":"error","code":null,"message":"Not today."}\n\n'
          while (said.length < 40) {
            await sleep(25)
            bench.clock.advance(500)
            said.push(bench.clock.now())
            yield ': still here\n\n'
          }
        },
      },
      silent: true,
    })
    const error = await errorOf(ask(bench))
    expect(error).toMatchObject({ code: 'CODEX_FAILED', message: expect.stringContaining('Not today.') })
    await bench.fake.clientGone()
    // Two seconds are four of them, and one more may be on its way.
    expect(said.length).toBeLessThan(8)
  })

  test('holds for one event', async () => {
    const bench = await startClientBench()
    const piece = 'x'.repeat(MEBIBYTE)
    bench.fake.script.responses.push({ sse: parts('data: ', ...Array<string>(20).fill(piece)), silent: true })
    expect(await errorOf(ask(bench))).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'One event of the answer is larger than this server accepts.',
    })
    await bench.fake.clientGone()
  })

  test('holds for all of an answer', async () => {
    const bench = await startClientBench()
    bench.fake.script.responses.push({ sse: endlessDeltas('x'.repeat(MEBIBYTE)) })
    const { text, incomplete } = await ask(bench)
    expect(incomplete).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'The answer is longer than this server accepts.',
    })
    expect(text.length).toBe(7 * MEBIBYTE)
    await bench.fake.clientGone()
  })

  test('holds for a refusal: of a page without an end nothing is waited for', async () => {
    const bench = await startClientBench()
    const page = parts(...Array<string>(40).fill('<p>'.repeat(20_000)))
    bench.fake.script.responses.push({ status: 403, headers: { 'cf-ray': '1' }, bytes: page, silent: true })
    expect((await errorOf(ask(bench))).message).toMatch(/^A page of Cloudflare came back/)
    await bench.fake.clientGone()
  })
})

test('of the log, nothing is the question, the answer or a secret', async () => {
  const bench = await startClientBench()
  bench.fake.expireAccessTokens()
  await ask(bench, { prompt: 'A private question', systemPrompt: 'A private instruction' })
  const lines = [...bench.logged, ...bench.instance.logged].join('\n')
  expect(lines).toContain('path="/backend-api/codex/responses" status=200')
  for (const secret of [...bench.fake.secrets(), 'private', REPLY, 'acct-fake']) expect(lines).not.toContain(secret)
})

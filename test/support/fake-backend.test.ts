import { afterEach, beforeEach, expect, test } from 'vitest'
import { plainCatalogue } from './fake-catalogue.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import type { TokenSet } from './fake-tokens.ts'

const NOT_SUPPORTED = (model: string) =>
  `The '${model}' model is not supported when using Codex with a ChatGPT account.`

let fake: FakeOpenAI
let tokens: TokenSet

beforeEach(async () => {
  fake = await startFakeOpenAI({ withoutTemperature: ['gpt-5.5'] })
  tokens = fake.issueTokens()
})
afterEach(() => fake.close())

type Changes = Record<string, unknown>

function headersFor(changes: Record<string, string | undefined> = {}): Headers {
  const headers: Record<string, string | undefined> = {
    authorization: `Bearer ${tokens.access_token}`,
    'chatgpt-account-id': 'acct-fake-0001',
    'content-type': 'application/json',
    version: '0.169.0',
    ...changes,
  }
  return new Headers(Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

function ask(changes: Changes = {}, headers: Record<string, string | undefined> = {}): Promise<Response> {
  const body = {
    model: 'gpt-5.5',
    instructions: 'Answer briefly.',
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    reasoning: { effort: 'low' },
    ...changes,
  }
  return fetch(`${fake.baseUrl}/responses`, {
    method: 'POST',
    headers: headersFor(headers),
    body: JSON.stringify(body),
  })
}

const LITE = {
  model: 'gpt-6.1-sol',
  parallel_tool_calls: false,
  reasoning: { effort: 'low', context: 'all_turns' },
}
const LITE_HEADER = { 'x-openai-internal-codex-responses-lite': 'true' }

function listModels(query = '?client_version=0.169.0', headers = {}): Promise<Response> {
  return fetch(`${fake.baseUrl}/models${query}`, { headers: headersFor(headers) })
}

async function slugs(response: Response): Promise<string[]> {
  return ((await response.json()) as { models: { slug: string }[] }).models.map(({ slug }) => slug)
}

test('a right question is answered as a stream', async () => {
  const response = await ask()
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  expect(response.headers.get('openai-model')).toBe('gpt-5.5')
  const text = await response.text()
  expect(text).toContain('Hello from the fake Codex.')
  expect(text).toContain('event: response.completed')
})

test.each<[string, Changes, string]>([
  ['store true', { store: true }, 'Store must be set to false'],
  ['no store', { store: undefined }, 'Store must be set to false'],
  ['stream false', { stream: false }, 'Stream must be set to true'],
  ['no stream', { stream: undefined }, 'Stream must be set to true'],
  ['temperature', { temperature: 0.7 }, 'Unsupported parameter: temperature'],
  ['top_p', { top_p: 1 }, 'Unsupported parameter: top_p'],
  ['max_output_tokens', { max_output_tokens: 9 }, 'Unsupported parameter: max_output_tokens'],
  ['metadata', { metadata: {} }, 'Unsupported parameter: metadata'],
  ['user', { user: 'me' }, 'Unsupported parameter: user'],
  ['truncation', { truncation: 'auto' }, 'Unsupported parameter: truncation'],
  ['previous_response_id', { previous_response_id: 'r' }, 'Unsupported parameter: previous_response_id'],
  ['messages', { messages: [] }, 'Unsupported parameter: messages'],
  ['a system message', { input: [{ role: 'system', content: 'x' }] }, 'System messages are not allowed'],
  ['no instructions', { instructions: undefined }, 'Instructions are required'],
  ['empty instructions', { instructions: '' }, 'Instructions are required'],
  ['a text as input', { input: 'hello' }, 'Input must be a list'],
  ['a retired model', { model: 'gpt-5.2-codex' }, NOT_SUPPORTED('gpt-5.2-codex')],
  ['an unknown model', { model: 'nonesuch' }, NOT_SUPPORTED('nonesuch')],
])('the backend refuses %s', async (_, changes, detail) => {
  const response = await ask(changes)
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({ detail })
  expect(fake.seen.refusals).toHaveLength(1)
})

test.each([
  ['an old', '0.159.9'],
  ['no', undefined],
])('the backend refuses a new model from a client of %s version', async (_, version) => {
  const response = await ask(LITE, { ...LITE_HEADER, version })
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({ detail: NOT_SUPPORTED('gpt-6.1-sol') })
})

test('a lite model takes the lite profile, its instructions beside the input or in it', async () => {
  const developer = { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] }
  expect((await ask(LITE, LITE_HEADER)).status).toBe(200)
  expect((await ask({ ...LITE, instructions: undefined, input: [developer] }, LITE_HEADER)).status).toBe(200)
})

test.each<[string, Changes, Record<string, string>, number, string]>([
  ['a lite model without the header', LITE, {}, 404, 'model'],
  ['a classic model with the header', {}, LITE_HEADER, 400, 'model'],
  ['lite without all turns', { ...LITE, reasoning: { effort: 'low' } }, LITE_HEADER, 400, 'reasoning.context'],
  ['lite with parallel calls', { ...LITE, parallel_tool_calls: true }, LITE_HEADER, 400, 'parallel_tool_calls'],
  ['lite with tools', { ...LITE, tools: [] }, LITE_HEADER, 400, 'tools'],
])('the backend refuses %s', async (_, changes, headers, status, param) => {
  const response = await ask(changes, headers)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { param, type: 'invalid_request_error' } })
})

test('lite without any instructions is refused', async () => {
  const input = [{ type: 'additional_tools', role: 'developer', tools: [] }]
  expect(await (await ask({ ...LITE, instructions: '', input }, LITE_HEADER)).json()).toEqual({
    detail: 'Instructions are required',
  })
})

test('metadata of the client holds strings only', async () => {
  expect((await ask({ client_metadata: { turn: '1' } })).status).toBe(200)
  expect((await ask({ client_metadata: { turn: 1 } })).status).toBe(400)
})

test('a body that is not JSON, or not said to be, or packed, is refused', async () => {
  const send = (body: string, headers: Record<string, string>) =>
    fetch(`${fake.baseUrl}/responses`, { method: 'POST', headers: headersFor(headers), body })
  expect(await (await send('{', {})).json()).toEqual({ detail: 'Invalid JSON' })
  expect(await (await ask({}, { 'content-type': 'text/plain' })).json()).toEqual({ detail: 'Unsupported content type' })
  expect((await ask({}, { 'content-encoding': 'zstd' })).status).toBe(415)
})

test('a missing, unknown, expired and revoked token each get their own 401', async () => {
  const statusAndBody = async (response: Response) => [response.status, await response.json()]
  expect(await statusAndBody(await ask({}, { authorization: undefined }))).toEqual([401, { detail: 'Unauthorized' }])
  expect(await statusAndBody(await ask({}, { authorization: 'Bearer x.y.z' }))).toEqual([
    401,
    { detail: 'Could not parse your authentication token. Please try signing in again.' },
  ])
  fake.expireAccessTokens()
  expect(await statusAndBody(await ask())).toEqual([
    401,
    {
      error: {
        message: 'Provided authentication token is expired. Please try signing in again.',
        type: 'invalid_request_error',
        code: 'token_expired',
        param: null,
      },
      status: 401,
    },
  ])
  fake.revokeFamily(tokens.refresh_token)
  expect(await (await ask()).json()).toMatchObject({ error: { code: 'token_invalidated' } })
})

test('the account named must be the one of the token', async () => {
  expect((await ask({}, { 'chatgpt-account-id': 'acct-fake-0002' })).status).toBe(403)
  expect((await ask({}, { 'chatgpt-account-id': undefined })).status).toBe(403)
})

test('a token without an account goes with no account header', async () => {
  tokens = fake.issueTokens({ accountId: null })
  expect((await ask({}, { 'chatgpt-account-id': undefined })).status).toBe(200)
  expect((await ask()).status).toBe(403)
})

test('the model list has effort levels as objects and an etag that spares the second answer', async () => {
  const response = await listModels()
  const etag = response.headers.get('etag') ?? ''
  const { models } = (await response.json()) as { models: Record<string, unknown>[] }
  expect(models).toHaveLength(12)
  expect(models[0]).toMatchObject({ supported_reasoning_levels: [{ effort: 'low' }, {}, {}, {}, {}, {}] })
  const second = await listModels(undefined, { 'if-none-match': etag })
  expect(second.status).toBe(304)
  expect(await second.text()).toBe('')
  expect((await listModels(undefined, { 'if-none-match': '"other"' })).status).toBe(200)
})

test('the model list can have effort levels as plain strings', async () => {
  const plain = await startFakeOpenAI({ models: plainCatalogue() })
  tokens = plain.issueTokens()
  const response = await fetch(`${plain.baseUrl}/models?client_version=0.169.0`, { headers: headersFor() })
  const { models } = (await response.json()) as { models: { supported_reasoning_levels: unknown }[] }
  await plain.close()
  expect(models[0]?.supported_reasoning_levels).toEqual(['low', 'medium', 'high', 'xhigh', 'max', 'ultra'])
})

test('an old client is shown fewer models, and 0.0.0 all of them', async () => {
  expect(await slugs(await listModels('?client_version=0.144.0'))).toEqual(
    expect.arrayContaining(['gpt-5.5', 'gpt-5.6-sol']),
  )
  expect(await slugs(await listModels('?client_version=0.144.0'))).not.toContain('gpt-6-sol')
  expect(await slugs(await listModels('?client_version=0.143.9'))).not.toContain('gpt-5.6-sol')
  expect(await slugs(await listModels('?client_version=0.0.0'))).toHaveLength(12)
  expect((await listModels('')).status).toBe(400)
})

test('usage tells the plan and the windows of the account', async () => {
  const response = await fetch(`${fake.issuer}/backend-api/wham/usage`, { headers: headersFor() })
  expect(await response.json()).toMatchObject({
    plan_type: 'pro',
    account_id: 'acct-fake-0001',
    rate_limit: { primary_window: { used_percent: 12, limit_window_seconds: 18_000 } },
  })
})

test('other paths are not found, and chat completions are forbidden', async () => {
  const response = await fetch(`${fake.baseUrl}/nothing`, { headers: headersFor() })
  expect([response.status, await response.json()]).toEqual([404, { detail: 'Not Found' }])
  expect((await fetch(`${fake.baseUrl}/chat/completions`, { method: 'POST' })).status).toBe(403)
})

function askApi(changes: Changes = {}, key = fake.apiKey): Promise<Response> {
  const body = JSON.stringify({ model: 'gpt-6-sol', input: 'hello', stream: true, ...changes })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${fake.apiBaseUrl}/responses`, { method: 'POST', headers, body })
}

test('an API key lists models and asks by the rules of the public API', async () => {
  const list = await fetch(`${fake.apiBaseUrl}/models`, { headers: { authorization: `Bearer ${fake.apiKey}` } })
  const { object, data } = (await list.json()) as { object: string; data: { id: string }[] }
  expect(object).toBe('list')
  expect(data.map(({ id }) => id)).toContain('gpt-5.5')
  expect(await (await askApi({ temperature: 0.2 })).text()).toContain('response.completed')
})

test.each<[string, Changes, string, number, string | null]>([
  ['a wrong key', {}, 'sk-FAKE-wrong', 401, 'invalid_api_key'],
  ['a token of the other service', {}, 'x.y.z', 401, null],
  ['an unknown model', { model: 'nonesuch' }, '', 400, 'model_not_found'],
  ['an answer in one piece', { stream: false }, '', 400, null],
  ['no input', { input: undefined }, '', 400, 'missing_required_parameter'],
  ['temperature where it is not taken', { model: 'gpt-5.5', temperature: 0.2 }, '', 400, 'unsupported_parameter'],
])('the API refuses %s', async (_, changes, key, status, code) => {
  const response = await askApi(changes, key || fake.apiKey)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { code, type: 'invalid_request_error' } })
})

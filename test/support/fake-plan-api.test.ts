import { describe, expect, test } from 'vitest'
import { FORBIDDEN_FIELDS } from './fake-plan-body.ts'
import type { PlanModel } from './fake-plan-models.ts'
import { startPlan } from './plan-client.ts'

async function startWithToken() {
  const started = await startPlan()
  const { tokens } = started.plan.issueTokens()
  return { ...started, token: tokens.access_token, refreshToken: tokens.refresh_token }
}

async function refusalOf(
  answer: Response,
): Promise<{ status: number; code?: string; param?: string; detail?: string }> {
  const { error, detail } = (await answer.json()) as { error?: { code: string; param: string }; detail?: string }
  return { status: answer.status, ...(error && { code: error.code, param: error.param }), ...(detail && { detail }) }
}

async function listed(answer: Response): Promise<PlanModel[]> {
  return ((await answer.json()) as { models: PlanModel[] }).models
}

describe('who may ask', () => {
  test('not an expired token: a 401 without a code', async () => {
    let now = Date.now()
    const { plan, client } = await startPlan({ now: () => now })
    const { tokens } = plan.issueTokens()
    now += 3_599_000
    expect((await client.ask(tokens.access_token)).status).toBe(200)
    now += 2_000
    expect(await refusalOf(await client.ask(tokens.access_token))).toEqual({ status: 401, code: null, param: null })
    expect((await client.models(tokens.access_token)).status).toBe(401)
  })

  test('not one ended by command, and not one of a revoked login', async () => {
    const { plan, client, token, refreshToken } = await startWithToken()
    plan.expireAccessTokens()
    expect((await client.ask(token)).status).toBe(401)
    plan.revokeFamily(refreshToken)
    expect(await refusalOf(await client.ask(token))).toMatchObject({ code: 'subscription_sharing_invalid_user' })
  })

  test('not one without the plan scope', async () => {
    const { plan, client } = await startPlan()
    const { tokens } = plan.issueTokens({ scope: 'openid email profile offline_access resource.invoke' })
    const expected = { status: 403, code: 'chatpass_v2_scope_not_authorized' }
    expect(await refusalOf(await client.models(tokens.access_token))).toMatchObject(expected)
    expect(await refusalOf(await client.ask(tokens.access_token))).toMatchObject(expected)
  })

  test.each(['chatgpt-account-id', 'originator', 'version', 'session_id', 'x-codex-turn-state', 'openai-beta'])(
    'not with the header %s, which belongs to another route',
    async (name) => {
      const { client, token } = await startWithToken()
      expect((await client.ask(token, {}, { [name]: 'x' })).status).toBe(400)
    },
  )
})

describe('the list of models', () => {
  test('holds listed and hidden entries, and never data', async () => {
    const { client, token } = await startWithToken()
    const answer = await client.models(token)
    const body = (await answer.json()) as { models: PlanModel[] }
    expect(Object.keys(body)).toEqual(['models'])
    const slugs = (visibility: string) =>
      body.models.filter((model) => model.visibility === visibility).map(({ slug }) => slug)
    expect(slugs('list')).toEqual(['gpt-6-astra', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna'])
    expect(slugs('hide')).toHaveLength(3)
    expect(body.models[0]).toMatchObject({
      display_name: 'GPT-6-astra',
      supported_in_api: true,
      context_window: expect.any(Number),
      input_modalities: ['text', 'image'],
      supported_reasoning_levels: expect.arrayContaining([{ effort: 'medium', description: expect.any(String) }]),
    })
  })

  test('is longer for a newer client, and for all without the gate', async () => {
    const { plan, client, token } = await startWithToken()
    expect(await listed(await client.models(token, '?client_version=0.99.0'))).toHaveLength(7)
    expect(await listed(await client.models(token, '?client_version=0.160.0'))).toHaveLength(10)
    plan.options.clientVersionGate = false
    expect(await listed(await client.models(token))).toHaveLength(10)
  })

  test('takes no other query', async () => {
    const { client, token } = await startWithToken()
    expect(await refusalOf(await client.models(token, '?limit=1'))).toMatchObject({ status: 400, param: 'limit' })
  })
})

describe('a question', () => {
  test('is streamed: commentary, then the answer; no content type, no limits, nothing in output', async () => {
    const { client, token } = await startWithToken()
    const answer = await client.ask(token)
    expect(answer.headers.has('content-type')).toBe(false)
    expect(answer.headers.get('x-request-id')).toBe('req_FAKE_plan')
    expect([...answer.headers.keys()].filter((name) => /ratelimit|codex|retry/.test(name))).toEqual([])
    const events = eventsOf(await answer.text())
    const message = [
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
    ]
    const types = ['response.created', 'response.in_progress', ...message, ...message, 'response.completed']
    expect(events.map(({ type }) => type)).toEqual(types)
    const items = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
    expect(items).toEqual([
      expect.objectContaining({ phase: 'commentary' }),
      expect.objectContaining({
        phase: 'final_answer',
        content: [expect.objectContaining({ text: expect.any(String) })],
      }),
    ])
    expect(events.at(-1)?.response).toMatchObject({
      output: [],
      model: 'gpt-6-astra',
      usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18, attribution: expect.any(Array) },
    })
  })

  test.each(FORBIDDEN_FIELDS)('is refused with %s, also when it is null', async (field) => {
    const { fake, client, token } = await startWithToken()
    expect(await refusalOf(await client.ask(token, { [field]: null }))).toEqual({
      status: 400,
      code: 'subscription_sharing_unsupported_capability',
      param: field,
    })
    expect(fake.seen.refusals).toHaveLength(1)
  })

  test('has sixteen fields that are forbidden', () => {
    expect(new Set(FORBIDDEN_FIELDS).size).toBe(16)
  })

  test.each([
    ['a service tier', { service_tier: 'flex' }, { detail: 'Unsupported service_tier: flex' }],
    ['a string for input', { input: 'Hello' }, { detail: 'Input must be a list' }],
    ['no input', { input: [] }, { detail: 'Input must not be empty' }],
    [
      'a system message',
      { input: [{ type: 'message', role: 'system', content: 'x' }] },
      { detail: 'System messages are not allowed' },
    ],
    ['instructions that are no string', { instructions: [] }, { detail: 'Instructions must be a string' }],
    ['storage', { store: true }, { param: 'store' }],
    ['nothing about storage', { store: undefined }, { param: 'store' }],
    ['no stream', { stream: false }, { param: 'stream' }],
    ['a field of the other route', { client_metadata: {} }, { code: 'unknown_parameter', param: 'client_metadata' }],
    ['no model', { model: undefined }, { code: 'missing_required_parameter', param: 'model' }],
    ['a model nobody knows', { model: 'gpt-none' }, { status: 404, code: 'model_not_found' }],
    [
      'an effort nobody knows',
      { reasoning: { effort: 'huge' } },
      { code: 'unsupported_value', param: 'reasoning.effort' },
    ],
    ['an effort the model lacks', { reasoning: { effort: 'none' } }, { code: 'unsupported_value' }],
    [
      'an image for a model that sees none',
      { model: 'gpt-5.6-luna', input: image({ image_url: 'data:' }) },
      { param: 'input' },
    ],
    ['an image uploaded before', { input: image({ file_id: 'file-FAKE' }) }, { param: 'input' }],
    ['a file uploaded before', { input: image({ type: 'input_file', file_id: 'file-FAKE' }) }, { param: 'input' }],
    ['sound', { input: image({ type: 'input_audio' }) }, { param: 'input' }],
    ['a tool of the service', { tools: [{ type: 'web_search' }, { type: 'image_generation' }] }, { param: 'tools[1]' }],
    ['a nested function', { tools: [{ type: 'function', function: { name: 'x' } }] }, { param: 'tools[0]' }],
    ['tools that are no list', { tools: {} }, { param: 'tools' }],
  ])('is refused with %s', async (_, changes, expected) => {
    const { fake, client, token } = await startWithToken()
    expect(await refusalOf(await client.ask(token, changes))).toMatchObject({ status: 400, ...expected })
    expect(fake.seen.refusals).toHaveLength(1)
  })

  test.each([
    ['a model that is not listed', { model: 'gpt-6.1-sol' }],
    ['a hidden model', { model: 'gpt-5.5' }],
    ['an effort of the model', { model: 'gpt-5.6-sol', reasoning: { effort: 'none' } }],
    ['an inline image', { input: image({ image_url: 'data:image/png;base64,iVBORw0KGgo=' }) }],
    [
      'flat and grouped tools',
      {
        tools: [
          { type: 'function', name: 'x' },
          { type: 'namespace', name: 'y', tools: [] },
        ],
      },
    ],
    ['a schema and instructions', { text: { format: FORMAT }, instructions: 'Be short.' }],
  ])('may have %s', async (_, changes) => {
    const { client, token } = await startWithToken()
    expect((await client.ask(token, changes)).status).toBe(200)
  })

  test('is JSON', async () => {
    const { client, token } = await startWithToken()
    expect((await client.ask(token, {}, { 'content-type': 'text/plain' })).status).toBe(400)
  })
})

/** As the official client sends it (facts: wire-protocol 10.2). */
const FORMAT = { type: 'json_schema', name: 'codex_output_schema', strict: false, schema: { type: 'object' } }

function image(part: object): unknown[] {
  return [{ role: 'user', content: [{ type: 'input_image', ...part }] }]
}

function eventsOf(stream: string): { type: string; item?: unknown; response?: unknown }[] {
  const lines = stream.split('\n').filter((line) => line.startsWith('data: '))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)))
}

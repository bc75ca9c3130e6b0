import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wireCatalogue } from './fake-catalogue.ts'
import { crudeTokens } from './fake-input.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import { planAnswer } from './fake-plan-stream.ts'
import { type Body, parts } from './fake-script.ts'
import { answer } from './fake-sse.ts'

type Json = Record<string, unknown>

const MODELS = wireCatalogue().map((model) =>
  model.slug === 'codex-auto-review' ? { ...model, use_responses_lite: false, input_modalities: ['text'] } : model,
)
const LITE = { model: 'gpt-6.1-sol', parallel_tool_calls: false, reasoning: { effort: 'low', context: 'all_turns' } }
const LITE_HEADER = { 'x-openai-internal-codex-responses-lite': 'true' }
const PNG = 'data:image/png;base64,iVBORw0KGgo='
const WEB_SEARCH = { type: 'web_search', external_web_access: true }

let fake: FakeOpenAI

beforeEach(async () => {
  fake = await startFakeOpenAI({ models: MODELS })
})
afterEach(() => fake.close())

function message(role: string, ...content: unknown[]): Json {
  return { type: 'message', role, content }
}

const asks = message('user', { type: 'input_text', text: 'Hello?' })
const said = message('assistant', { type: 'output_text', text: 'Hello.' })

type Ask = (changes?: Json, accountId?: string) => Promise<Response>

function post(url: string, headers: Record<string, string>, body: Json): Promise<Response> {
  const all = { 'content-type': 'application/json', ...headers }
  return fetch(`${url}/responses`, { method: 'POST', headers: all, body: JSON.stringify(body) })
}

/** A question to the Codex backend, in the form of its model. */
const codex: Ask = (changes = {}, accountId = 'acct-fake-0001') => {
  const isLite = changes.model === LITE.model
  const token = fake.issueTokens({ accountId }).access_token
  return post(
    fake.baseUrl,
    {
      authorization: `Bearer ${token}`,
      'chatgpt-account-id': accountId,
      version: '0.169.0',
      ...(isLite ? LITE_HEADER : {}),
    },
    {
      model: 'gpt-5.5',
      instructions: 'Be brief.',
      input: [asks],
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      ...(isLite ? LITE : {}),
      ...changes,
    },
  )
}

const api: Ask = (changes = {}) =>
  post(
    fake.apiBaseUrl,
    { authorization: `Bearer ${fake.apiKey}` },
    { model: 'gpt-5.5', input: [asks], store: false, stream: true, ...changes },
  )

const plan: Ask = (changes = {}, subject = 'user-FAKE-0001') =>
  post(
    fake.plan.baseUrl,
    { authorization: `Bearer ${fake.plan.issueTokens({ subject }).tokens.access_token}` },
    {
      model: 'gpt-6-astra',
      input: [asks],
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      ...changes,
    },
  )

const ROUTES: [string, Ask][] = [
  ['the backend', codex],
  ['the API', api],
  ['the plan', plan],
]

async function refusal(response: Response): Promise<Json> {
  const { error } = (await response.json()) as { error: Json }
  return { status: response.status, code: error.code, param: error.param, message: error.message }
}

/** The items of an answer, as a client keeps them. */
async function itemsOf(response: Response): Promise<Json[]> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  const events = lines.map((line) => JSON.parse(line.slice('data: '.length)) as { type: string; item: Json })
  return events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
}

async function sealedIn(response: Response): Promise<Json> {
  const items = await itemsOf(response)
  const reasoning = items.find(({ type }) => type === 'reasoning')
  return { type: 'reasoning', summary: reasoning?.summary, encrypted_content: reasoning?.encrypted_content }
}

describe.each(ROUTES)('%s', (_, ask) => {
  const format = { type: 'json_schema', name: 'codex_output_schema', strict: true }
  const closed = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }

  test.each<[string, Json]>([
    ['earlier turns', { input: [asks, said, asks, said, asks] }],
    [
      'an image',
      { input: [message('user', { type: 'input_text', text: 'What?' }, { type: 'input_image', image_url: PNG })] },
    ],
    ['the search of the web', { tools: [WEB_SEARCH], include: ['web_search_call.action.sources'] }],
    ['a closed schema', { text: { format: { ...format, schema: closed } } }],
    [
      'an open schema that is not strict',
      { text: { format: { ...format, strict: false, schema: { type: 'object' } } } },
    ],
    ['a verbosity', { text: { verbosity: 'low' } }],
    ['an earlier search', { input: [asks, { type: 'web_search_call', status: 'completed' }, said, asks] }],
  ])('takes %s', async (_name, changes) => {
    expect((await ask(changes)).status).toBe(200)
  })

  test.each<[string, Json, Json]>([
    ['an item of no kind', { input: [asks, { type: 'thought' }] }, { code: 'invalid_value', param: 'input[1]' }],
    ['an item that is none', { input: [asks, 'hello'] }, { code: 'invalid_type', param: 'input[1]' }],
    ['a role nobody has', { input: [message('friend')] }, { param: 'input[0].role' }],
    ['a message of nothing', { input: [asks, message('user')] }, { param: 'input[1].content' }],
    [
      'an answer as input',
      { input: [message('assistant', { type: 'input_text', text: 'x' })] },
      { param: 'input[0].content[0]' },
    ],
    [
      'a question as output',
      { input: [message('user', { type: 'output_text', text: 'x' })] },
      { code: 'invalid_value' },
    ],
    ['a part without text', { input: [message('user', { type: 'input_text' })] }, { param: 'input[0].content[0]' }],
    ['tools behind the first item', { input: [asks, { type: 'additional_tools', tools: [] }] }, { param: 'input[1]' }],
    [
      'a field that searching does not have',
      { tools: [{ ...WEB_SEARCH, depth: 3 }] },
      { code: 'unknown_parameter', param: 'tools[0].depth' },
    ],
    ['something to include that is none', { include: ['everything'] }, { param: 'include[0]' }],
    ['a verbosity nobody has', { text: { verbosity: 'chatty' } }, { param: 'text.verbosity' }],
    ['a format of no kind', { text: { format: { type: 'xml' } } }, { param: 'text.format.type' }],
    [
      'a format without a name',
      { text: { format: { ...format, name: undefined, schema: closed } } },
      { code: 'missing_required_parameter', param: 'text.format.name' },
    ],
    ['a format without a schema', { text: { format } }, { param: 'text.format.schema' }],
    [
      'a format that does not say how strict',
      { text: { format: { ...format, strict: undefined, schema: closed } } },
      { param: 'text.format.strict' },
    ],
  ])('refuses %s', async (_name, changes, expected) => {
    expect(await refusal(await ask(changes))).toMatchObject({ status: 400, ...expected })
    expect(fake.seen.refusals).toHaveLength(1)
  })

  const optional = { ...closed, required: [] }
  test.each<[string, Json, string]>([
    [
      'an open object',
      { type: 'object' },
      "In context=(), 'additionalProperties' is required to be supplied and to be false.",
    ],
    [
      'a property that may be missing',
      { ...closed, properties: { a: optional } },
      "In context=('properties', 'a'), 'required' is required to be supplied and to be an array including every key in properties. Missing 'a'.",
    ],
    [
      'a word it has not',
      { ...closed, properties: { a: { allOf: [] } } },
      "In context=('properties', 'a'), 'allOf' is not permitted.",
    ],
    [
      'anything',
      { ...closed, properties: { a: {} } },
      "In context=('properties', 'a'), schema must have a 'type' key.",
    ],
    [
      'a list of anything',
      { ...closed, properties: { a: { type: 'array' } } },
      "In context=('properties', 'a'), array schema missing items.",
    ],
    [
      'an open choice',
      { ...closed, properties: { a: { anyOf: [{ type: 'object' }] } } },
      "In context=('properties', 'a', 'anyOf', '0'), 'additionalProperties' is required to be supplied and to be false.",
    ],
    [
      'a list at the top',
      { type: 'array', items: closed },
      'schema must be a JSON Schema of \'type: "object"\', got \'type: "array"\'.',
    ],
  ])('takes no strict schema with %s', async (_name, schema, words) => {
    expect(await refusal(await ask({ text: { format: { ...format, schema } } }))).toEqual({
      status: 400,
      code: 'invalid_json_schema',
      param: 'text.format.schema',
      message: `Invalid schema for response_format 'codex_output_schema': ${words}`,
    })
  })

  test.each<[string, Json, string]>([
    ['an address', { image_url: 'https://a.example/x.png' }, 'invalid_value'],
    ['another type', { image_url: 'data:image/bmp;base64,Qk0=' }, 'invalid_image'],
    ['no image at all', { image_url: 'data:text/plain;base64,aGk=' }, 'invalid_image'],
    ['bytes of another type', { image_url: PNG.replace('png', 'jpeg') }, 'invalid_image'],
    ['broken bytes', { image_url: 'data:image/png;base64,iVBORw0KGg' }, 'invalid_value'],
  ])('takes no image that is %s', async (_name, part, code) => {
    const input = [message('user', { type: 'input_image', ...part })]
    expect(await refusal(await ask({ input }))).toMatchObject({ status: 400, code })
  })

  test.each<[string, Json]>([
    ['with its id', { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' }],
    ['without what is sealed in it', { type: 'reasoning', id: 'rs_1', summary: [] }],
    ['as a reference', { type: 'item_reference', id: 'rs_1' }],
  ])('does not know earlier reasoning %s', async (_name, item) => {
    expect(await refusal(await ask({ input: [item, asks] }))).toMatchObject({
      status: 404,
      message: expect.stringMatching(
        /^Item with id 'rs_1' not found\. Items are not persisted when `store` is set to false\./,
      ),
    })
  })

  test('does not open what it has not sealed', async () => {
    const item = { type: 'reasoning', summary: [], encrypted_content: 'gAAAA_of_somebody' }
    expect(await refusal(await ask({ input: [item, asks] }))).toMatchObject({
      status: 400,
      code: 'invalid_encrypted_content',
    })
  })

  test('breaks off a question that is larger than the model, in the stream', async () => {
    const input = [message('user', { type: 'input_text', text: 'x'.repeat(4 * 372_001) })]
    const response = await ask({ input })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toMatch(/"type":"response\.failed".*"code":"context_length_exceeded"/)
    expect(text).not.toContain('response.completed')
    expect(fake.seen.refusals).toMatchObject([{ status: 200, why: expect.stringContaining('context_length_exceeded') }])
  })
})

test('a model that sees no images is sent none', async () => {
  const input = [message('user', { type: 'input_image', image_url: PNG })]
  const expected = { status: 400, param: 'input[0].content[0]' }
  expect(await refusal(await codex({ model: 'codex-auto-review', input }))).toMatchObject(expected)
})

test('size is counted in letters and images', () => {
  expect(crudeTokens({ instructions: 'x'.repeat(8), input: [asks, { role: 'user', content: 'y'.repeat(6) }] })).toBe(5)
  expect(crudeTokens({ input: [message('user', { type: 'input_image', image_url: PNG })] })).toBe(1_000)
})

describe('tools of the backend', () => {
  const inFirst = (tools: unknown) => ({ input: [{ type: 'additional_tools', role: 'developer', tools }, asks] })

  test('stand in the first item for a lite model, and on top for others', async () => {
    expect((await codex({ ...LITE, ...inFirst([WEB_SEARCH]) })).status).toBe(200)
    expect(await refusal(await codex({ ...LITE, tools: [WEB_SEARCH] }))).toMatchObject({ status: 400, param: 'tools' })
    expect(await refusal(await codex(inFirst([WEB_SEARCH])))).toMatchObject({ status: 400, param: 'input[0]' })
  })

  test.each<[string, Json, string]>([
    ['on top', { tools: [WEB_SEARCH, { type: 'browser' }] }, 'tools[1].type'],
    ['in the first item', { ...LITE, ...inFirst([{ type: 'browser' }]) }, 'input[0].tools[0].type'],
    ['as no list', { tools: {} }, 'tools'],
  ])('are of a kind it knows, %s too', async (_, changes, param) => {
    expect(await refusal(await codex(changes))).toMatchObject({ status: 400, param })
  })
})

describe('sealed reasoning', () => {
  const steps: [string, (sse: string) => Body][] = [
    ['at once', (sse) => sse],
    ['in pieces', (sse) => parts(sse.slice(0, 900), sse.slice(900, 1100), Buffer.from(sse.slice(1100)))],
  ]
  test.each(steps)('is opened for the account it was sent to, %s, and for no other', async (_, body) => {
    fake.script.responses.push({ sse: body(answer('Yes.', { reasoning: 'Hm.' })) })
    const reasoning = await sealedIn(await codex())
    expect(reasoning).toMatchObject({ encrypted_content: expect.stringMatching(/^gAAAA_FAKE_/) })
    expect((await codex({ input: [asks, reasoning, said, asks] })).status).toBe(200)
    const other = await codex({ input: [asks, reasoning, said, asks] }, 'acct-fake-0002')
    expect(await refusal(other)).toMatchObject({ code: 'invalid_encrypted_content' })
    expect(await refusal(await api({ input: [reasoning, asks] }))).toMatchObject({ code: 'invalid_encrypted_content' })
  })

  test('is opened for one account of the plan and for no other', async () => {
    fake.plan.script.responses.push(planAnswer('Yes.', { reasoning: 'Hm.' }))
    const reasoning = await sealedIn(await plan())
    expect((await plan({ input: [asks, reasoning, said, asks] })).status).toBe(200)
    const other = await plan({ input: [reasoning, asks] }, 'user-FAKE-0002')
    expect(await refusal(other)).toMatchObject({ code: 'invalid_encrypted_content' })
  })

  test('is sent to those who ask for it', async () => {
    fake.script.responses.push({ sse: answer('Yes.', { reasoning: 'Hm.' }) })
    expect(await sealedIn(await codex({ include: [] }))).toMatchObject({ encrypted_content: null })
  })

  test('needs no seal where the API has stored it', async () => {
    const item = { type: 'reasoning', id: 'rs_1', summary: [] }
    expect((await api({ store: undefined, input: [item, asks] })).status).toBe(200)
  })
})

describe('what the plan may or may not support', () => {
  test.each<[string, Json, string]>([
    ['include', { include: [] }, 'include'],
    ['prompt_cache_key', { prompt_cache_key: 'k' }, 'prompt_cache_key'],
    ['text.format', { text: { format: { type: 'text' } } }, 'text.format'],
    ['web_search', { tools: [WEB_SEARCH] }, 'tools[0]'],
  ])('is %s', async (capability, changes, param) => {
    expect((await plan(changes)).status).toBe(200)
    fake.plan.options.unsupported = [capability]
    expect(await refusal(await plan(changes))).toMatchObject({
      status: 400,
      code: 'subscription_sharing_unsupported_capability',
      param,
    })
    expect((await plan({ include: undefined })).status).toBe(200)
  })
})

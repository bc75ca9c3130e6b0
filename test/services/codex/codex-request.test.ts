import { describe, expect, test } from 'vitest'
import { buildRequest, type Question, type RequestFacts } from '../../../src/services/codex/codex-request.ts'
import { PLAIN } from '../../../src/services/codex/request-shape.ts'
import { BUILTIN_MODELS, type Model } from '../../../src/services/models/builtin-models.ts'

const SESSION = '019f0000-0000-7000-8000-000000000001'
const THREAD = '019f0000-0000-7000-8000-000000000002'
const QUESTION = {
  prompt: 'What is a monad?\n"quoted"',
  model: undefined,
  systemPrompt: undefined,
  temperature: undefined,
  effort: undefined,
}

function modelCalled(id: string): Model {
  const model = BUILTIN_MODELS.find((entry) => entry.id === id)
  if (model === undefined) throw new Error(`no ${id}`)
  return model
}

function build({ question, ...facts }: Partial<Omit<RequestFacts, 'question'>> & { question?: object } = {}) {
  return buildRequest({
    modelId: 'gpt-6.1-sol',
    model: modelCalled('gpt-6.1-sol'),
    effort: 'low',
    acceptsTemperature: false,
    searchTool: { type: 'web_search', external_web_access: true },
    shape: PLAIN,
    history: [],
    sessionId: SESSION,
    threadId: THREAD,
    ...facts,
    question: { ...QUESTION, ...question },
  })
}

const classic = { modelId: 'gpt-5.5', model: modelCalled('gpt-5.5'), effort: 'medium' }
const unlisted = { modelId: 'gpt-5.2-codex', model: undefined, effort: undefined }
const USER_MESSAGE = { type: 'message', role: 'user', content: [{ type: 'input_text', text: QUESTION.prompt }] }

describe('the body', () => {
  test('of a lite model', () => {
    expect(build().body).toEqual({
      model: 'gpt-6.1-sol',
      instructions: expect.stringMatching(/^You are Codex, .+\.$/),
      input: [{ type: 'additional_tools', role: 'developer', tools: [] }, USER_MESSAGE],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      reasoning: { effort: 'low', summary: 'auto', context: 'all_turns' },
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: SESSION,
      text: { verbosity: 'low' },
    })
  })

  test('of a classic model', () => {
    expect(build(classic).body).toEqual({
      model: 'gpt-5.5',
      instructions: expect.stringMatching(/^You are Codex, .+\.$/),
      input: [USER_MESSAGE],
      tools: [],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: SESSION,
      text: { verbosity: 'low' },
    })
  })

  test('of a model nobody has listed: the classic one, without what only the list could tell', () => {
    expect(build(unlisted).body).toEqual({
      model: 'gpt-5.2-codex',
      instructions: expect.stringMatching(/^You are Codex, .+\.$/),
      input: [USER_MESSAGE],
      tools: [],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { summary: 'auto' },
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: SESSION,
    })
  })

  test('names its fields in a fixed order, so that equal questions are equal bytes', () => {
    expect(Object.keys(build(classic).body)).toEqual([
      'model',
      'instructions',
      'input',
      'tools',
      'tool_choice',
      'parallel_tool_calls',
      'reasoning',
      'store',
      'stream',
      'include',
      'prompt_cache_key',
      'text',
    ])
  })

  test("has the user's own instructions instead of ours", () => {
    expect(build({ question: { systemPrompt: 'Answer in Latin.' } }).body.instructions).toBe('Answer in Latin.')
  })

  test('has a temperature only where the endpoint takes one', () => {
    const question = { temperature: 0 }
    expect(build({ question, acceptsTemperature: true }).body.temperature).toBe(0)
    expect(build({ question }).body).not.toHaveProperty('temperature')
    expect(build({ acceptsTemperature: true }).body).not.toHaveProperty('temperature')
  })

  test('has nothing of what the model is known not to take, and the rest in its order', () => {
    const without = new Set(['reasoning', 'include'] as const)
    const { body, effort } = build({
      ...classic,
      shape: { without },
      acceptsTemperature: true,
      question: { temperature: 0 },
    })
    const whole = build({ ...classic, acceptsTemperature: true, question: { temperature: 0 } }).body
    expect(Object.keys(body)).toEqual(Object.keys(whole).filter((field) => !/reasoning|include/.test(field)))
    expect(effort).toBeUndefined()
  })

  test('has the verbosity of the model, or none', () => {
    expect(build({ model: { ...modelCalled('gpt-5.5'), verbosity: 'high' } }).body.text).toEqual({ verbosity: 'high' })
    expect(build({ model: { ...modelCalled('gpt-5.5'), verbosity: undefined } }).body).not.toHaveProperty('text')
  })

  test.each([
    ['low', 'low'],
    ['xhigh', 'xhigh'],
    ['max', 'max'],
    ['none', 'none'],
    ['of-tomorrow', 'of-tomorrow'],
    ['ultra', 'xhigh'],
  ])('asks for effort %s as %s', (effort, sent) => {
    expect(build({ effort }).body.reasoning).toEqual({ effort: sent, summary: 'auto', context: 'all_turns' })
    expect(build({ ...classic, effort }).body.reasoning).toEqual({ effort: sent, summary: 'auto' })
  })
})

describe('the headers', () => {
  const usual = [
    ['x-client-request-id', THREAD],
    ['session-id', SESSION],
    ['thread-id', THREAD],
    ['accept', 'text/event-stream'],
    ['content-type', 'application/json'],
  ]

  test('of a lite model say so first', () => {
    expect(Object.entries(build().headers)).toEqual([['x-openai-internal-codex-responses-lite', 'true'], ...usual])
  })

  test.each([
    ['a classic model', classic],
    ['a model nobody has listed', unlisted],
  ])('of %s', (_name, facts) => {
    expect(Object.entries(build(facts).headers)).toEqual(usual)
  })
})

describe('a note tells', () => {
  test('nothing when all is as it should be', () => {
    expect(build().notes).toEqual([])
    expect(build({ question: { temperature: 1 }, acceptsTemperature: true }).notes).toEqual([])
  })

  test('that a model is not listed', () => {
    expect(build(unlisted).notes).toEqual([
      'gpt-5.2-codex is not in the model list of this account; it was asked all the same',
    ])
  })

  test('that a temperature was left out, even 0', () => {
    expect(build({ question: { temperature: 0 } }).notes).toEqual([
      'temperature was ignored: Codex models with a ChatGPT login do not take one',
    ])
  })

  test('what the model did not take, if somebody asked for it', () => {
    const without = new Set(['temperature', 'reasoning', 'include'] as const)
    const facts = { shape: { without }, acceptsTemperature: true, modelId: 'gpt-4.1', model: modelCalled('gpt-5.5') }
    expect(build({ ...facts, effort: 'ultra', question: { temperature: 0 } }).notes).toEqual([
      'temperature was not accepted by gpt-4.1 and left out',
      'effort ultra was not accepted by gpt-4.1 and left out',
    ])
    expect(build({ ...facts, effort: undefined }).notes).toEqual([])
  })

  test('nothing about an effort where the list names none', () => {
    expect(build({ model: { ...modelCalled('gpt-5.5'), efforts: [] }, effort: 'high' }).notes).toEqual([])
  })

  test('that ultra went out under another name', () => {
    expect(build({ effort: 'ultra' }).notes).toEqual(['effort ultra was sent as xhigh'])
  })
})

const SCHEMA: NonNullable<Question['schema']> = {
  schema: { type: 'object' },
  strict: true,
  check: () => ({ ok: true, json: '{}' }),
}
const EARLIER = [
  { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Before?' }] },
  { type: 'reasoning', summary: [], encrypted_content: 'gAAAA_FAKE' },
]

describe('what a question asks for besides', () => {
  const attached = { parts: [{ type: 'input_text', text: 'a block' }], sent: [] } as NonNullable<Question['attached']>

  test('files stand in front of the prompt, in the same message', () => {
    const { input } = build({ ...classic, question: { attached } }).body
    const content = [{ type: 'input_text', text: 'a block' }, ...USER_MESSAGE.content]
    expect(input).toEqual([{ ...USER_MESSAGE, content }])
  })

  test('what was said before stands in front of it, behind the tools', () => {
    expect(build({ history: EARLIER }).body.input).toEqual([
      { type: 'additional_tools', role: 'developer', tools: [] },
      ...EARLIER,
      USER_MESSAGE,
    ])
    expect(build({ ...classic, history: EARLIER }).body.input).toEqual([...EARLIER, USER_MESSAGE])
  })

  test('the web is searched with a tool, where the form has its tools', () => {
    const tool = { type: 'web_search', external_web_access: true }
    const question = { webSearch: true }
    expect(build({ ...classic, question }).body.tools).toEqual([tool])
    expect(build({ question }).body).not.toHaveProperty('tools')
    expect(build({ question }).body.input).toEqual([
      { type: 'additional_tools', role: 'developer', tools: [tool] },
      USER_MESSAGE,
    ])
  })

  test('a schema stands beside the verbosity, strict where it can be, loose where that was refused', () => {
    const question = { schema: SCHEMA }
    const format = { type: 'json_schema', strict: true, name: 'codex_output_schema', schema: { type: 'object' } }
    expect(build({ ...classic, question }).body.text).toEqual({ verbosity: 'low', format })
    expect(build({ ...unlisted, question }).body.text).toEqual({ format })
    expect(build({ ...unlisted, question, shape: { ...PLAIN, loose: true } }).body.text).toEqual({
      format: { ...format, strict: false },
    })
  })

  test('what is refused of it is said, and a schema asked for in words', () => {
    const without = new Set(['tools', 'text.format'] as const)
    const { body, notes } = build({ ...classic, question: { webSearch: true, schema: SCHEMA }, shape: { without } })
    expect(body).not.toHaveProperty('tools')
    expect(body.text).toEqual({ verbosity: 'low' })
    expect(body.instructions).toContain('It must fit this JSON Schema:\n{"type":"object"}')
    expect(notes).toEqual([
      'web search was not accepted by gpt-5.5 and left out',
      'the schema was not accepted by gpt-5.5 and described in words; the answer was checked here',
    ])
  })

  test('a form or a level that the list did not say is taken and told', () => {
    const { body, headers, notes, isLite } = build({ shape: { ...PLAIN, lite: false, version: '0.180.0' } })
    expect(isLite).toBe(false)
    expect(body.tools).toEqual([])
    expect(headers).toMatchObject({ version: '0.180.0' })
    expect(notes).toEqual([
      'gpt-6.1-sol was asked in the classic form, because the service refused the other one',
      'gpt-6.1-sol wants compatibility level 0.180.0, which was stated; CODEX_OAUTH_CLIENT_VERSION=0.180.0 makes it the usual one',
    ])
  })
})

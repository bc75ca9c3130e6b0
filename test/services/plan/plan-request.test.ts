import { describe, expect, test } from 'vitest'
import type { RequestFacts } from '../../../src/services/codex/codex-request.ts'
import { PLAIN } from '../../../src/services/codex/request-shape.ts'
import { BUILTIN_MODELS, type Model } from '../../../src/services/models/builtin-models.ts'
import { buildPlanRequest } from '../../../src/services/plan/plan-request.ts'

const QUESTION = {
  prompt: 'What is a monad?\n"quoted"',
  model: undefined,
  systemPrompt: undefined,
  temperature: undefined,
  effort: undefined,
}
const USER_MESSAGE = { type: 'message', role: 'user', content: [{ type: 'input_text', text: QUESTION.prompt }] }
const LITE = BUILTIN_MODELS.find(({ lite, verbosity }) => lite && verbosity !== undefined) as Model
const CLASSIC = BUILTIN_MODELS.find(({ lite }) => !lite) as Model

/** Built from all the facts there are, also those that only other routes use. */
function build({ question, ...facts }: Partial<Omit<RequestFacts, 'question'>> & { question?: object } = {}) {
  return buildPlanRequest({
    modelId: LITE.id,
    model: LITE,
    effort: 'low',
    acceptsTemperature: true,
    searchTool: { type: 'web_search' },
    shape: PLAIN,
    history: [],
    sessionId: '019f0000-0000-7000-8000-000000000001',
    threadId: '019f0000-0000-7000-8000-000000000002',
    ...facts,
    question: { ...QUESTION, ...question },
  } as RequestFacts)
}

const unlisted = { modelId: 'gpt-7', model: undefined, effort: undefined }

describe('the body', () => {
  test('is what the page requires and the question', () => {
    expect(build().body).toEqual({
      model: LITE.id,
      instructions: expect.stringMatching(/^You answer a question from a developer /),
      input: [USER_MESSAGE],
      reasoning: { effort: 'low' },
      store: false,
      stream: true,
    })
  })

  test('is the same for every kind of model', () => {
    const { model: _lite, ...one } = build().body
    const { model: _classic, ...other } = build({ modelId: CLASSIC.id, model: CLASSIC }).body
    expect(other).toEqual(one)
  })

  test('names its fields in a fixed order, so that equal questions are equal bytes', () => {
    const fields = ['model', 'instructions', 'input', 'reasoning', 'store', 'stream']
    expect(Object.keys(build({ question: { temperature: 1, systemPrompt: 'x' } }).body)).toEqual(fields)
  })

  test('has no effort where nobody names one', () => {
    const { body, effort } = build(unlisted)
    expect(body).toEqual({
      model: 'gpt-7',
      instructions: expect.stringMatching(/^You answer a question from a developer /),
      input: [USER_MESSAGE],
      store: false,
      stream: true,
    })
    expect(effort).toBeUndefined()
  })

  test("has the user's own instructions instead of ours", () => {
    expect(build({ question: { systemPrompt: 'Answer in Latin.' } }).body.instructions).toBe('Answer in Latin.')
  })

  test.each([
    ['low', 'low'],
    ['of-tomorrow', 'of-tomorrow'],
    ['ultra', 'xhigh'],
  ])('asks for effort %s as %s', (effort, sent) => {
    expect(build({ effort })).toMatchObject({ body: { reasoning: { effort: sent } }, effort: sent })
  })
})

test('the headers name no session and no other program', () => {
  expect(build().headers).toEqual({ accept: 'text/event-stream', 'content-type': 'application/json' })
})

describe('a note tells', () => {
  test('nothing when all is as it should be', () => {
    expect(build().notes).toEqual([])
  })

  test('that a temperature was ignored, even 0', () => {
    const note = 'temperature was ignored: questions on the ChatGPT plan take none'
    expect(build({ question: { temperature: 0 } }).notes).toEqual([note])
  })

  test.each([
    ['that is not listed', unlisted],
    ['that is hidden', { modelId: 'gpt-7', model: { ...LITE, hidden: true } }],
  ])('of a model %s', (_name, facts) => {
    expect(build(facts).notes).toEqual(['gpt-7 is not in the model list of this account; it was asked all the same'])
  })

  test('of an effort that has another name', () => {
    expect(build({ effort: 'ultra' }).notes).toEqual(['effort ultra was sent as xhigh'])
  })
})

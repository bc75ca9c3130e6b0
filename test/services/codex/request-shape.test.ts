import { describe, expect, test } from 'vitest'
import { mended, omitFields, PLAIN, type Shape } from '../../../src/services/codex/request-shape.ts'

const BODY = {
  model: 'gpt-6-sol',
  include: ['reasoning.encrypted_content'],
  reasoning: { effort: 'low', summary: 'auto' },
  text: { verbosity: 'low', format: { type: 'json_schema', strict: true } },
  tools: [{ type: 'web_search' }],
}

const refusal = (error: object) => ({ error: { message: 'No.', type: 'invalid_request_error', ...error } })

function mend(
  json: unknown,
  { status = 400, form, shape = PLAIN, body = BODY }: Partial<Parameters<typeof mended>[0]> = {},
) {
  return mended({ status, json, body, form, shape })
}

const withouts = (shape: Shape | undefined) => [...(shape?.without ?? [])]

describe('a part that is refused is left out:', () => {
  test.each<[string, unknown, string]>([
    ['by its name', refusal({ param: 'include' }), 'include'],
    ['inside another', refusal({ param: 'reasoning.summary' }), 'reasoning.summary'],
    ['the tools', refusal({ param: 'tools[0].type' }), 'tools'],
    ['the tools by where a lite request has them', refusal({ param: 'input[0].tools[0]' }), 'tools'],
    ['in the words of the ChatGPT backend', { detail: 'Unsupported parameter: include' }, 'include'],
    [
      'in those of the plan route',
      refusal({ code: 'subscription_sharing_unsupported_capability', param: 'include' }),
      'include',
    ],
  ])('%s', (_name, json, field) => {
    const found = mend(json)
    expect(withouts(found?.shape)).toEqual([field])
    // For what was asked for the request has a note of its own.
    expect(found?.change).toBe(field === 'tools' ? undefined : `without ${field}`)
  })

  test('a strict schema first of all becomes a loose one', () => {
    const json = refusal({ param: 'text.format.schema', code: 'invalid_json_schema' })
    const loose = mend(json)
    expect(loose).toEqual({ shape: { ...PLAIN, loose: true }, change: 'with the schema in its loose form' })
    const body = { ...BODY, text: { format: { type: 'json_schema', strict: false } } }
    const inWords = mend(json, { body, ...(loose && { shape: loose.shape }) })
    // The request itself has a note for it.
    expect(inWords).toEqual({ shape: { ...PLAIN, loose: true, inWords: true }, change: undefined })
  })

  test('schemas of any kind', () => {
    expect(mend(refusal({ param: 'text.format', code: 'unsupported_parameter' }))?.shape).toEqual({
      without: new Set(['text.format']),
    })
  })

  test.each<[string, string, object, string | undefined]>([
    [
      'the tools of a lite request',
      'tools',
      { input: [{ type: 'additional_tools', tools: [{}] }], tools: undefined },
      undefined,
    ],
    ['tools of which there are none', 'tools', { tools: [] }, 'without tools'],
    ['all of `text`, in which nobody has asked for anything', 'text', { text: { verbosity: 'low' } }, 'without text'],
    ['all of `text`, with a schema in it', 'text', {}, undefined],
    ['an effort', 'reasoning', {}, undefined],
    ['reasoning without an effort', 'reasoning', { reasoning: { summary: 'auto' } }, 'without reasoning'],
  ])('and said, unless the request has a note for it: %s', (_name, param, more, change) => {
    const found = mend(refusal({ param }), { body: { ...BODY, ...more } })
    expect([withouts(found?.shape), found?.change]).toEqual([[param], change])
  })

  test.each<[string, unknown, object]>([
    ['that was left out before', refusal({ param: 'include' }), { shape: { without: new Set(['include']) } }],
    ['that was not sent', refusal({ param: 'temperature' }), {}],
    ['with another status', refusal({ param: 'include' }), { status: 422 }],
    ['that is the question', refusal({ param: 'input' }), {}],
  ])('but nothing %s', (_name, json, more) => {
    expect(mend(json, more)).toBeUndefined()
  })
})

describe('the form of a request', () => {
  const notLite = refusal({
    param: 'model',
    code: 'unsupported_value',
    message: 'This model is not supported when using X-OpenAI-Internal-Codex-Responses-Lite.',
  })
  const notFound = refusal({ param: 'model', message: 'Model not found gpt-6-sol' })

  test('that a classic model refuses becomes the classic one', () => {
    expect(mend(notLite, { form: 'lite' })).toEqual({ shape: { ...PLAIN, lite: false }, change: undefined })
  })

  test('that a lite model does not know becomes the lite one', () => {
    expect(mend(notFound, { status: 404, form: 'classic' })).toEqual({
      shape: { ...PLAIN, lite: true },
      change: undefined,
    })
  })

  test.each<[string, unknown, object]>([
    ['where there is only one', notFound, { status: 404 }],
    ['once it has been changed', notFound, { status: 404, form: 'classic', shape: { ...PLAIN, lite: false } }],
    ['of a lite request for a model that nobody knows', notFound, { status: 404, form: 'lite' }],
    ['of a classic request that is refused as lite', notLite, { form: 'classic' }],
  ])('stays %s', (_name, json, more) => {
    expect(mend(json, more)).toBeUndefined()
  })
})

test.each([
  ['cannot be read', { code: 'invalid_encrypted_content' }],
  [
    'has lost what it was for',
    { message: "Item 'rs_1' of type 'reasoning' was provided without its required following item." },
  ],
])('reasoning that %s is left out, once', (_name, error) => {
  const json = refusal(error)
  const found = mend(json)
  expect(found).toEqual({ shape: { ...PLAIN, forgetful: true }, change: 'without the reasoning of earlier turns' })
  expect(mend(json, { shape: found?.shape ?? PLAIN })).toBeUndefined()
})

test('leaving out touches nothing else, and no empty rest stays', () => {
  const body = { a: { b: 1, c: 2 }, d: { e: 1 }, f: 3 }
  expect(omitFields(body, ['a.b', 'd.e', 'f', 'x', 'y.z'])).toEqual({ a: { c: 2 } })
  expect(body).toEqual({ a: { b: 1, c: 2 }, d: { e: 1 }, f: 3 })
})

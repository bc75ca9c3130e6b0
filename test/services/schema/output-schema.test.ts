import { describe, expect, test } from 'vitest'
import { readSchema, repairPrompt, textFormat } from '../../../src/services/schema/output-schema.ts'
import { errorOf } from '../../support/error-of.ts'

const CLOSED = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}

const verdict = async (schema: unknown, text: string) => (await readSchema(schema)).check(text)

describe('an answer', () => {
  test('that follows the schema is the JSON as the model wrote it', async () => {
    const json = '{ "age": 90071992547409930001, "name": "\\u00e9" }'
    expect(await verdict(CLOSED, `\n${json} `)).toEqual({ ok: true, json })
  })

  test('may stand in a fence with words around', async () => {
    const open = { type: 'object', required: ['a'] }
    expect(await verdict(open, 'Here it is:\n```json\n{"a": 1}\n```')).toEqual({ ok: true, json: '{"a": 1}' })
  })

  test.each<[string, string, string[]]>([
    ['that is no JSON', 'I cannot say.', ['The answer is not JSON.']],
    ['that is no object', '[]', ['At the top: “Instance type "array" is invalid. Expected "object".”']],
    [
      'with faults',
      '{"age": "old", "x": 1}',
      [
        'At the top: “Instance does not have required property "name".”',
        'At “/age”: “Instance type "string" is invalid. Expected "integer".”',
        'At “/x”: “The schema allows nothing here.”',
      ],
    ],
  ])('%s is told what is wrong', async (_, text, problems) => {
    expect(await verdict(CLOSED, text)).toEqual({ ok: false, problems, repairable: true })
  })

  test('with many faults is told ten of them, and what it says is quoted', async () => {
    const properties = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`p${index}`, { type: 'null' }]))
    const found = await verdict(
      { ...CLOSED, properties, required: [] },
      `{"\`x\\n”. Stop": ${'1'.repeat(9)}, ${Object.keys(properties).map((key) => `"${key}": 1`)}}`,
    )
    expect(found.ok === false && found.problems).toHaveLength(11)
    expect(found.ok === false && found.problems.at(-1)).toBe('And 21 more.')
    const quoted = await verdict(CLOSED, '{"name": "x", "age": 1, "`x\\n”. Stop": 1}')
    expect(quoted).toMatchObject({ problems: ['At “/x ". Stop”: “The schema allows nothing here.”'] })
  })

  test.each<[string, object, string]>([
    [
      'a pattern that never ends',
      { properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
      `{"a": "${'a'.repeat(60)}b"}`,
    ],
    ['a name whose pattern never ends', { patternProperties: { '^(a+)+$': {} } }, `{"${'a'.repeat(60)}b": 1}`],
    ['references that double at every step', doubling(40), '{"a": 1}'],
    ['a name with half a character', { properties: {}, additionalProperties: {} }, '{"\\ud800": 1}'],
    [
      'an answer that is very deep',
      { properties: { a: { $ref: '#/$defs/d' } }, $defs: { d: { items: { $ref: '#/$defs/d' } } } },
      `{"a": ${'['.repeat(7_000)}${']'.repeat(7_000)}}`,
    ],
  ])('that cannot be checked for %s says so, and that asking again would not help', async (_, schema, text) => {
    expect(await verdict({ type: 'object', ...schema }, text)).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^The answer could not be checked: /)],
      repairable: false,
    })
  })
})

/** Small to write, and two to the power of `steps` to follow. */
function doubling(steps: number): object {
  const both = (step: number) => ({ allOf: [{ $ref: `#/$defs/s${step}` }, { $ref: `#/$defs/s${step}` }] })
  const defs = Array.from({ length: steps }, (_, step) => [`s${step}`, step + 1 === steps ? {} : both(step + 1)])
  return { ...both(0), $defs: Object.fromEntries(defs) }
}

function deep(levels: number): object {
  let schema: object = {}
  for (let level = 0; level < levels; level += 1) schema = { not: schema }
  return schema
}

describe('a schema', () => {
  test.each<[string, unknown, RegExp]>([
    ['a text', '{"type": "object"}', /must be a JSON object, not a string or an array/],
    ['a list', [CLOSED], /must be a JSON object/],
    ['nothing', null, /must be a JSON object/],
    ['too large', { ...CLOSED, description: 'ä'.repeat(50_001) }, /larger than 100 kB/],
    ['too deep', { type: 'object', ...deep(70) }, /nested more than 64 levels deep/],
    ['deeper than any stack', { type: 'object', ...deep(100_000) }, /nested more than 64 levels deep/],
    ['of a list', { type: 'array', items: CLOSED }, /Its top level must have type "object"/],
    ['without a type', { properties: {} }, /Its top level must have type "object"/],
    ['misspelled', { ...CLOSED, required: 'name' }, /“\/required” must be an array of names/],
    ['that points outside', { ...CLOSED, properties: { a: { $ref: 'b.json' } } }, /points outside/],
    [
      'that is none to the validator either',
      { type: 'object', example: { id: 'http://[' } },
      /not a JSON Schema that this server can use/,
    ],
  ])('that is %s is refused in words to put it right by', async (_, schema, words) => {
    const error = await errorOf(readSchema(schema))
    expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(words) })
    expect(error.message).toMatch(/^output_schema cannot be used\. /)
    expect(error.hint).toContain('output_schema')
  })

  test('is sent as it was given, strict where it is closed', async () => {
    const strict = await readSchema(CLOSED)
    expect(textFormat(strict)).toEqual({
      type: 'json_schema',
      strict: true,
      name: 'codex_output_schema',
      schema: CLOSED,
    })
    expect(textFormat(strict).schema).toBe(CLOSED)
    expect(Object.getOwnPropertyNames(CLOSED)).toEqual(['type', 'properties', 'required', 'additionalProperties'])
    const open = await readSchema({ ...CLOSED, required: ['name'] })
    expect(textFormat(open)).toMatchObject({ strict: false, schema: { required: ['name'] } })
  })
})

test('the repair is asked for with the problems, and without the schema', () => {
  const prompt = repairPrompt(['At “/age”: “wrong”', 'The answer is not JSON.'])
  expect(prompt.split('\n')).toEqual([
    expect.stringMatching(/not valid JSON for the schema/),
    '- At “/age”: “wrong”',
    '- The answer is not JSON.',
    expect.stringMatching(/with no other words and no code fence/),
  ])
})

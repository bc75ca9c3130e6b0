import fc from 'fast-check'
import { CodexError } from '../../../../src/errors.ts'
import { isQuota, refusalOf } from '../../../../src/services/codex/codex-failure.ts'
import { mended, omitFields, PLAIN } from '../../../../src/services/codex/request-shape.ts'
import { unsupportedField } from '../../../../src/services/codex/unsupported-field.ts'
import { accountName, apiKeyName } from '../../../../src/services/login/credential-name.ts'
import { isModelList, readModelList, readPlanModels } from '../../../../src/services/models/model-list.ts'
import { planRefusalOf } from '../../../../src/services/plan/plan-failure.ts'
import { findJson } from '../../../../src/services/schema/answer-json.ts'
import { readSchema, repairPrompt } from '../../../../src/services/schema/output-schema.ts'
import {
  damaged,
  damagedText,
  headersOf,
  headerValue,
  json,
  jsonText,
  nested,
  number,
  SECRET,
  text,
  whole,
  word,
} from '../generators.ts'
import { assert, assertNoKey, assertOneLine, assertShowable, oursLater } from '../properties.ts'
import { type FuzzTarget, target } from '../target.ts'

const NOW = 1_790_000_000_000

const code = fc.oneof(
  { weight: 2, arbitrary: text },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['usage_limit_reached', 'rate_limit_exceeded', 'insufficient_quota', 'usage_not_included', 'model_not_found'],
      ...[
        'context_length_exceeded',
        'invalid_prompt',
        'invalid_json_schema',
        'unsupported_value',
        'invalid_encrypted_content',
      ],
      ...['subscription_sharing_user_not_eligible', 'subscription_sharing_v2_unsupported_capability', 'slow_down'],
    ),
  },
)
const words = fc.oneof(
  { weight: 2, arbitrary: text },
  {
    weight: 3,
    arbitrary: damagedText(
      fc.constantFrom(
        "Unsupported parameter: 'temperature' is not supported with this model.",
        'The model gpt-x is not supported when using Codex with a ChatGPT account.',
        `Incorrect API key provided: ${SECRET}. Missing scopes: api.responses.write, x.`,
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        'This model is only supported in responses-lite.',
        'missing_codex_entitlement',
      ),
    ),
  },
)
const param = fc.oneof(
  fc.constantFrom(
    'model',
    'temperature',
    'text.format',
    'text.format.schema',
    'reasoning.effort',
    'input[0].tools[1]',
    'tools',
  ),
  text,
)
const error = fc.record({
  code,
  type: code,
  message: words,
  param,
  resets_at: number,
  plan_type: fc.constantFrom('plus', 'a plan'),
})
const body = fc.oneof(
  fc.record({ error }),
  fc.record({ detail: words }),
  fc.record({ error: code, error_reason: code, error_description: words }),
  fc.record({ message: words }),
)
const refused = fc.record({
  status: fc.oneof(
    fc.constantFrom(400, 401, 402, 403, 404, 413, 422, 429, 500, 503),
    fc.integer({ min: 201, max: 599 }),
  ),
  headers: fc.array(
    fc.tuple(
      fc.constantFrom(
        'retry-after',
        'x-request-id',
        'x-oai-request-id',
        'x-codex-active-limit',
        'x-codex-primary-used-percent',
      ),
      headerValue,
    ),
    { maxLength: 3 },
  ),
  body: damaged(body),
})

const refusals = target({
  name: 'refusals',
  cases: fc.record({ refused, isKey: fc.boolean() }),
  check({ refused: { status, headers, body: sent }, isKey }) {
    const credential = isKey ? apiKeyName('OPENAI_API_KEY') : accountName('plus')
    const found = refusalOf({
      status,
      headers: headersOf(headers),
      json: sent,
      modelId: 'gpt-x',
      credential,
      nowMs: NOW,
    })
    assertShowable(found)
    assertNoKey(found.message, found.hint)
    isQuota(sent)
    unsupportedField(sent)
  },
})

const planRefusals = target({
  name: 'refusals-plan',
  cases: refused,
  check({ status, headers, body: sent }) {
    const found = planRefusalOf({ status, headers: headersOf(headers), json: sent, modelId: 'gpt-x', nowMs: NOW })
    assertShowable(found)
    assertNoKey(found.message, found.hint)
  },
})

const request = fc.record({
  model: fc.constant('gpt-x'),
  temperature: number,
  input: fc.array(
    fc.record({ type: fc.constantFrom('additional_tools', 'message'), tools: fc.array(json, { maxLength: 2 }) }),
    { maxLength: 2 },
  ),
  tools: fc.array(json, { maxLength: 2 }),
  reasoning: fc.record({ effort: text, summary: text }),
  text: fc.record({ format: fc.record({ strict: fc.boolean() }), verbosity: text }),
  include: fc.array(text, { maxLength: 2 }),
})

const mends = target({
  name: 'mended-requests',
  cases: fc.record({
    answers: fc.array(fc.tuple(fc.constantFrom(400, 404, 500), damaged(body)), { maxLength: 12 }),
    request: damaged(request),
    form: fc.constantFrom('lite' as const, 'classic' as const, null),
  }),
  check({ answers, request: sent, form }) {
    if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return
    let shape = PLAIN
    let asked = sent as Record<string, unknown>
    const seen = new Set<string>()
    for (const [status, answer] of answers) {
      const mend = mended({
        status,
        json: answer,
        body: asked,
        form: form ?? undefined,
        shape,
      })
      if (mend === undefined) continue
      if (mend.change !== undefined) assertOneLine(mend.change)
      shape = mend.shape
      const key = JSON.stringify([shape, [...shape.without].sort()])
      assert.ok(!seen.has(key), 'the same shape is tried twice')
      seen.add(key)
      // The next one is asked in this shape.
      asked = omitFields(asked, [...shape.without, ...(shape.inWords ? ['text.format'] : [])])
      if (shape.loose) asked = omitFields(asked, ['text.format.strict'])
    }
    assert.ok(seen.size <= 16, `${seen.size} mends`)
  },
})

const level = fc.oneof(fc.constantFrom('low', 'high', 'xhigh'), fc.record({ effort: word(8) }), text)
const model = fc.record(
  {
    slug: fc.oneof(word(12), text),
    display_name: fc.oneof(fc.constant('GPT-X (new)'), text),
    priority: number,
    visibility: fc.constantFrom('list', 'hide', ''),
    default_reasoning_level: level,
    supported_reasoning_levels: fc.array(level, { maxLength: 4 }),
    use_responses_lite: fc.boolean(),
    support_verbosity: fc.boolean(),
    default_verbosity: text,
    context_window: number,
    input_modalities: fc.array(fc.constantFrom('text', 'image', 'audio'), { maxLength: 3 }),
    minimal_client_version: fc.oneof(fc.constant('0.100.0'), text),
    supported_in_api: fc.boolean(),
  },
  { requiredKeys: ['slug'] },
)
const apiModel = fc.record({
  id: fc.oneof(
    word(12),
    word(6).map((rest) => `gpt-${rest}`),
    text,
  ),
  created: number,
})

const models = target({
  name: 'model-lists',
  cases: jsonText(
    fc.oneof(
      fc.record({ models: fc.array(model, { maxLength: 8 }) }),
      fc.record({ data: fc.array(apiModel, { maxLength: 8 }) }),
    ),
  ),
  check(answer) {
    const value = parsed(answer)
    for (const found of [readModelList(value), readPlanModels(value)]) {
      assert.ok(found.length <= 200)
      for (const { id, name, efforts } of found) for (const one of [id, name, ...efforts]) assertOneLine(one, 100)
      if (found.length > 0) assert.ok(isModelList(JSON.parse(JSON.stringify(found))), 'what is kept is read back')
    }
    isModelList(value)
  },
})

/** A schema and a value that fits it, as deep as models like them. */
interface Fitting {
  schema: Record<string, unknown>
  value: unknown
}

const fitting: fc.Arbitrary<Fitting> = fc.letrec<{ any: Fitting; object: Fitting }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    text.map((value) => ({ schema: { type: 'string' }, value: whole(value) })),
    fc.integer().map((value) => ({ schema: { type: 'integer', minimum: value }, value })),
    fc.constantFrom(
      { schema: { enum: ['a', null, 1] }, value: null },
      { schema: { type: ['null', 'boolean'] }, value: true },
    ),
    word(6).map((value) => ({ schema: { type: 'string', pattern: '^[\\w.~-]+$', maxLength: 6 }, value })),
    fc.array(tie('any'), { maxLength: 3 }).map((all) => ({
      schema: { type: 'array', items: all.length === 0 ? {} : { anyOf: all.map(({ schema }) => schema) } },
      value: all.map(({ value }) => value),
    })),
    tie('object'),
  ),
  object: fc
    .uniqueArray(fc.tuple(fc.oneof(word(6), fc.constantFrom('a/b', 'c~d', 'constructor', 'e%f')), tie('any')), {
      maxLength: 4,
      selector: ([name]) => name,
    })
    .map((all) => ({
      schema: {
        type: 'object',
        properties: Object.fromEntries(all.map(([name, { schema }]) => [name, schema])),
        required: all.map(([name]) => name),
        additionalProperties: false,
      },
      value: Object.fromEntries(all.map(([name, { value }]) => [name, value])),
    })),
})).object

const fits = target({
  name: 'schema-fits',
  share: 0.3,
  limitMs: 3_000,
  cases: fc.record({
    fitting,
    around: fc.constantFrom(['', ''], ['```json\n', '\n```'], ['So:\n```\n', '\n```\n'], [' ', '\n']),
  }),
  async check({ fitting: { schema, value }, around: [before, after] }) {
    const read = await readSchema(schema)
    const written = JSON.stringify(value, null, 1)
    assert.deepEqual(read.check(`${before}${written}${after}`), { ok: true, json: written })
    const wrong = read.check(JSON.stringify([value]))
    assert.equal(wrong.ok, false)
  },
})

const keywords = fc.oneof(
  fitting.map(({ schema }) => schema as unknown),
  fc.record(
    {
      type: fc.constantFrom('object', 'array', ['object', 'null'], 'x'),
      properties: fc.record({
        a: fc.constantFrom({ $ref: '#' }, { $ref: '#/$defs/x' }, { $ref: 'http://x/' }, true),
        b: fitting.map(({ schema }) => schema),
      }),
      $defs: fc.record({
        x: fc.constantFrom(
          { $ref: '#/$defs/x' },
          { type: 'string', pattern: '(a+)+$' },
          { anyOf: [{ $ref: '#' }, {}] },
        ),
      }),
      allOf: fc.constantFrom([{ $ref: '#/$defs/x' }], [], [{ not: {} }]),
      patternProperties: fc.constantFrom({ '^(a|a)*$': {} }, { '[': {} }),
      if: fc.constantFrom({}, { $ref: '#' }),
      $anchor: text,
      $schema: fc.constantFrom('http://json-schema.org/draft-07/schema#', 'x'),
      minProperties: number,
      unevaluatedProperties: fc.boolean(),
      propertyNames: fc.constantFrom({ pattern: '^a' }, { maxLength: 1 }),
      dependentRequired: fc.constantFrom({ a: ['b'] }, {}),
      title: text,
    },
    { requiredKeys: ['type'] },
  ),
)

const schemas = target({
  name: 'output-schema',
  share: 0.3,
  limitMs: 4_000,
  cases: fc.record({
    schema: fc.oneof({ weight: 5, arbitrary: damaged(keywords) }, { weight: 1, arbitrary: json }),
    answer: jsonText(
      fc.oneof(
        json,
        fitting.map(({ value }) => value),
      ),
    ),
  }),
  async check({ schema, answer }) {
    const read = await oursLater(() => readSchema(schema), 'INPUT_INVALID')
    if (read instanceof CodexError) return
    const verdict = read.check(answer)
    if (verdict.ok) return assert.notEqual(parsed(verdict.json), undefined)
    assert.ok(verdict.problems.length >= 1)
    for (const problem of verdict.problems) assertOneLine(problem, 1000)
    assert.ok(repairPrompt(verdict.problems).length < 20_000)
  },
})

const answerJson = target({
  name: 'answer-json',
  cases: fc.oneof(
    damagedText(
      fc
        .tuple(
          text,
          fc.constantFrom('```json\n', '```\n', '', '{'),
          json.map((value) => JSON.stringify(value)),
          fc.constantFrom('\n```', '', '}'),
        )
        .map((all) => all.join('')),
    ),
    fc.nat(3).map((n) => nested(10 ** n * 10)),
    fc
      .tuple(fc.constantFrom('{', '"', '{"', '\\', '```\n', '{"a":"\\'), fc.nat(20_000))
      .map(([unit, n]) => unit.repeat(n)),
  ),
  check(answer) {
    const found = findJson(answer)
    if ('json' in found) {
      assert.notEqual(parsed(found.json), undefined)
      assert.ok(answer.includes(found.json), 'the value is not as it was written')
    } else assertOneLine(found.problem)
  },
})

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

export const SERVICE_TARGETS: readonly FuzzTarget[] = [
  ...[refusals, planRefusals, mends, models, fits, schemas, answerJson],
]

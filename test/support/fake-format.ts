import { apiError, invalidValue } from './fake-errors.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'

type Json = Readonly<Record<string, unknown>>

/** Words of JSON Schema that strict mode has none of. */
const NOT_PERMITTED = [
  ...['allOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'patternProperties'],
  ...['unevaluatedProperties', 'propertyNames', 'minProperties', 'maxProperties', 'default', 'prefixItems', 'contains'],
]

/** Why `text` is refused, as the public API words it; `undefined` if it is not. */
export function textRefusal(text: unknown): Answer | undefined {
  if (text === undefined) return undefined
  if (!isRecord(text)) return wrongType('text', 'an object')
  if (text.verbosity !== undefined && !['low', 'medium', 'high'].includes(`${text.verbosity}`)) {
    return invalidValue('text.verbosity', text.verbosity, ['low', 'medium', 'high'])
  }
  if (text.format === undefined) return undefined
  if (!isRecord(text.format)) return wrongType('text.format', 'an object')
  const { type } = text.format
  if (type === 'json_schema') return formatRefusal(text.format)
  const types = ['text', 'json_schema', 'json_object']
  return types.includes(`${type}`) ? undefined : invalidValue('text.format.type', type, types)
}

function formatRefusal({ name, schema, strict }: Json): Answer | undefined {
  for (const [field, value] of Object.entries({ name, schema })) {
    if (value !== undefined) continue
    const param = `text.format.${field}`
    return apiError(400, {
      message: `Missing required parameter: '${param}'.`,
      param,
      code: 'missing_required_parameter',
    })
  }
  if (!/^[\w-]{1,64}$/.test(`${name}`)) return wrongType('text.format.name', "a string that matches '^[a-zA-Z0-9_-]+$'")
  if (!isRecord(schema)) return wrongType('text.format.schema', 'an object')
  if (typeof strict !== 'boolean') return wrongType('text.format.strict', 'a boolean')
  const problem = topProblem(schema) ?? (strict ? strictProblem(schema, []) : undefined)
  if (problem === undefined) return undefined
  const message = `Invalid schema for response_format '${name}': ${problem}`
  return apiError(400, { message, param: 'text.format.schema', code: 'invalid_json_schema' })
}

/** Strict or not. */
function topProblem({ type }: Json): string | undefined {
  if (type === 'object') return undefined
  return `schema must be a JSON Schema of 'type: "object"', got 'type: "${type ?? 'None'}"'.`
}

/** What keeps a schema from being strict: open objects, optional properties, words it does not take. */
function strictProblem(schema: unknown, path: readonly string[]): string | undefined {
  const at = `In context=(${path.map((step) => `'${step}'`).join(', ')})`
  if (!isRecord(schema)) return `${at}, schema must have a 'type' key.`
  const word = NOT_PERMITTED.find((one) => one in schema)
  if (word !== undefined) return `${at}, '${word}' is not permitted.`
  if (schema.type === undefined && schema.anyOf === undefined && schema.$ref === undefined) {
    return `${at}, schema must have a 'type' key.`
  }
  if ([schema.type].flat().includes('object')) {
    const problem = objectProblem(schema)
    if (problem !== undefined) return `${at}, ${problem}`
  }
  if ([schema.type].flat().includes('array') && !isRecord(schema.items)) return `${at}, array schema missing items.`
  return partsOf(schema)
    .map(([steps, part]) => strictProblem(part, [...path, ...steps]))
    .find((problem) => problem !== undefined)
}

function objectProblem({ additionalProperties, properties, required }: Json): string | undefined {
  if (additionalProperties !== false) return "'additionalProperties' is required to be supplied and to be false."
  const names = isRecord(properties) ? Object.keys(properties) : []
  const missing = names.find((name) => !Array.isArray(required) || !required.includes(name))
  if (missing === undefined) return undefined
  return `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
}

function partsOf(schema: Json): [string[], unknown][] {
  const maps = ['properties', '$defs', 'definitions'].flatMap((word): [string[], unknown][] =>
    isRecord(schema[word]) ? Object.entries(schema[word]).map(([name, part]) => [[word, name], part]) : [],
  )
  const choices = Array.isArray(schema.anyOf) ? schema.anyOf : []
  return [
    ...maps,
    ...choices.map((part, index): [string[], unknown] => [['anyOf', `${index}`], part]),
    ...(schema.items === undefined ? [] : [[['items'], schema.items] as [string[], unknown]]),
  ]
}

function wrongType(param: string, expected: string): Answer {
  return apiError(400, { message: `Invalid type for '${param}': expected ${expected}.`, param, code: 'invalid_type' })
}

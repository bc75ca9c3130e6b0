/**
 * What keeps `schema` from being JSON Schema 2020-12 as hosts understand it: unknown or older keywords, values of the
 * wrong shape, required properties that are not described. Empty means it is fine.
 */
export function schemaProblems(schema: unknown, place = '#'): string[] {
  if (typeof schema === 'boolean') return []
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [`${place} is no schema`]
  const entries = Object.entries(schema)
  return [
    ...entries.flatMap(([keyword, value]) => keywordProblems(keyword, value, `${place}/${keyword}`)),
    ...requiredProblems(schema, place),
  ]
}

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']

/** The vocabulary in use here; `definitions`, `nullable` and list-valued `items` belong to older dialects. */
const KEYWORDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: (value) =>
    TYPES.includes(value as string) || (isList(value) && value.every((type) => TYPES.includes(`${type}`))),
  title: isText,
  description: isText,
  format: isText,
  pattern: (value) => isText(value) && isPattern(value),
  default: () => true,
  const: () => true,
  enum: (value) => isList(value) && value.length > 0,
  required: (value) => isList(value) && value.every(isText) && new Set(value).size === value.length,
  minLength: isCount,
  maxLength: isCount,
  minItems: isCount,
  maxItems: isCount,
  minimum: Number.isFinite,
  maximum: Number.isFinite,
  exclusiveMinimum: Number.isFinite,
  exclusiveMaximum: Number.isFinite,
}

/** Keywords whose value is a schema, and those whose value is an object of schemas. */
const WITH_SCHEMA = ['items', 'additionalProperties', 'propertyNames', 'not']
const WITH_SCHEMAS = ['properties', '$defs']

function keywordProblems(keyword: string, value: unknown, place: string): string[] {
  if (WITH_SCHEMA.includes(keyword)) return schemaProblems(value, place)
  if (WITH_SCHEMAS.includes(keyword)) {
    return Object.entries(Object(value)).flatMap(([name, inner]) => schemaProblems(inner, `${place}/${name}`))
  }
  const isValid = KEYWORDS[keyword]
  if (isValid === undefined) return [`${place} is not known`]
  return isValid(value) ? [] : [`${place} has no valid value`]
}

function requiredProblems(schema: object, place: string): string[] {
  const { required = [], properties = {} } = schema as { required?: string[]; properties?: object }
  return required.filter((name) => !Object.hasOwn(properties, name)).map((name) => `${place} does not describe ${name}`)
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

function isPattern(value: string): boolean {
  try {
    return new RegExp(value, 'u') instanceof RegExp
  } catch {
    return false
  }
}

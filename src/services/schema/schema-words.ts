export type Json = Readonly<Record<string, unknown>>

interface Kind {
  /** What a keyword of this kind must be. */
  is: string
  fits: (value: unknown) => boolean
  /** Which schemas stand in it. */
  inside?: 'itself' | 'each'
}

const TYPES: readonly unknown[] = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string']

const SCHEMA: Kind = { is: 'a schema', fits: isSchema, inside: 'itself' }
const SCHEMAS: Kind = {
  is: 'an array of at least one schema',
  fits: (value) => Array.isArray(value) && value.length > 0,
  inside: 'each',
}
const SCHEMA_MAP: Kind = { is: 'an object of schemas', fits: isObject, inside: 'each' }
const PATTERN_MAP: Kind = {
  is: 'an object of schemas whose names are regular expressions of JavaScript (flag u)',
  fits: (value) => isObject(value) && Object.keys(value).every(isPattern),
  inside: 'each',
}
const PATTERN: Kind = { is: 'a regular expression of JavaScript (flag u)', fits: isPattern }
const NUMBER: Kind = { is: 'a number', fits: Number.isFinite }
const POSITIVE: Kind = { is: 'a number above 0', fits: (value) => Number.isFinite(value) && Number(value) > 0 }
const COUNT: Kind = { is: 'a whole number from 0', fits: (value) => Number.isSafeInteger(value) && Number(value) >= 0 }
const FLAG: Kind = { is: 'true or false', fits: (value) => typeof value === 'boolean' }
const TEXT: Kind = { is: 'a string', fits: (value) => typeof value === 'string' }
const NAMES: Kind = { is: 'an array of names', fits: isNames }
const NAMES_MAP: Kind = {
  is: 'an object of arrays of names',
  fits: (value) => isObject(value) && Object.values(value).every(isNames),
}
const LIST: Kind = {
  is: 'an array of at least one value',
  fits: (value) => Array.isArray(value) && value.length > 0,
}
const TYPE: Kind = {
  is: `one of ${TYPES.join(', ')}, or an array of those`,
  fits: (value) => [value].flat().length > 0 && [value].flat().every((type) => TYPES.includes(type)),
}
/** A number as a limit of its own, or, in draft 4, whether the other one is left out. */
const LIMIT: Kind = { is: 'a number', fits: (value) => Number.isFinite(value) || typeof value === 'boolean' }
/** One schema for all, or, before 2020-12, one for each place. */
const ITEMS: Kind = { is: 'a schema', fits: (value) => isSchema(value) || Array.isArray(value), inside: 'itself' }

const KINDS: Readonly<Record<string, Kind>> = {
  ...all(SCHEMA, 'additionalProperties', 'unevaluatedProperties', 'propertyNames', 'not', 'if', 'then', 'else'),
  ...all(SCHEMA, 'additionalItems', 'unevaluatedItems', 'contains'),
  ...all(SCHEMAS, 'allOf', 'anyOf', 'oneOf', 'prefixItems'),
  ...all(SCHEMA_MAP, 'properties', '$defs', 'definitions', 'dependentSchemas'),
  ...all(COUNT, 'minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains'),
  ...all(COUNT, 'minProperties', 'maxProperties'),
  ...all(NUMBER, 'minimum', 'maximum'),
  ...all(LIMIT, 'exclusiveMinimum', 'exclusiveMaximum'),
  ...all(TEXT, '$ref', '$anchor', 'format', 'title', 'description'),
  items: ITEMS,
  patternProperties: PATTERN_MAP,
  pattern: PATTERN,
  multipleOf: POSITIVE,
  uniqueItems: FLAG,
  required: NAMES,
  dependentRequired: NAMES_MAP,
  enum: LIST,
  type: TYPE,
}

/** What a word of JSON Schema must be followed by; nothing for a word that no draft knows. */
export function kindOf(word: string): Kind | undefined {
  return Object.hasOwn(KINDS, word) ? KINDS[word] : undefined
}

function all(kind: Kind, ...words: string[]): Record<string, Kind> {
  return Object.fromEntries(words.map((word) => [word, kind]))
}

export function isSchema(value: unknown): boolean {
  return typeof value === 'boolean' || isObject(value)
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return new RegExp(value, 'u') instanceof RegExp
  } catch {
    return false
  }
}

import { fieldOf } from '../codex/remote-text.ts'
import { isObject, type Json } from './schema-words.ts'

/** What says nothing about the value. */
const REMARKS = ['title', 'description', '$schema']

/** The words that strict mode takes beside `type`, which it wants everywhere but beside `$ref` and `anyOf`. */
const WORDS = new Set([
  ...REMARKS,
  '$defs',
  'definitions',
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'anyOf',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
])

const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']

/** Ten levels are documented, and all sizes below are a good part of what is. */
const MAX_LEVELS = 10
const MAX_PROPERTIES = 1000
const MAX_ENUM_VALUES = 500

/**
 * Whether a schema is one that the service can hold the model to (`strict: true` of Structured Outputs): every object closed,
 * every property required, and no word but those it takes. Where it is not certain the answer is no: then the schema still
 * guides the model, while a wrong yes would cost the question.
 */
export function isStrict(schema: Json): boolean {
  if (schema.anyOf !== undefined) return false
  const count = { properties: 0, values: 0 }
  const definitions = [schema.$defs, schema.definitions].flatMap(valuesOf)
  const fits = [schema, ...definitions].every((part) => isStrictPart(part, 1, count))
  return fits && count.properties <= MAX_PROPERTIES && count.values <= MAX_ENUM_VALUES
}

function isStrictPart(part: unknown, level: number, count: { properties: number; values: number }): boolean {
  if (!isObject(part) || level > MAX_LEVELS) return false
  const words = Object.keys(part)
  if (part.$ref !== undefined) return words.length === 1 && /^#(\/(\$defs|definitions)\/[^/]+)?$/.test(`${part.$ref}`)
  if (!words.every((word) => WORDS.has(word))) return false
  if (level > 1 && (part.$defs ?? part.definitions ?? part.$schema) !== undefined) return false
  count.properties += valuesOf(part.properties).length
  count.values += Array.isArray(part.enum) ? part.enum.length : 0
  const inside = (child: unknown) => isStrictPart(child, level + 1, count)
  if (part.anyOf !== undefined) {
    const isAlone = words.every((word) => word === 'anyOf' || REMARKS.includes(word))
    return isAlone && Array.isArray(part.anyOf) && part.anyOf.every(inside)
  }
  return isStrictText(part) && hasType(part, inside)
}

function hasType(part: Json, inside: (child: unknown) => boolean): boolean {
  const types = [part.type].flat()
  if (part.type === undefined) return false
  if (types.includes('array') && !inside(part.items)) return false
  return !types.includes('object') || isClosed(part, inside)
}

function isClosed(part: Json, inside: (child: unknown) => boolean): boolean {
  const { properties, required } = part
  if (part.additionalProperties !== false || !isObject(properties) || !Array.isArray(required)) return false
  const names = Object.keys(properties)
  const isComplete = names.every((name) => required.includes(name)) && required.every((name) => names.includes(name))
  return isComplete && names.every((name) => inside(fieldOf(properties, name)))
}

/** Of regular expressions it takes neither looking around nor back. */
function isStrictText({ format, pattern }: Json): boolean {
  if (format !== undefined && !FORMATS.includes(`${format}`)) return false
  return pattern === undefined || !/\(\?(?!:)|\\[1-9k]/.test(`${pattern}`)
}

function valuesOf(map: unknown): unknown[] {
  return isObject(map) ? Object.values(map) : []
}

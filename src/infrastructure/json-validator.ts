import { type OutputUnit, type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema'

/** One way in which a value does not fit a schema. */
export interface Violation {
  /** A JSON pointer into the value (RFC 6901); empty for the whole. */
  at: string
  /** A sentence of the validator: it names parts of the schema and of the value. */
  words: string
}

/**
 * What is wrong with a value; nothing when it fits.
 *
 * @throws RangeError it goes too deep; SyntaxError a pattern is too large; URIError half a character in a name
 */
export type JsonValidator = (value: unknown) => Violation[]

/** Drafts by the end of their `$schema`; without one it is the latest. */
const DRAFTS: readonly (readonly [RegExp, SchemaDraft])[] = [
  [/draft-04/, '4'],
  [/draft-0[67]/, '7'],
  [/2019-09/, '2019-09'],
]

/** Those say only that something below them does not fit, and what that is they say as well. */
const SUMMARIES = new Set([
  '$ref',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'allOf',
  'if',
  'dependentSchemas',
])

/**
 * A validator for a JSON Schema, without compiling any code. How long it works is for the schema and the value to say: the
 * caller sets the limit.
 *
 * @throws Error the schema is none that it can take
 */
export function createJsonValidator(schema: Readonly<Record<string, unknown>>): JsonValidator {
  // The package marks what it is given, and what an `$id` says about addresses nobody needs: references stay inside.
  const { $id: _, id: __, ...own } = JSON.parse(JSON.stringify(schema)) as Record<string, unknown>
  const draft = DRAFTS.find(([pattern]) => pattern.test(`${own.$schema}`))?.[1] ?? '2020-12'
  const thorough = new Validator(own as Schema, draft, false)
  const brief = new Validator(own as Schema, draft, true)
  return (value) => {
    try {
      return violationsOf(thorough.validate(value).errors)
    } catch (error) {
      // It hands on all that it finds as arguments of one call, which a value with very many faults is too much for.
      if (error instanceof RangeError) return violationsOf(brief.validate(value).errors)
      throw error
    }
  }
}

function violationsOf(units: readonly OutputUnit[]): Violation[] {
  const telling = units.filter(({ keyword }) => !SUMMARIES.has(keyword))
  return (telling.length > 0 ? telling : units).map(({ keyword, instanceLocation, error }) => ({
    at: decodeURIComponent(instanceLocation.slice('#'.length)),
    words: keyword === 'false' ? 'The schema allows nothing here.' : error,
  }))
}

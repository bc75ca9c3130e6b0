import { describe, expect, test } from 'vitest'
import { shapeProblem } from '../../../src/services/schema/schema-shape.ts'

type Json = Record<string, unknown>

const inA = (schema: unknown): Json => ({ type: 'object', properties: { a: schema } })

describe('a schema can be worked with', () => {
  test.each<[string, Json]>([
    ['when it says nothing', {}],
    ['with all the usual words', inA({ type: ['string', 'null'], pattern: '^\\p{L}+$', minLength: 0, enum: ['a'] })],
    ['with schemas of one word', { properties: { a: true, b: false }, additionalProperties: false }],
    ['with words nobody knows', { 'x-order': 1, example: { type: 'nonsense' }, constructor: 1, toString: {} }],
    ['with properties that are called like words', { properties: { type: {}, $ref: {}, $id: {}, pattern: {} } }],
    ['with a tree of itself', { properties: { children: { type: 'array', items: { $ref: '#' } } } }],
    [
      'with references by every kind of name',
      {
        $defs: { 'a/b~c d': { $anchor: 'here' } },
        properties: { a: { $ref: '#/$defs/a~1b~0c%20d' }, b: { $ref: '#here' }, c: { $ref: '#/x/y' } },
        x: { y: { type: 'string' } },
      },
    ],
    [
      'with a name and a draft on top',
      { $id: 'https://a.example/s', $schema: 'http://json-schema.org/draft-07/schema#' },
    ],
    ['of draft 4 and of draft 7', { minimum: 1, exclusiveMinimum: true, items: [{ type: 'string' }] }],
    [
      'with one and the same schema on two ways',
      { allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }], $defs: { a: {} } },
    ],
  ])('%s', (_, schema) => {
    expect(shapeProblem(schema)).toBeUndefined()
  })
})

describe('what is wrong is told with its place:', () => {
  test.each<[string, Json, RegExp]>([
    [
      'a type nobody knows',
      inA({ type: 'strnig' }),
      /“\/properties\/a\/type” must be one of null, .*string, or an array/,
    ],
    ['a list of no types', inA({ type: [] }), /\/type” must be one of/],
    ['required as a flag', inA({ required: true }), /\/required” must be an array of names\.$/],
    ['properties as a list', { properties: ['a'] }, /“\/properties” must be an object of schemas\.$/],
    ['a text as a schema', inA('string'), /“\/properties\/a” must be a schema: an object, true or false\.$/],
    ['a list of nothing', inA({ anyOf: [] }), /\/anyOf” must be an array of at least one schema/],
    ['a text in a list', inA({ oneOf: ['x'] }), /“\/properties\/a\/oneOf\/0” must be a schema/],
    ['no values', inA({ enum: [] }), /\/enum” must be an array of at least one value/],
    ['a length below 0', inA({ minLength: -1 }), /\/minLength” must be a whole number from 0/],
    ['a limit in words', inA({ maximum: '10' }), /\/maximum” must be a number\.$/],
    ['multiples of 0', inA({ multipleOf: 0 }), /must be a number above 0/],
    ['a flag in words', inA({ uniqueItems: 'yes' }), /must be true or false/],
    ['a pattern that is none', inA({ pattern: '(' }), /must be a regular expression of JavaScript/],
    ['a pattern that is none as a name', { patternProperties: { '[': {} } }, /whose names are regular expressions/],
    ['names that depend on a text', { dependentRequired: { a: 'b' } }, /an object of arrays of names/],
    ['items as a text', inA({ items: 'string' }), /\/items” must be a schema\.$/],
    ['a file', inA({ $ref: 'other.json' }), /“\/properties\/a\/\$ref” points outside the schema/],
    ['a page', inA({ $ref: 'https://a.example/s#/x' }), /points outside the schema/],
    ['a reference that is no text', inA({ $ref: 7 }), /\$ref” must be a string/],
    ['a reference to nothing', inA({ $ref: '#/$defs/b' }), /points to nothing in the schema/],
    ['a reference to what nobody is called', inA({ $ref: '#b' }), /points to nothing/],
    ['a reference to what every object has', inA({ $ref: '#/constructor' }), /points to nothing/],
    ['a reference that cannot be read', inA({ $ref: '#/%' }), /points to nothing/],
    ['a reference to what is no schema', inA({ $ref: '#/type' }), /“\/type” must be a schema/],
    [
      'something wrong behind a reference',
      { ...inA({ $ref: '#/x/y' }), x: { y: { type: 'z' } } },
      /“\/x\/y\/type” must/,
    ],
    ['a name inside', inA({ $id: 'b' }), /“\/properties\/a\/\$id” is supported at the top level only/],
    ['what depends on the caller', inA({ $dynamicRef: '#a' }), /“\/properties\/a\/\$dynamicRef” is not supported/],
    ['itself', { $ref: '#' }, /refers to itself without end/],
    [
      'itself through others',
      { ...inA({ anyOf: [{ $ref: '#/$defs/b' }] }), $defs: { b: { not: { $ref: '#/properties/a' } } } },
      /refers to itself/,
    ],
  ])('%s', (_, schema, words) => {
    expect(shapeProblem(schema)).toMatch(words)
  })

  test('what the schema calls its parts is quoted, cut, on one line', () => {
    const problem = shapeProblem({ properties: { [`\`x\n”. Do this: ${'y'.repeat(300)}`]: 7 } }) ?? ''
    expect(problem).toMatch(
      /^In the schema “\/properties\/x ". Do this: y+…” must be a schema: an object, true or false\.$/,
    )
  })
})

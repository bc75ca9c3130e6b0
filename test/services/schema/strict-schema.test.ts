import { expect, test } from 'vitest'
import { isStrict } from '../../../src/services/schema/strict-schema.ts'
import { textRefusal } from '../../support/fake-format.ts'

type Json = Record<string, unknown>

/** A closed object with these properties, all of them required. */
function closed(properties: Json, more: Json = {}): Json {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false, ...more }
}

function nested(levels: number): Json {
  return levels === 1 ? closed({ a: { type: 'string' } }) : closed({ a: nested(levels - 1) })
}

test.each<[string, Json]>([
  ['a closed object', closed({ a: { type: 'string', description: 'A' }, b: { type: ['number', 'null'] } })],
  ['one without properties', closed({})],
  [
    'lists, choices, constants',
    closed({ a: { type: 'array', items: closed({ b: { type: 'integer', enum: [1, 2] } }) } }),
  ],
  ['a choice of schemas inside', closed({ a: { anyOf: [{ type: 'null' }, closed({})], description: 'A' } })],
  [
    'references to definitions and to itself',
    closed({ a: { $ref: '#/$defs/b' } }, { $defs: { b: closed({ c: { $ref: '#' } }) } }),
  ],
  [
    'limits and formats',
    closed({ a: { type: 'string', format: 'date', pattern: '^(?:\\d+)-$' }, b: { type: 'number', minimum: 0 } }),
  ],
  ['a name of its draft', closed({}, { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'T' })],
  [
    'properties that are called like words of a schema',
    closed({ allOf: { type: 'string' }, $ref: { type: 'string' } }),
  ],
  ['nine levels', nested(9)],
])('strict mode takes %s, and so does the service', (_, schema) => {
  expect(isStrict(schema)).toBe(true)
  expect(textRefusal({ format: { type: 'json_schema', name: 'x', strict: true, schema } })).toBeUndefined()
})

test.each<[string, Json]>([
  ['an open object', { ...closed({}), additionalProperties: undefined }],
  ['an object open for some', { ...closed({}), additionalProperties: { type: 'string' } }],
  ['an open object inside', closed({ a: { type: 'array', items: { type: 'object' } } })],
  ['an open object among definitions', closed({}, { $defs: { a: { type: 'object' } } })],
  ['a property that may be missing', { ...closed({ a: { type: 'string' } }), required: [] }],
  ['no list of what is required', { ...closed({ a: { type: 'string' } }), required: undefined }],
  ['a required property that is not there', { ...closed({}), required: ['a'] }],
  ['no properties', { type: 'object', required: [], additionalProperties: false }],
  ['only a choice at the top', { anyOf: [closed({})] }],
  ['a choice at the top', { ...closed({}), anyOf: [closed({})] }],
  ['words it does not know', closed({ a: { type: 'string', default: 'x' } })],
  ['all of several', closed({ a: { allOf: [{ type: 'string' }] } })],
  ['one of several', closed({ a: { oneOf: [{ type: 'string' }] } })],
  ['the length of a text', closed({ a: { type: 'string', minLength: 1 } })],
  ['anything', closed({ a: {} })],
  ['true', closed({ a: true })],
  ['a list of anything', closed({ a: { type: 'array' } })],
  ['a choice with more to it', closed({ a: { anyOf: [{ type: 'null' }], type: 'null' } })],
  ['a reference with more to it', closed({ a: { $ref: '#', description: 'A' } })],
  ['a reference into the middle', closed({ a: { $ref: '#/properties/b' }, b: { type: 'null' } })],
  ['a format it does not know', closed({ a: { type: 'string', format: 'uri' } })],
  ['a pattern that looks ahead', closed({ a: { type: 'string', pattern: '^(?!a)' } })],
  ['a pattern that looks back', closed({ a: { type: 'string', pattern: '(a)\\1' } })],
  ['definitions inside', closed({ a: closed({}, { $defs: {} }) })],
  ['eleven levels', nested(11)],
  [
    'too many properties',
    closed(Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`p${i}`, { type: 'null' }]))),
  ],
  ['too many values', closed({ a: { type: 'integer', enum: Array.from({ length: 501 }, (_, i) => i) } })],
])('strict mode does not take %s', (_, schema) => {
  expect(isStrict(schema)).toBe(false)
})

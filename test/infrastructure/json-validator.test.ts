import { describe, expect, test } from 'vitest'
import { createJsonValidator } from '../../src/infrastructure/json-validator.ts'

type Json = Record<string, unknown>

const wordsOf = (schema: Json, value: unknown) => createJsonValidator(schema)(value)

describe('what is wrong with a value', () => {
  test('is all of it, each at its place, without what only repeats it', () => {
    const item = { type: 'object', required: ['a'], properties: { a: { type: 'number' } }, additionalProperties: false }
    const schema = {
      type: 'object',
      properties: { list: { type: 'array', items: { $ref: '#/$defs/item' } } },
      $defs: { item },
    }
    expect(wordsOf(schema, { list: [{ a: 1 }, { a: 'x' }, { b: 1 }] })).toEqual([
      { at: '/list/1/a', words: 'Instance type "string" is invalid. Expected "number".' },
      { at: '/list/2', words: 'Instance does not have required property "a".' },
      { at: '/list/2/b', words: 'The schema allows nothing here.' },
    ])
  })

  test('is placed by a pointer, whatever its names', () => {
    const value = { 'a/b~c#d%23 é': 1 }
    expect(wordsOf({ additionalProperties: { type: 'null' } }, value)[0]?.at).toBe('/a~1b~0c#d%23 é')
  })

  test('is nothing when it fits', () => {
    expect(wordsOf({ type: 'object', properties: { a: { type: 'integer' } } }, { a: 1, b: 2 })).toEqual([])
  })

  test('is told of a value with more faults than can be counted', () => {
    const list = Array.from({ length: 200_000 }, () => 'x')
    expect(wordsOf({ properties: { list: { items: { type: 'null' } } } }, { list }).length).toBeGreaterThan(0)
  })
})

test('a schema is taken as its draft means it, the latest unless it says', () => {
  const draft = (version: string) => ({ $schema: `http://json-schema.org/${version}/schema#` })
  const tuple = { items: [{ type: 'string' }] }
  expect(wordsOf({ ...draft('draft-07'), ...tuple }, [1])).toHaveLength(1)
  const sibling = { $defs: { any: {} }, properties: { a: { $ref: '#/$defs/any', type: 'null' } } }
  expect(wordsOf({ ...draft('draft-07'), ...sibling }, { a: 1 })).toEqual([])
  expect(wordsOf({ ...draft('draft/2020-12'), ...sibling }, { a: 1 })).toHaveLength(1)
  expect(wordsOf(sibling, { a: 1 })).toHaveLength(1)
  expect(wordsOf({ ...draft('draft-04'), minimum: 1, exclusiveMinimum: true }, 1)).toHaveLength(1)
})

test('the schema stays as it was', () => {
  const schema = { $id: 'not an address', id: 'x', $defs: { a: {} }, properties: { a: { $ref: '#/$defs/a' } } }
  createJsonValidator(schema)({ a: 1 })
  expect(Object.getOwnPropertyNames(schema)).toEqual(['$id', 'id', '$defs', 'properties'])
  expect(Object.getOwnPropertyNames(schema.properties.a)).toEqual(['$ref'])
})

test('properties with the names of what every object has are like others', () => {
  const schema = JSON.parse(
    '{"properties": {"__proto__": {"type": "null"}, "constructor": {"type": "null"}}, "required": ["toString"]}',
  )
  expect(wordsOf(schema, JSON.parse('{"__proto__": 1, "constructor": 1}'))).toHaveLength(3)
})

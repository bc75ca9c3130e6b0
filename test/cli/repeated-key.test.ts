import { expect, test } from 'vitest'
import { repeatedKey } from '../../src/cli/repeated-key.ts'

test.each([
  ['{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}', undefined],
  ['{"a": "{", "b": "a\\":", "c": "}"}', undefined],
  ['["a", "a"]', undefined],
  ['"a"', undefined],
  ['{"toString": 1, "__proto__": 2}', undefined],
  ['{"a": 1, "a": 1}', 'a'],
  ['{"a": {"b": {}, "c": [], "b" \n : 1}}', 'b'],
  ['[{"a": {}, "a": {}}]', 'a'],
  ['{"a": 1, "\\u0061": 2}', 'a'],
  ['{"": 1, "": 2}', ''],
  ['{"x\\"y": {"z": 1}, "x\\"y": 2}', 'x"y'],
  ['{"__proto__": 1, "__proto__": 2}', '__proto__'],
])('of %s it is %j', (text, expected) => {
  expect(() => JSON.parse(text)).not.toThrow()
  expect(repeatedKey(text)).toBe(expected)
})

test('neither depth nor length keeps it from looking', () => {
  const deep = 100_000
  expect(repeatedKey(`${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`)).toBeUndefined()
  expect(repeatedKey(`{"a": "${'x\\n'.repeat(300_000)}", "a": 1}`)).toBe('a')
})

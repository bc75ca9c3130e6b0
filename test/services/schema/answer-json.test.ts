import { expect, test } from 'vitest'
import { findJson } from '../../../src/services/schema/answer-json.ts'

const NOT_JSON = 'The answer is not JSON.'
const SEVERAL = 'The answer holds more than one JSON value.'

test.each([
  ['the whole answer', ' \n{"a": 1}\n', '{"a": 1}'],
  ['the whole answer behind a mark of byte order', '\ufeff{"a": 1}', '{"a": 1}'],
  ['the whole answer that is no object', '[{"a": 1}]', '[{"a": 1}]'],
  ['a text that holds a fence', '"```json\\n{}\\n```"', '"```json\\n{}\\n```"'],
  ['in a fence', '```json\n{"a": 1}\n```', '{"a": 1}'],
  [
    'in a fence without a name, of Windows, with words around',
    'Here:\r\n```\r\n{"a": 1}\r\n```\r\nHope {it} helps',
    '{"a": 1}',
  ],
  ['in the only fence with JSON', '```sh\nls {a,b}\n```\n\n```json\n{"a": 1}\n```', '{"a": 1}'],
  ['with fences inside its texts', 'So: {"a": "```json\\n{}\\n```"}', '{"a": "```json\\n{}\\n```"}'],
  ['among words', 'The answer is {"a": {"b": "}"}}, as [1] says.', '{"a": {"b": "}"}}'],
  ['beside braces that hold none', 'For {x} it is {"a": "\\"}"}.', '{"a": "\\"}"}'],
  [
    'as it is written',
    '{"n":9007199254740993,  "e":1E2,"u":"\\u00e9"}',
    '{"n":9007199254740993,  "e":1E2,"u":"\\u00e9"}',
  ],
])('the JSON of an answer is %s', (_, text, json) => {
  expect(findJson(text)).toEqual({ json })
})

test.each([
  ['there is none', 'I cannot say.', NOT_JSON],
  ['there is nothing', '', NOT_JSON],
  ['it is cut off, though a part of it is whole', '{"a": {"b": 1}, "c": ', NOT_JSON],
  ['it is broken, though a part of it is whole', '{"a": {"b": 1}, c: 2}', NOT_JSON],
  ['it is broken in its fence', '```json\n{"a": {"b": 1},}\n```', NOT_JSON],
  ['there are two fences with JSON', '```json\n{"a": 1}\n```\nor\n```json\n{"a": 2}\n```', SEVERAL],
  ['there are two among words', 'Either {"a": 1} or {"a": 2}.', SEVERAL],
])('an answer has none when %s', (_, text, problem) => {
  expect(findJson(text)).toEqual({ problem })
})

test('a long answer is searched in the time of one look', () => {
  const startedAt = performance.now()
  expect(findJson(`${'{"'.repeat(300_000)} and ${'```\n'.repeat(300_000)}`)).toEqual({ problem: NOT_JSON })
  expect(findJson(`${'{x} '.repeat(300_000)}{"a": 1}`)).toEqual({ json: '{"a": 1}' })
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

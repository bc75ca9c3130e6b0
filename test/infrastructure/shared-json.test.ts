import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSharedJson } from '../../src/infrastructure/shared-json.ts'
import { errorOf } from '../support/error-of.ts'
import { tempFolder } from '../support/temp-folder.ts'

const NOW = 1_790_000_000_000

function setUp(text?: string) {
  const file = join(tempFolder(), 'state', 'things.json')
  if (text !== undefined) {
    fs.mkdirSync(join(file, '..'))
    fs.writeFileSync(file, text)
  }
  return { file, json: createSharedJson({ file, now: () => NOW }), names: () => fs.readdirSync(join(file, '..')) }
}

test('without a file it is empty, and reading makes none', () => {
  const { file, json } = setUp()
  expect(json.read()).toEqual({})
  expect(fs.existsSync(join(file, '..'))).toBe(false)
})

test('a change is written whole, in a folder that is made, for this user alone', async () => {
  const { file, json, names } = setUp()
  await json.change((object) => ({ ...object, a: 1 }))
  await json.change((object) => ({ ...object, b: [2] }))
  expect(json.read()).toEqual({ a: 1, b: [2] })
  expect(fs.readFileSync(file, 'utf8')).toBe('{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n')
  expect(names()).toEqual(['things.json'])
  if (process.platform !== 'win32') expect(fs.statSync(file).mode & 0o777).toBe(0o600)
})

test('where nothing changes nothing is written', async () => {
  const { file, json } = setUp('{ "a" :1}')
  await json.change((object) => object)
  expect(fs.readFileSync(file, 'utf8')).toBe('{ "a" :1}')
})

test('changes of one process take turns', async () => {
  const { json } = setUp()
  await Promise.all(Array.from({ length: 8 }, (_, n) => json.change((object) => ({ ...object, [`k${n}`]: n }))))
  expect(Object.keys(json.read())).toHaveLength(8)
})

test.each(['', '[]', 'null', '{"a":1', '"text"'])('%j in the file is damage, and stays as it is', async (text) => {
  const { file, json } = setUp(text)
  const error = await errorOf(() => json.read())
  expect([error.code, error.message]).toEqual(['STORAGE_CORRUPT', `${file} is damaged: it is not a JSON object.`])
  expect((await errorOf(json.change((object) => ({ ...object, a: 1 })))).code).toBe('STORAGE_CORRUPT')
  expect(fs.readFileSync(file, 'utf8')).toBe(text)
})

test('an error of the edit passes and changes nothing', async () => {
  const { json, names } = setUp('{}')
  const fail = () => {
    throw new RangeError('of the edit')
  }
  await expect(json.change(fail)).rejects.toThrow(new RangeError('of the edit'))
  expect(names()).toEqual(['things.json'])
})

test('a change takes away what a killed writer has left', async () => {
  const { file, json, names } = setUp('{}')
  const left = `${file}.tmp.1.00000000000000000000`
  fs.writeFileSync(left, 'half')
  fs.utimesSync(left, NOW / 1000 - 7200, NOW / 1000 - 7200)
  await json.change((object) => ({ ...object, a: 1 }))
  expect(names()).toEqual(['things.json'])
})

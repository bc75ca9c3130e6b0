import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createJsonFile } from '../../src/infrastructure/json-file.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('what was written is read again, by another instance too', () => {
  const path = join(tempFolder(), 'cache.json')
  const value = { list: [1, 'zwei', null], 汉: '👩‍🚀' }
  createJsonFile(path).write(value)
  expect(createJsonFile(path).read()).toEqual(value)
})

test('its folder is made when it is missing, and neither is for others', () => {
  const folder = join(tempFolder(), 'a', 'b')
  createJsonFile(join(folder, 'cache.json')).write({})
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700)
  expect(fs.statSync(join(folder, 'cache.json')).mode & 0o777).toBe(0o600)
  expect(fs.readdirSync(folder)).toEqual(['cache.json'])
})

test.each([
  ['missing', undefined],
  ['empty', ''],
  ['cut in the middle', '{"models":[{"id":"gp'],
  ['full of zeros', '\0'.repeat(64)],
  ['a page', '<!doctype html>'],
  ['larger than 4 MiB', `"${'x'.repeat(4_194_303)}"`],
])('a file that is %s reads as nothing, and can be written again', (_name, text) => {
  const path = join(tempFolder(), 'cache.json')
  if (text !== undefined) fs.writeFileSync(path, text)
  const file = createJsonFile(path)
  expect(file.read()).toBeUndefined()
  file.write({ again: true })
  expect(file.read()).toEqual({ again: true })
})

test('a folder in its place reads as nothing and stays', () => {
  const path = tempFolder()
  const file = createJsonFile(path)
  file.write({})
  expect(file.read()).toBeUndefined()
  expect(fs.statSync(path).isDirectory()).toBe(true)
})

test('a pipe in its place, at whose other end nobody is, reads as nothing at once', () => {
  const path = join(tempFolder(), 'cache.json')
  spawnSync('sh', ['-c', 'mkfifo "$0"', path])
  expect(fs.statSync(path).isFIFO()).toBe(true)
  expect(createJsonFile(path).read()).toBeUndefined()
})

test('where nothing can be written, nothing is said', () => {
  const notAFolder = join(tempFolder(), 'file')
  fs.writeFileSync(notAFolder, 'x')
  const file = createJsonFile(join(notAFolder, 'cache.json'))
  expect(() => file.write({})).not.toThrow()
  expect(file.read()).toBeUndefined()
})

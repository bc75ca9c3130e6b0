import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isOlderThan, listQuietly, removeQuietly } from '../../src/infrastructure/clean-up.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('removing removes a file and does not mind a missing one or a folder', () => {
  const folder = tempFolder()
  const file = join(folder, 'a')
  writeFileSync(file, '')
  removeQuietly(file)
  removeQuietly(file)
  removeQuietly(folder)
  expect(existsSync(file)).toBe(false)
  expect(existsSync(folder)).toBe(true)
})

test('a folder that is not there is an empty one', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'a'), '')
  expect(listQuietly(folder)).toEqual(['a'])
  expect(listQuietly(join(folder, 'missing'))).toEqual([])
})

test('age counts from the last write to the given time', () => {
  const file = join(tempFolder(), 'a')
  writeFileSync(file, '')
  utimesSync(file, 1000, 1000)
  expect(isOlderThan(5000, file, 1_005_001)).toBe(true)
  expect(isOlderThan(5000, file, 1_005_000)).toBe(false)
  expect(isOlderThan(5000, file, 0)).toBe(false)
  expect(isOlderThan(5000, `${file}.missing`, 1_005_001)).toBe(false)
})

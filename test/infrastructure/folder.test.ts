import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ensureFolder } from '../../src/infrastructure/folder.ts'
import { tempFolder } from '../support/temp-folder.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

test('every folder it makes is private', () => {
  const folder = join(tempFolder(), 'a', 'b')
  ensureFolder(folder)
  expect([modeOf(join(folder, '..')), modeOf(folder)]).toEqual([0o700, 0o700])
})

test('a folder that exists keeps its mode', () => {
  const folder = tempFolder()
  chmodSync(folder, 0o755)
  ensureFolder(folder)
  expect(modeOf(folder)).toBe(0o755)
})

test('a file in the way is a system error', () => {
  const file = join(tempFolder(), 'a')
  writeFileSync(file, '')
  expect(() => ensureFolder(join(file, 'b'))).toThrow(/ENOTDIR/)
})

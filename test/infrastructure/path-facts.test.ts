import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { factsOf, nearestFolder, whyUnwritable } from '../../src/infrastructure/path-facts.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('what lies at a path is told, links followed', () => {
  const folder = tempFolder()
  const file = join(folder, 'file')
  writeFileSync(file, '', { mode: 0o640 })
  symlinkSync(file, join(folder, 'link'))
  symlinkSync('nowhere', join(folder, 'broken'))
  expect(factsOf(file).kind).toBe('file')
  expect(factsOf(join(folder, 'link'))).toEqual(factsOf(file))
  expect(factsOf(folder).kind).toBe('folder')
  expect(factsOf(join(folder, 'broken'))).toEqual({ kind: 'absent', mode: 0 })
  expect(factsOf(join(file, 'below'))).toEqual({ kind: 'absent', mode: 0 })
  if (process.platform === 'linux') expect(factsOf('/dev/null').kind).toBe('other')
  if (process.platform !== 'win32') expect(factsOf(file).mode).toBe(0o640)
})

test('the nearest folder is the first that exists above a path', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'a'))
  expect(nearestFolder(join(folder, 'a', 'file'))).toBe(join(folder, 'a'))
  expect(nearestFolder(join(folder, 'b', 'c', 'file'))).toBe(folder)
  expect(nearestFolder('/')).toBe('/')
})

test('a place that can be written to is left as it was', () => {
  const folder = tempFolder()
  expect(whyUnwritable(join(folder, 'file'))).toBeUndefined()
  expect(whyUnwritable(join(folder, 'missing', 'file'))).toBeUndefined()
  expect(readdirSync(folder)).toEqual([])
})

test('a place that cannot be written to says why', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'file'), '')
  expect(whyUnwritable(join(folder, 'file', 'below'))).toBe('ENOTDIR')
})

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { canonicalPath } from '../../src/infrastructure/canonical-path.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('a path without links stays, whether it exists or not', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'file'), '')
  expect(canonicalPath(join(folder, 'file'))).toBe(join(folder, 'file'))
  expect(canonicalPath(join(folder, 'no', 'such', 'file'))).toBe(join(folder, 'no', 'such', 'file'))
})

test('a linked file is its target', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'target'), '')
  symlinkSync('target', join(folder, 'link'))
  expect(canonicalPath(join(folder, 'link'))).toBe(join(folder, 'target'))
})

test('a file in a linked folder is the one in the real folder, before and after it is written', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  expect(canonicalPath(join(folder, 'link', 'file'))).toBe(join(folder, 'real', 'file'))
  writeFileSync(join(folder, 'real', 'file'), '')
  expect(canonicalPath(join(folder, 'link', 'file'))).toBe(join(folder, 'real', 'file'))
})

test('a link that leads nowhere yet is where it leads', () => {
  const folder = tempFolder()
  symlinkSync('second', join(folder, 'first'))
  symlinkSync('missing/target', join(folder, 'second'))
  expect(canonicalPath(join(folder, 'first'))).toBe(join(folder, 'missing', 'target'))
})

test('a folder link that leads nowhere yet is followed too', () => {
  const folder = tempFolder()
  symlinkSync('missing', join(folder, 'link'))
  expect(canonicalPath(join(folder, 'link', 'file'))).toBe(join(folder, 'missing', 'file'))
})

test('links in a circle are a system error', () => {
  const folder = tempFolder()
  symlinkSync('b', join(folder, 'a'))
  symlinkSync('a', join(folder, 'b'))
  expect(() => canonicalPath(join(folder, 'a'))).toThrow(/ELOOP/)
})

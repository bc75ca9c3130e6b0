import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createOnce } from '../../src/infrastructure/exclusive-file.ts'
import { tempFolder } from '../support/temp-folder.ts'

const failWith = (code: string) => () => {
  throw Object.assign(new Error(code), { code })
}

test('the first creates the file whole and private, the second gets a no', () => {
  const folder = tempFolder()
  const file = join(folder, 'claim')
  expect(createOnce(file, 'first')).toBe(true)
  expect(createOnce(file, 'second')).toBe(false)
  expect(readFileSync(file, 'utf8')).toBe('first')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['claim'])
})

test.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EXDEV'])('it is exclusive without hard links too (%s)', (code) => {
  const folder = tempFolder()
  const file = join(folder, 'claim')
  expect(createOnce(file, 'first', failWith(code))).toBe(true)
  expect(createOnce(file, 'second', failWith(code))).toBe(false)
  expect(readFileSync(file, 'utf8')).toBe('first')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['claim'])
})

test('a link that was made counts even if the answer says that it exists', () => {
  const file = join(tempFolder(), 'claim')
  const linkAndLoseTheAnswer = (from: string, to: string) => {
    linkSync(from, to)
    failWith('EEXIST')()
  }
  expect(createOnce(file, 'mine', linkAndLoseTheAnswer as typeof linkSync)).toBe(true)
})

test('another failure is passed on and leaves nothing', () => {
  const folder = tempFolder()
  expect(() => createOnce(join(folder, 'claim'), 'x', failWith('EIO'))).toThrow('EIO')
  expect(readdirSync(folder)).toEqual([])
})

test('what is in the way is not removed', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'claim'))
  writeFileSync(join(folder, 'claim', 'content'), '')
  expect(createOnce(join(folder, 'claim'), 'x', failWith('EPERM'))).toBe(false)
  expect(readdirSync(join(folder, 'claim'))).toEqual(['content'])
})

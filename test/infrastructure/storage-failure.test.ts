import { expect, test } from 'vitest'
import { orStorageFailed, storageFailed } from '../../src/infrastructure/storage-failure.ts'

const failing = (code: string) => Object.assign(new Error(`${code}: remote text`), { code })

test.each([
  ['ENOSPC', '/f could not be written: the disk is full.'],
  ['EDQUOT', '/f could not be written: the disk quota is used up.'],
  ['EROFS', '/f could not be written: the file system is read-only.'],
  ['EACCES', '/f could not be written: permission denied.'],
  ['EWHATEVER', '/f could not be written: the system reports EWHATEVER.'],
])('%s becomes a sentence that names the file', (code, message) => {
  const cause = failing(code)
  expect(storageFailed('/f', 'written', cause)).toMatchObject({ code: 'STORAGE_FAILED', message, cause })
})

test('a full disk comes with the next step', () => {
  expect(storageFailed('/f', 'written', failing('ENOSPC')).hint).toBe('Free some space, then try again.')
})

test('what is no system error passes unchanged', () => {
  const bug = new TypeError('x is not a function')
  const fail = () => {
    throw bug
  }
  expect(() => orStorageFailed('/f', 'read', fail)).toThrow(bug)
  expect(orStorageFailed('/f', 'read', () => 7)).toBe(7)
})

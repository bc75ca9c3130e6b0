import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { errnoOf, isErrno } from '../../src/infrastructure/errno.ts'

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

test('a system error is known by its code', () => {
  const error = thrownBy(() => readFileSync('/nowhere/at/all'))
  expect(errnoOf(error)).toBe('ENOENT')
  expect(isErrno(error)).toBe(true)
  expect(isErrno(error, 'EACCES', 'ENOENT')).toBe(true)
  expect(isErrno(error, 'EACCES')).toBe(false)
})

test.each([
  ['an error of ours', new CodexError('STORAGE_FAILED', 'x')],
  ["one of Node's own errors", Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })],
  ['an error with a number for a code', Object.assign(new Error('x'), { code: 2 })],
  ['a plain error', new Error('ENOENT')],
  ['null', null],
  ['a text', 'ENOENT'],
])('%s is no system error', (_name, error) => {
  expect(errnoOf(error)).toBeUndefined()
  expect(isErrno(error)).toBe(false)
})

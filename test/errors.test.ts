import { expect, test } from 'vitest'
import { CodexError, codeOf, isCodexError, reworded } from '../src/errors.ts'

test('an error without options asks for nothing and promises nothing', () => {
  const error = new CodexError('NETWORK', 'It broke.')
  expect(error).toMatchObject({ name: 'CodexError', code: 'NETWORK', message: 'It broke.', retryable: false })
  expect(error.hint).toBeUndefined()
  expect(Object.hasOwn(error, 'cause')).toBe(false)
})

test('the cause stays inside: it is no part of the text', () => {
  const cause = new Error('Bearer s3cret')
  const error = new CodexError('NETWORK', 'It broke.', { cause })
  expect(error.cause).toBe(cause)
  expect(`${error}`).toBe('CodexError: It broke.')
})

test('an error is told by its code', () => {
  const error: unknown = new CodexError('TIMEOUT', 'Too slow.')
  expect([isCodexError(error), isCodexError(error, 'TIMEOUT'), isCodexError(error, 'NETWORK')]).toEqual([
    true,
    true,
    false,
  ])
})

test.each([new Error('TIMEOUT'), { code: 'TIMEOUT', message: 'x' }, 'TIMEOUT', null, undefined])(
  'nothing else is one: %s',
  (value) => {
    expect(isCodexError(value)).toBe(false)
    expect(isCodexError(value, 'TIMEOUT')).toBe(false)
  },
)

test('an error in other words keeps everything else', () => {
  const error = new CodexError('TIMEOUT', 'Too slow.', { hint: 'Wait.', cause: 'why', retryable: true })
  const kept = { code: 'TIMEOUT', cause: 'why', retryable: true }
  expect(reworded(error, { hint: 'Go.' })).toMatchObject({ ...kept, message: 'Too slow.', hint: 'Go.' })
  expect(reworded(error, { message: 'Late.' })).toMatchObject({ ...kept, message: 'Late.', hint: 'Wait.' })
})

test('a log names an error by its code, and any other without a word of it', () => {
  expect(codeOf(new CodexError('TIMEOUT', 'Too slow.'))).toBe('TIMEOUT')
  expect(codeOf(Object.assign(new Error('s3cret'), { code: 's3cret' }))).toBe('UNKNOWN')
  expect(codeOf(undefined)).toBe('UNKNOWN')
})

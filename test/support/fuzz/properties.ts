import assert from 'node:assert/strict'
import { CodexError, ERROR_CODES, type ErrorCode } from '../../../src/errors.ts'
import { SECRET } from './generators.ts'

export { assert }

/** What `work` gives, or the error of ours with which it ends, which has to be fit to be shown; any other is a fault. */
export function ours<T>(work: () => T, ...codes: ErrorCode[]): T | CodexError {
  try {
    return work()
  } catch (error) {
    return asOurs(error, codes)
  }
}

/** The same of something that takes time. */
export async function oursLater<T>(work: () => Promise<T>, ...codes: ErrorCode[]): Promise<T | CodexError> {
  try {
    return await work()
  } catch (error) {
    return asOurs(error, codes)
  }
}

function asOurs(error: unknown, codes: readonly ErrorCode[]): CodexError {
  if (!(error instanceof CodexError)) throw error
  if (codes.length > 0) assert.ok(codes.includes(error.code), `${error.code} is not one of ${codes.join(', ')}`)
  assertShowable(error)
  return error
}

/** One line each, short, without controls, quotation marks closed. */
export function assertShowable({ code, message, hint = '' }: CodexError): void {
  assert.ok(ERROR_CODES.includes(code))
  assert.notEqual(message, '')
  for (const sentence of [message, hint]) assertOneLine(sentence, 3000)
}

/** A key that stands by itself; one that is grown together with a word cannot be told from a word. */
export function assertNoKey(...sentences: (string | undefined)[]): void {
  for (const sentence of sentences) assert.doesNotMatch(sentence ?? '', ALONE, 'a key is shown')
}

const ALONE = new RegExp(`(?<!\\w)${SECRET}`)

export function assertOneLine(sentence: string, maxLength = 500): void {
  assert.doesNotMatch(sentence, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  assert.ok(sentence.length <= maxLength, `${sentence.length} characters`)
  const marks = sentence.replace(/[^“”]/g, '')
  assert.match(marks, /^(“”)*$/, 'quotation marks do not close')
}

import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { readJob, readResult, resultLine } from '../../../src/services/login/renewal-job.ts'

const job = { route: 'plan', subject: 'abc', number: 2, reason: 'unauthorized_recovery' }

test('a job as it was given', () => expect(readJob({ ...job, more: 1 })).toEqual(job))

test.each([
  undefined,
  null,
  [],
  {},
  { ...job, route: 'other' },
  { ...job, reason: 'none' },
  { ...job, number: 1.5 },
  { ...job, subject: 7 },
])('no job: %j', (value) => expect(readJob(value)).toBeUndefined())

test('a result keeps of an error what may be shown', () => {
  const error = new CodexError('NETWORK', 'No way.', { hint: 'Try.', cause: 'SECRET', retryable: true })
  const line = resultLine({ kind: 'failed', error, lasts: true })
  expect(line).not.toContain('SECRET')
  expect(readResult(line)).toMatchObject({ kind: 'failed', error: { code: 'NETWORK', hint: 'Try.' }, lasts: true })
})

test.each([
  undefined,
  '',
  '{}',
  'null',
  '[]',
  '{"kind":"failed"}',
  '{"kind":"failed","error":{"code":"X","message":"x"}}',
])('no result: %s', (line) => expect(readResult(line)).toBeUndefined())

import { expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { readOrder, readReport, reportLine } from '../../src/services/renewal-order.ts'

const order = { route: 'plan', subject: 'abc', number: 2, reason: 'unauthorized_recovery' }

test('an order as it was given', () => expect(readOrder({ ...order, more: 1 })).toEqual(order))

test.each([
  undefined,
  null,
  [],
  {},
  { ...order, route: 'other' },
  { ...order, reason: 'none' },
  { ...order, number: 1.5 },
  { ...order, subject: 7 },
])('no order: %j', (value) => expect(readOrder(value)).toBeUndefined())

test('a report keeps of an error what may be shown', () => {
  const error = new CodexError('NETWORK', 'No way.', { hint: 'Try.', cause: 'SECRET', retryable: true })
  const line = reportLine({ kind: 'failed', error, lasts: true })
  expect(line).not.toContain('SECRET')
  expect(readReport(line)).toMatchObject({ kind: 'failed', error: { code: 'NETWORK', hint: 'Try.' }, lasts: true })
})

test.each([
  undefined,
  '',
  '{}',
  'null',
  '[]',
  '{"kind":"failed"}',
  '{"kind":"failed","error":{"code":"X","message":"x"}}',
])('no report: %s', (line) => expect(readReport(line)).toBeUndefined())

import { expect, test } from 'vitest'
import { BOOTSTRAP_CLIENT, isIssuedClient } from '../../../src/services/plan/plan-client.ts'

test.each(['oaiapp_FAKE-1_a', 'a', 'x'.repeat(200)])('%s can be an issued id', (value) => {
  expect(isIssuedClient(value)).toBe(true)
})

test.each(['', 'a b', 'a\n', 'ä', '../x', 'a&scope=b', 'x'.repeat(201), BOOTSTRAP_CLIENT])(
  '%j cannot be one',
  (value) => {
    expect(isIssuedClient(value)).toBe(false)
  },
)

import { expect, test } from 'vitest'
import { fingerprintOf, isFingerprint } from '../../src/infrastructure/fingerprint.ts'

test('the first 20 hex digits of the SHA-256 (FIPS 180-2, appendix B.1)', () => {
  expect(fingerprintOf('abc')).toBe('ba7816bf8f01cfea4141')
})

test.each([
  [fingerprintOf('abc'), true],
  ['signin', false],
  [`${fingerprintOf('abc')}0`, false],
])('whether a name can be one: %s', (name, is) => {
  expect(isFingerprint(name)).toBe(is)
})

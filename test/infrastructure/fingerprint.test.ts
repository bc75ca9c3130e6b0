import { expect, test } from 'vitest'
import { fingerprintOf } from '../../src/infrastructure/fingerprint.ts'

test('the first 20 hex digits of the SHA-256 (FIPS 180-2, appendix B.1)', () => {
  expect(fingerprintOf('abc')).toBe('ba7816bf8f01cfea4141')
})

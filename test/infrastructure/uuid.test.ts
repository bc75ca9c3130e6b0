import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRandomUuid, createUuid } from '../../src/infrastructure/uuid.ts'

test('the vector of RFC 9562, appendix A.6', () => {
  // Only what the version and the variant leave of these bytes is chance; the first six make room for the time.
  const bytes = () => Buffer.from('ffffffffffff' + 'fcc3' + '58c4dc0c0c07398f', 'hex')
  expect(createUuid(bytes, () => 0x017f22e279b0)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
})

test.each([0x00, 0xff])('version 7 and the RFC variant, whatever chance brings: bytes of %i', (byte) => {
  const uuid = createUuid(
    (size) => Buffer.alloc(size, byte),
    () => 1_790_000_000_000,
  )
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('sorted as text they are sorted by time', () => {
  const times = [0, 1, 255, 256, 1_790_000_000_000, 1_790_000_000_001, 2 ** 48 - 1]
  const uuids = times.map((time) => createUuid(randomBytes, () => time))
  expect([...uuids].sort()).toEqual(uuids)
})

test('a thousand of one millisecond are a thousand', () => {
  expect(new Set(Array.from({ length: 1000 }, () => createUuid(randomBytes, () => 1))).size).toBe(1000)
})

test('the vector of RFC 9562, appendix A.3', () => {
  const bytes = () => Buffer.from('919108f752d1f320dbacf847db4148a8', 'hex')
  expect(createRandomUuid(bytes)).toBe('919108f7-52d1-4320-9bac-f847db4148a8')
})

test.each([0x00, 0xff])('version 4 and the RFC variant, whatever chance brings: bytes of %i', (byte) => {
  expect(createRandomUuid((size) => Buffer.alloc(size, byte))).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
})

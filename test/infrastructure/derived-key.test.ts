import { expect, test } from 'vitest'
import { deriveKey } from '../../src/infrastructure/derived-key.ts'

const SALT = Buffer.from(Array.from({ length: 16 }, (_, n) => n)).toString('base64url')

test('the key is scrypt (RFC 7914) with N = 2^15, r = 8, p = 3', async () => {
  // From Python: hashlib.scrypt('FAKE pässphrase'.encode(), salt=bytes(range(16)), n=32768, r=8, p=3, dklen=32)
  const key = await deriveKey('FAKE pässphrase', SALT)
  expect(key.toString('base64url')).toBe('bicAafsd0Lt4sa9VklcRgPcbuBd5-qJinQt1j48sRa0')
})

test('an umlaut in two parts is the same passphrase', async () => {
  const key = await deriveKey('FAKE pa\u0308ssphrase', SALT)
  expect(key.toString('base64url')).toBe('bicAafsd0Lt4sa9VklcRgPcbuBd5-qJinQt1j48sRa0')
})

test('another salt is another key', async () => {
  const key = await deriveKey('FAKE pässphrase', Buffer.alloc(16).toString('base64url'))
  expect(key.toString('base64url')).not.toBe('bicAafsd0Lt4sa9VklcRgPcbuBd5-qJinQt1j48sRa0')
})

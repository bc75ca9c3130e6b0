import { scrypt } from 'node:crypto'
import { KDF, KEY_BYTES } from './sealed-box.ts'

/** The key that `secret` gives with `salt` (base64url), computed beside the main thread (RFC 7914). */
export function deriveKey(secret: string, salt: string): Promise<Buffer> {
  const options = { N: KDF.n, r: KDF.r, p: KDF.p, maxmem: 67_108_864 }
  // An umlaut that was typed on another system is the same umlaut.
  const text = secret.normalize('NFC')
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer) => (error === null ? resolve(key) : reject(error))
    scrypt(text, Buffer.from(salt, 'base64url'), KEY_BYTES, options, done)
  })
}

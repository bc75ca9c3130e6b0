import { createHash } from 'node:crypto'

/** First 20 hex digits of the SHA-256: names a secret of high entropy without telling it. */
export function fingerprintOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 20)
}

/** Whether a name can be a fingerprint, and not a word. */
export function isFingerprint(name: string): boolean {
  return /^[0-9a-f]{20}$/.test(name)
}

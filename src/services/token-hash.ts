import { createHash } from 'node:crypto'

/** First 20 hex digits of the SHA-256: names a token without telling it. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 20)
}

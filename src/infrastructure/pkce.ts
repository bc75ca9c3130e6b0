import { createHash, timingSafeEqual } from 'node:crypto'

export interface Pkce {
  verifier: string
  challenge: string
}

/** The S256 `code_challenge` of a verifier (RFC 7636, section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'ascii').digest('base64url')
}

/** A new verifier of 86 characters, made of 64 random bytes, and its challenge (RFC 7636, section 4.1). */
export function createPkce(randomBytes: (size: number) => Uint8Array): Pkce {
  const verifier = toBase64Url(randomBytes(64))
  return { verifier, challenge: challengeOf(verifier) }
}

/** A new `state` of 43 characters, made of 32 random bytes (RFC 6749, section 10.12). */
export function createState(randomBytes: (size: number) => Uint8Array): string {
  return toBase64Url(randomBytes(32))
}

/** Whether two texts of any length are equal, in a time that does not tell where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(fingerprint(a), fingerprint(b))
}

/** Equal length for `timingSafeEqual`, which throws otherwise. UTF-16, because UTF-8 makes every lone surrogate one. */
function fingerprint(text: string): Buffer {
  return createHash('sha256').update(text, 'utf16le').digest()
}

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

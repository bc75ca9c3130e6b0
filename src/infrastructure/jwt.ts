const MAX_TOKEN_LENGTH = 65_536

/**
 * The payload of a compact JWT (RFC 7519, section 3), or undefined when `token` is not one of at most 64 kB.
 *
 * The signature is not checked: the tokens read here came over TLS from the issuer itself, which OpenID Connect Core
 * (section 3.1.3.7, point 6) accepts in its place, and the claims only serve display and routing. Whoever is given a
 * token by anybody else must not use this.
 *
 * The claims are unchecked and the object may own a key like `__proto__`: read it by name, never merge it.
 */
export function decodeJwtPayload(token: string): Record<string, unknown> | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined
  const parts = token.split('.')
  const payload = parts[1]
  if (parts.length !== 3 || payload === undefined || !isBase64Url(payload)) return undefined
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Without padding (RFC 7515, section 2). Asked before decoding, because `Buffer` skips what it does not know. */
function isBase64Url(text: string): boolean {
  return /^[\w-]+$/.test(text) && text.length % 4 !== 1
}

/** @throws TypeError bytes that are not UTF-8 */
function decodeUtf8(base64Url: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64Url, 'base64url'))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

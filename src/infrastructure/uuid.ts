/** A UUID of version 7: time first, then chance (RFC 9562, section 5.7). The service orders sessions by it. */
export function createUuid(randomBytes: (size: number) => Buffer, now: () => number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now(), 0, 6)
  return inText(bytes, 7)
}

/** A UUID of version 4: chance alone (RFC 9562, section 5.4), so that it tells nothing about when or where it was made. */
export function createRandomUuid(randomBytes: (size: number) => Buffer): string {
  return inText(randomBytes(16), 4)
}

function inText(bytes: Buffer, version: 4 | 7): string {
  bytes[6] = (version << 4) | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

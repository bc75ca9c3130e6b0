import { createSign, generateKeyPairSync } from 'node:crypto'

/** A key of the fake issuer: what it publishes of it, and what it signs with it. */
export interface FakeKey {
  jwk: Readonly<Record<string, unknown>>
  /** A JWT of these claims. `header` changes what stands in its head, undefined takes it out. */
  sign(claims: object, header?: Readonly<Record<string, unknown>>): string
}

export function createFakeKey(kid: string, modulusLength = 2048): FakeKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength })
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
    sign(claims, header) {
      const signed = `${inBase64Url({ alg: 'RS256', typ: 'JWT', kid, ...header })}.${inBase64Url(claims)}`
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`
    },
  }
}

function inBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

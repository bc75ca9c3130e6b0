import { generateKeyPairSync } from 'node:crypto'

/** A private key made for one test, as PEM. */
export function privateKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

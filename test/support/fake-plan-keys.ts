import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** What a test changes in a token: header and claims (`undefined` leaves one out), and whose key signs it. */
export interface TokenChange {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  /** Another key than the one the `kid` names. */
  signedBy?: 'stranger'
}

export type PlanKeys = ReturnType<typeof createPlanKeys>

/** Making one takes a fifth of a second, and which RSA key it is changes nothing: fakes of one process share them. */
const pool = new Map<string, KeyObject>()

/** The issuer's RSA keys: the one that signs, and those it has published. */
export function createPlanKeys() {
  let serial = 1
  const kid = (number = serial) => `FAKE-key-${number}`

  return {
    rotate(): void {
      serial += 1
    },

    /** The key set of RFC 7517, the newest first. */
    published(): Record<string, unknown>[] {
      const kids = Array.from({ length: serial }, (_, index) => kid(serial - index))
      return kids.map((name) => {
        const { kty, n, e } = createPublicKey(keyOf(name)).export({ format: 'jwk' })
        return { kty, use: 'sig', alg: 'RS256', kid: name, n, e }
      })
    },

    /** A JWT (RFC 7515) with these claims, RS256 unless the change says otherwise. */
    sign(claims: Record<string, unknown>, { header, claims: others, signedBy }: TokenChange = {}): string {
      const head = { alg: 'RS256', typ: 'JWT', kid: kid(), ...header }
      const input = `${base64url(head)}.${base64url({ ...claims, ...others })}`
      return `${input}.${signatureOf(input, head.alg, keyOf(signedBy ?? kid()))}`
    },
  }
}

/** By whatever the header claims, as a forger would: HS256 takes the public key for the secret. */
function signatureOf(input: string, alg: unknown, key: KeyObject): string {
  if (alg === 'none') return ''
  if (alg === 'RS256') return sign('sha256', Buffer.from(input), key).toString('base64url')
  if (alg !== 'HS256') throw new Error(`The fake does not sign ${alg}.`)
  const secret = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  return createHmac('sha256', secret).update(input).digest('base64url')
}

function keyOf(name: string): KeyObject {
  const known = pool.get(name) ?? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  pool.set(name, known)
  return known
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** What a TLS server shows: a certificate and its key, as PEM. */
export interface ServerIdentity {
  cert: string
  key: string
}

export interface Authority {
  /** As PEM: what has to be trusted. */
  certificate: string
  /** A certificate for these names and addresses, valid from a day ago for a year unless told. */
  issue(names: readonly string[], validity?: Validity): ServerIdentity
}

interface Validity {
  fromDay?: number
  toDay?: number
}

/** A certificate authority made on the spot (RFC 5280), so that no private key lies in the repository. */
export function createAuthority(commonName = 'codex-oauth test authority'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const self = { issuer: commonName, issuerKey: keys.privateKey }
  const isAuthority = extension(BASIC_CONSTRAINTS, sequence(BOOLEAN_TRUE))
  return {
    certificate: certificate({ ...self, subject: commonName, publicKey: keys.publicKey, extensions: [isAuthority] }),
    issue(names, validity = {}) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const subject = { subject: names[0] ?? '', publicKey: own.publicKey, extensions: [alternativeNames(names)] }
      return {
        cert: certificate({ ...self, ...subject, validity }),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

/** One that nobody stands behind but itself. */
export function selfSigned(names: readonly string[]): ServerIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = names[0] ?? ''
  const own = { issuer: name, issuerKey: privateKey, subject: name, publicKey, extensions: [alternativeNames(names)] }
  return { cert: certificate(own), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

interface Contents {
  issuer: string
  issuerKey: KeyObject
  subject: string
  publicKey: KeyObject
  extensions: Buffer[]
  validity?: Validity
}

let serial = 0

function certificate({ issuer, issuerKey, subject, publicKey, extensions, validity = {} }: Contents): string {
  const { fromDay = -1, toDay = 364 } = validity
  serial += 1
  const toBeSigned = sequence(
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1, serial >> 8, serial & 255])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(utcTime(fromDay), utcTime(toDay)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', toBeSigned, issuerKey)
  const whole = sequence(toBeSigned, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

const INTEGER = 0x02
const BIT_STRING = 0x03
const BOOLEAN_TRUE = Buffer.from([0x01, 1, 0xff])
const COMMON_NAME = oid(0x55, 4, 3)
const BASIC_CONSTRAINTS = oid(0x55, 29, 19)
const SUBJECT_ALT_NAME = oid(0x55, 29, 17)
const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2))

function alternativeNames(names: readonly string[]): Buffer {
  const address = (name: string) => Buffer.from(name.split('.').map(Number))
  const entries = names.map((name) =>
    /^[\d.]+$/.test(name) ? der(0x87, address(name)) : der(0x82, Buffer.from(name, 'ascii')),
  )
  return extension(SUBJECT_ALT_NAME, sequence(...entries))
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, der(0x04, value))
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))))
}

function utcTime(day: number): Buffer {
  const text = new Date(Date.now() + day * 86_400_000).toISOString().replace(/\D/g, '')
  return der(0x17, Buffer.from(`${text.slice(2, 14)}Z`))
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes))
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts)
}

/** Tag, length, content (X.690). */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

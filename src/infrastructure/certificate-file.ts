import { X509Certificate } from 'node:crypto'
import { errnoOf } from './errno.ts'
import { readRegularFile } from './regular-file.ts'

export type CertificateFile = { certificates: number; broken: number } | { unreadable: string }

const MAX_BYTES = 8_388_608
const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** How many certificates a PEM file holds (RFC 7468, section 5), or the system's code for why it cannot be read. */
export function readCertificateFile(path: string): CertificateFile {
  try {
    const blocks = readRegularFile(path, MAX_BYTES).bytes.toString('latin1').match(BLOCK) ?? []
    const certificates = blocks.filter(isCertificate).length
    return { certificates, broken: blocks.length - certificates }
  } catch (error) {
    return { unreadable: errnoOf(error) ?? 'UNKNOWN' }
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

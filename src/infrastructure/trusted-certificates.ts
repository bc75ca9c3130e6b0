import type { SecureContext } from 'node:tls'
import { CodexError } from '../errors.ts'
import { errnoOf } from './errno.ts'
import { readRegularFile } from './regular-file.ts'

/** A file with certificates to trust beside the usual ones, and the variable that names it. */
export interface CertificateFile {
  variable: string
  path: string
}

/** Node reads this one itself when it starts; if it cannot, it warns and goes on without. */
const READ_BY_NODE = 'NODE_EXTRA_CA_CERTS'
/** The bundle of a whole operating system has a quarter of a megabyte. */
const MAX_BYTES = 16 * 1024 * 1024
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----[^-]+-----END \1-----/g

/** True when there are files that Node does not read by itself. */
export function areToBeRead(files: readonly CertificateFile[]): boolean {
  return files.some(({ variable }) => variable !== READ_BY_NODE)
}

/**
 * A context that trusts the usual certificates and those in the files; undefined where Node's own does.
 *
 * @throws CodexError CONFIG_INVALID a file that Node does not read by itself cannot be read, or holds no certificate
 */
export async function createTrust(files: readonly CertificateFile[]): Promise<SecureContext | undefined> {
  if (!areToBeRead(files)) return undefined
  // Loaded here, because every server would load it at its start otherwise.
  const tls: Tls = await import('node:tls')
  const usual = tls.getCACertificates?.('default') ?? tls.rootCertificates
  const added = await Promise.all(
    files.map((file) => readCertificates(file).catch((problem) => (isReadByNode(file) ? [] : Promise.reject(problem)))),
  )
  return tls.createSecureContext({ ca: [...usual, ...added.flat()] })
}

/** What is wrong with the file that Node reads by itself, if something is: it matters once a certificate is missing. */
export async function unreadableByNode(files: readonly CertificateFile[]): Promise<CodexError | undefined> {
  for (const file of files.filter(isReadByNode)) {
    const problem = await readCertificates(file).then(
      () => undefined,
      (error: CodexError) => error,
    )
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Newer than the oldest Node this runs on: with the system's certificates, if Node was told to use them. */
interface Tls extends Pick<typeof import('node:tls'), 'rootCertificates' | 'createSecureContext'> {
  getCACertificates?: (type: 'default') => string[]
}

function isReadByNode({ variable }: CertificateFile): boolean {
  return variable === READ_BY_NODE
}

/**
 * The certificates in a PEM file, or the one in a DER file, as PEM. What else is in the file is passed over.
 *
 * @throws CodexError CONFIG_INVALID
 */
export async function readCertificates({ variable, path }: CertificateFile): Promise<string[]> {
  const bytes = read(variable, path)
  const { X509Certificate } = await import('node:crypto')
  const blocks = bytes.toString('latin1').match(PEM_BLOCK) ?? [bytes]
  const certificates = blocks.flatMap((block) => {
    try {
      return new X509Certificate(block).toString()
    } catch {
      // Bundles carry certificates of kinds that this OpenSSL does not know: the others count all the same.
      return []
    }
  })
  if (certificates.length === 0) throw unusable(`${variable} names a file without a certificate: ${path}.`)
  return certificates
}

function read(variable: string, path: string): Buffer {
  try {
    return readRegularFile(path, MAX_BYTES).bytes
  } catch (cause) {
    throw unusable(`${variable} names a file that cannot be read (${errnoOf(cause) ?? 'UNKNOWN'}): ${path}.`, cause)
  }
}

function unusable(message: string, cause?: unknown): CodexError {
  return new CodexError('CONFIG_INVALID', message, {
    hint: 'It should be a PEM file with the certificates to trust. Correct or remove the variable in the environment of the server and restart the server.',
    cause,
  })
}

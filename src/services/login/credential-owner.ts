import { createHash } from 'node:crypto'
import { ACCOUNT } from './credential-name.ts'
import type { Credential } from './credentials.ts'

/** What of a credential tells whose it is: what is kept for one owner must not be shown to another. */
export type OwnedCredential = Pick<Credential, 'kind' | 'source' | 'baseUrl' | 'accountId' | 'headers'>

/** A hash that is the same for the same account or key at the same service, and reveals neither. */
export function ownerOf(credential: OwnedCredential): string {
  return digestOf(ownerParts(credential))
}

/** An account stays the same when its token is renewed; what cannot be renewed is its own owner. */
export function ownerParts({ kind, source, baseUrl, accountId, headers }: OwnedCredential): string[] {
  return [kind, baseUrl, source === ACCOUNT ? (accountId ?? '') : (headers.authorization ?? '')]
}

/** A short digest of these parts. */
export function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 20)
}

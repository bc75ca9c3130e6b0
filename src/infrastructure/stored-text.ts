import { fingerprintOf } from './fingerprint.ts'
import type { SealingKey } from './key-ring.ts'
import { corrupt } from './storage-failure.ts'
import { MAX_FILE_BYTES, type RecordPlace, sealedIn, sealedValue, type TokenRecord } from './token-record.ts'
import { recordText, withRecord, withRecordText } from './token-text.ts'
import type { Vault } from './vault.ts'

export interface StoringWith {
  /** Named in the error. */
  file: string
  place: RecordPlace
  vault: Vault
  /** Taken where the key of the record that is there will not do. */
  fresh: SealingKey | undefined
}

/**
 * The text of a credentials file with `next` as its record, in the form of the vault; undefined when that takes a
 * fresh key. Fields of others inside the record go into a sealed one and come out of it as they were.
 *
 * @throws CodexError STORAGE_CORRUPT
 */
export function textWith(
  text: string | undefined,
  next: TokenRecord | undefined,
  { file, place, vault, fresh }: StoringWith,
): string | undefined {
  const { sealed } = sealedIn(text, { path: () => file, place })
  const edited = orCorrupt(file, () => withRecord(plainText(text, sealed, { place, vault }), next, place))
  if (next === undefined || vault.form === 'plain') return inBounds(file, edited)
  const of = next.refreshToken === undefined ? '' : fingerprintOf(next.refreshToken)
  const box = vault.seal(recordText(edited, place), of, { replaced: sealed, fresh })
  return box === undefined ? undefined : inBounds(file, withRecordText(edited, sealedValue(box), place))
}

/** The text as it would be if its record had been stored as it is; without a record that cannot be opened. */
function plainText(
  text: string | undefined,
  sealed: unknown,
  { place, vault }: Pick<StoringWith, 'place' | 'vault'>,
): string | undefined {
  if (text === undefined || sealed === undefined) return text
  const opened = vault.open(sealed)
  return 'text' in opened ? withRecordText(text, opened.text, place) : withRecord(text, undefined, place)
}

function orCorrupt(file: string, action: () => string): string {
  try {
    return action()
  } catch {
    throw corrupt(file, 'it cannot be changed without touching what belongs to others')
  }
}

/** A larger one could be written, but never be read again. */
function inBounds(file: string, text: string): string {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw corrupt(file, 'it is larger than 1 MB')
  return text
}

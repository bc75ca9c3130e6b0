import { dirname } from 'node:path'
import { canonicalPath } from './canonical-path.ts'
import { withFileLock } from './file-lock.ts'
import type { Snapshot } from './file-snapshots.ts'
import { ensureFolder } from './folder.ts'
import type { SealingKey } from './key-ring.ts'
import { readSharedFile, type SharedFile } from './shared-file.ts'
import { orStorageFailed } from './storage-failure.ts'
import {
  type Parts,
  type RecordPlace,
  recordAmong,
  recordIn,
  sealedAmong,
  sealedIn,
  type TokenRecord,
} from './token-record.ts'
import type { RecordForm, Vault } from './vault.ts'

/** The credentials file as a place: where it is, what it holds, and its lock. */
export interface RecordFile {
  place: RecordPlace
  vault: Vault
  now: () => number
  /** Its canonical path. @throws CodexError STORAGE_FAILED */
  locate(): string
  /** The same, in a folder that exists. @throws CodexError STORAGE_FAILED */
  prepare(): string
  /** Always the file itself, whatever was seen before. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  read(): Content
  /** As `read`, after a try to get the key of its record. */
  unlock(): Promise<Content>
  /** The record in a snapshot of it, and how it lies there. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  inSnapshot(snapshot: Snapshot<Parts>): { record: TokenRecord | undefined; form: RecordForm | undefined }
  /** The record in a text for the file at `path`. @throws CodexError STORAGE_CORRUPT */
  recordIn(text: string | undefined, path: string): TokenRecord | undefined
  /** @throws CodexError STORAGE_LOCKED, STORAGE_FAILED */
  locked<T>(work: () => T): Promise<T>
  /** Takes keys out of the keychain that nothing is stored under any more: that of a record, and one just made. */
  tidy(gone: unknown, fresh: SealingKey | undefined): Promise<void>
}

export interface Content {
  path: string
  file: SharedFile | undefined
  text: string | undefined
  /** The record, if it is a sealed one. */
  sealed: unknown
  /** How the record lies there; undefined when there is none. */
  form: RecordForm | undefined
}

export interface RecordFileDeps {
  file: string
  place: RecordPlace
  vault: Vault
  now: () => number
  lockWaitMs: number
}

export function openRecordFile({ file, place, vault, now, lockWaitMs }: RecordFileDeps): RecordFile {
  function formOf({ isStored, sealed }: { isStored: boolean; sealed: unknown }): RecordForm | undefined {
    const form = sealed === undefined ? ('plain' as const) : vault.formOf(sealed)
    return isStored ? form : undefined
  }

  const recordFile: RecordFile = {
    place,
    vault,
    now,
    locate: () => orStorageFailed(file, 'read', () => canonicalPath(file)),

    prepare() {
      const path = recordFile.locate()
      orStorageFailed(path, 'written', () => ensureFolder(dirname(path)))
      return path
    },

    read() {
      const path = recordFile.locate()
      const found = readSharedFile(path)
      const lying = sealedIn(found?.text, { path: () => path, place })
      return { path, file: found, text: found?.text, sealed: lying.sealed, form: formOf(lying) }
    },

    async unlock() {
      const content = recordFile.read()
      await vault.unlock(content.sealed)
      return content
    },

    inSnapshot({ path, value, stat }) {
      if (stat === undefined) return { record: undefined, form: undefined }
      const context = { path, place, now: now(), open: vault.open }
      return { record: recordAmong(value, context), form: formOf(sealedAmong(value, context)) }
    },

    recordIn: (text, path) =>
      text === undefined ? undefined : recordIn(text, { path: () => path, place, now: now(), open: vault.open }),

    locked: (work) => withFileLock(recordFile.locate(), work, { waitMs: lockWaitMs }),

    async tidy(gone, fresh) {
      if (gone === undefined && fresh === undefined) return
      let kept: unknown
      try {
        // What counts is the file: a write that seemed to fail may have succeeded.
        kept = recordFile.read().sealed
      } catch {
        return
      }
      await vault.tidy({ gone, kept, fresh })
    },
  }
  return recordFile
}

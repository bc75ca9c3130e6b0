import { dirname } from 'node:path'
import { replaceFile, reserveSpace, sweepLeftovers } from './atomic-file.ts'
import { canonicalPath } from './canonical-path.ts'
import { withFileLock } from './file-lock.ts'
import { ensureFolder } from './folder.ts'
import { parseJsonText } from './json-text.ts'
import { readSharedFile } from './shared-file.ts'
import { corrupt, orStorageFailed } from './storage-failure.ts'
import { MAX_FILE_BYTES } from './token-record.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** A small JSON object in a file of its own that several processes read and change. */
export interface SharedJson {
  /** Empty when there is no file. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  read(): JsonObject
  /**
   * Puts what `edit` makes of the object in its place; nothing is written when it returns the same object. No change
   * that another process makes at the same time is lost.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED
   */
  change(edit: (object: JsonObject) => JsonObject): Promise<void>
  /** Proves that it could be written now. @throws CodexError STORAGE_FAILED */
  rehearse(): void
}

export function createSharedJson({ file, now }: { file: string; now: () => number }): SharedJson {
  const locate = () => orStorageFailed(file, 'read', () => canonicalPath(file))

  return {
    read: () => readObject(locate()),

    rehearse() {
      const path = locate()
      orStorageFailed(path, 'written', () => {
        ensureFolder(dirname(path))
        reserveSpace(path)
      })
    },

    async change(edit) {
      const path = locate()
      orStorageFailed(path, 'written', () => ensureFolder(dirname(path)))
      await withFileLock(path, () => {
        const object = readObject(path)
        const edited = edit(object)
        if (edited === object) return
        const text = textOf(path, edited)
        orStorageFailed(path, 'written', () => replaceFile(path, text))
        sweepLeftovers(path, now())
      })
    },
  }
}

/** What others have put there may be more than can be read, or written, again: nothing is written then. */
function textOf(path: string, object: JsonObject): string {
  try {
    const text = `${JSON.stringify(object, undefined, 2)}\n`
    if (Buffer.byteLength(text) <= MAX_FILE_BYTES) return text
  } catch {
    // Nested deeper than can be written.
  }
  throw corrupt(path, 'with the change it would be too large to be read again')
}

function readObject(path: string): JsonObject {
  const found = readSharedFile(path)
  if (found === undefined) return {}
  const value = parseJsonText(found.text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt(path, 'it is not a JSON object')
  return value as JsonObject
}

import { linkSync } from 'node:fs'
import { dirname } from 'node:path'
import { canonicalPath } from './canonical-path.ts'
import { createOnce } from './exclusive-file.ts'
import { ensureFolder } from './folder.ts'
import { readSharedFile } from './shared-file.ts'
import { orStorageFailed } from './storage-failure.ts'

export interface SettledTextOptions {
  make: () => string
  /** Whether a text that was read is a whole one. */
  isWhole: (text: string) => boolean
  link?: typeof linkSync
}

const PAUSE_MS = 20
const MAX_PAUSES = 25

/**
 * The text of `file`, which the first who asks makes and nobody replaces: of several processes that ask at once, all
 * get the same. What lies there is returned as it is, also when `isWhole` denies it: a person has to look.
 *
 * @throws CodexError STORAGE_FAILED, STORAGE_CORRUPT when it cannot be a text
 */
export function settledText(file: string, { make, isWhole, link = linkSync }: SettledTextOptions): string {
  const path = orStorageFailed(file, 'read', () => canonicalPath(file))
  if (readSharedFile(path) === undefined) {
    orStorageFailed(path, 'written', () => {
      ensureFolder(dirname(path))
      createOnce(path, make(), link)
    })
  }
  // Where there are no hard links, another process may still be writing what it has created.
  for (let pauses = 0; ; pauses += 1) {
    const text = readSharedFile(path)?.text ?? ''
    if (isWhole(text) || pauses === MAX_PAUSES) return text
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  }
}

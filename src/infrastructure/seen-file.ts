import type * as fs from 'node:fs'
import { retryBusy } from './atomic-file.ts'
import { canonicalPath } from './canonical-path.ts'
import { isErrno } from './errno.ts'
import { type OpenFile, withOpenFile } from './regular-file.ts'
import { textFrom } from './shared-file.ts'
import { orStorageFailed } from './storage-failure.ts'

/** A file as it stood at one look. */
export interface Sight<T> {
  /** The canonical path. @throws CodexError STORAGE_FAILED */
  readonly path: string
  /** What was made of its text; undefined when there is no file. */
  readonly value: T | undefined
  /** What its open handle said; undefined when there is no file. */
  readonly stat: Pick<fs.Stats, 'mode' | 'uid'> | undefined
}

export interface SeenFileDeps<T> {
  file: string
  /** What is wanted of the text: that alone is kept, and as long as the file stays as it is. */
  read: (text: string) => T
  maxBytes: number
  /** For how long a file must have looked the same before it is believed to be the same. */
  settleMs?: number
  /** In milliseconds, on a clock that is never set. */
  elapsed?: () => number
  /** What tells one state of a file from another. */
  identityOf?: (stat: fs.BigIntStats) => string
}

/**
 * Times in a file system have steps, two seconds at the most (FAT): a file that is changed twice within one looks the
 * same after the second time.
 */
const SETTLE_MS = 2_000

/**
 * Looks at a file that others write too, again and again, for one fstat each time, and one read where it may have
 * changed. A look sees whatever was written before it, by a rename as well as in place: a change shows in what the open
 * handle says of the file (which one it is, its size, its times, that of its last change among them, which nobody can
 * set). It is opened rather than asked for by name, because a network file system answers that from memory.
 *
 * What was read is kept only once the file has looked the same for as long as the coarsest step of such times, so that
 * no later change can be within the same step. Only the clock of this process is asked for that, because that of the file
 * may be another machine's.
 *
 * A look throws CodexError STORAGE_FAILED, and STORAGE_CORRUPT for a file that is too large or no text.
 */
export function createSeenFile<T>(deps: SeenFileDeps<T>): () => Sight<T> {
  const { file, read, maxBytes, settleMs = SETTLE_MS, elapsed = () => performance.now() } = deps
  const { identityOf = everythingOf } = deps
  let last: { identity: string; firstSeenAt: number; kept: Sight<T> | undefined } | undefined

  function lookAt({ stat, bytes }: OpenFile): Sight<T> {
    const identity = identityOf(stat)
    const now = elapsed()
    if (last?.identity === identity && last.kept !== undefined) return last.kept
    const firstSeenAt = last?.identity === identity ? last.firstSeenAt : now
    last = { identity, firstSeenAt, kept: undefined }
    const value = read(textFrom(file, bytes, { maxBytes }))
    const sight = sightOf(file, value, { mode: Number(stat.mode), uid: Number(stat.uid) })
    if (now - firstSeenAt >= settleMs) last.kept = sight
    return sight
  }

  return () =>
    orStorageFailed(file, 'read', () => {
      try {
        return retryBusy(() => withOpenFile(file, lookAt))
      } catch (error) {
        last = undefined
        if (isErrno(error, 'ENOENT')) return sightOf<T>(file, undefined, undefined)
        throw error
      }
    })
}

/** The path is asked for when it is wanted, which is in sentences only: following every link costs a call for each part. */
function sightOf<T>(file: string, value: T | undefined, stat: Sight<T>['stat']): Sight<T> {
  return {
    get path() {
      return orStorageFailed(file, 'read', () => canonicalPath(file))
    },
    value,
    stat,
  }
}

function everythingOf({ dev, ino, size, mode, uid, mtimeNs, ctimeNs }: fs.BigIntStats): string {
  return [dev, ino, size, mode, uid, mtimeNs, ctimeNs].join(' ')
}

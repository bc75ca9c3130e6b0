import type * as fs from 'node:fs'
import { retryBusy } from './atomic-file.ts'
import { canonicalPath } from './canonical-path.ts'
import { isErrno } from './errno.ts'
import { type OpenFile, withOpenFile } from './regular-file.ts'
import { textFrom } from './shared-file.ts'
import { orStorageFailed } from './storage-failure.ts'

/** A file as it stood at one time. */
export interface Snapshot<T> {
  /** The canonical path, which is found out when it is asked for. @throws CodexError STORAGE_FAILED */
  path(): string
  /** What was made of its text; undefined when there is no file. */
  readonly value: T | undefined
  /** What its open handle said; undefined when there is no file. */
  readonly stat: Pick<fs.Stats, 'mode' | 'uid'> | undefined
}

export interface FileSnapshotsDeps<T> {
  file: string
  /** What is wanted of the text: that alone is kept, and as long as the file stays as it is. */
  read: (text: string) => T
  maxBytes: number
  /** In milliseconds, on a clock that is never set. */
  elapsed?: () => number
  /** What tells one state of a file from another. For tests. */
  identityOf?: (stat: fs.BigIntStats) => string
}

/**
 * Times in a file system have steps, two seconds at the most (FAT): a file that is changed twice within one looks the
 * same after the second time.
 */
const SETTLE_MS = 2_000

/**
 * Takes snapshots of a file that others write too, again and again: for an open, an fstat and a close each time, and a
 * read where it may have changed. A snapshot has whatever was written before it, by a rename as well as in place: a
 * change shows in what the open handle says of the file (which one it is, its size, its times, that of its last change
 * among them, which nobody can set). It is opened rather than asked for by name, because a network file system answers
 * that from memory. Writing through a shared memory map changes the times only some seconds later; nobody keeps a login so.
 *
 * What was read is kept only once the file has been the same for as long as the coarsest step of such times, so that no
 * later change can be within the same step, and until a snapshot finds it changed. Only the clock of this process is
 * asked for that, because that of the file may be another machine's.
 *
 * A snapshot throws CodexError STORAGE_FAILED, and STORAGE_CORRUPT for a file that is too large or no text.
 */
export function createFileSnapshots<T>(deps: FileSnapshotsDeps<T>): () => Snapshot<T> {
  const { file, read, maxBytes, elapsed = () => performance.now(), identityOf = everythingOf } = deps
  let last: { identity: string; firstSeenAt: number; kept: Snapshot<T> | undefined } | undefined

  function snapshotFrom({ stat, bytes }: OpenFile): Snapshot<T> {
    const identity = identityOf(stat)
    const now = elapsed()
    if (last?.identity === identity && last.kept !== undefined) return last.kept
    const firstSeenAt = last?.identity === identity ? last.firstSeenAt : now
    last = { identity, firstSeenAt, kept: undefined }
    const value = read(textFrom(file, bytes, { maxBytes }))
    const snapshot = snapshotOf(file, value, { mode: Number(stat.mode), uid: Number(stat.uid) })
    if (now - firstSeenAt >= SETTLE_MS) last.kept = snapshot
    return snapshot
  }

  return () =>
    orStorageFailed(file, 'read', () => {
      try {
        return retryBusy(() => withOpenFile(file, snapshotFrom))
      } catch (error) {
        last = undefined
        if (isErrno(error, 'ENOENT')) return snapshotOf<T>(file, undefined, undefined)
        throw error
      }
    })
}

/** The path is wanted in sentences only, and following every link costs a call for each part. */
function snapshotOf<T>(file: string, value: T | undefined, stat: Snapshot<T>['stat']): Snapshot<T> {
  return { path: () => orStorageFailed(file, 'read', () => canonicalPath(file)), value, stat }
}

function everythingOf({ dev, ino, size, mode, uid, mtimeNs, ctimeNs }: fs.BigIntStats): string {
  return [dev, ino, size, mode, uid, mtimeNs, ctimeNs].join(' ')
}

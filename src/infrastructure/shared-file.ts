import type * as fs from 'node:fs'
import { retryBusy } from './atomic-file.ts'
import { isErrno } from './errno.ts'
import { readRegularFile } from './regular-file.ts'
import { corrupt, orStorageFailed } from './storage-failure.ts'
import { MAX_FILE_BYTES } from './token-record.ts'

export interface SharedFile {
  text: string
  stat: fs.Stats
}

export interface ReadLimits {
  /** A larger file is damaged. As much as credentials take, if not given. */
  maxBytes?: number
  /** What to do about a damaged one, where it holds no sign-in. */
  hint?: string
}

/**
 * The text of the file with what its open handle says about it; undefined when there is no file.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
 */
export function readSharedFile(file: string, limits: ReadLimits = {}): SharedFile | undefined {
  return orStorageFailed(file, 'read', () => {
    try {
      return retryBusy(() => readOnce(file, limits))
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  })
}

/**
 * The text of a file that `read` reads.
 *
 * @throws CodexError STORAGE_CORRUPT
 */
export function textFrom(file: string, read: (maxBytes: number) => Uint8Array, limits: ReadLimits): string {
  return decode(file, whole(file, read, limits), limits.hint)
}

/** Sentences about who else can get at the file at this path. `uid` is whose it should be; undefined where there is no such thing. */
export function warningsAbout(
  path: () => string,
  stat: Pick<fs.Stats, 'mode' | 'uid'>,
  uid: number | undefined,
): string[] {
  if (uid === undefined) return []
  const mode = stat.mode & 0o777
  const lax = () =>
    `${path()} can be read or changed by other users (mode ${mode.toString(8).padStart(3, '0')}); it is tightened at the next write.`
  return [
    ...((mode & 0o077) === 0 ? [] : [lax()]),
    ...(stat.uid === uid ? [] : [`${path()} belongs to another user of this machine.`]),
  ]
}

function readOnce(file: string, limits: ReadLimits): SharedFile {
  const { bytes, stat } = whole(file, (maxBytes) => readRegularFile(file, maxBytes), limits)
  return { text: decode(file, bytes, limits.hint), stat }
}

function whole<T>(file: string, read: (maxBytes: number) => T, { maxBytes = MAX_FILE_BYTES, hint }: ReadLimits): T {
  try {
    return read(maxBytes)
  } catch (error) {
    throw isErrno(error, 'EFBIG') ? corrupt(file, `it is larger than ${maxBytes / 1_048_576} MB`, hint) : error
  }
}

/** Strictly: a lenient decoder would change the bytes of others at the next write, and hide a mark at the start. */
function decode(file: string, bytes: Uint8Array, hint: string | undefined): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw corrupt(file, 'it is not UTF-8 text', hint)
  }
}

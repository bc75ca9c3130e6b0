import { lstatSync, realpathSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { errnoOf } from './errno.ts'
import { readRegularFile } from './regular-file.ts'

/** The bytes of a file, or why there are none. */
export type FileReading = { bytes: Buffer } | { reason: string }

/**
 * Reads the file at `path`, which has no links in it and has been found to lie where files may be read. It is opened once; what
 * was opened has to be what lies there without a link on the way, or somebody has moved things since.
 */
export async function readConfined(path: string, maxBytes: number): Promise<FileReading> {
  // Many files are read in one go, and others want to be heard meanwhile.
  await setImmediate()
  try {
    const { bytes, stat } = readRegularFile(path, maxBytes, { noFollow: true })
    const there = lstatSync(path)
    const isSame = there.ino === stat.ino && there.dev === stat.dev && realpathSync.native(path) === path
    if (!isSame) return { reason: CHANGED }
    return bytes.length > maxBytes ? { reason: tooLarge(maxBytes) } : { bytes }
  } catch (error) {
    return { reason: whyUnread(errnoOf(error), maxBytes) }
  }
}

const CHANGED = 'was replaced while it was read'

function whyUnread(code: string | undefined, maxBytes: number): string {
  if (code === 'EFBIG') return tooLarge(maxBytes)
  if (code === 'EISDIR') return 'is not a regular file'
  if (code === 'ELOOP' || code === 'ENOENT' || code === 'ENOTDIR') return CHANGED
  return code === 'EACCES' || code === 'EPERM' ? 'may not be read by this user' : 'could not be read'
}

function tooLarge(maxBytes: number): string {
  return `is larger than ${maxBytes / 1_000_000} MB`
}

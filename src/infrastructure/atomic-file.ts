import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isOlderThan, listQuietly, removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { lifeOf, thisPlace } from './process-identity.ts'

const HOUR_MS = 3_600_000

/**
 * Puts `text` at `path` as a whole or not at all: a reader or a crash never sees half of it, and a full disk leaves
 * the old file. The file has `mode` (0600 if not given) whatever the umask is.
 *
 * @throws the system error; nothing is left behind then
 */
export function replaceFile(path: string, text: string, { mode = 0o600 }: { mode?: number } = {}): void {
  putInPlace(writeTemp(path, text, mode), path)
}

/**
 * Makes `temp`, a file from `writeTemp`, the file at `path`.
 *
 * @throws the system error; `temp` is removed then
 */
export function putInPlace(temp: string, path: string): void {
  try {
    retryBusy(() => fs.renameSync(temp, path))
  } catch (error) {
    removeQuietly(temp)
    throw error
  }
  syncFolder(dirname(path))
}

/**
 * Writes a complete file beside `path` and returns its name; the caller renames, links or removes it.
 *
 * @throws the system error; nothing is left behind then
 */
export function writeTemp(path: string, content: string | Uint8Array, mode = 0o600): string {
  const temp = `${path}.tmp.${process.pid}.${placeTag()}${randomBytes(6).toString('hex')}`
  createFile(temp, content, mode)
  return temp
}

/**
 * Writes a file that does not exist yet, complete and safe on the disk when this returns.
 *
 * @throws the system error, EEXIST if there is one; nothing of ours is left behind then
 */
export function createFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const fd = fs.openSync(path, 'wx', 0o600)
  try {
    fill(fd, content, mode)
  } catch (error) {
    removeQuietly(path)
    throw error
  }
}

/**
 * Puts `text` into a small file that is there, where there is no room for another one. What it held and is longer is
 * covered with blanks. Not whole or not at all: for what its readers can do without.
 *
 * @throws the system error
 */
export function overwriteFile(path: string, text: string): void {
  const fd = fs.openSync(path, 'r+')
  try {
    fs.writeSync(fd, text.padEnd(fs.fstatSync(fd).size), 0)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Proves that `bytes` fit beside `path` now, by writing and removing them.
 *
 * @throws the system error: full disk, read-only folder
 */
export function reserveSpace(path: string, bytes = 32_768): void {
  // Random, so that a compressing file system cannot make less of it.
  removeQuietly(writeTemp(path, randomBytes(bytes)))
}

/**
 * Removes what killed writers left of `path` and of files named after it (`<path>.…`): temp files whose process is
 * dead, or that are older than an hour at `now`. Never fails.
 */
export function sweepLeftovers(path: string, now: number): void {
  const folder = dirname(path)
  for (const name of listQuietly(folder)) {
    const file = join(folder, name)
    if (name.startsWith(`${basename(path)}.`) && isLeftover(file, now)) removeQuietly(file)
  }
}

/** Windows refuses for a moment what virus scanners and readers have open; elsewhere these errors last. */
export function retryBusy<T>(action: () => T, platform = process.platform): T {
  const delaysMs = platform === 'win32' ? [20, 40, 80, 160, 320] : []
  for (const delayMs of delaysMs) {
    try {
      return action()
    } catch (error) {
      if (!isErrno(error, 'EPERM', 'EACCES', 'EBUSY')) throw error
      blockFor(delayMs)
    }
  }
  return action()
}

/** Blocks the thread: what is written under a lock may not let other work in between. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function fill(fd: number, content: string | Uint8Array, mode: number): void {
  try {
    // The mode given to open is masked by the umask.
    fs.fchmodSync(fd, mode)
    // Not writeSync: it may write a part and say so only in its result.
    fs.writeFileSync(fd, content)
    const short = fs.fstatSync(fd).size !== Buffer.byteLength(content)
    if (short) throw Object.assign(new Error('The file is shorter than what was written.'), { code: 'EIO' })
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Makes the rename last through a power cut. Some systems cannot, and the file is whole either way. */
function syncFolder(folder: string): void {
  try {
    const fd = fs.openSync(folder, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    // As said.
  }
}

/** A pid in a temp name counts only where it was given out: in a container sharing the folder it is another's. */
function placeTag(): string {
  return createHash('sha256').update(thisPlace()).digest('hex').slice(0, 8)
}

function isLeftover(file: string, now: number): boolean {
  const [, pid, tag] = /\.tmp\.([1-9]\d{0,9})\.([0-9a-f]{8})[0-9a-f]{12}$/.exec(file) ?? []
  if (pid === undefined) return false
  if (tag === placeTag() && lifeOf({ pid: Number(pid), place: thisPlace() }) === 'dead') return true
  return isOlderThan(HOUR_MS, file, now)
}

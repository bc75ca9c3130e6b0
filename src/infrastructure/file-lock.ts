import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CodexError } from '../errors.ts'
import { isErrno } from './errno.ts'
import { storageFailed } from './storage-failure.ts'

const STALE_MS = 2000

export interface FileLockOptions {
  /** How long to try. A dead holder's lock becomes free after 2 to 3 s, so less than 5 s makes no sense outside tests. */
  waitMs?: number
  random?: () => number
}

type LockModule = typeof import('proper-lockfile')

/**
 * What `work` returns, run while this process alone among those that ask holds the lock of `path`, a canonical
 * path in an existing folder. `work` is synchronous and shorter than STALE_MS, or others take the lock over.
 *
 * Almost alone: when a holder dies, two may follow it at once, and a holder that is frozen for 2 s is followed while
 * it lives. Whatever must happen only once needs a claim.
 *
 * @throws CodexError STORAGE_LOCKED, STORAGE_FAILED
 */
export async function withFileLock<T>(
  path: string,
  work: () => T,
  { waitMs = 10_000, random = Math.random }: FileLockOptions = {},
): Promise<T> {
  const module = await loadLock()
  const deadline = performance.now() + waitMs
  for (;;) {
    const taken = takeAndWork(module, path, work)
    if ('value' in taken) return taken.value
    if (performance.now() >= deadline) throw locked(path, taken.held)
    await sleep(20 + 40 * random())
  }
}

/** What lies where the lock of `path` would be, and since when nobody has touched it. */
export type LockFound = { kind: 'held' | 'stale' | 'foreign'; file: string; ageMs: number }

/** The lock of `path` as it lies there, without trying to take it. A stale one is taken over by whoever asks next. */
export function findLock(path: string, nowMs: number): LockFound | undefined {
  const file = `${path}.lock`
  try {
    const stat = statSync(file)
    const ageMs = Math.max(0, nowMs - stat.mtimeMs)
    const isOurs = stat.isDirectory() && readdirSync(file).length === 0
    return { kind: isOurs ? (ageMs > STALE_MS ? 'stale' : 'held') : 'foreign', file, ageMs }
  } catch {
    return undefined
  }
}

/**
 * Takes the lock, works and gives it back in one go: a process that is told to end does so before or after, and never
 * leaves a lock that was just being made or removed.
 */
function takeAndWork<T>(module: LockModule, path: string, work: () => T): { value: T } | { held: unknown } {
  try {
    module.lockSync(path, { realpath: false, stale: STALE_MS })
  } catch (error) {
    if (!isHeld(error, path)) throw storageFailed(path, 'locked', error)
    return { held: error }
  }
  const ours = fingerprint(path)
  try {
    return { value: work() }
  } finally {
    // After a freeze the lock may be somebody else's: removing that one, now or at the end, would let a third process in.
    giveBack(module, path, fingerprint(path) === ours)
  }
}

function giveBack({ unlockSync }: LockModule, path: string, isOurs: boolean): void {
  try {
    unlockSync(path, { realpath: false, ...(isOurs ? {} : { fs: { rmdirSync: () => {} } }) })
  } catch {
    // It will be stale.
  }
}

/** Loaded when first needed: it replaces functions of `fs` and `process` and handles signals from then on. */
async function loadLock(): Promise<LockModule> {
  const module = await import('proper-lockfile')
  // Its exit hook ends the process on every signal nobody else handles, also on this one, which Node ignores: a write
  // above the file size limit raises it besides failing.
  if (!process.listeners('SIGXFSZ').includes(ignoreSignal)) process.on('SIGXFSZ', ignoreSignal)
  return module
}

function ignoreSignal(): void {}

/** Which lock folder lies there. Nobody touches it while `work` runs, unless it has become stale. */
function fingerprint(path: string): string | undefined {
  try {
    const { ino, birthtimeMs, mtimeMs } = statSync(`${path}.lock`)
    return `${ino} ${birthtimeMs} ${mtimeMs}`
  } catch {
    return undefined
  }
}

/** Somebody has the lock, or took or dropped it while we looked. */
function isHeld(error: unknown, path: string): boolean {
  // ENOTEMPTY, ENOTDIR: something that no lock of ours is lies in its place; a person has to look.
  if (isErrno(error, 'ELOCKED', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR')) return true
  // The folder of the lock vanished between two steps of taking it, unless the folder around it is missing.
  if (isErrno(error, 'ENOENT')) return existsSync(dirname(path))
  return process.platform === 'win32' && isErrno(error, 'EPERM', 'EBUSY')
}

function locked(path: string, cause: unknown): CodexError {
  return new CodexError('STORAGE_LOCKED', `Another process holds the lock of ${path}.`, {
    hint: `Try again. If no other copy of this program is running, remove ${path}.lock.`,
    cause,
    retryable: true,
  })
}

import { dirname } from 'node:path'
import { CodexError, isCodexError } from '../errors.ts'
import { putInPlace, sweepLeftovers, writeTemp } from './atomic-file.ts'
import { canonicalPath } from './canonical-path.ts'
import { removeQuietly } from './clean-up.ts'
import { withFileLock } from './file-lock.ts'
import { ensureFolder } from './folder.ts'
import {
  entriesOf,
  entryFile,
  headFile,
  type ListEntry,
  type ListHead,
  namesIn,
  readHead,
  removeEmpty,
  removeEntries,
  removeHead,
  settleHead,
} from './list-folder.ts'
import type { ReadLimits } from './shared-file.ts'
import { orStorageFailed } from './storage-failure.ts'

/**
 * A list of JSON values that several processes append to, in a folder of its own: a head, which the first who appends
 * makes, and a file per value. No file is ever written over, so no value can be lost: not to a holder of the lock that
 * was frozen and comes back, not to two that follow a dead one at once (`file-lock.ts`). The lock gives the values
 * their order.
 */
export interface SharedList {
  /** What it holds now; undefined when there is none. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  open(): OpenList | undefined
  /**
   * Appends to the list with the id `to`, or, without that, to the one there is, or to a new one with this head.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED; nothing is kept then
   */
  append(value: object, target: { to: string } | { head: ListHead }): Promise<Appended>
  /** Removes the list; false when there is none. @throws CodexError STORAGE_FAILED */
  remove(): Promise<boolean>
}

export interface OpenList {
  head: ListHead
  headFile: string
  /** Oldest first. */
  entries: readonly ListEntry[]
}

export interface Appended {
  /** `removed`: the list that was meant is not there any more, and the value is not kept. */
  outcome: 'kept' | 'removed'
  /** How many of the oldest had to go, so that the list stays within its size. */
  dropped: number
}

export interface SharedListOptions {
  folder: string
  newId: () => string
  now: () => number
  /** All values together. */
  maxBytes: number
  /** What to do about a damaged file of it. */
  hint: string
  /** How long to try for the lock. */
  lockWaitMs?: number
}

const GONE: Appended = { outcome: 'removed', dropped: 0 }

export function createSharedList(options: SharedListOptions): SharedList {
  const { folder, newId, now, maxBytes, hint, lockWaitMs = 10_000 } = options
  const limits = { maxBytes, hint }
  const locate = () => orStorageFailed(folder, 'read', () => canonicalPath(folder))

  function append(path: string, id: string, text: string): Appended {
    const isThere = () => readHead(path, limits)?.id === id
    if (!isThere()) return GONE
    const entries = entriesOf(path, id, limits)
    const file = entryFile(path, id, { number: 1 + (entries.at(-1)?.number ?? 0), id: newId() })
    try {
      orStorageFailed(file, 'written', () => putInPlace(writeTemp(headFile(path), text), file))
    } catch (error) {
      if (isThere()) throw error
    }
    if (!isThere()) {
      // Removed since the first look, while this process was frozen: nobody else takes this file away.
      removeQuietly(file)
      return GONE
    }
    sweepLeftovers(headFile(path), now())
    return { outcome: 'kept', dropped: dropOldest(entries, maxBytes - Buffer.byteLength(text)) }
  }

  return {
    open() {
      const path = locate()
      const head = readHead(path, limits)
      return head && { head, headFile: headFile(path), entries: entriesOf(path, head.id, limits) }
    },

    async append(value, target) {
      const text = `${JSON.stringify(value)}\n`
      if (Buffer.byteLength(text) > maxBytes) throw tooLarge(folder, maxBytes)
      const path = locate()
      if ('to' in target && readHead(path, limits)?.id !== target.to) return GONE
      orStorageFailed(path, 'written', () => ensureFolder(dirname(path)))
      return inOrder(path, lockWaitMs, () => {
        return append(path, 'to' in target ? target.to : begin(path, target.head, limits), text)
      })
    },

    async remove() {
      const path = locate()
      if (namesIn(path).length === 0) return false
      return inOrder(path, lockWaitMs, () => orStorageFailed(path, 'written', () => removeList(path, now())))
    },
  }
}

/**
 * Alone among those that do the same, as far as the lock can give that: numbers differ then, and a removal finds all
 * there is. Where it is not to be had the work is done without: two values of one moment have no order, but a value that
 * is not kept is lost.
 */
async function inOrder<T>(path: string, waitMs: number, work: () => T): Promise<T> {
  try {
    return await withFileLock(path, work, { waitMs })
  } catch (error) {
    if (!isCodexError(error, 'STORAGE_LOCKED')) throw error
    return work()
  }
}

/** The id of the list in this folder; there is one from now on. */
function begin(path: string, head: ListHead, limits: ReadLimits): string {
  orStorageFailed(path, 'written', () => ensureFolder(path))
  const left = namesIn(path)
  const found = readHead(path, limits)
  if (found !== undefined) return found.id
  // No head comes back, so what lay there before there was none belongs to lists that have been removed.
  removeEntries(path, left)
  settleHead(path, head)
  return readHead(path, limits)?.id ?? head.id
}

/** Takes entries away until the others are within `maxBytes` together. */
function dropOldest(entries: readonly ListEntry[], maxBytes: number): number {
  let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  let dropped = 0
  for (const entry of entries) {
    if (bytes <= maxBytes) break
    removeQuietly(entry.file)
    bytes -= entry.bytes
    dropped += 1
  }
  return dropped
}

/**
 * The head goes first: without it there is no list, wherever this is interrupted. The names are from before that, so none
 * of them belongs to a list that is begun anew at once.
 */
function removeList(path: string, now: number): boolean {
  const names = namesIn(path)
  const wasThere = removeHead(path)
  removeEntries(path, names)
  sweepLeftovers(headFile(path), now)
  removeEmpty(path)
  return wasThere
}

function tooLarge(folder: string, maxBytes: number): CodexError {
  const limit = `${maxBytes / 1_048_576} MB`
  return new CodexError('STORAGE_FAILED', `${folder} takes ${limit} at most, and one entry alone would be larger.`)
}

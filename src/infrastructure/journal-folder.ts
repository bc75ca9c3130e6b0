import { join } from 'node:path'
import { listQuietly, removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { completeLines, createJournal, type Journal, valuesOf } from './journal.ts'
import { readFileEnds, readRegularFile } from './regular-file.ts'
import { orStorageFailed } from './storage-failure.ts'

/** A journal as it lies on disk. */
export interface JournalContent {
  /** The values of the lines that can be read, in order. */
  lines: readonly unknown[]
  bytes: number
  /** When it was last written to, in milliseconds since the epoch. */
  changedAt: number
}

/**
 * A folder of journals, each in a file of its name. A name is lower-case letters, digits and hyphens; one that is not
 * reaches no file. The folder may hold other things too, which are neither read nor removed.
 */
export interface JournalFolder {
  /** A new journal. Undefined for what is no name. */
  create(name: string): Journal | undefined
  /**
   * The whole journal, without a line if it is no file or larger than any of ours; undefined when there is none.
   *
   * @throws CodexError STORAGE_FAILED
   */
  read(name: string): JournalContent | undefined
  /** A few lines at its two ends; undefined when it cannot be read. It takes a small part of a millisecond. */
  glance(name: string): JournalContent | undefined
  /** The names of all there are. */
  names(): string[]
  /** Never fails. */
  remove(name: string): void
}

const ENDING = '.jsonl'
const END_BYTES = 4096
/** Of each end: a kilobyte can hold fifty, and to read them all would take longer than to get them. */
const END_LINES = 8

export function createJournalFolder({ folder, maxBytes }: { folder: string; maxBytes: number }): JournalFolder {
  const fileOf = (name: string) => (isName(name) ? join(folder, `${name}${ENDING}`) : undefined)

  return {
    create(name) {
      const file = fileOf(name)
      return file === undefined ? undefined : createJournal(file, maxBytes)
    },
    read(name) {
      const file = fileOf(name)
      // The last lines are written however large a file is.
      return file === undefined ? undefined : orStorageFailed(file, 'read', () => readWhole(file, 2 * maxBytes))
    },
    glance(name) {
      const file = fileOf(name)
      return file === undefined ? undefined : glanceAt(file, 2 * maxBytes)
    },
    names: () =>
      listQuietly(folder).flatMap((file) => {
        const name = file.slice(0, -ENDING.length)
        return file.endsWith(ENDING) && isName(name) ? [name] : []
      }),
    remove(name) {
      const file = fileOf(name)
      if (file !== undefined) removeQuietly(file)
    },
  }
}

function isName(name: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(name)
}

function readWhole(file: string, maxBytes: number): JournalContent | undefined {
  try {
    const { bytes, stat } = readRegularFile(file, maxBytes)
    return { lines: valuesOf(completeLines(bytes)), bytes: bytes.length, changedAt: stat.mtimeMs }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    if (isErrno(error, 'EFBIG', 'EISDIR')) return { lines: [], bytes: 0, changedAt: 0 }
    throw error
  }
}

function glanceAt(file: string, maxBytes: number): JournalContent | undefined {
  try {
    const { first, last, stat } = readFileEnds(file, END_BYTES)
    const [atStart, atEnd] = [completeLines(first), last === first ? [] : completeLines(afterLineEnd(last))]
    // The last line may be a long one.
    if (last !== first && atEnd.length === 0) return readWhole(file, maxBytes)
    const lines = [...atStart, ...atEnd]
    const few = lines.length <= 2 * END_LINES ? lines : [...lines.slice(0, END_LINES), ...lines.slice(-END_LINES)]
    return { lines: valuesOf(few), bytes: stat.size, changedAt: stat.mtimeMs }
  } catch {
    return undefined
  }
}

/** Before the first line end there is the rest of a line, which could read like another. */
function afterLineEnd(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\n')
  return end < 0 ? bytes.subarray(bytes.length) : bytes.subarray(end + 1)
}

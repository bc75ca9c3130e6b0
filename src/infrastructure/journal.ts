import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { ensureFolder } from './folder.ts'
import { reasonOf } from './storage-failure.ts'

/**
 * An append-only file of JSON lines with one writer. Nothing here fails because of the disk: what cannot be written is
 * held in memory, and tried again with every `flush`.
 */
export interface Journal {
  /**
   * Adds a line. All lines of one turn of the event loop become one write at its end. False, and nothing is added,
   * when the file would become larger than it may.
   */
  append(line: unknown): boolean
  /** Writes what is due, now; also what `close` could not write. */
  flush(): void
  /** Adds the last lines, however large the file is, and closes it. Nothing may follow but `flush` and `release`. */
  close(...lines: readonly unknown[]): void
  /** Gives up, after `close`, what could not be written. */
  release(): void
  /** Whether all that was due by now is in the file. */
  readonly isKept: boolean
  /** Why it is not, in words that go on in a sentence. */
  readonly problem: string | undefined
}

/**
 * Creates `file` with mode 0600, and its folder with 0700, whatever the umask is. A file that exists is left alone, and
 * everything stays in memory.
 *
 * What is written survives the end of this process, however it comes. It is not forced to the platter: that would
 * hold the whole process for milliseconds many times a second, and a power cut ends the conversation too.
 */
export function createJournal(file: string, maxBytes: number): Journal {
  let fd: number | undefined
  let due: string[] = []
  let bytes = 0
  let isScheduled = false
  let problem: string | undefined
  let isClosing = false

  function write(): void {
    if (due.length === 0) return
    const text = due.join('')
    due = [text]
    try {
      fd ??= createPrivately(file)
      // A failed write may have left a part of a line. It is closed off here, and all of it is written once more.
      fs.writeFileSync(fd, problem === undefined ? text : `\n${text}`)
      due = []
      problem = undefined
    } catch (error) {
      problem = reasonOf(error)[0]
    }
    if (isClosing && problem === undefined) release()
  }

  function release(): void {
    due = []
    if (fd !== undefined) closeQuietly(fd)
    fd = undefined
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      // After a failure only `flush` tries again: a full disk is full many times a second.
      if (problem === undefined) write()
    })
  }

  return {
    append(line) {
      const text = `${JSON.stringify(line)}\n`
      const after = bytes + Buffer.byteLength(text)
      if (after > maxBytes) return false
      bytes = after
      due.push(text)
      schedule()
      return true
    },
    flush: write,
    close(...lines) {
      for (const line of lines) due.push(`${JSON.stringify(line)}\n`)
      isClosing = true
      if (due.length > 0) write()
      else release()
    },
    release,
    get isKept() {
      return problem === undefined
    },
    get problem() {
      return problem
    },
  }
}

/** The complete lines. Behind the last line end there is nothing, or a line that is not whole even if it reads like one. */
export function completeLines(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split('\n').slice(0, -1)
}

/** The values of lines. What a killed writer left of one, or a damaged disk made of it, is passed over. */
export function valuesOf(lines: readonly string[]): unknown[] {
  return lines.flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as unknown]
    } catch {
      return []
    }
  })
}

function createPrivately(file: string): number {
  ensureFolder(dirname(file))
  const fd = fs.openSync(file, 'ax', 0o600)
  // The mode given to open is masked by the umask.
  fs.fchmodSync(fd, 0o600)
  return fd
}

function closeQuietly(fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // Network file systems tell here what they could not write, and there is nobody left to write it again.
  }
}

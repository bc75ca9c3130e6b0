import { dirname } from 'node:path'
import { replaceFile } from './atomic-file.ts'
import { ensureFolder } from './folder.ts'
import { readRegularFile } from './regular-file.ts'

/** A small file of JSON that may be lost: a cache. It holds no secrets, and nothing fails because of it. */
export interface JsonFile {
  /** The parsed content, or undefined when there is none or it cannot be read. */
  read(): unknown
  /** Replaces the content; a failure is silent. */
  write(value: unknown): void
}

const MAX_BYTES = 4_194_304

export function createJsonFile(path: string): JsonFile {
  return {
    read() {
      try {
        return JSON.parse(readRegularFile(path, MAX_BYTES).bytes.toString('utf8'))
      } catch {
        return undefined
      }
    },
    write(value) {
      try {
        ensureFolder(dirname(path))
        replaceFile(path, `${JSON.stringify(value)}\n`)
      } catch {
        // A read-only home or a full disk costs a request next time, no more.
      }
    },
  }
}

import { readdirSync, statSync, unlinkSync } from 'node:fs'

/** Removes a file if it can be removed. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already, or it stays and is swept later.
  }
}

/** The names in a folder, none if it cannot be read. */
export function listQuietly(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Whether a file was last written more than `ms` before `now`; false if there is none. */
export function isOlderThan(ms: number, path: string, now: number): boolean {
  try {
    return now - statSync(path).mtimeMs > ms
  } catch {
    return false
  }
}

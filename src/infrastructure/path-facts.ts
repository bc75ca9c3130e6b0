import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { reserveSpace } from './atomic-file.ts'
import { errnoOf } from './errno.ts'

/** What lies at a path, links followed. */
export interface PathFacts {
  kind: 'file' | 'folder' | 'other' | 'absent'
  /** Permission bits; means nothing on Windows. */
  mode: number
}

/** Never throws: what may not be looked at counts as absent. */
export function factsOf(path: string): PathFacts {
  try {
    const stat = statSync(path)
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other'
    return { kind, mode: stat.mode & 0o777 }
  } catch {
    return { kind: 'absent', mode: 0 }
  }
}

/** The folder of `path`, or the nearest above it that exists. */
export function nearestFolder(path: string): string {
  const folder = dirname(path)
  return folder === path || factsOf(folder).kind !== 'absent' ? folder : nearestFolder(folder)
}

/**
 * The system's code if nothing can be written where `path` lies (or would lie, in the nearest folder that exists):
 * proved by writing a file there and removing it, which a later write sweeps away if this process is killed between.
 */
export function whyUnwritable(path: string): string | undefined {
  try {
    reserveSpace(join(nearestFolder(path), basename(path)))
    return undefined
  } catch (error) {
    return errnoOf(error) ?? 'UNKNOWN'
  }
}

import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isErrno } from './errno.ts'

/**
 * `path` with every link followed, also where parts of it do not exist yet. Whoever writes and locks there updates
 * the target of a linked file and leaves the link, and all spellings of one file meet in one lock.
 *
 * @throws the system error: links in a circle, a folder that may not be entered
 */
export function canonicalPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  const place = join(canonicalPath(dirname(path)), basename(path))
  const target = linkTarget(place)
  return target === undefined ? place : canonicalPath(resolve(dirname(place), target))
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL', 'UNKNOWN')) return undefined
    throw error
  }
}

import { linkSync, statSync } from 'node:fs'
import { createFile, writeTemp } from './atomic-file.ts'
import { removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'

/**
 * Creates `path` with `body`, or returns false when it exists: of all who try, one gets true. Whoever sees the name
 * sees the whole content, because it is linked there when it is complete; only on a file system without hard links
 * is it incomplete for a moment.
 *
 * @throws the system error; nothing is left behind then
 */
export function createOnce(path: string, body: string, link = linkSync): boolean {
  const temp = writeTemp(path, body)
  try {
    link(temp, path)
    return true
  } catch (error) {
    // On a network file system the answer to a link that was made can get lost, and the repeated request fails.
    if (isErrno(error, 'EEXIST')) return statSync(temp).nlink === 2
    if (isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK')) return createPlainly(path, body)
    throw error
  } finally {
    removeQuietly(temp)
  }
}

function createPlainly(path: string, body: string): boolean {
  try {
    createFile(path, body)
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

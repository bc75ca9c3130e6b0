import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from './errno.ts'

/**
 * Makes `folder` and what is missing above it, each with mode 0700 whatever the umask is. An existing folder keeps
 * its mode: it belongs to other programs too.
 *
 * @throws the system error
 */
export function ensureFolder(folder: string): void {
  if (existsSync(folder)) return
  ensureFolder(dirname(folder))
  try {
    mkdirSync(folder, 0o700)
  } catch (error) {
    if (isErrno(error, 'EEXIST') && existsSync(folder)) return
    throw error
  }
  chmodSync(folder, 0o700)
}

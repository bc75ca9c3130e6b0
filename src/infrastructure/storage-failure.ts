import { CodexError } from '../errors.ts'
import { errnoOf, isErrno } from './errno.ts'

export type Deed = 'read' | 'written' | 'locked'

/**
 * What `action` returns; its system errors become sentences about `file`, everything else passes.
 *
 * @throws CodexError STORAGE_FAILED
 */
export function orStorageFailed<T>(file: string, deed: Deed, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw isErrno(error) ? storageFailed(file, deed, error) : error
  }
}

/** STORAGE_FAILED: the system did not let us read or write `file`. What it said stays in the cause. */
export function storageFailed(file: string, deed: Deed, cause: unknown): CodexError {
  const [reason, hint] = reasonOf(cause)
  return new CodexError('STORAGE_FAILED', `${file} could not be ${deed}: ${reason}.`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** Why the system did not let us, and what can be done about it; both go on in a sentence of the caller's. */
export function reasonOf(cause: unknown): readonly [reason: string, hint: string | undefined] {
  const code = errnoOf(cause)
  return REASONS[code ?? ''] ?? [`the system reports ${code ?? 'an unknown error'}`, undefined]
}

const SPACE = 'Free some space, then try again.'
const RIGHTS = 'Check the owner and the permissions of the file and of its folder.'

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string | undefined]>> = {
  ENOSPC: ['the disk is full', SPACE],
  EDQUOT: ['the disk quota is used up', SPACE],
  EFBIG: ['the system limits how large a file may be', undefined],
  EACCES: ['permission denied', RIGHTS],
  EPERM: ['permission denied', RIGHTS],
  EROFS: ['the file system is read-only', undefined],
  EEXIST: ['something else is in its place', undefined],
  EISDIR: ['it is not a file', 'Move it away, or name another file.'],
  ENOTDIR: ['a part of its path is not a folder', undefined],
  ENOENT: ['its folder does not exist', undefined],
  ELOOP: ['its links lead in a circle', undefined],
  EIO: ['the disk reports an error', undefined],
}

const SIGN_IN_AGAIN = 'Repair it, or move it away and sign in again.'

/**
 * STORAGE_CORRUPT for a reason of ours; `hint` says what to do where no sign-in is damaged. It has no cause: what a JSON
 * parser says quotes the file.
 */
export function corrupt(file: string, reason: string, hint = SIGN_IN_AGAIN): CodexError {
  return new CodexError('STORAGE_CORRUPT', `${file} is damaged: ${reason}.`, { hint })
}

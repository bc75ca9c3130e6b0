import type * as fs from 'node:fs'
import { dirname } from 'node:path'
import { putInPlace, replaceFile, reserveSpace, retryBusy, sweepLeftovers, writeTemp } from './atomic-file.ts'
import { canonicalPath } from './canonical-path.ts'
import { removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { withFileLock } from './file-lock.ts'
import { ensureFolder } from './folder.ts'
import { readRegularFile } from './regular-file.ts'
import { orStorageFailed } from './storage-failure.ts'
import { corrupt, MAX_FILE_BYTES, recordIn, type TokenRecord } from './token-record.ts'

export type { TokenRecord } from './token-record.ts'

export interface StoredTokens {
  record: TokenRecord | undefined
  /** Sentences for the status: others can read the file, the file is another user's. */
  warnings: readonly string[]
}

/** The credentials file, shared with other processes and, key by key, with other programs. */
export interface TokenStorage {
  /**
   * Where the file is, every link followed; also right while file and folder do not exist yet.
   *
   * @throws CodexError STORAGE_FAILED
   */
  file(): string
  /**
   * What the file holds now. It takes no lock: the file is only ever replaced as a whole. Nobody signed in is a
   * record of undefined.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
   */
  read(): StoredTokens
  /**
   * The one change of content: `change` gets what the file holds under the lock, and the file gets what it returns. Undefined
   * signs out; the very same object (or undefined again) writes nothing. Resolves to what the file holds then,
   * which has its times in whole seconds. A damaged file is left as it is.
   *
   * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
   */
  update(change: (current: TokenRecord | undefined) => TokenRecord | undefined): Promise<TokenRecord | undefined>
  /**
   * Proves that a record can be stored now, by storing what is there, if anything, once more: to be asked before a token is spent
   * whose successor must be stored. What can stand in the way (the lock, the file's own content, a mount, a full
   * disk) would otherwise show when it is too late. All of it but the last step happens before the lock is taken, because
   * a process that is killed while it rehearses would leave the lock to the others.
   *
   * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
   */
  rehearse(): Promise<void>
}

export interface TokenStorageDeps {
  file: string
  now: () => number
  /** How long to wait for another process that writes. */
  lockWaitMs?: number
  /** The user whose file it should be; undefined where there is no such thing. */
  uid?: number | undefined
}

export function createTokenStorage({
  file,
  now,
  lockWaitMs = 10_000,
  uid = process.getuid?.(),
}: TokenStorageDeps): TokenStorage {
  const locate = () => orStorageFailed(file, 'read', () => canonicalPath(file))

  /** The file to write, in a folder that exists. */
  function place(): string {
    const path = locate()
    orStorageFailed(path, 'written', () => ensureFolder(dirname(path)))
    return path
  }

  const locked = <T>(path: string, work: () => T) => withFileLock(path, work, { waitMs: lockWaitMs })

  return {
    file: locate,

    read() {
      const path = locate()
      const found = readWhole(path)
      if (found === undefined) return { record: undefined, warnings: [] }
      return { record: recordIn(found.text, { file: path, now: now() }), warnings: warningsFor(path, found.stat, uid) }
    },

    async update(change) {
      const path = place()
      const { withRecord } = await loadEditor()
      return locked(path, () => exchange(path, now(), change, withRecord))
    },

    async rehearse() {
      const path = place()
      const text = readWhole(path)?.text
      const { withRecord } = await loadEditor()
      const current = text === undefined ? undefined : recordIn(text, { file: path, now: now() })
      const longer = { ...(current ?? NO_RECORD), ...MUCH_LONGER }
      edit(path, () => withRecord(text, longer))
      orStorageFailed(path, 'written', () => reserveSpace(path))
      if (text === undefined) return locked(path, () => {})
      const temp = orStorageFailed(path, 'written', () => writeTemp(path, text))
      try {
        await locked(path, () => {
          // What others have stored since must not be undone by a mere rehearsal.
          if (readWhole(path)?.text === text) orStorageFailed(path, 'written', () => putInPlace(temp, path))
        })
      } finally {
        removeQuietly(temp)
      }
    },
  }
}

/** Loaded here, because reading needs none of what edits the text. */
const loadEditor = () => import('./token-text.ts')

type Change = Parameters<TokenStorage['update']>[0]
type WithRecord = (text: string | undefined, record: TokenRecord | undefined) => string

/** Read, change, write, without a pause in which another process could come between. */
function exchange(file: string, now: number, change: Change, withRecord: WithRecord): TokenRecord | undefined {
  const text = readWhole(file)?.text
  const current = text === undefined ? undefined : recordIn(text, { file, now })
  const next = change(current)
  if (next === current) return current
  const edited = edit(file, () => withRecord(text, next))
  const stored = recordIn(edited, { file, now })
  orStorageFailed(file, 'written', () => replaceFile(file, edited))
  sweepLeftovers(file, now)
  return stored
}

/** Tokens grow: what is stored next may need more room than what is there. */
const MUCH_LONGER = { accessToken: 'x'.repeat(16_384) }
const NO_RECORD: TokenRecord = {
  accessToken: '',
  refreshToken: undefined,
  idToken: undefined,
  tokenType: undefined,
  expiresAt: undefined,
  accountId: undefined,
  savedAt: undefined,
  refreshedAt: undefined,
  method: undefined,
  refreshFailed: undefined,
}

function edit(file: string, action: () => string): string {
  let edited: string
  try {
    edited = action()
  } catch {
    throw corrupt(file, 'it cannot be changed without touching what belongs to others')
  }
  // It could be written, but never be read again.
  if (Buffer.byteLength(edited) > MAX_FILE_BYTES) throw corrupt(file, 'it is larger than 1 MB')
  return edited
}

interface Found {
  text: string
  stat: fs.Stats
}

/** The text of the file with what its open handle says about it; undefined when there is no file. */
function readWhole(file: string): Found | undefined {
  return orStorageFailed(file, 'read', () => {
    try {
      return retryBusy(() => readOnce(file))
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  })
}

function readOnce(file: string): Found {
  try {
    const { bytes, stat } = readRegularFile(file, MAX_FILE_BYTES)
    return { text: decode(file, bytes), stat }
  } catch (error) {
    throw isErrno(error, 'EFBIG') ? corrupt(file, 'it is larger than 1 MB') : error
  }
}

/** Strictly: a lenient decoder would change the bytes of others at the next write, and hide a mark at the start. */
function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw corrupt(file, 'it is not UTF-8 text')
  }
}

function warningsFor(file: string, stat: fs.Stats, uid: number | undefined): string[] {
  if (uid === undefined) return []
  const mode = stat.mode & 0o777
  const lax = `${file} can be read or changed by other users (mode ${mode.toString(8).padStart(3, '0')}); it is tightened at the next write.`
  return [
    ...((mode & 0o077) === 0 ? [] : [lax]),
    ...(stat.uid === uid ? [] : [`${file} belongs to another user of this machine.`]),
  ]
}

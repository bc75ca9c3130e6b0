import { isCodexError } from '../errors.ts'
import { createFileSnapshots, type Snapshot } from './file-snapshots.ts'
import { openRecordFile } from './record-file.ts'
import { warningsAbout } from './shared-file.ts'
import { CODEX_PLACE, MAX_FILE_BYTES, type Parts, partsOf, type RecordPlace, type TokenRecord } from './token-record.ts'
import type { RecordForm, Unopened, Vault } from './vault.ts'

export type { TokenRecord } from './token-record.ts'

export interface StoredTokens {
  record: TokenRecord | undefined
  /** Why there is no record although one is stored. */
  unopened?: Unopened | undefined
  /** How the record lies in the file. */
  form?: RecordForm | undefined
  /** Whether `unlock` may open it, or bring it into another form. */
  needsUnlock: boolean
  /** Sentences for the status: others can read the file, the record cannot be opened or brought into its form. */
  warnings: readonly string[]
}

/** What the credentials file held at one time. It is of use for every record that it was taken for. */
export type CredentialsSnapshot = Snapshot<Parts>

/**
 * Takes snapshots of a credentials file for the records in these places, as `createFileSnapshots` does.
 *
 * A snapshot throws CodexError STORAGE_CORRUPT, STORAGE_FAILED.
 */
export function createCredentialsSnapshots(file: string, places: readonly RecordPlace[]): () => CredentialsSnapshot {
  return createFileSnapshots({ file, read: (text) => partsOf(text, places), maxBytes: MAX_FILE_BYTES })
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
   * Gets what `read` needs to open the record that is stored now, and the first time brings a record that was stored
   * in another form into that of this process. It never fails: `read` tells what is wrong.
   */
  unlock(): Promise<void>
  /**
   * What the file holds now, as far as `unlock` could open it. It takes no lock: the file is only ever replaced as a
   * whole. Nobody signed in is a record of undefined. With `snapshot`, what it held then; without one it is read
   * anew.
   *
   * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
   */
  read(snapshot?: CredentialsSnapshot): StoredTokens
  /**
   * The one change of content: `change` gets what the file holds under the lock, and the file gets what it returns. Undefined
   * signs out; the very same object (or undefined again) writes nothing. Resolves to what the file holds then,
   * which has its times in whole seconds. A damaged file is left as it is. A record that cannot be opened is one
   * without tokens that says so in `unopened`. `change` may be asked again; its last answer counts.
   *
   * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
   */
  update(change: (current: TokenRecord | undefined) => TokenRecord | undefined): Promise<TokenRecord | undefined>
  /**
   * Proves that a record can be stored now, by storing what is there, if anything, once more: to be asked before a token is spent
   * whose successor must be stored. What can stand in the way (the lock, the file's own content, a mount, a full
   * disk, a keychain) would otherwise show when it is too late.
   *
   * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
   */
  rehearse(): Promise<void>
}

export interface TokenStorageDeps {
  file: string
  /** Which of the records in it; that of the Codex login unless told. */
  place?: RecordPlace
  vault: Vault
  now: () => number
  /** How long to wait for another process that writes. */
  lockWaitMs?: number
  /** The user whose file it should be; undefined where there is no such thing. */
  uid?: number | undefined
}

export function createTokenStorage(deps: TokenStorageDeps): TokenStorage {
  const { place = CODEX_PLACE, vault, lockWaitMs = 10_000, uid = process.getuid?.() } = deps
  const recordFile = openRecordFile({ ...deps, place, lockWaitMs })
  /** The one try of this process to bring the record into its form, and why it failed. */
  let moving: Promise<void> | undefined
  let unmoved: string | undefined

  async function move(): Promise<void> {
    try {
      const { exchangeRecord } = await import('./record-exchange.ts')
      await exchangeRecord(recordFile, { change: (current) => current, displaced: true })
    } catch (error) {
      unmoved = `The sign-in is still stored as it was. ${sentencesOf(error)}`
    }
  }

  function readAnew() {
    const { path, file, text, form } = recordFile.read()
    return { record: recordFile.recordIn(text, path), form, path: () => path, stat: file?.stat }
  }

  return {
    file: recordFile.locate,

    async unlock() {
      try {
        const { path, text, form } = await recordFile.unlock()
        if (form === undefined || form === vault.form) return
        if (recordFile.recordIn(text, path)?.unopened !== undefined) return
        moving ??= move()
        await moving
      } catch (error) {
        if (!isCodexError(error)) throw error
      }
    },

    read(snapshot) {
      const { record, form, path, stat } =
        snapshot === undefined ? readAnew() : { ...snapshot, ...recordFile.inSnapshot(snapshot) }
      const unopened = record?.unopened
      const isDisplaced = form !== undefined && form !== vault.form
      const warnings = [
        ...(unopened === undefined ? [] : [`${unopened.reason} ${unopened.remedy}`]),
        ...(unmoved === undefined || !isDisplaced ? [] : [unmoved]),
        ...vault.warnings(),
        ...(stat === undefined ? [] : warningsAbout(path, stat, uid)),
      ]
      const needsUnlock = unopened !== undefined || (isDisplaced && moving === undefined)
      return { record: unopened === undefined ? record : undefined, unopened, form, needsUnlock, warnings }
    },

    // What edits the text is loaded here, because reading needs none of it.
    async update(change) {
      const { exchangeRecord } = await import('./record-exchange.ts')
      return exchangeRecord(recordFile, { change })
    },
    async rehearse() {
      const { rehearseStoring } = await import('./rehearsal.ts')
      return rehearseStoring(recordFile)
    },
  }
}

function sentencesOf(error: unknown): string {
  return isCodexError(error) ? `${error.message} ${error.hint ?? ''}`.trim() : 'It could not be changed.'
}

import { createKeyRing, isKey, type KeyRingDeps, type Lack, type SealingKey } from './key-ring.ts'
import { IV_BYTES, type KeyKind, type KeyName, nameOf, openBox, readBox, sealBox } from './sealed-box.ts'

/** How a record lies in its file: as it is, or sealed under a key of this kind. */
export type RecordForm = 'plain' | KeyKind

/** Why a record cannot be opened, and what to do about it. */
export interface Unopened extends Lack {
  /** What the record is about, as it was given to `seal`. */
  of: string | undefined
  /** Nobody has tried to get its key yet. */
  untried: boolean
}

export type Opened = { text: string } | { unopened: Unopened }

/**
 * Seals records in one form, and opens every form for which it can get the key. A sealed record is what `seal` has
 * given, as it comes back from a file: unknown.
 *
 * The keychain holds a key, not the record: Windows takes 2,560 bytes at most, and with the record in the one file,
 * under its lock and claims, nothing about refreshes differs between the stores. A sealed record names its key, and
 * a key that no record names is never sealed with again: whoever removes the key of a record that has gone cannot
 * take away that of another, and two who begin at once do not overwrite each other's.
 */
export interface Vault {
  /** The form it seals in. */
  form: RecordForm
  formOf(sealed: unknown): RecordForm | undefined
  /** Gets the key of a sealed record, once. It never fails: `open` tells why there is none. */
  unlock(sealed: unknown): Promise<void>
  /** True until `unlock` has tried its key. */
  isUntried(sealed: unknown): boolean
  open(sealed: unknown): Opened
  /**
   * A key that `seal` takes where there is no other.
   *
   * @throws CodexError STORAGE_FAILED there is nothing to make or to keep a key with
   */
  newKey(): Promise<SealingKey>
  /**
   * `text`, which is about `of`, under the key of the record it replaces if that one can be opened and has the right
   * form, else under `fresh`; undefined without either.
   */
  seal(text: string, of: string, { replaced, fresh }: { replaced: unknown; fresh: SealingKey | undefined }): unknown
  /** Removes from the keychain what `gone` and `fresh` have there, unless `kept` is under it. It never fails. */
  tidy({ gone, kept, fresh }: { gone: unknown; kept: unknown; fresh: SealingKey | undefined }): Promise<void>
  /** What the status should say besides. */
  warnings(): string[]
}

export interface VaultDeps extends KeyRingDeps {
  store: 'file' | 'encrypted' | 'keychain'
}

export function createVault(deps: VaultDeps): Vault {
  const { store, passphrase, passphraseSource, randomBytes } = deps
  const form: RecordForm =
    store === 'file' ? 'plain' : store === 'keychain' ? 'keychain' : passphrase === undefined ? 'machine' : 'passphrase'
  const keys = createKeyRing(deps)

  return {
    form,
    formOf: (sealed) => readBox(sealed)?.key,

    async unlock(sealed) {
      const box = readBox(sealed)
      if (box !== undefined) await keys.fetch(nameOf(box))
    },

    isUntried(sealed) {
      const box = readBox(sealed)
      return box !== undefined && keys.get(nameOf(box)) === undefined
    },

    open(sealed) {
      const box = readBox(sealed)
      if (box === undefined) return { unopened: { ...STRANGE, of: undefined, untried: false } }
      const key = keys.get(nameOf(box))
      if (!isKey(key)) return { unopened: { ...(key ?? UNTRIED), of: box.of, untried: key === undefined } }
      const text = openBox(box, key)
      if (text !== undefined) return { text }
      return { unopened: { ...wrongKey(box.key, passphraseSource), of: box.of, untried: false } }
    },

    newKey() {
      if (form === 'plain') throw new Error('A plain record has no key.')
      return keys.make(form)
    },

    seal(text, of, { replaced, fresh }) {
      const key = keyOf(replaced) ?? fresh
      if (key === undefined) return undefined
      keys.keep(key)
      return sealBox(text, key.name, key.key, randomBytes(IV_BYTES), of)
    },

    async tidy({ gone, kept, fresh }) {
      const keptId = keyName(kept)?.id
      const names = [keyName(gone), fresh?.name].filter((name): name is KeyName => name !== undefined)
      await keys.remove(names.filter(({ id }) => id !== keptId))
    },

    warnings: () => (keys.leftovers() === 0 ? [] : [LEFTOVER]),
  }

  /** The key of a record in the right form that can be opened. */
  function keyOf(sealed: unknown): SealingKey | undefined {
    const box = readBox(sealed)
    if (box === undefined || box.key !== form) return undefined
    const key = keys.get(nameOf(box))
    return isKey(key) && openBox(box, key) !== undefined ? { name: nameOf(box), key } : undefined
  }
}

function keyName(sealed: unknown): KeyName | undefined {
  const box = readBox(sealed)
  return box === undefined ? undefined : nameOf(box)
}

const STRANGE: Lack = {
  reason: 'The stored sign-in is damaged, or was encrypted by another version of this program.',
  remedy: 'Sign in again.',
}

/** Another process has stored it in another form between two steps of this one. */
const UNTRIED: Lack = { reason: 'The stored sign-in has just been encrypted anew.', remedy: 'Try again.' }

const LEFTOVER = 'A key that is of no use any more is still in the keychain: it could not be removed.'

function wrongKey(kind: KeyKind, passphraseSource: string): Lack {
  switch (kind) {
    case 'passphrase':
      return {
        reason: `The stored sign-in is damaged, or encrypted with another passphrase than the one in ${passphraseSource}.`,
        remedy: 'Set the right one and restart, or sign in again.',
      }
    case 'machine':
      return {
        reason: 'The stored sign-in is damaged, or was encrypted on another machine or by another user.',
        remedy: 'Sign in again.',
      }
    case 'keychain':
      return {
        reason: 'The stored sign-in is damaged: it does not fit its key in the keychain.',
        remedy: 'Sign in again.',
      }
  }
}

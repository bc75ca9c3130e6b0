import { CodexError, isCodexError } from '../errors.ts'
import { deriveKey } from './derived-key.ts'
import type { Keychain } from './keychain.ts'
import { ID_BYTES, KEY_BYTES, type KeyKind, type KeyName } from './sealed-box.ts'

/** Why there is no key, and what to do about it: a sentence each. */
export interface Lack {
  reason: string
  remedy: string
}

/** A key that is ready to seal with. */
export interface SealingKey {
  name: KeyName
  key: Uint8Array
}

/** The keys of this process: each is fetched or derived once. */
export interface KeyRing {
  /** The key, or why it could not be had, or undefined until `fetch` has tried it. */
  get(name: KeyName): Uint8Array | Lack | undefined
  /** Gets a key. It never fails: `get` tells why there is none. */
  fetch(name: KeyName): Promise<void>
  /**
   * A new key, in the keychain if that is where its kind belongs.
   *
   * @throws CodexError STORAGE_FAILED there is nothing to make or to keep a key with
   */
  make(kind: KeyKind): Promise<SealingKey>
  /** Keeps a key that was made, because it has been used. */
  keep(key: SealingKey): void
  /** Removes these from the keychain, if they are there. It never fails: `leftovers` tells. */
  remove(names: readonly KeyName[]): Promise<void>
  /** How many keys should not be in the keychain any more and could not be removed. */
  leftovers(): number
}

export interface KeyRingDeps {
  passphrase: string | undefined
  /** Where the passphrase is set: shown to people. */
  passphraseSource: string
  /** What only this user on this machine has; undefined when the machine has no id. */
  machine: () => Promise<string | undefined>
  keychain: Keychain
  randomBytes: (size: number) => Buffer
  now: () => number
  /** What makes a key of a secret and a salt. */
  derive?: typeof deriveKey
}

/** A refusal stands this long: one call asks several times, and each time may raise a dialog or wait for its limit. */
const REFUSAL_MS = 3_000

export function createKeyRing(deps: KeyRingDeps): KeyRing {
  const { keychain, randomBytes, now } = deps
  const known = new Map<string, { found: Uint8Array | Lack; atMs: number }>()
  const asking = new Map<string, Promise<void>>()
  const left = new Map<string, KeyName>()

  function isSettled(name: KeyName): boolean {
    const entry = known.get(spell(name))
    return entry !== undefined && (isKey(entry.found) || Math.abs(now() - entry.atMs) < REFUSAL_MS)
  }

  async function look(name: KeyName): Promise<void> {
    const found = await find(name, deps).catch(lackOf)
    known.set(spell(name), { found, atMs: now() })
  }

  return {
    get: (name) => known.get(spell(name))?.found,

    async fetch(name) {
      if (isSettled(name)) return
      const looking = asking.get(spell(name)) ?? look(name).finally(() => asking.delete(spell(name)))
      asking.set(spell(name), looking)
      await looking
    },

    async make(kind) {
      const name = { kind, id: randomBytes(ID_BYTES).toString('base64url') }
      if (kind === 'keychain') {
        const key = randomBytes(KEY_BYTES)
        await keychain.put(name.id, key.toString('base64url'))
        return { name, key }
      }
      const found = await find(name, deps)
      if (isKey(found)) return { name, key: found }
      throw new CodexError('STORAGE_FAILED', found.reason, { hint: found.remedy })
    },

    keep({ name, key }) {
      known.set(spell(name), { found: key, atMs: now() })
    },

    async remove(names) {
      for (const name of names) if (name.kind === 'keychain') left.set(spell(name), name)
      for (const [spelled, { id }] of left) {
        known.delete(spelled)
        const removed = await keychain.remove(id).then(
          () => true,
          () => false,
        )
        if (removed) left.delete(spelled)
      }
    },

    leftovers: () => left.size,
  }
}

export function isKey(found: Uint8Array | Lack | undefined): found is Uint8Array {
  return found instanceof Uint8Array
}

async function find({ kind, id }: KeyName, deps: KeyRingDeps): Promise<Uint8Array | Lack> {
  const { derive = deriveKey } = deps
  if (kind === 'keychain') return decodeKey(await deps.keychain.get(id)) ?? NOT_IN_KEYCHAIN
  if (kind === 'passphrase') {
    return deps.passphrase === undefined ? noPassphrase(deps.passphraseSource) : derive(deps.passphrase, id)
  }
  const secret = await deps.machine()
  return secret === undefined ? noMachineId(deps.passphraseSource) : derive(secret, id)
}

function decodeKey(text: string | undefined): Uint8Array | undefined {
  const key = Buffer.from(text ?? '', 'base64url')
  return key.length === KEY_BYTES ? key : undefined
}

const NOT_IN_KEYCHAIN: Lack = {
  reason: 'The key of the stored sign-in is not in the keychain of this system.',
  remedy: 'Sign in again.',
}

function noPassphrase(source: string): Lack {
  return {
    reason: `The stored sign-in is encrypted with a passphrase, and ${source} is not set here.`,
    remedy: 'Set it and restart, or sign in again.',
  }
}

function noMachineId(source: string): Lack {
  return {
    reason: 'This machine has no id that a key could be made from.',
    remedy: `Set a passphrase in ${source} and restart.`,
  }
}

function lackOf(error: unknown): Lack {
  if (isCodexError(error)) return { reason: error.message, remedy: error.hint ?? 'Try again.' }
  return { reason: 'The key of the stored sign-in could not be had.', remedy: 'Try again.' }
}

function spell({ kind, id }: KeyName): string {
  return `${kind} ${id}`
}

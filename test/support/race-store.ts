import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fingerprintOf } from '../../src/infrastructure/fingerprint.ts'
import { createKeychain } from '../../src/infrastructure/keychain.ts'
import { createVault } from '../../src/infrastructure/vault.ts'
import { installFakeKeyring } from './fake-keyring.ts'

export type StoreName = 'file' | 'encrypted' | 'keychain'

/** What a race needs to put records into the file as the servers do, and to look at theirs. */
export interface RaceStore {
  /** The settings of the servers. */
  env: Record<string, string>
  close(record: Record<string, unknown>): unknown
  open(value: unknown): Record<string, unknown> | undefined
  formOf(value: unknown): string
}

const PASSPHRASE = 'FAKE passphrase of a race'

export async function openRaceStore(store: StoreName, folder: string): Promise<RaceStore> {
  const state = join(folder, 'codex-oauth')
  if (store === 'keychain') installFakeKeyring(state)
  const vault = createVault({
    store,
    passphrase: store === 'encrypted' ? PASSPHRASE : undefined,
    passphraseSource: 'the race',
    machine: async () => undefined,
    keychain: createKeychain({ service: 'codex-oauth', folder: state, limitMs: 20_000 }),
    randomBytes,
    now: Date.now,
  })
  // One key for the whole race: one in which somebody signs out takes it away, and would have to make a new one.
  const fresh = store === 'file' ? undefined : await vault.newKey()
  const sealedIn = (value: unknown) => Object(value).sealed as unknown
  return {
    env: {
      CODEX_OAUTH_STORE: store,
      ...(store === 'encrypted' ? { CODEX_OAUTH_PASSPHRASE: PASSPHRASE } : {}),
    },
    close(record) {
      const of = fingerprintOf(String(record.refresh_token))
      return fresh === undefined
        ? record
        : { sealed: vault.seal(JSON.stringify(record), of, { replaced: undefined, fresh }) }
    },
    open(value) {
      const sealed = sealedIn(value)
      if (sealed === undefined) return value as Record<string, unknown> | undefined
      const opened = vault.open(sealed)
      if ('text' in opened) return JSON.parse(opened.text)
      throw new Error(`the race cannot open the record: ${opened.unopened.reason}`)
    },
    formOf: (value) => (sealedIn(value) === undefined ? 'plain' : String(vault.formOf(sealedIn(value)))),
  }
}

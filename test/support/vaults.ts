import { createHash, randomBytes } from 'node:crypto'
import type { Keychain } from '../../src/infrastructure/keychain.ts'
import { createVault, type Vault, type VaultDeps } from '../../src/infrastructure/vault.ts'

/**
 * A vault; what a test is about is given. Without anything it stores records as they are. Its keys are derived at no
 * cost, because tests make hundreds.
 */
export function aVault(deps: Partial<VaultDeps> = {}): Vault {
  return createVault({
    store: 'file',
    passphrase: undefined,
    passphraseSource: 'CODEX_OAUTH_PASSPHRASE',
    machine: async () => 'FAKE machine and user',
    keychain: createFakeKeychain(),
    randomBytes,
    now: Date.now,
    derive: async (secret, salt) => createHash('sha256').update(`${salt} ${secret}`).digest(),
    ...deps,
  })
}

export interface FakeKeychain extends Keychain {
  /** What is in it. */
  entries: Map<string, string>
  /** Every request, in order. */
  asked: string[]
  /** From now on every request fails like this; undefined ends that. */
  fail(error: Error | undefined): void
}

/** A keychain in memory. */
export function createFakeKeychain(): FakeKeychain {
  const entries = new Map<string, string>()
  const asked: string[] = []
  let failure: Error | undefined
  const ask = (deed: string) => {
    asked.push(deed)
    if (failure !== undefined) throw failure
  }
  return {
    entries,
    asked,
    fail(error) {
      failure = error
    },
    async get(account) {
      ask('get')
      return entries.get(account)
    },
    async put(account, secret) {
      ask('put')
      entries.set(account, secret)
    },
    async remove(account) {
      ask('remove')
      entries.delete(account)
    },
  }
}

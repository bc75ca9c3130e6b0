/** Reads a credentials file as fast as it can until told to stop, and reports what it saw: `reader <file>`. */
import { setImmediate } from 'node:timers/promises'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { aVault } from '../vaults.ts'
import { finish, ready } from './parent.ts'

const storage = createTokenStorage({ vault: aVault(), file: process.argv[2] ?? '', now: Date.now })
let stopped = false
let reads = 0
let bad = 0
await ready()
process.once('message', () => {
  stopped = true
})
while (!stopped) {
  for (let n = 0; n < 50; n++) {
    reads += 1
    try {
      if (storage.read().record === undefined) bad += 1
    } catch {
      bad += 1
    }
  }
  await setImmediate()
}
finish({ reads, bad })

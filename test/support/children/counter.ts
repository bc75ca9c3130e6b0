/** Adds one to a number kept in the record, many times, through the storage: `counter <file> <times>`. */
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { aVault } from '../vaults.ts'
import { finish, ready } from './parent.ts'

const [file = '', times = '1'] = process.argv.slice(2)
const storage = createTokenStorage({ vault: aVault(), file, now: Date.now, lockWaitMs: 60_000 })
await ready()
for (let n = 0; n < Number(times); n++) {
  await storage.update((current) => current && { ...current, accountId: String(Number(current.accountId) + 1) })
}
finish('done')

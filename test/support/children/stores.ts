/** Tries to reserve space, and twice to store a record, and reports the three outcomes: `stores <file>`. */
import { CodexError } from '../../../src/errors.ts'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { aRecord } from '../token-records.ts'
import { aVault } from '../vaults.ts'
import { finish } from './parent.ts'

const storage = createTokenStorage({ vault: aVault(), file: process.argv[2] ?? '', now: Date.now })
const outcomeOf = async (action: () => unknown) => {
  try {
    await action()
    return 'done'
  } catch (error) {
    return error instanceof CodexError ? `${error.code} ${error.message}` : String(error)
  }
}
const store = () => outcomeOf(() => storage.update(() => aRecord()))
finish([await outcomeOf(() => storage.rehearse()), await store(), await store()])

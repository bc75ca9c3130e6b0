/**
 * Works on a credentials file with the store `keychain`, all such programs at the same moment, and reports what it can
 * read then: `keeps <file> <folder of the package> unlock|store`.
 */
import { randomBytes } from 'node:crypto'
import { createKeychain } from '../../../src/infrastructure/keychain.ts'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { aRecord } from '../token-records.ts'
import { aVault } from '../vaults.ts'
import { finish, ready } from './parent.ts'

const [file = '', folder = '', deed = ''] = process.argv.slice(2)
const keychain = createKeychain({ service: 'codex-oauth', folder, limitMs: 20_000 })
const vault = aVault({ store: 'keychain', keychain, randomBytes })
const storage = createTokenStorage({ file, vault, now: Date.now, lockWaitMs: 20_000 })
await ready()
if (deed === 'store') await storage.update(() => aRecord({ refreshToken: `FAKE-${process.pid}` }))
await storage.unlock()
const { record, unopened, form } = storage.read()
finish({ refreshToken: record?.refreshToken, form, untried: unopened?.untried })

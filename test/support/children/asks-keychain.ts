/** Asks the keychain for a secret: `asks-keychain <folder of the package> <limit in ms>`. */
import { createKeychain } from '../../../src/infrastructure/keychain.ts'

const [folder = '', limitMs = ''] = process.argv.slice(2)
await createKeychain({ service: 'codex-oauth', folder, limitMs: Number(limitMs) }).get('one')

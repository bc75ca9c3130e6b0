/** Stores a record under several umasks, each in a folder it has to make: `writes-with-umask <folder> <umask>…`. */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { aRecord } from '../token-records.ts'
import { aVault } from '../vaults.ts'
import { finish } from './parent.ts'

const [folder = '', ...umasks] = process.argv.slice(2)
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const seen: Record<string, string[]> = {}

for (const umask of umasks) {
  process.umask(Number.parseInt(umask, 8))
  const file = join(folder, umask, 'made', 'auth.json')
  const storage = createTokenStorage({ vault: aVault(), file, now: Date.now })
  await storage.update(() => aRecord())
  await storage.update((current) => current && { ...current, accountId: 'again' })
  seen[umask] = [file, dirname(file), dirname(dirname(file))].map(modeOf)
}
finish(seen)

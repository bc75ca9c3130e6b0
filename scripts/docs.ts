/** Writes what other files say about the code: the README's tables, `server.json`, `manifest.json`, and the version. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withSettings, withTools } from '../test/support/manifests.ts'
import { withTables } from '../test/support/readme-tables.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const write = (name: string, text: string) => writeFileSync(join(root, name), text)
const { version } = JSON.parse(read('package.json'))

write('README.md', withTables(read('README.md')))
write('server.json', JSON.stringify(withSettings(JSON.parse(read('server.json')), version)))
write('manifest.json', JSON.stringify(withTools(JSON.parse(read('manifest.json')), version)))
for (const name of ['.claude-plugin/plugin.json', '.claude-plugin/marketplace.json']) {
  write(
    name,
    read(name).replace(/("version": )"[^"]*"/, (_all, key) => `${key}"${version}"`),
  )
}
execFileSync('npx', ['biome', 'format', '--write', 'server.json', 'manifest.json'], { cwd: root, stdio: 'inherit' })

// Lists the tools and prompts with the official Inspector in both protocols, and has it judge their schemas:
// `npm run test:inspector`. It comes from the registry the first time.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { fetched } from './fetched.ts'
import { scratch } from './scratch.ts'

const VERSION = '2.12.0'

ensureBuilt()
const inspector = join(fetched(`@modelcontextprotocol/inspector@${VERSION}`), '.bin', 'mcp-inspector')
const env = { PATH: process.env.PATH, HOME: scratch() }
for (const era of ['legacy', 'modern']) {
  for (const [method, list] of Object.entries({ 'tools/list': 'tools', 'prompts/list': 'prompts' })) {
    const options = ['--method', method, '--protocol-era', era, '--format', 'json', '-q']
    const strict = method === 'tools/list' ? ['--strict'] : []
    const command = ['--cli', process.execPath, SERVER_FILE, ...options, ...strict]
    const found = JSON.parse(execFileSync(inspector, command, { encoding: 'utf8', env }))
    console.log(`inspector ${VERSION} ${era.padEnd(6)} ${method.padEnd(12)} ${(found.result ?? found)[list].length}`)
  }
}

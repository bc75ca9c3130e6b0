/**
 * `npm run imitation`: the imitation of OpenAI that the tests and the demo use, until Ctrl-C, for trying everything by hand
 * without an account. Prints what a shell has to set so that the commands and the server go there; with a place of its own for the login.
 */
import { join } from 'node:path'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { scratch } from './scratch.ts'

const home = scratch()
const fake = await startFakeOpenAI({ reply: 'Hello from the imitation of OpenAI.' })
const server = join(import.meta.dirname, '..', 'dist', 'main.js')
const settings = Object.entries({ ...fake.env(), CLAUDE_CONFIG_DIR: home })
console.log(`# OpenAI is imitated at ${fake.issuer} until Ctrl-C. In another shell:
${settings.map(([name, value]) => `export ${name}='${value}'`).join('\n')}
# Sign in: open the address that this prints, for instance with curl -sL, which is nodded through.
node '${server}' login --no-browser
node '${server}' ask 'Is anybody there?'`)

process.once('SIGINT', () => void fake.close().then(() => process.exit(0)))

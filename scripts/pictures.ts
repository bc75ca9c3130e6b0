/**
 * `npm run pictures`: the pictures of the README, drawn as SVG from what the built program really shows while somebody
 * signs in and asks, with the fake OpenAI in the place of the service. No browser is needed.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { freePorts } from '../test/support/free-ports.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { browserPicture, terminalPicture } from './picture.ts'

const QUESTION = 'Is there a bug in here?'
const FILE = 'export const total = (prices: number[]) => prices.reduce((a, b) => a + b)\n'
const ANSWER = `Yes: total([]) throws a TypeError. Without an initial value, reduce takes the first element for it, and an empty array has none. Begin at 0:

    prices.reduce((a, b) => a + b, 0)

Then the total of an empty cart is 0. Nothing else changes.`

const folder = join(import.meta.dirname, '..', 'docs', 'pictures')
const home = mkdtempSync(join(tmpdir(), 'codex-oauth-pictures-'))
const project = join(home, 'shop')
const fake = await startFakeOpenAI({ reply: ANSWER })
try {
  ensureBuilt()
  mkdirSync(folder, { recursive: true })
  mkdirSync(project)
  writeFileSync(join(project, 'cart.ts'), FILE)
  const [first, second] = await freePorts(2)
  const settings = fake.env({ CODEX_OAUTH_PORTS: `${first},${second}`, FORCE_COLOR: '1' })
  const env = { ...settings, HOME: home, PATH: process.env.PATH ?? '' }
  draw('sign-in.svg', await signIn(env))
  draw('answer.svg', await ask(env))
} finally {
  await fake.close()
  rmSync(home, { recursive: true, force: true })
}

function draw(name: string, picture: string): void {
  writeFileSync(join(folder, name), picture)
  process.stdout.write(`docs/pictures/${name}\n`)
}

/** The page on which a sign-in ends. */
async function signIn(env: Record<string, string>): Promise<string> {
  const login = promisify(execFile)(process.execPath, [SERVER_FILE, 'login', '--codex', '--no-browser'], { env })
  const page = await new Promise<Awaited<ReturnType<typeof fake.browser>>>((resolve, reject) => {
    let said = ''
    login.child.stderr?.on('data', (text: string) => {
      said += text
      const [address] = new RegExp(`${fake.issuer}/[^\\s\\u001b]+(?=[\\s\\u001b])`).exec(said) ?? []
      if (address !== undefined) fake.browser(address).then(resolve, reject)
    })
  })
  await login
  // Elsewhere it is the port that OpenAI knows, and the code is none of the reader's business.
  return browserPicture('The page on which a sign-in ends', 'localhost:1455/auth/callback?code=…&state=…', page.body)
}

/** A question about a file. */
async function ask(env: Record<string, string>): Promise<string> {
  const args = ['ask', '--file', 'cart.ts', QUESTION]
  const shown = join(home, 'shown.txt')
  // One file for both streams, as a terminal is: what comes first stands first.
  const file = await open(shown, 'a')
  const command = spawn(process.execPath, [SERVER_FILE, ...args], {
    env,
    cwd: project,
    stdio: ['ignore', file.fd, file.fd],
  })
  await new Promise((resolve) => command.once('close', resolve))
  await file.close()
  const typed = `\u001b[32m$\u001b[0m codex-oauth-mcp ask --file cart.ts "${QUESTION}"`
  return terminalPicture('An answer in the terminal', `${typed}\n${readFileSync(shown, 'utf8')}`)
}

/**
 * `npm run demo`: the built server under a real MCP client, against the fake OpenAI. Signs in, asks, refreshes,
 * signs out, and ends with 0 only if every step held. No account, nothing outside loopback, a home of its own.
 * `npm run demo -- --route plan` does the same on the documented route of ChatGPT plan usage.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { freePorts } from '../test/support/free-ports.ts'
import { playCodex } from './demo-codex.ts'
import { playPlan } from './demo-plan.ts'
import { createStage, createWords, type Stage } from './demo-stage.ts'

const PLAYS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = { codex: playCodex, plan: playPlan }

const words = createWords()
const { say, dim, green, red } = words
const { route } = parseArgs({ options: { route: { type: 'string', default: 'codex' } } }).values
const play = PLAYS[route]
if (play === undefined) {
  say(red('--route is codex or plan.'))
  process.exit(2)
}

const home = mkdtempSync(join(tmpdir(), 'codex-oauth-demo-'))
const fake = await startFakeOpenAI()
const client = new Client({ name: 'codex-oauth-demo', version: '1' })
const stage = createStage({ fake, client, folder: join(home, '.claude'), words })
let failures = 0
try {
  const [first, second] = await freePorts(2)
  const project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'cart.ts'), 'export const total = (prices: number[]) => prices.reduce((a, b) => a + b)\n')
  writeFileSync(join(project, '.env'), 'SHOP_PASSWORD=not-for-anybody\n')
  const settings = fake.env({ CODEX_OAUTH_PORTS: `${first},${second}`, CLAUDE_PROJECT_DIR: project })
  const env = { ...settings, HOME: home, PATH: process.env.PATH ?? '' }
  const server = join(import.meta.dirname, '..', 'dist', 'main.js')
  say(dim(`The server: node dist/main.js. OpenAI: an imitation on ${fake.issuer}. Home: a temporary folder.`))
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [server], env }))
  await arrive(stage)
  await play(stage)
} catch (error) {
  failures += 1
  say(red(`\nThe demo broke off: ${error instanceof Error ? error.message : error}`))
} finally {
  await client.close()
  await fake.close()
  rmSync(home, { recursive: true, force: true })
}
failures += stage.failures()
say(failures === 0 ? green('\nEvery step held.') : red(`\n${failures} did not hold.`))
process.exitCode = failures === 0 ? 0 : 1

/** What comes first on every route. */
async function arrive({ step, show, check, call }: Stage): Promise<void> {
  step('The server starts')
  const tools = (await client.listTools()).tools.map(({ name }) => name)
  show(tools.join(', '))
  check('five tools are listed', tools.length === 5)

  step('Nobody is signed in yet')
  const early = await call('codex_query', { prompt: 'Is anybody there?' })
  show(early.text)
  check('the question is refused with the next step', early.isError && early.text.includes('[NOT_AUTHENTICATED]'))
}

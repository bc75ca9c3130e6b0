/**
 * `npm run demo`: the built server under a real MCP client, against the fake OpenAI. Signs in, asks, refreshes,
 * signs out, and ends with 0 only if every step held. No account, nothing outside loopback, a home of its own.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { answerEvents, sse } from '../test/support/fake-sse.ts'
import { freePorts } from '../test/support/free-ports.ts'

const ANSWER =
  'A Map keeps its keys in a hash table of its own, whatever their type, while an object with a fixed set of ' +
  'keys gets a hidden class and inline caches: reading a known field is then a single load. Use an object for ' +
  'records with known fields, a Map for a growing collection of keys.'

const colour = process.stdout.isTTY === true && !process.env.NO_COLOR
const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
const bold = paint(1)
const dim = paint(2)
const green = paint(32)
const red = paint(31)

let failures = 0
const say = (text = '') => process.stdout.write(`${text}\n`)
const step = (title: string) => say(`\n${bold(title)}`)
const show = (text: string) => say(text.replace(/^/gm, '    '))
const check = (what: string, holds: boolean) => {
  say(`  ${holds ? green('✓') : red('✗')} ${what}`)
  if (!holds) failures += 1
}

const home = mkdtempSync(join(tmpdir(), 'codex-oauth-demo-'))
const credentialsFile = join(home, '.claude', 'auth.json')
const fake = await startFakeOpenAI()
const client = new Client({ name: 'codex-oauth-demo', version: '1' })

/** Calls a tool and shows its progress as it comes. */
async function call(name: string, args: Record<string, unknown> = {}) {
  say(dim(`  → ${name} ${JSON.stringify(args)}`))
  const result = (await client.callTool({ name, arguments: args }, undefined, {
    onprogress: ({ message = '' }) => say(dim(`    … ${message}`)),
  })) as CallToolResult
  const texts = result.content.map((block) => (block.type === 'text' ? block.text : ''))
  const data = (result.structuredContent ?? {}) as Record<string, unknown>
  return { text: texts.join('\n'), data, isError: result.isError === true }
}

/** The answer as a model writes it: a little at a time. */
async function* slowly(): AsyncGenerator<string> {
  for (const event of answerEvents(ANSWER, { deltas: 40, reasoning: 'Comparing the two' })) {
    yield sse([event])
    await sleep(30)
  }
}

function stored(): Record<string, Record<string, unknown>> {
  return JSON.parse(readFileSync(credentialsFile, 'utf8'))
}

async function run(): Promise<void> {
  step('1. The server starts')
  const tools = (await client.listTools()).tools.map(({ name }) => name)
  show(tools.join(', '))
  check('five tools are listed', tools.length === 5)

  step('2. Nobody is signed in yet')
  const early = await call('codex_query', { prompt: 'Is anybody there?' })
  show(early.text)
  check('the question is refused with the next step', early.isError && early.text.includes('[NOT_AUTHENTICATED]'))

  step('3. Sign in: a browser follows the address, agrees, and is sent back')
  const opened = await call('codex_login')
  show(String(opened.data.message))
  check('the address is in the result, and the sign-in waits', opened.data.status === 'pending')
  const page = await fake.browser(String(opened.data.url))
  check('the browser is told so, after the tokens are stored', page.body.includes('You are signed in'))
  const login = await call('codex_login')
  show(String(login.data.message))
  check('signed in', login.data.status === 'authenticated')

  step('4. Ask')
  fake.script.responses.push({ sse: slowly() })
  const answer = await call('codex_query', { prompt: 'Why might a Map be slower than an object?' })
  show(answer.text)
  check(
    'the answer is complete and says where it comes from',
    answer.text.startsWith(ANSWER) && answer.text.includes('Codex ('),
  )

  step('5. Status and models')
  const status = await call('codex_status')
  show(String(status.data.message))
  check('authenticated', status.data.status === 'authenticated' && status.data.plan === 'pro')
  const models = await call('codex_models')
  show((models.data.models as string[]).join(', '))
  check(`the default is ${models.data.default}`, (models.data.models as string[])[0] === models.data.default)

  step('6. An hour later: the access token has expired')
  const file = stored()
  Object.assign(file.codex ?? {}, { expires_at: Math.floor(Date.now() / 1000) - 1 })
  writeFileSync(credentialsFile, JSON.stringify(file, null, 2))
  fake.expireAccessTokens()
  const expired = await call('codex_status')
  show(String(expired.data.message))
  check('status says so', expired.data.status === 'expired')
  const later = await call('codex_query', { prompt: 'And now?' })
  show(later.text)
  check(
    'renewed without a word, with one refresh',
    !later.isError && fake.seen.grants.filter((grant) => grant === 'refresh_token').length === 1,
  )
  check('no refresh token was used twice', fake.seen.reuses === 0)

  step('7. Sign out')
  const cleared = await call('codex_clear')
  show(String(cleared.data.message))
  check(
    'removed here and revoked there',
    cleared.data.cleared === true && cleared.data.revoked === true && stored().codex === undefined,
  )
}

try {
  const [first, second] = await freePorts(2)
  const env = { ...fake.env({ CODEX_OAUTH_PORTS: `${first},${second}` }), HOME: home, PATH: process.env.PATH ?? '' }
  const server = join(import.meta.dirname, '..', 'dist', 'main.js')
  say(dim(`The server: node dist/main.js. OpenAI: an imitation on ${fake.issuer}. Home: a temporary folder.`))
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [server], env }))
  await run()
} catch (error) {
  failures += 1
  say(red(`\nThe demo broke off: ${error instanceof Error ? error.message : error}`))
} finally {
  await client.close()
  await fake.close()
  rmSync(home, { recursive: true, force: true })
}
say(failures === 0 ? green('\nEvery step held.') : red(`\n${failures} did not hold.`))
process.exitCode = failures === 0 ? 0 : 1

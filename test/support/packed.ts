import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { FakeOpenAI } from './fake-openai.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')

export interface Packed {
  tarball: string
  /** What is in it, by path. */
  files: string[]
}

/** Packs the project as `npm publish` would. */
export async function pack(folder: string): Promise<Packed> {
  const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], root)
  const [packed] = JSON.parse(stdout)
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }: { path: string }) => path) }
}

/** Installs it where nothing else is, without asking any registry, and tells which packages came. */
export async function install(tarball: string, folder: string): Promise<string[]> {
  const quiet = ['--no-audit', '--no-fund', '--offline']
  // Said outright: npm would otherwise look for a project in the folders above.
  await npm(['install', ...quiet, '--prefix', folder, tarball], folder)
  return readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))
}

/** What `npx` would start. */
export function commandIn(folder: string): string {
  return join(folder, 'node_modules', '.bin', 'codex-oauth-mcp')
}

export interface Tried {
  node: string
  version: string
  tools: string[]
  /** As the command line and the server give it. */
  answers: [string, string]
}

/** Runs a built file under this Node, as a command and as a server, each with a question to the fake. */
export async function tryWith(node: string, file: string, fake: FakeOpenAI, home: string): Promise<Tried> {
  const env = { ...fake.env({ CODEX_API_KEY: fake.apiKey }), HOME: home, PATH: process.env.PATH ?? '' }
  const command = async (...args: string[]) => (await run(node, [file, ...args], { env, cwd: home })).stdout.trim()
  const version = await command('--version')
  const asked = await command('ask', 'Are you there?')
  const client = new Client({ name: 'pack', version: '1' })
  await client.connect(new StdioClientTransport({ command: node, args: [file], env, cwd: home }))
  try {
    const { tools } = await client.listTools()
    const { content } = await client.callTool({ name: 'codex_query', arguments: { prompt: 'Are you there?' } })
    const [{ text = '' } = {}] = content as { text?: string }[]
    const { stdout } = await run(node, ['--version'])
    return { node: stdout.trim(), version, tools: tools.map(({ name }) => name), answers: [asked, text] }
  } finally {
    await client.close()
  }
}

/** npm as a stranger has it: nothing of the script that may be running. */
function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  return run('npm', args, { cwd, env })
}

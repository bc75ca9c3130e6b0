/**
 * `npm run pack:mcpb`: the MCP bundle, for hosts that install one with a click. `manifest.json` is validated and packed
 * by the official tool, which npx fetches; then the bundle is unpacked again, and has to answer a question to the fake.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { tryWith } from '../test/support/packed.ts'

const TOOL = '@anthropic-ai/mcpb@2.1.2'
const PARTS = ['manifest.json', 'dist/main.js', 'dist/THIRD-PARTY-NOTICES.txt', 'LICENSE']

const root = join(import.meta.dirname, '..')
const { name, version } = JSON.parse(readFileSync(join(root, 'manifest.json'), 'utf8'))
const bundle = join(root, `${name}-${version}.mcpb`)
const scratch = mkdtempSync(join(tmpdir(), 'codex-oauth-mcpb-'))
const fake = await startFakeOpenAI({ reply: 'I am.' })
try {
  ensureBuilt()
  const staged = join(scratch, 'staged')
  for (const part of PARTS) {
    mkdirSync(dirname(join(staged, part)), { recursive: true })
    copyFileSync(join(root, part), join(staged, part))
  }
  mcpb('validate', join(staged, 'manifest.json'))
  mcpb('pack', staged, bundle)
  const opened = join(scratch, 'opened')
  mcpb('unpack', bundle, opened)
  const { tools, answers } = await tryWith(process.execPath, join(opened, 'dist/main.js'), fake, scratch)
  if (tools.length !== 5 || !answers.every((answer) => answer.startsWith('I am.'))) throw new Error('It does not run.')
  const bytes = readFileSync(bundle)
  process.stdout.write(
    `${name}-${version}.mcpb: ${PARTS.length} files, ${Math.round(bytes.length / 1000)} kB, runs when unpacked\n` +
      `sha256 ${createHash('sha256').update(bytes).digest('hex')}\n`,
  )
} finally {
  await fake.close()
  rmSync(scratch, { recursive: true, force: true })
}

function mcpb(...args: string[]): void {
  execFileSync('npx', ['--yes', TOOL, ...args], { cwd: scratch, stdio: ['ignore', 'ignore', 'inherit'] })
}

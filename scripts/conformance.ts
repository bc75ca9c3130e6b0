// Asks the official MCP conformance suite about the built server: `npm run test:conformance`. The suite and a Node that
// it runs on come from the registry the first time. Ends with 1 when a check fails, or when the suite has a scenario
// that is neither asked nor named among those that do not apply (`--list` prints them).
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { startBridge } from './conformance-bridge.ts'
import { APPLYING, NOT_APPLYING, type Subject } from './conformance-scenarios.ts'
import { fetched, nodeOf } from './fetched.ts'
import { scratch } from './scratch.ts'

const SUITE = '@modelcontextprotocol/conformance'
const VERSION = '0.2.0-alpha.12'
const fixture = join(import.meta.dirname, 'conformance-fixture.ts')

interface Check {
  id: string
  name?: string
  status: string
  errorMessage?: string
}

ensureBuilt()
const results = scratch()
const node = nodeOf(22)
const suite = join(fetched(`${SUITE}@${VERSION}`), SUITE, 'dist', 'index.js')
const unknown = scenariosOf().filter(
  (name) => !(name in NOT_APPLYING) && !APPLYING.some((one) => one.scenario === name),
)
if (process.argv.includes('--list')) {
  for (const [name, reason] of Object.entries(NOT_APPLYING)) console.log(`${name.padEnd(64)} ${reason}`)
} else await askAll()

async function askAll(): Promise<void> {
  const problems: string[] = unknown.map((name) => `${name}: neither asked nor named as one that does not apply`)
  let passed = 0
  const leftOut = new Set<string>()
  for (const subject of APPLYING) {
    const checks = await ask(subject)
    const label = `${subject.revision} ${subject.subject.padEnd(8)} ${subject.scenario}`
    const good = checks.filter(({ status }) => status === 'SUCCESS').length
    const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    const failed = bad.filter((check) => reasonFor(check, subject) === undefined)
    for (const check of bad) if (!failed.includes(check)) leftOut.add(check.id)
    passed += good
    console.log(`${label.padEnd(76)} ${good} passed${failed.length > 0 ? `, ${failed.length} FAILED` : ''}`)
    for (const { id, errorMessage } of failed) problems.push(`${label}: ${id}: ${errorMessage ?? 'failed'}`)
    if (checks.length === 0) problems.push(`${label}: the suite has checked nothing`)
  }
  for (const problem of problems) console.log(`    ${problem}`)
  const others = scenariosOf().filter((name) => name in NOT_APPLYING).length
  console.log(
    `${SUITE} ${VERSION}: ${APPLYING.length} scenarios, ${passed} checks passed, ${problems.length} failed; ` +
      `${others} scenarios and ${leftOut.size} single checks do not apply (--list says why)`,
  )
  if (problems.length > 0) process.exitCode = 1
}

function reasonFor({ id, name }: Check, { subject }: Subject): string | undefined {
  return NOT_APPLYING[id] ?? NOT_APPLYING[`${id}@${subject}`] ?? NOT_APPLYING[name ?? '']
}

/** The scenarios for servers, by the suite's own list. */
function scenariosOf(): string[] {
  const list = execFileSync(node, [suite, 'list'], { encoding: 'utf8' })
  const section = list.split('Client scenarios')[0] ?? ''
  return [...section.matchAll(/^ +- (\S+)/gm)].map(([, name = '']) => name)
}

async function ask({ scenario, revision, subject }: Subject): Promise<Check[]> {
  const folder = mkdtempSync(join(results, 'scenario-'))
  const command = subject === 'server' ? [SERVER_FILE] : ['--import', import.meta.resolve('tsx'), fixture]
  const bridge = await startBridge([process.execPath, ...command], { HOME: folder, PATH: process.env.PATH ?? '' })
  try {
    const options = ['--url', bridge.url, '--scenario', scenario, '--spec-version', revision, '-o', folder]
    await new Promise<void>((resolve) => {
      spawn(node, [suite, 'server', ...options], { stdio: 'ignore' }).once('exit', () => resolve())
    })
    return readdirSync(folder)
      .filter((name) => name.startsWith('server-'))
      .flatMap((name) => JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')) as Check[])
  } finally {
    await bridge.close()
  }
}

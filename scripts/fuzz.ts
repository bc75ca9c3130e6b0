// Feeds everything that reads what others have written with what nobody would write: `npm run fuzz`.
// `--seed N` makes the same cases again, `--runs N` sets how many each target gets, `--only NAME` runs those with NAME in
// their name. Each target has a process of its own, so that one that hangs or eats memory is found, too. A case that goes
// wrong is kept in test/fixtures/fuzz, and `npm test` runs it again.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { keepCase } from '../test/support/fuzz/kept-cases.ts'
import { type FuzzOutcome, runTarget, wordsOf } from '../test/support/fuzz/run-target.ts'
import { FUZZ_TARGETS } from '../test/support/fuzz/targets.ts'

const MEMORY_MB = 384
/** What may be left of all the cases of a target once they are over. */
const MAX_GROWTH_MB = 24
/** Far above what one case may take: a process that says nothing for so long hangs. */
const SILENCE_MS = 30_000

interface Report extends FuzzOutcome {
  growthMb?: number
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    child: { type: 'boolean' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const runs = Number(values.runs)
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(runs) || runs < 1)
  throw new Error('--seed and --runs take whole numbers.')

if (values.child) await runHere(values.only)
else await runAll()

async function runAll(): Promise<void> {
  const targets = FUZZ_TARGETS.filter(({ name }) => name.includes(values.only))
  let cases = 0
  let faults = 0
  console.log(`seed ${seed}`)
  for (const { name } of targets) {
    const startedAt = performance.now()
    const { cases: done, fault, growthMb = 0 } = await runApart(name)
    cases += done
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(
      `${name.padEnd(22)} ${done.toLocaleString('en').padStart(8)} cases ${seconds.padStart(6)} s ${growthMb.toFixed(1).padStart(6)} MB  ${fault === undefined ? 'ok' : 'FAULT'}`,
    )
    if (fault === undefined) continue
    faults += 1
    console.log(
      `  ${JSON.stringify(fault.case)?.slice(0, 2000)}\n  ${fault.error.split('\n').slice(0, 12).join('\n  ')}`,
    )
    if (fault.case !== undefined)
      console.log(`  kept in ${keepCase(name, { found: fault.error.split('\n')[0] ?? '', case: fault.case })}`)
    process.exitCode = 1
  }
  console.log(`${targets.length} targets, ${cases.toLocaleString('en')} cases, ${faults} faults (seed ${seed})`)
}

/** In a process of its own; if that ends without a report, once more with the same cases, each written down before it is tried. */
async function runApart(name: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'codex-oauth-fuzz-'))
  const trace = join(folder, 'case.json')
  try {
    const report = await reportOf(start(name, { TMPDIR: folder }))
    if (report !== undefined) return report
    await reportOf(start(name, { TMPDIR: folder, FUZZ_TRACE: trace }))
    return {
      cases: 0,
      fault: { case: JSON.parse(readFileSync(trace, 'utf8')), error: 'It hangs, or ends the process.' },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function start(name: string, env: Record<string, string>): ChildProcess {
  const args = ['--child', '--seed', `${seed}`, '--runs', `${runs}`, '--only', name]
  const execArgv = [...process.execArgv, `--max-old-space-size=${MEMORY_MB}`, '--expose-gc']
  return fork(fileURLToPath(import.meta.url), args, { execArgv, env: { ...process.env, ...env } })
}

function reportOf(child: ChildProcess): Promise<Report | undefined> {
  return new Promise((resolve) => {
    let report: Report | undefined
    const silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS)
    child.on('message', (message: Report | 'going on') => {
      silence.refresh()
      if (message !== 'going on') report ??= message
    })
    child.on('exit', () => {
      clearTimeout(silence)
      resolve(report)
    })
  })
}

async function runHere(name: string): Promise<void> {
  const target = FUZZ_TARGETS.find((one) => one.name === name)
  if (target === undefined) throw new Error(`There is no target ${name}.`)
  const trace = process.env.FUZZ_TRACE
  let cases = 0
  let toldAt = performance.now()
  let heapAtFirst = 0
  // What goes wrong behind a case is as wrong as what goes wrong in it, only nobody knows in which.
  process.on('uncaughtException', (error) => end({ cases, fault: { case: undefined, error: wordsOf(error) } }))
  const onCase = (one: unknown) => {
    cases += 1
    if (trace !== undefined) writeFileSync(trace, JSON.stringify(one))
    if (cases === Math.ceil((runs * (target.share ?? 1)) / 5)) heapAtFirst = heapMb()
    if (performance.now() - toldAt < 1_000) return
    toldAt = performance.now()
    process.send?.('going on')
  }
  const outcome = await runTarget(target, { seed, runs, onCase })
  await setImmediate()
  const growthMb = outcome.fault === undefined ? heapMb() - heapAtFirst : 0
  const hasGrown = growthMb > MAX_GROWTH_MB
  const leak = { case: undefined, error: `The heap has grown by ${growthMb.toFixed(1)} MB.` }
  end({ ...outcome, growthMb, ...(hasGrown ? { fault: leak } : {}) })
}

function end(report: Report): void {
  process.send?.(report, () => process.exit(0))
}

function heapMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1_048_576
}

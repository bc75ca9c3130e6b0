// Injects faults into the built server and counts what it survives: `npm run chaos`, at most ten minutes. `-- --short`
// for every change, `-- --seed N` for the same again, `-- --soak MINUTES` for a long run of many servers. Words among
// the arguments run only the kinds with these in their names. Ends with 1 when anything was lost.
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { callbackFaults } from './chaos-callback.ts'
import { clientFaults } from './chaos-client.ts'
import { clockFaults } from './chaos-clock.ts'
import { fileFaults } from './chaos-files.ts'
import { processFaults } from './chaos-processes.ts'
import { serviceFaults } from './chaos-service.ts'
import { soak } from './chaos-soak.ts'
import { storeFaults } from './chaos-store.ts'
import { type Chaos, createChance, createTally, type Tally } from './chaos-tally.ts'

interface Kind {
  /** How long it may begin new faults, in seconds: long form, short form. */
  seconds: readonly [number, number]
  run(chaos: Chaos): Promise<void>
}

const KINDS: Readonly<Record<string, Kind>> = {
  service: { seconds: [110, 10], run: serviceFaults },
  client: { seconds: [50, 8], run: clientFaults },
  processes: { seconds: [240, 14], run: processFaults },
  store: { seconds: [60, 8], run: storeFaults },
  clock: { seconds: [30, 6], run: clockFaults },
  files: { seconds: [35, 8], run: fileFaults },
  callback: { seconds: [30, 6], run: callbackFaults },
}

const args = process.argv.slice(2)
const numberAfter = (option: string) => (args.includes(option) ? Number(args[args.indexOf(option) + 1]) : undefined)
const short = args.includes('--short')
const seed = numberAfter('--seed') ?? Math.floor(Math.random() * 1_000_000)
const words = args.filter((word) => /^[a-z]/.test(word))

ensureBuilt()
const from = performance.now()
const all = { injected: 0, survived: 0, lost: [] as string[] }
const minutes = numberAfter('--soak')
const kinds: Readonly<Record<string, Kind>> =
  minutes === undefined ? KINDS : { soak: { seconds: [60, 60], run: (chaos) => soak(chaos, minutes) } }
for (const [name, kind] of Object.entries(kinds)) {
  if (words.length === 0 || words.some((word) => name.includes(word))) await runKind(name, kind)
}
console.log(`all: ${inWords(all)}; seed ${seed}, ${secondsSince(from)} s`)
if (process.exitCode === 1) {
  const form = [short ? '--short ' : '', minutes === undefined ? '' : `--soak ${minutes} `].join('')
  console.log(`Again: npm run chaos -- ${form}--seed ${seed}`)
}

async function runKind(name: string, { seconds, run }: Kind): Promise<void> {
  const [begin, tally] = [performance.now(), createTally()]
  const spanMs = 1000 * (short ? seconds[1] : seconds[0])
  const hasTime = (share = 1) => performance.now() < begin + share * spanMs
  await run({ chance: createChance(seed), short, hasTime, tally }).catch((error: unknown) => {
    tally.count(1, [`${name} broke off: ${error instanceof Error ? error.stack : error}`])
  })
  all.injected += tally.injected
  all.survived += tally.survived
  all.lost.push(...tally.lost)
  console.log([`${name}: ${inWords(tally)}`, ...tally.notes, `${secondsSince(begin)} s`].join('; '))
  for (const loss of tally.lost) console.log(`    lost: ${loss}`)
  if (tally.lost.length > 0) process.exitCode = 1
}

function inWords({ injected, survived, lost }: Pick<Tally, 'injected' | 'survived' | 'lost'>): string {
  return `${injected} injected, ${survived} survived, ${lost.length} lost`
}

function secondsSince(ms: number): string {
  return ((performance.now() - ms) / 1000).toFixed(0)
}

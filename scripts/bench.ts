// Measures the built server beside the least there could be, everything in turns in one run, and writes docs/bench and
// the README's table: `npm run bench`. Other servers as arguments, `name='command'`, are started beside it; what then
// comes out is printed only. Ends with 1 when a target is missed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { benchChart } from './bench-chart.ts'
import {
  growthVerdict,
  isMissed,
  type Measured,
  numberWords,
  type Report,
  reportTable,
  spreadWords,
} from './bench-figures.ts'
import { measureGrowth } from './bench-growth.ts'
import { measureQuery } from './bench-query.ts'
import { measureStart, type Peer } from './bench-start.ts'
import { countCalls } from './bench-syscalls.ts'

const root = join(import.meta.dirname, '..')

ensureBuilt()
const peers = process.argv.slice(2).map(readPeer)
const report: Report = {
  machine: machine(),
  start: show(await measureStart(peers)),
  query: show(await measureQuery()),
  calls: shownCalls(await countCalls()),
  growth: await measureGrowth(),
}
for (const one of report.growth) {
  const points = one.points.map(({ count, ratio }) => `${count}: ${spreadWords(ratio, '×')}`)
  const perUnit = one.perUnit === undefined ? '' : `; one more costs ${numberWords(one.perUnit, '×')} of what it did`
  console.log(`${one.name}, by ${one.of}: ${points.join(', ')}${perUnit}; ${growthVerdict(one)}`)
}
const calls = typeof report.calls === 'string' ? [] : report.calls
const missed = [...report.start, ...report.query, ...calls].filter(isMissed).length
const dearer = report.growth.filter((one) => /[A-Z]{2}/.test(growthVerdict(one))).length
console.log(
  `${missed} targets missed, ${dearer} of ${report.growth.length} grow worse than linearly (${report.machine})`,
)
if (missed + dearer > 0) process.exitCode = 1
if (peers.length === 0) write(report)

function readPeer(argument: string): Peer {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(argument) ?? []
  if (name === undefined || command === undefined) throw new Error(`${argument} is not name='command'.`)
  return [name, command]
}

function machine(): string {
  const processors = cpus()
  const model = processors[0]?.model.trim() || 'unknown processor'
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${processors.length} CPUs, ${model}`
}

function show(measured: Measured[]): Measured[] {
  for (const one of measured) {
    const target = one.target === undefined ? '' : `  target ${numberWords(one.target, one.unit)}`
    console.log(`${one.name}: ${spreadWords(one, one.unit)}${target}${isMissed(one) ? '  MISSED' : ''}`)
  }
  return measured
}

function shownCalls(counted: Measured[] | string): Measured[] | string {
  if (typeof counted !== 'string') return show(counted)
  console.log(`System calls on the credentials: not run, ${counted}`)
  return counted
}

function write(measured: Report): void {
  const folder = join(root, 'docs', 'bench')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(measured, null, 2)}\n`)
  writeFileSync(join(folder, 'bench.svg'), benchChart(measured))
  const file = join(root, 'README.md')
  const block = /(<!-- bench: [^\n]* -->\n)[\s\S]*?(<!-- \/bench -->)/
  const readme = readFileSync(file, 'utf8')
  if (!block.test(readme)) throw new Error('The README has no place for the figures of the benchmark.')
  writeFileSync(
    file,
    readme.replace(block, (_all, start: string, end: string) => `${start}\n${reportTable(measured)}\n\n${end}`),
  )
}

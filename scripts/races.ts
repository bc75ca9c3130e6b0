// Runs real servers against each other over one credentials file and prints what it cost: `npm run test:races`.
// Names of races, or parts of names, as arguments run only those.
import { ensureBuilt } from '../test/support/ensure-built.ts'
import { FULL_RACES } from '../test/support/race.ts'
import type { RaceResult } from '../test/support/race-result.ts'

const COLUMNS = [38, 10, 7, 9, 6, 12] as const

ensureBuilt()

const wanted = process.argv.slice(2)
const races = Object.entries(FULL_RACES).filter(
  ([name]) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
)
print(['scenario', 'processes', 'rounds', 'requests', 'reuse', 'logins lost', 'result'])
for (const [name, race] of races) {
  const result = await race().catch((error: unknown) => failure(name, error))
  print(cellsOf(result))
  for (const figure of new Set(result.missed)) console.log(`    missed: ${figure}`)
  if (result.missed.length > 0) process.exitCode = 1
}

function cellsOf({ name, processes, rounds, requests, reuse, lost, notes, missed }: RaceResult): unknown[] {
  const verdict = missed.length === 0 ? 'ok' : 'FAILED'
  return [name, processes, rounds, requests, reuse, lost, [verdict, ...notes].join(', ')]
}

function print(cells: readonly unknown[]): void {
  console.log(cells.map((cell, n) => `${cell}`.padEnd(COLUMNS[n] ?? 0)).join(' '))
}

function failure(name: string, error: unknown): RaceResult {
  const missed = [error instanceof Error ? (error.stack ?? error.message) : `${error}`]
  return { name, processes: 0, rounds: 0, requests: 0, reuse: 0, lost: 0, notes: [], missed }
}

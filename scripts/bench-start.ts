import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { type Measured, ratios, spreadOf } from './bench-figures.ts'
import { greet, residentBytes, talkTo } from './bench-place.ts'
import { scratch } from './scratch.ts'

/** What is started: a name, and the command line for a shell. */
export type Peer = readonly [name: string, command: string]

const ROUNDS = 15
const MIB = 1_048_576

/** Cold starts in turns, up to the list of tools, and the memory after it; peers that do not start throw. */
export async function measureStart(peers: readonly Peer[]): Promise<Measured[]> {
  const home = scratch()
  const node = (file: string) => `'${process.execPath}' '${file}'`
  const floor = node(join(import.meta.dirname, 'bench-floor.mjs'))
  const subjects: readonly Peer[] = [['codex-oauth-mcp', node(SERVER_FILE)], ...peers]
  const floors: Started[] = []
  const others = new Map(subjects.map(([name]) => [name, [] as Started[]]))
  // The first round, with nothing in the caches of the system, is not counted.
  for (let round = -1; round < ROUNDS; round += 1) {
    const floorStart = await coldStart('floor', floor, home)
    if (round >= 0) floors.push(floorStart)
    for (const [name, command] of subjects) {
      const started = await coldStart(name, command, home)
      if (round >= 0) others.get(name)?.push(started)
    }
  }
  const msOf = (list: readonly Started[]) => list.map(({ ms }) => ms)
  const memoryOf = (list: readonly Started[]) => list.map(({ bytes }) => bytes)
  return [...others].flatMap(([name, list], index): Measured[] => [
    {
      name: `cold start of ${name}, in starts of the floor`,
      unit: '×',
      ...ratios(msOf(list), msOf(floors)),
      ...(index === 0 ? { target: 1.6 } : {}),
    },
    {
      name: `memory of ${name} after it, in that of the floor`,
      unit: '×',
      ...ratios(memoryOf(list), memoryOf(floors)),
    },
    { name: `memory of ${name} after it`, unit: 'MB', ...spreadOf(memoryOf(list).map((bytes) => bytes / MIB)) },
  ])
}

interface Started {
  ms: number
  bytes: number
}

const LIMIT_MS = 20_000

async function coldStart(name: string, command: string, home: string): Promise<Started> {
  const env = { ...process.env, HOME: home, CODEX_HOME: home }
  const from = performance.now()
  const talk = talkTo(spawn('sh', ['-c', `exec ${command}`], { stdio: ['pipe', 'pipe', 'ignore'], env, cwd: home }))
  const limit = setTimeout(() => talk.child.kill('SIGKILL'), LIMIT_MS)
  try {
    await greet(talk)
    return { ms: performance.now() - from, bytes: residentBytes(talk.child.pid) }
  } catch (cause) {
    throw new Error(`${name} does not start.`, { cause })
  } finally {
    clearTimeout(limit)
    if (talk.child.exitCode === null && talk.child.signalCode === null) await talk.end()
  }
}

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
  const floor: Subject = { name: 'floor', command: node(join(import.meta.dirname, 'bench-floor.mjs')), starts: [] }
  const subjects: Subject[] = [['codex-oauth-mcp', node(SERVER_FILE)] as const, ...peers].map(([name, command]) => {
    return { name, command, starts: [] }
  })
  const first: Subject = { name: 'the first', command: node(SERVER_FILE), starts: [] }
  // The first round, with nothing in the caches of the system, is not counted.
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const subject of [floor, ...subjects, first]) {
      const started = await coldStart(subject, subject === first ? scratch() : home)
      if (round >= 0) subject.starts.push(started)
    }
  }
  const msOf = (list: readonly Started[]) => list.map(({ ms }) => ms)
  const memoryOf = (list: readonly Started[]) => list.map(({ bytes }) => bytes)
  const floors = floor.starts
  const measured = subjects.flatMap(({ name, starts: list }, index): Measured[] => [
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
  const slower: Measured = {
    name: 'the very first start of a version',
    unit: '×',
    ...ratios(msOf(first.starts), msOf(floors)),
  }
  return [...measured, slower]
}

interface Subject {
  name: string
  command: string
  starts: Started[]
}

interface Started {
  ms: number
  bytes: number
}

const LIMIT_MS = 20_000

async function coldStart({ name, command }: Subject, home: string): Promise<Started> {
  // Nothing else of this machine: certificates it adds to Node's, for one, cost each side more than its start.
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: home }
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

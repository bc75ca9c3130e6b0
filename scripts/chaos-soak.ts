import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { openField } from '../test/support/race-field.ts'
import type { RaceServer } from '../test/support/race-server.ts'
import { leftovers } from './chaos-client.ts'
import { type Chance, type Chaos, createChance } from './chaos-tally.ts'

const PROCESSES = 8
const TOKEN_LIFE_MS = 20_000
/** What a server may grow by from one half of its life to the other, once it has warmed up. */
const MOST_GROWTH = 0.1
const WARM_MS = 30_000

/**
 * Servers that are asked all the time over one login, whose token lives 20 s, and one of them is killed each second.
 * All but the first, which lives through: by its memory growth is measured.
 */
export async function soak({ chance, tally }: Chaos, minutes: number): Promise<void> {
  const field = await openField({ processes: PROCESSES })
  const elder = field.servers[0] as RaceServer
  const endsAt = performance.now() + minutes * 60_000
  const isOver = () => performance.now() >= endsAt
  const memory: number[] = []
  const counts = { kills: 0, expiries: 0, answers: 0 }
  const failures = new Set<string>()
  let signedInAt = 0

  async function askOn(asking: Chance): Promise<void> {
    while (!isOver()) {
      const server = asking.pick(field.servers)
      const from = performance.now()
      const { isError, code, text } = await server.call('codex_query', { prompt: 'Hello?' })
      // Whoever was killed cannot answer; while a login is lost nobody can.
      if (!isError) counts.answers += 1
      else if (code !== 'GONE' && !field.isLost() && from > signedInAt) failures.add(`${code} ${text.slice(0, 200)}`)
      await sleep(asking.between(0, 100))
    }
  }

  async function expireOn(): Promise<void> {
    while (!isOver()) {
      await sleep(Math.min(TOKEN_LIFE_MS, Math.max(0, endsAt - performance.now())))
      field.expire()
      counts.expiries += 1
    }
  }

  async function killOn(): Promise<void> {
    let nextAt = performance.now()
    while (!isOver()) {
      nextAt += chance.between(500, 1500)
      await sleep(Math.max(0, nextAt - performance.now()))
      const victim = chance.pick(field.servers.filter((server) => server !== elder))
      victim.signal('SIGKILL')
      await victim.exited
      await field.replace([victim])
      counts.kills += 1
      tally.count(1, [])
      memory.push(residentBytes(elder.pid))
      // A renewal that is under way looks like a loss until it is stored.
      if (!field.isLost()) continue
      await sleep(5000)
      if (!field.isLost()) continue
      tally.count(0, [`after ${counts.kills} kills: the login is lost`])
      field.signIn()
      signedInAt = performance.now()
    }
  }

  try {
    const askers = Array.from({ length: PROCESSES }, () => askOn(createChance(chance.between(0, 1_000_000))))
    await Promise.all([...askers, expireOn(), killOn()])
    tally.count(
      0,
      [...failures].map((failure) => `a question: ${failure}`),
    )
    if (elder.hasExited()) tally.count(0, ['the server that was never killed has ended'])
    const left = leftovers(field.folder)
    // Whoever is killed in the middle of a write leaves its file: the next ones clear it away after an hour.
    tally.note(`${left.length} leftovers`)
    const warm = memory.slice(Math.round(WARM_MS / 1000))
    const half = Math.floor(warm.length / 2)
    const growth = half === 0 ? undefined : average(warm.slice(half)) / average(warm.slice(0, half)) - 1
    if (growth !== undefined) tally.note(`memory ${growth < 0 ? '' : '+'}${(growth * 100).toFixed(1)} %`)
    if (growth !== undefined && growth > MOST_GROWTH) tally.count(0, [`memory grew by ${(growth * 100).toFixed(1)} %`])
  } finally {
    await field.close()
  }
  tally.note(`${PROCESSES} servers, ${counts.kills} kills, ${counts.expiries} expiries, ${counts.answers} answers`)
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function residentBytes(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }).stdout) * 1024
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteName } from '../src/services/login/login-route.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import type { RaceServer, ToolAnswer } from '../test/support/race-server.ts'
import type { StoreName } from '../test/support/race-store.ts'
import { type Disk, smallDisk } from './chaos-disk.ts'
import { type Chance, type Chaos, createChance } from './chaos-tally.ts'

const ROUTES = ['codex', 'plan'] as const
const STORES = ['file', 'encrypted', 'keychain'] as const

/**
 * Many servers find one login expired while some of them are killed or frozen, or their disk is full: on both routes, in
 * each store. The login has to live through all of it, also where a server dies between the rotation at the issuer and
 * the write on the disk.
 */
export async function processFaults(chaos: Chaos): Promise<void> {
  const { short, chance, tally } = chaos
  const disk = smallDisk()
  if (disk === undefined) tally.note('LEFT OUT: full disks, for want of the right to mount one')
  const all = ROUTES.flatMap((route) => STORES.map((store) => ({ route, store })))
  const some = short ? chance.shuffled(all).slice(0, 2) : all
  for (const [n, each] of some.entries()) {
    const size = short ? { processes: 4, rounds: 5 } : { processes: 16, rounds: 50 }
    await expiries(chaos, { ...each, ...size, disk, share: (n + 1) / some.length })
  }
}

interface Expiries {
  route: RouteName
  store: StoreName
  disk: Disk | undefined
  /** Of the time of this kind, by whose end it is over. */
  share: number
  processes: number
  rounds: number
}

async function expiries({ chance, hasTime, tally }: Chaos, options: Expiries): Promise<void> {
  const { route, store, disk, share, processes, rounds } = options
  const prepare = disk === undefined ? {} : { prepare: disk.mount }
  const field = await openField({ processes, route, store, ...prepare })
  const counts = { rounds: 0, kills: 0, freezes: 0, full: 0 }
  let slowestMs = 0
  try {
    for (; counts.rounds < rounds && hasTime(share); counts.rounds++) {
      const reuses = field.at.reuses()
      // A chance of its own: when the issuer is asked, nobody can have again, and the rest must not hang on it.
      const delays = createChance(chance.between(0, 1_000_000))
      field.answerRefreshes(async (usual) => {
        await sleep(delays.between(0, 20))
        return usual()
      })
      field.expire()
      const isFull = disk !== undefined && chance.next() < 0.3
      const asked = field.ask()
      const [hit] = await Promise.all([strike(field, chance), isFull ? fillFor(disk, chance) : undefined])
      const answers = (await asked).filter(({ code }) => code !== 'GONE')
      const dead = hit.filter((server) => server.hasExited())
      counts.kills += dead.length
      counts.freezes += hit.length - dead.length
      counts.full += isFull ? 1 : 0
      slowestMs = Math.max(slowestMs, ...answers.map(({ ms }) => ms))
      await field.replace(dead)
      // Whoever has no room says so; with room again everybody has to be answered.
      const failures = isFull ? failuresIn(await field.ask()) : failuresIn(answers)
      const strange = isFull
        ? failuresIn(answers).filter((text) => !/\[(STORAGE_\w+|TOKEN_REQUEST_FAILED)\]$/.test(text))
        : []
      await field.settled()
      const lost = field.isLost()
      const when = `${route}, ${store}, round ${counts.rounds}${isFull ? ', disk full' : ''}`
      const losses = [...new Set([...failures, ...strange])].map((text) => `${when}: ${text}`)
      if (lost) losses.push(`${when}: the login is lost`)
      if (field.at.reuses() > reuses) losses.push(`${when}: ${field.at.reuses() - reuses} tokens were spent twice`)
      tally.count(hit.length + (isFull ? 1 : 0), losses)
      if (lost) field.signIn()
    }
    const strays = field.servers.flatMap((server) => server.strays)
    if (strays.length > 0) tally.count(0, [`${route}, ${store}: stdout carried ${strays[0]}`])
  } finally {
    await field.close()
  }
  tally.note(
    `${route}, ${store}: ${processes} processes, ${counts.rounds} of ${rounds} expiries, ${counts.kills} kills, ` +
      `${counts.freezes} freezes, ${counts.full} full disks, slowest answer ${(slowestMs / 1000).toFixed(1)} s`,
  )
}

/** Kills or freezes one to three servers at random moments; those frozen are awake again when it resolves. */
async function strike(field: Field, chance: Chance): Promise<RaceServer[]> {
  const victims = chance.shuffled(field.servers).slice(0, chance.between(1, 3))
  const plans = victims.map((server) => {
    const kills = chance.next() < 0.6
    return { server, kills, afterMs: chance.between(0, 300), forMs: chance.between(50, 800) }
  })
  await Promise.all(
    plans.map(async ({ server, kills, afterMs, forMs }) => {
      await sleep(afterMs)
      server.signal(kills ? 'SIGKILL' : 'SIGSTOP')
      if (kills) return void (await server.exited)
      await sleep(forMs)
      server.signal('SIGCONT')
    }),
  )
  return victims
}

/** The disk has no room left at a random moment, for a while. */
async function fillFor(disk: Disk, chance: Chance): Promise<void> {
  const [afterMs, forMs] = [chance.between(0, 300), chance.between(50, 600)]
  await sleep(afterMs)
  disk.fill()
  await sleep(forMs)
  disk.free()
}

function failuresIn(answers: readonly ToolAnswer[]): string[] {
  return answers.flatMap(({ isError, code, text }) => (isError ? [text.slice(0, 200) || `${code}`] : []))
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteName } from '../src/services/login-route.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import type { RaceServer } from '../test/support/race-server.ts'
import { type Chance, type Chaos, createChance } from './chaos-tally.ts'

/**
 * Many servers find one login expired while some of them are killed or frozen. Between the rotation at the issuer and
 * the write on the disk a kill costs the login, whatever a process does: those are counted apart.
 */
export async function processFaults(chaos: Chaos): Promise<void> {
  const { short } = chaos
  for (const [route, share] of [
    ['codex', 0.5],
    ['plan', 1],
  ] as const) {
    await expiries(chaos, { route, share, processes: short ? 4 : 16, rounds: short ? 5 : 50 })
  }
}

interface Expiries {
  route: RouteName
  /** Of the time of this kind, by whose end it is over. */
  share: number
  processes: number
  rounds: number
}

async function expiries(
  { chance, hasTime, tally }: Chaos,
  { route, share, processes, rounds }: Expiries,
): Promise<void> {
  const field = await openField({ processes, route })
  const counts = { rounds: 0, kills: 0, freezes: 0, unavoidable: 0 }
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
      const asked = field.ask()
      const hit = await strike(field, chance)
      const answers = (await asked).filter(({ code }) => code !== 'GONE')
      const dead = hit.filter((server) => server.hasExited())
      counts.kills += dead.length
      counts.freezes += hit.length - dead.length
      slowestMs = Math.max(slowestMs, ...answers.map(({ ms }) => ms))
      await field.replace(dead)
      const losses: string[] = []
      const when = `${route}, round ${counts.rounds}`
      const isLost = field.isLost()
      // Where the one died that the issuer had answered, the last token may have gone with it.
      const isUnavoidable = isLost && dead.some(({ name }) => name === field.issued.at(-1)?.to)
      if (isUnavoidable) counts.unavoidable += 1
      if (isLost && !isUnavoidable) losses.push(`${when}: the login is lost`)
      const codes = new Set(answers.flatMap(({ isError, code, text }) => (isError ? [`${code} ${text}`] : [])))
      if (!isLost && codes.size > 0) losses.push(`${when}: ${[...codes].join(', ')}`)
      const again = field.at.reuses() - reuses
      if (again > dead.length) losses.push(`${when}: a lost token was spent ${again} times more`)
      tally.count(hit.length, losses)
      if (isLost) field.signIn()
    }
    const strays = field.servers.flatMap((server) => server.strays)
    if (strays.length > 0) tally.count(0, [`${route}: stdout carried ${strays[0]}`])
  } finally {
    await field.close()
  }
  tally.note(
    `${route}: ${processes} processes, ${counts.rounds} of ${rounds} expiries, ${counts.kills} kills, ` +
      `${counts.freezes} freezes, ${counts.unavoidable} killed between rotation and write, ` +
      `slowest answer ${(slowestMs / 1000).toFixed(1)} s`,
  )
}

/** Kills or freezes one to three servers at random moments; those frozen are awake again when it resolves. */
async function strike(field: Field, chance: Chance): Promise<RaceServer[]> {
  const victims = chance.shuffled(field.servers).slice(0, chance.between(1, 3))
  const plans = victims.map((server) => {
    const kills = chance.next() < 0.6
    return { server, kills, afterMs: chance.between(0, 120), forMs: chance.between(50, 1500) }
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

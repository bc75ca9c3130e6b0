import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConversationStore } from '../src/services/conversations/conversation-store.ts'
import { openField } from '../test/support/race-field.ts'
import { type Growth, perUnitGrowth, ratios, spreadOf } from './bench-figures.ts'
import { openPlace, type Place, requestOf, startEcho, type Talk, timed } from './bench-place.ts'

const ROUNDS = 11
/** As many with each count: a process gets faster with every question, because more of it is compiled. */
const RACE_ROUNDS = 9
/** A process compiles what it needs at its first questions, and sixty-four of them do so on the processors of one. */
const RACE_WARM_UP = 3

const REFRESHING = 'a question of each process, all wanting one refresh, in terms of a loop in each'

/** What one question takes when there is more of something, in terms of one with the least of it. */
export async function measureGrowth(): Promise<Growth[]> {
  const place = await openPlace()
  try {
    const server = await place.startServer()
    await server.ask({ prompt: 'Why?' })
    return [
      await conversations(place, server),
      await foreignKeys(place, server),
      await files(place, server),
      ...(await processes()),
    ]
  } finally {
    await place.close()
  }
}

async function conversations({ state }: Place, server: Talk): Promise<Growth> {
  const folder = join(state, 'conversations')
  const store = createConversationStore({ folder, newId: randomUUID, now: Date.now })
  await server.ask({ prompt: 'What is a turn?', conversation: 'first' })
  const [turn] = store.open('first').turns
  if (turn === undefined) throw new Error('The server kept no turn.')
  const counts = [10, 100, 1_000]
  const kept = new Map<number, { folder: string; copy: string }>()
  for (const count of counts) {
    const before = readdirSync(folder)
    await store.add(store.open(`of ${count}`), turn)
    const begun = store.open(`of ${count}`)
    for (let n = 1; n < count; n += 1) await store.add(begun, turn)
    const [name = ''] = readdirSync(folder).filter((one) => !before.includes(one))
    const copy = join(state, 'copies', name)
    cpSync(join(folder, name), copy, { recursive: true })
    kept.set(count, { folder: join(folder, name), copy })
  }
  return grown('a question in a conversation', 'turns', counts, async (count) => {
    const places = kept.get(count)
    if (places === undefined) throw new Error(`No conversation of ${count}.`)
    // Every question adds a turn.
    rmSync(places.folder, { recursive: true })
    cpSync(places.copy, places.folder, { recursive: true })
    return timed(() => server.ask({ prompt: 'What next?', conversation: `of ${count}` }))
  })
}

async function foreignKeys({ storeLogin }: Place, server: Talk): Promise<Growth> {
  const growth = await grown(
    "a question beside others' keys in the credentials file",
    'keys',
    [1, 100, 1_000],
    (count) => {
      storeLogin(count)
      return timed(() => server.ask({ prompt: 'Why?' }))
    },
  )
  storeLogin()
  return growth
}

async function files({ project }: Place, server: Talk): Promise<Growth> {
  const counts = [10, 100, 1_000]
  for (const count of counts) {
    mkdirSync(join(project, `of-${count}`))
    for (let n = 0; n < count; n += 1) {
      writeFileSync(join(project, `of-${count}`, `file-${n}.ts`), `export const value = ${n}\n`)
    }
  }
  return grown('a question with files', 'files', counts, (count) =>
    timed(() => server.ask({ prompt: 'Why?', files: [`of-${count}/*.ts`] })),
  )
}

/**
 * All of them find the token expired at the same moment; one refreshes, and all are answered. Beside it, without that. Sixty-four
 * processes on a few processors slow each other down, whatever they do: each round is told in terms of what as many
 * bare `fetch` loops take with the same request, one in a process.
 */
async function processes(): Promise<Growth[]> {
  const refreshing = new Map<number, number[]>()
  const plain = new Map<number, number[]>()
  for (const count of [1, 8, 64]) {
    const field = await openField({ processes: count })
    const loops = Array.from({ length: count }, () => startEcho('bench-fetch.mjs'))
    try {
      await field.ask()
      const request = { ...requestOf(field.fake), count: 1 }
      const fetchAll = () => Promise.all(loops.map((loop) => loop.say(request)))
      for (let round = 1; round < RACE_WARM_UP; round += 1) {
        await fetchAll()
        await field.ask()
      }
      const taken = []
      const untouched = []
      for (let round = 0; round < RACE_ROUNDS; round += 1) {
        const loopMs = (await timed(fetchAll)) / count
        untouched.push((await timed(() => field.ask())) / loopMs)
        field.expire()
        taken.push((await timed(() => field.ask())) / loopMs)
      }
      if (field.refreshes() !== RACE_ROUNDS) throw new Error(`${count} processes made ${field.refreshes()} refreshes.`)
      refreshing.set(count, taken)
      plain.set(count, untouched)
    } finally {
      for (const loop of loops) loop.end()
      await field.close()
    }
  }
  return [
    growthOf(REFRESHING, 'processes', refreshing, { inRounds: false }),
    growthOf('the same without a refresh', 'processes', plain, { inRounds: false }),
  ]
}

async function grown(
  name: string,
  of: string,
  counts: readonly number[],
  measure: (count: number) => Promise<number>,
): Promise<Growth> {
  const times = new Map(counts.map((count) => [count, [] as number[]]))
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const count of counts) {
      const ms = await measure(count)
      if (round >= 0) times.get(count)?.push(ms)
    }
  }
  return growthOf(name, of, times)
}

/** In rounds of which each measures all counts, a round is compared with itself; otherwise, with the median of the least. */
function growthOf(
  name: string,
  of: string,
  times: ReadonlyMap<number, readonly number[]>,
  { inRounds = true } = {},
): Growth {
  const all = [...times].map(([count, taken]) => ({ count, taken, ms: spreadOf(taken).median }))
  const [least] = all
  const baseOf = (taken: readonly number[]) =>
    inRounds ? (least?.taken ?? []) : taken.map(() => least?.ms ?? Number.NaN)
  return {
    name,
    of,
    points: all.map(({ count, taken }) => ({ count, ratio: ratios(taken, baseOf(taken)) })),
    perUnit: perUnitGrowth(all),
  }
}

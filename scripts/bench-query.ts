import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import type { Body } from '../test/support/fake-script.ts'
import { answerEvents, sse } from '../test/support/fake-sse.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { measureStream } from '../test/support/stream-memory.ts'
import { type Measured, ratios, spreadOf } from './bench-figures.ts'
import { openPlace, type Place, requestOf, startEcho, type Talk, timed } from './bench-place.ts'

const MIB = 1_048_576
const DELTAS = 2_000
/** 100 kB of text. */
const TEXT = 'Fifty characters of an answer, and then some more. '.slice(0, 50).repeat(DELTAS)
const ROUNDS = { fast: 15, paced: 4, many: 7, first: 15, memory: 5 }
const MANY = 16
/** The paced stream: so many deltas at once, so far apart, which makes about 1,000 a second. */
const PACE = { deltas: 10, ms: 10 }

/** A question through the server beside a bare `fetch` loop in Node that sends the same request and reads the same stream. */
export async function measureQuery(): Promise<Measured[]> {
  const place = await openPlace()
  const bare = startEcho('bench-fetch.mjs')
  try {
    const server = await place.startServer()
    await server.ask({ prompt: 'Why?' })
    const request = requestOf(place.fake)
    const compare = async (rounds: number, count: number, body: () => Body) => {
      place.fake.script.responses.always(() => ({ sse: body() }))
      const asked: number[] = []
      const fetched: number[] = []
      for (let round = -1; round < rounds; round += 1) {
        const all = Array.from({ length: count })
        const fetchMs = await timed(() => bare.say({ ...request, count }))
        const askMs = await timed(() => Promise.all(all.map(() => server.ask({ prompt: 'Why?' }))))
        if (round < 0) continue
        fetched.push(fetchMs)
        asked.push(askMs)
      }
      return ratios(asked, fetched)
    }
    return [
      { name: '2,000 deltas, 1,000 a second', unit: '×', target: 1.1, ...(await compare(ROUNDS.paced, 1, paced)) },
      { name: '2,000 deltas as fast as they come', unit: '×', target: 1.1, ...(await compare(ROUNDS.fast, 1, fast)) },
      {
        name: `${MANY} at once, each 2,000 deltas, 1,000 a second`,
        unit: '×',
        target: 1.15,
        ...(await compare(2, MANY, paced)),
      },
      {
        name: `${MANY} at once, each 2,000 deltas as fast as they come`,
        unit: '×',
        target: 1.15,
        ...(await compare(ROUNDS.many, MANY, fast)),
      },
      ...(await whereItGoes(place, server, () => bare.say({ ...request, count: 1 }))),
      { name: 'first progress after the first delta', unit: 'ms', target: 15, ...(await firstProgress(place, server)) },
      { name: 'more memory while 50 MB are read', unit: 'MB', target: 20, ...(await streamMemory()) },
    ]
  } finally {
    bare.end()
    await place.close()
  }
}

/** What a question takes more than the loop, in milliseconds, before the service has the request and after all is sent. */
async function whereItGoes({ fake }: Place, server: Talk, fetched: () => Promise<unknown>): Promise<Measured[]> {
  const parts = { before: [] as number[], after: [] as number[] }
  let [begunAt, endedAt] = [0, 0]
  async function* body() {
    begunAt = performance.now()
    yield* fast()
    endedAt = performance.now()
  }
  const timesOf = async (work: () => Promise<unknown>) => {
    const from = performance.now()
    await work()
    return { before: begunAt - from, after: performance.now() - endedAt }
  }
  fake.script.responses.always(() => ({ sse: body() }))
  for (let round = -1; round < ROUNDS.fast; round += 1) {
    const bare = await timesOf(fetched)
    const asked = await timesOf(() => server.ask({ prompt: 'Why?' }))
    if (round < 0) continue
    parts.before.push(asked.before - bare.before)
    parts.after.push(asked.after - bare.after)
  }
  return [
    {
      name: '2,000 fast deltas: until the service has the request, more than the loop',
      unit: 'ms',
      ...spreadOf(parts.before),
    },
    {
      name: '2,000 fast deltas: after the last piece is sent, more than the loop',
      unit: 'ms',
      ...spreadOf(parts.after),
    },
  ]
}

const EVENTS = answerEvents(TEXT, { deltas: DELTAS })
const PIECES = EVENTS.map((event) => sse([event]))
const FIRST_DELTA = EVENTS.findIndex(({ type }) => type === 'response.output_text.delta')

async function* fast(): AsyncGenerator<string> {
  for (let at = 0; at < PIECES.length; at += 20) yield PIECES.slice(at, at + 20).join('')
}

async function* paced(): AsyncGenerator<string> {
  const begun = performance.now()
  for (let at = 0, step = 1; at < PIECES.length; at += PACE.deltas, step += 1) {
    yield PIECES.slice(at, at + PACE.deltas).join('')
    // By the clock: timers that come late do not add up.
    await sleep(Math.max(0, begun + step * PACE.ms - performance.now()))
  }
}

/** From the first words to the first notice after them, on this end of the pipe. What came before was told before. */
async function firstProgress({ fake }: Place, server: Talk) {
  const latencies: number[] = []
  for (let round = -2; round < ROUNDS.first; round += 1) {
    let sentAt = 0
    let heardAt = 0
    const before = server.frames.length
    async function* body() {
      yield PIECES.slice(0, FIRST_DELTA).join('')
      await sleep(60)
      const told = server.frames.length
      sentAt = performance.now()
      yield PIECES[FIRST_DELTA] ?? ''
      while (server.frames.length === told) await setImmediate()
      heardAt = performance.now()
      yield PIECES.slice(FIRST_DELTA + 1).join('')
    }
    fake.script.responses.push({ sse: body() })
    await server.ask({ prompt: 'Why?' })
    const isNotice = server.frames.slice(before).every(({ method }, index, all) => {
      return index === all.length - 1 || method === 'notifications/progress'
    })
    if (!isNotice) throw new Error('Something else than progress came first.')
    if (round >= 0) latencies.push(heardAt - sentAt)
  }
  return spreadOf(latencies)
}

async function streamMemory() {
  const more: number[] = []
  for (let round = 0; round < ROUNDS.memory; round += 1)
    more.push((await measureStream(SERVER_FILE, 50 * MIB)).more / MIB)
  return spreadOf(more)
}

import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { endlessDeltas } from '../test/support/fake-sse.ts'
import { isListening } from '../test/support/is-listening.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import type { RaceServer } from '../test/support/race-server.ts'
import { type Chance, type Chaos, need } from './chaos-tally.ts'
import { within } from './chaos-within.ts'

const MIB = 1_048_576
const question = { prompt: 'Hello?' }

/** What the server is at when its client goes. */
const BUSY: Record<string, (server: RaceServer, field: Field) => void> = {
  'doing nothing': () => {},
  asking: (server) => void server.call('codex_query', question),
  'writing a long answer': (server, { fake }) => {
    fake.script.responses.always({ sse: endlessDeltas() })
    void server.call('codex_query', question)
  },
  'answering in the background': (server, { fake }) => {
    fake.script.responses.always({ sse: endlessDeltas() })
    void server.call('codex_query', { ...question, background: true })
  },
  renewing: (server, field) => {
    field.expire()
    void server.call('codex_query', question)
  },
  'signing in': (server) => void server.call('codex_login', { method: 'browser', force: true }),
  'reading half a line': (server) => void server.write('{"jsonrpc":"2.0","id":77,"method":"tools/ca'),
}

/** How it goes. */
const WAYS: Record<string, (server: RaceServer) => void> = {
  'the end of input': (server) => server.endInput(),
  SIGTERM: (server) => server.signal('SIGTERM'),
  SIGINT: (server) => server.signal('SIGINT'),
  SIGHUP: (server) => server.signal('SIGHUP'),
  'both ends at once': (server) => {
    server.closeOutput()
    server.endInput()
  },
  'closed stdout': (server) => {
    server.closeOutput()
    // It notices when it has something to say; what it has read so far may be half a line.
    void server.write('\n')
    void server.ping()
  },
}

/** Clients that vanish at any moment, and clients that write what is no message. */
export async function clientFaults({ chance, short, hasTime, tally }: Chaos): Promise<void> {
  const field = await openField({ processes: 1, env: { CODEX_OAUTH_LOGIN_WAIT_MS: '20000' } })
  field.at.script.token.always(undefined)
  // The short form shares its machine with other work: how fast a server ends is for the long one to judge.
  const withinMs = short ? 5000 : 2000
  let slowestMs = 0
  try {
    const lines = Object.entries(garbage(chance))
    for (const [name, text] of short ? chance.shuffled(lines).slice(0, 12) : lines) {
      await tally.inject(`garbage: ${name}`, () => survivesLine(field, text))
    }
    await tally.inject('a line of 100 MB', () => survivesLine(field, longLine(100)))
    await tally.inject('a line of 100 MB that is a request', () => survivesLine(field, longRequest(100)))
    for (let round = 0; hasTime() && round < (short ? 12 : 150); round++) {
      const [busy, way] = [chance.pick(Object.keys(BUSY)), chance.pick(Object.keys(WAYS))]
      const afterMs = chance.between(0, 300)
      await tally.inject(`${way} after ${afterMs} ms of ${busy}`, async () => {
        slowestMs = Math.max(slowestMs, await vanish(field, { busy, way, afterMs, withinMs }))
      })
    }
  } finally {
    await field.close()
  }
  tally.note(`slowest end ${Math.round(slowestMs)} ms`)
}

async function survivesLine(field: Field, text: string | Iterable<string>): Promise<void> {
  const [server] = field.servers
  need(server !== undefined && !server.hasExited(), 'the server had gone before')
  const written = (async () => {
    for (const piece of typeof text === 'string' ? [text, '\n'] : text) await server.write(piece)
  })()
  need((await within(20_000, written)) !== 'late', 'the server does not read on')
  need((await within(5000, server.ping())) === true, 'no answer to a ping')
  const next = await server.call('codex_query', question)
  need(!next.isError, `the next question: ${next.text}`)
  need(server.strays.length === 0, `stdout carried ${server.strays[0]?.slice(0, 100)}`)
}

interface Vanishing {
  busy: string
  way: string
  afterMs: number
  withinMs: number
}

async function vanish(field: Field, { busy, way, afterMs, withinMs }: Vanishing): Promise<number> {
  field.signIn()
  const [server] = field.servers
  need(server !== undefined, 'no server')
  try {
    BUSY[busy]?.(server, field)
    await sleep(afterMs)
    const from = performance.now()
    WAYS[way]?.(server)
    const exit = await within(withinMs, server.exited)
    need(exit !== 'late', `still there after ${withinMs} ms`)
    need(exit.code === 0, `ended with ${exit.code} ${exit.signal}`)
    need(server.strays.length === 0, `stdout carried ${server.strays[0]?.slice(0, 100)}`)
    // A renewal that it had begun is finished without it.
    await field.settled()
    for (let tries = 0; leftovers(field.folder).length > 0 && tries < 20; tries++) await sleep(50)
    const left = leftovers(field.folder)
    need(left.length === 0, `left behind: ${left.join(', ')}`)
    for (const port of field.ports) need(!(await isListening(port)), `port ${port} is still held`)
    return exit.at - from
  } finally {
    field.fake.script.responses.always(undefined)
    server.signal('SIGKILL')
    await field.replace([server])
  }
}

/** Locks, and files that were not finished. */
export function leftovers(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tmp\.|\.lock$/.test(name))
}

function garbage(chance: Chance): Record<string, string> {
  const bytes = (count: number) => Array.from({ length: count }, () => String.fromCharCode(chance.between(32, 255)))
  const call = (params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 'odd', method: 'tools/call', params })
  return {
    'an empty line': '',
    'a thousand empty lines': '\n'.repeat(1000),
    'random characters': bytes(chance.between(1, 5000)).join(''),
    NULs: '\0'.repeat(chance.between(1, 5000)),
    'half an object': '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"na',
    'a list': '[1,2,{"jsonrpc":"2.0"}]',
    'a null': 'null',
    'a text': '"ping"',
    'a number': '1e999',
    'no method': '{"jsonrpc":"2.0","id":"odd"}',
    'an answer nobody waits for': '{"jsonrpc":"2.0","id":4711,"result":{}}',
    'an id that is an object': '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}',
    'params that are a text': '{"jsonrpc":"2.0","id":"odd","method":"tools/call","params":"x"}',
    'an unknown method': '{"jsonrpc":"2.0","id":"odd","method":"no/such"}',
    'an unknown tool': call({ name: 'rm', arguments: {} }),
    'arguments that are a list': call({ name: 'codex_query', arguments: [] }),
    'arguments of other types': call({ name: 'codex_query', arguments: { prompt: { a: [] }, files: 7 } }),
    'keys of a prototype': '{"jsonrpc":"2.0","id":"odd","method":"ping","__proto__":{"polluted":1}}',
    'a lone surrogate': call({ name: 'codex_query', arguments: { prompt: '\ud800' } }),
    'a hundred thousand brackets': '['.repeat(100_000),
    'a deep object': '{"a":'.repeat(20_000),
    'a cancel of everything': '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}',
    'a second greeting': '{"jsonrpc":"2.0","id":"odd","method":"initialize","params":{}}',
    'carriage returns': '\r\r\r{"jsonrpc":"2.0"}\r',
    'a byte order mark': '\ufeff{"jsonrpc":"2.0","id":"odd","method":"ping"}',
  }
}

function* longLine(mebibytes: number): Generator<string> {
  for (let n = 0; n < mebibytes; n++) yield 'x'.repeat(MIB)
  yield '\n'
}

function* longRequest(mebibytes: number): Generator<string> {
  yield '{"jsonrpc":"2.0","id":"long","method":"tools/call","params":{"name":"codex_query","arguments":{"prompt":"'
  for (let n = 0; n < mebibytes; n++) yield 'x'.repeat(MIB)
  yield '"}}}\n'
}

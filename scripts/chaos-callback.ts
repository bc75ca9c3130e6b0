import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { isListening } from '../test/support/is-listening.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import { type Chance, type Chaos, need } from './chaos-tally.ts'
import { within } from './chaos-within.ts'

/** Opens connections to the listener and says what it is given, piece by piece. */
type Attack = (port: number, path: string, chance: Chance) => Socket[]

const IN_MS = 10_000

/** The listener of a sign-in is under attack while its user signs in: the sign-in has to end, and the port be free. */
export async function callbackFaults({ chance, short, hasTime, tally }: Chaos): Promise<void> {
  let slowestMs = 0
  for (const route of ['codex', 'plan'] as const) {
    const field = await openField({ processes: 1, route, env: { CODEX_OAUTH_LOGIN_WAIT_MS: '1' } })
    try {
      for (let round = 0; round < (short ? 1 : 5); round++) {
        for (const name of chance.shuffled(Object.keys(ATTACKS))) {
          if (!hasTime(route === 'codex' ? 0.5 : 1)) break
          await tally.inject(`${route}, ${name}`, async () => {
            slowestMs = Math.max(slowestMs, await underAttack(field, ATTACKS[name] as Attack, chance))
          })
        }
      }
    } finally {
      await field.close()
    }
  }
  tally.note(`slowest sign-in ${Math.round(slowestMs)} ms`)
}

async function underAttack(field: Field, attack: Attack, chance: Chance): Promise<number> {
  const [server] = field.servers
  need(server !== undefined && !server.hasExited(), 'the server has ended')
  const route = field.at.key === 'codex' ? 'codex' : 'plan'
  const begun = await server.call('codex_login', { route, method: 'browser', force: true })
  const url: unknown = begun.data?.url
  need(typeof url === 'string', `no address: ${begun.text}`)
  const redirect = new URL(new URL(url).searchParams.get('redirect_uri') ?? '')
  const port = Number(redirect.port)
  const sockets = attack(port, redirect.pathname, chance)
  for (const socket of sockets) socket.on('error', () => {}).resume()
  try {
    await sleep(chance.between(0, 200))
    const from = performance.now()
    const visit = await within(IN_MS, field.fake.browser(url))
    need(visit !== 'late', `the browser was not answered in ${IN_MS} ms`)
    need(visit.status === 200, `the browser was answered ${visit.status}`)
    for (;;) {
      const { data } = await server.call('codex_status')
      const state: unknown = data?.login?.state
      if (state === 'succeeded' || (state === undefined && data?.authenticated === true)) break
      need(state === 'pending', `the sign-in is ${state}`)
      need(performance.now() - from < IN_MS, 'the sign-in does not end')
      await sleep(10)
    }
    const ms = performance.now() - from
    for (let tries = 0; (await isListening(port)) && tries < 40; tries++) await sleep(50)
    need(!(await isListening(port)), `port ${port} is still held`)
    need(await server.ping(), 'no answer to a ping')
    need(server.strays.length === 0, `stdout carried ${server.strays[0]?.slice(0, 100)}`)
    return ms
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

const many = (count: number, open: (n: number) => Socket) => Array.from({ length: count }, (_, n) => open(n))
const opened = (port: number, text = '') => {
  const socket = connect(port, '127.0.0.1')
  if (text !== '') socket.write(text)
  return socket
}
const request = (target: string, host: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`

const ATTACKS: Readonly<Record<string, Attack>> = {
  'a flood of silent connections': (port) => many(300, () => opened(port)),
  'a flood of half requests': (port, path) => many(300, () => opened(port, `GET ${path}?code=x&sta`)),
  'slow requests': (port, path) =>
    many(100, () => {
      const socket = opened(port)
      const text = request(path, `127.0.0.1:${port}`)
      let sent = 0
      const timer = setInterval(() => {
        if (socket.destroyed || sent >= text.length) clearInterval(timer)
        else socket.write(text[sent++] ?? '')
      }, 20).unref()
      return socket
    }),
  'a flood of wrong states': (port, path, chance) =>
    many(300, () =>
      opened(port, request(`${path}?code=stolen&state=${chance.between(0, 1_000_000)}`, `127.0.0.1:${port}`)),
    ),
  'a flood of refusals without state': (port, path) =>
    many(300, () => opened(port, request(`${path}?error=access_denied`, `localhost:${port}`))),
  'forged Hosts': (port, path, chance) =>
    many(200, () => {
      const host = chance.pick(['evil.example', `localhost.evil.example:${port}`, '0.0.0.0', '', `[::1]:${port + 1}`])
      return opened(port, request(`${path}?code=x&state=y`, host))
    }),
  'two Hosts': (port, path) =>
    many(100, () => opened(port, request(`${path}?code=x&state=y`, `localhost:${port}`, 'Host: evil.example\r\n'))),
  'huge addresses': (port, path, chance) =>
    many(50, () =>
      opened(port, request(`${path}?code=${'x'.repeat(chance.between(10_000, 1_000_000))}`, `localhost:${port}`)),
    ),
  'huge headers': (port, path) =>
    many(50, () => opened(port, request(path, `localhost:${port}`, `X-Much: ${'x'.repeat(500_000)}\r\n`))),
  'huge bodies': (port, path) =>
    many(20, () => {
      const socket = opened(
        port,
        `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 99999999\r\n\r\n`,
      )
      for (let n = 0; n < 5; n++) socket.write('x'.repeat(1_000_000))
      return socket
    }),
  'other paths and methods': (port, path, chance) =>
    many(200, () => {
      const method = chance.pick(['POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE'])
      const target = chance.pick(['/', '/cancel', '/favicon.ico', `//evil.example${path}`, `${path}/../..`, '*'])
      return opened(port, `${method} ${target} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
    }),
  'what is not HTTP': (port, _, chance) =>
    many(100, () =>
      opened(port, `${Buffer.from(noise(chance)).toString('latin1')}\r\n\r\n\x16\x03\x01\x02\x00\x01\x00`),
    ),
}

function noise(chance: Chance): number[] {
  return Array.from({ length: 200 }, () => chance.between(0, 255))
}

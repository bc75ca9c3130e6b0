import { createServer, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { probePort } from '../../src/infrastructure/port-probe.ts'
import { freePorts } from '../support/free-ports.ts'
import { isListening } from '../support/is-listening.ts'

async function hold(port: number, host: string): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  onTestFinished(() => void server.close())
  return server
}

const states = async (port: number) => (await probePort(port)).map(({ host, state }) => `${host} ${state}`)

test('a free port is free on both addresses, and again afterwards', async () => {
  const [port = 0] = await freePorts(1)
  expect(await states(port)).toEqual(['127.0.0.1 free', '::1 free'])
  expect(await isListening(port)).toBe(false)
  expect(await states(port)).toEqual(['127.0.0.1 free', '::1 free'])
})

test.each([
  ['127.0.0.1', ['127.0.0.1 taken', '::1 free']],
  ['::1', ['127.0.0.1 free', '::1 taken']],
  ['0.0.0.0', ['127.0.0.1 taken', '::1 free']],
])('a port that is taken on %s only', async (host, expected) => {
  const [port = 0] = await freePorts(1)
  const server = await hold(port, host)
  let visitors = 0
  server.on('connection', () => {
    visitors += 1
  })
  expect(await states(port)).toEqual(expected)
  expect(visitors).toBe(0)
})

test('port 0 asks for the addresses alone', async () => {
  expect(await probePort(0)).toEqual([
    { host: '127.0.0.1', state: 'free', code: undefined },
    { host: '::1', state: 'free', code: undefined },
  ])
})

import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { holderOf } from '../../src/infrastructure/port-holder.ts'
import { freePorts } from '../support/free-ports.ts'

async function hold(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

const onLinux = test.runIf(process.platform === 'linux')

onLinux.each(['127.0.0.1', '::1', '0.0.0.0', '::'])('the holder of a port on %s is named', async (host) => {
  const holder = holderOf(await hold(host), 'linux')
  expect(holder?.pid).toBe(process.pid)
  expect(holder?.name).toMatch(/^[\w.:/ -]+$/)
})

onLinux('a program has only plain characters in its name', async () => {
  const port = await hold('127.0.0.1')
  const title = process.title
  onTestFinished(() => {
    process.title = title
  })
  process.title = 'a\u001b[1m"b'
  const { name = '' } = holderOf(port, 'linux') ?? {}
  expect(['\u001b', '"', '['].filter((character) => name.includes(character))).toEqual([])
})

onLinux('a free port has no holder', async () => {
  const [port = 0] = await freePorts(1)
  expect(holderOf(port, 'linux')).toBeUndefined()
})

test('elsewhere nobody is named', async () => {
  const port = await hold('127.0.0.1')
  expect(holderOf(port, 'darwin')).toBeUndefined()
  expect(holderOf(port, 'win32')).toBeUndefined()
})

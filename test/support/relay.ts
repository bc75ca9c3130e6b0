import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { readRequest, type SeenRequest } from './fake-request.ts'

/** A host of its own in front of a part of a fake: whatever comes here was sent to this address and no other. */
export interface Relay {
  origin: string
  requests: SeenRequest[]
}

/** Stands on every request that came through a relay. */
export const RELAYED = 'x-relayed'

/** Passes all on to `target`; without one it answers 404. It ends with the test. */
export async function startRelay(target?: string): Promise<Relay> {
  const requests: SeenRequest[] = []
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy())
  })

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming, Date.now())
    requests.push(request)
    if (target === undefined) return void response.writeHead(404).end()
    const passedOn = await fetch(`${target}${incoming.url}`, {
      method: request.method,
      headers: { ...passable(request), [RELAYED]: '1' },
      redirect: 'manual',
      ...(request.text === '' ? {} : { body: request.text }),
    })
    const headers = [...passedOn.headers].filter(([name]) => !OF_ONE_CONNECTION.has(name))
    response.writeHead(passedOn.status, Object.fromEntries(headers))
    if (passedOn.body === null) response.end()
    else Readable.fromWeb(passedOn.body as Parameters<typeof Readable.fromWeb>[0]).pipe(response)
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const OF_ONE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host'])

function passable({ headers }: SeenRequest): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !OF_ONE_CONNECTION.has(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
}

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A small server on loopback that ends with the test, and how often it was asked. */
export interface StartedServer {
  origin: string
  /** Requests so far. */
  readonly hits: number
}

/** Without a listener, a stranger: it says 200 to everybody. */
export async function startServer(listener: RequestListener = (_, response) => void response.end('{}')) {
  let hits = 0
  const server = createServer((request, response) => {
    hits += 1
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const started: StartedServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get hits() {
      return hits
    },
  }
  return started
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { play } from './fake-player.ts'
import { readRequest, type SeenRequest } from './fake-request.ts'
import type { Answer } from './fake-script.ts'
import type { Seen } from './fake-seen.ts'

export interface FrontDeps {
  seen: Seen
  now: () => number
  answerTo: (request: SeenRequest) => Promise<Answer>
}

/** The door of the fake: takes every request down, has it answered, and notices who leaves early. */
export function createFront({ seen, now, answerTo }: FrontDeps) {
  const arrivals = new Map<string, Tally>()
  const departures = createTally()
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((fault: unknown) => response.destroy(fault as Error))
  })
  // An idle connection that the fake closes just when a client uses it again would be a fault of the test.
  server.keepAliveTimeout = 0
  let closing = false

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let cut = false
    response.on('close', () => {
      if (response.writableFinished || cut || closing) return
      seen.aborted += 1
      departures.add()
    })
    const request = await readRequest(incoming, now()).catch(() => undefined)
    if (request === undefined) {
      // The client left while it was still asking, or asked what no one can read.
      response.destroy()
      return
    }
    note(request)
    const answer = await answerTo(request).catch(faultOf)
    await play(answer, response, () => {
      cut = true
    })
  }

  function note(request: SeenRequest): void {
    seen.requests.push(request)
    seen.counts[request.path] = (seen.counts[request.path] ?? 0) + 1
    tallyOf(request.path).add()
  }

  function tallyOf(path: string): Tally {
    const tally = arrivals.get(path) ?? createTally()
    arrivals.set(path, tally)
    return tally
  }

  return {
    /** Opens the door on a free loopback port and gives its origin. */
    listen(): Promise<string> {
      return new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      })
    },

    async arrival(path: string, count = 1): Promise<SeenRequest> {
      await tallyOf(path).reached(count)
      return seen.requests.filter((request) => request.path === path)[count - 1] as SeenRequest
    },

    clientGone(count = 1): Promise<void> {
      return departures.reached(count)
    },

    close(): Promise<void> {
      closing = true
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** A fault of the fake or of a test's own step: it shows in the answer instead of hanging the client. */
function faultOf(fault: unknown): Answer {
  return { status: 500, json: { detail: `The fake failed: ${fault}` } }
}

type Tally = ReturnType<typeof createTally>

/** Lets a test wait until something has happened a number of times; what has happened already counts. */
function createTally() {
  let count = 0
  let waiting: { count: number; resolve: () => void }[] = []
  return {
    add(): void {
      count += 1
      for (const waiter of waiting) if (waiter.count <= count) waiter.resolve()
      waiting = waiting.filter((waiter) => waiter.count > count)
    },
    reached(wanted: number): Promise<void> {
      if (count >= wanted) return Promise.resolve()
      return new Promise((resolve) => {
        waiting.push({ count: wanted, resolve })
      })
    },
  }
}

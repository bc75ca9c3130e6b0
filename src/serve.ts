import type { Readable, Writable } from 'node:stream'
import type { App } from './app.ts'
import type { Log } from './infrastructure/log.ts'
import { within } from './infrastructure/within.ts'
import { createStdioTransport } from './stdio.ts'

export interface ServeDeps {
  app: App
  input: Readable
  output: Writable
  onSignal: (handler: (name: string) => void) => void
  exit: (code: number) => void
  log: Log
}

/** A client that closes our input may still read: what is in flight gets this long to be answered. */
const DRAIN_MS = 1_300
/** Hosts that send a signal kill about 500 ms later: a refresh that was sent gets this long to be stored. */
const GRACE_MS = 360
const FLUSH_MS = 60

/** Serves MCP until the client goes or a signal comes. The exit code is 0 either way. */
export async function serve({ app, input, output, onSignal, exit, log }: ServeDeps): Promise<void> {
  const transport = createStdioTransport({
    input,
    output,
    onEnd: () => void shutDown('stdin', DRAIN_MS),
    onBroken: () => void shutDown('stdout', 0),
    log,
  })
  let ending = false
  const hurry = new AbortController()

  /** The one way out. A signal while input is being drained cuts the draining short. */
  async function shutDown(reason: string, drainMs: number): Promise<void> {
    if (drainMs === 0) hurry.abort()
    if (ending) return
    ending = true
    log.event('shutdown', { reason })
    // What is answered has to arrive as well: the client may be slow to read it.
    await within(
      transport.idle().then(() => transport.flush()),
      drainMs,
      hurry.signal,
    )
    const closed = app.stop()
    await app.server.close()
    await within(Promise.all([closed, app.settled()]), GRACE_MS)
    await within(transport.flush(), FLUSH_MS)
    exit(0)
  }

  onSignal((name) => void shutDown(name, 0))
  await app.server.connect(transport)
}

import { randomBytes } from 'node:crypto'
import { existsSync, writeSync } from 'node:fs'
import { arch, homedir, platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from './app.ts'
import { loadConfig } from './config.ts'
import { openInBrowser } from './infrastructure/browser.ts'
import { systemClock } from './infrastructure/clock.ts'
import { createLog, redact } from './infrastructure/log.ts'
import { readSurroundings } from './infrastructure/surroundings.ts'
import { SECRET_VARIABLES } from './settings.ts'
import { createStdioTransport } from './stdio.ts'

/** Set from package.json by the build. */
declare const VERSION: string

/** A client that closes our input may still read: what is in flight gets this long to be answered. */
const DRAIN_MS = 1_300
/** Hosts that send a signal kill about 500 ms later: a refresh that was sent gets this long to be stored. */
const GRACE_MS = 360
const FLUSH_MS = 60

// First of all, so that a fault while starting is one redacted line too.
process.on('uncaughtException', (error: unknown) => {
  const words = error instanceof Error ? error.stack : error
  writeError(redact(`codex-oauth: unexpected error, the server ends: ${words}`))
  process.exit(1)
})

const loaded = loadConfig(process.env, homedir)
for (const name of [...SECRET_VARIABLES, loaded.config.api.source ?? '']) delete process.env[name]
const surroundings = readSurroundings({ env: process.env, platform: process.platform, exists: existsSync })
const log = createLog({ write: writeError, enabled: loaded.config.debug })
const app = createApp(
  loaded,
  {
    // Through a function, because touching `fetch` loads it.
    fetch: (...request) => fetch(...request),
    clock: systemClock,
    randomBytes,
    openBrowser: (url) =>
      openInBrowser(url, { surroundings, program: platform() === 'linux' ? process.env.BROWSER : undefined }),
    surroundings,
    system: { os: platform(), arch: arch() },
    log,
  },
  VERSION,
)
const transport = createStdioTransport({
  input: process.stdin,
  output: process.stdout,
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
  process.exit(0)
}

/** `work`, but no longer than `limitMs`, and no longer than `signal` allows. */
async function within(work: Promise<unknown>, limitMs: number, signal?: AbortSignal): Promise<void> {
  const limit = sleep(limitMs, undefined, signal === undefined ? {} : { signal }).catch(() => {})
  await Promise.race([work.catch(() => {}), limit])
}

function writeError(line: string): void {
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // Nobody reads stderr: nothing is lost that anybody asked for.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void shutDown(signal, 0))
process.stderr.on('error', () => {})

await app.server.connect(transport)

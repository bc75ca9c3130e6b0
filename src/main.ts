import { randomBytes } from 'node:crypto'
import { createReadStream, existsSync, writeSync } from 'node:fs'
import { arch, homedir, platform } from 'node:os'
import * as z from 'zod'
import { createApp } from './app.ts'
import { type LoadedConfig, loadConfig } from './config.ts'
import { openInBrowser } from './infrastructure/browser.ts'
import { systemClock } from './infrastructure/clock.ts'
import { homeOrNone } from './infrastructure/home.ts'
import { createLog, redact } from './infrastructure/log.ts'
import { readSurroundings } from './infrastructure/surroundings.ts'
import { RENEWAL_ARGUMENT, readWorkerInput, runWorker, startWorker } from './renewal-process.ts'
import { serve } from './serve.ts'
import type { RunInWorker } from './services/login/renewal-delegation.ts'
import { PASSPHRASE_VARIABLE, SECRET_VARIABLES } from './settings.ts'

/** Set from package.json by the build. */
declare const VERSION: string
/** Set by the build, of the tools as they list themselves: to make it takes a tenth of the start. */
declare const TOOL_LIST: readonly object[]
/** From the launcher, to be told. */
declare function startIsOver(): void

const args = process.argv.slice(2)

// First of all, so that a fault while starting is one redacted line too.
process.on('uncaughtException', (error: unknown) => {
  const words = error instanceof Error ? error.stack : error
  const what = args.length === 0 ? 'server' : 'command'
  writeError(redact(`codex-oauth: unexpected error, the ${what} ends: ${words}`))
  process.exit(1)
})

void main()

async function main(): Promise<void> {
  const work = args[0] === RENEWAL_ARGUMENT ? await readWorkerInput(process.stdin) : undefined
  const given = work?.passphrase === undefined ? {} : { [PASSPHRASE_VARIABLE]: work.passphrase }
  const loaded = loadConfig({ ...process.env, ...given }, homedir)
  for (const name of [...SECRET_VARIABLES, loaded.config.api.source ?? '']) delete process.env[name]
  const surroundings = readSurroundings({ env: process.env, platform: process.platform, exists: existsSync })
  // Elsewhere it is not what opens a browser.
  const browser = platform() === 'linux' ? process.env.BROWSER : undefined
  const log = createLog({ write: writeError, enabled: loaded.config.debug })
  // What zod would write for each schema it meets takes longer than it saves for a message now and then.
  z.config({ jitless: true })
  const app = createApp(
    loaded,
    {
      // Through a function, because touching `fetch` loads it.
      fetch: (...request) => fetch(...request),
      clock: systemClock,
      randomBytes,
      openBrowser: (url) => openInBrowser(url, { surroundings, program: browser }),
      surroundings,
      // A server is started wherever its host likes, so what Claude Code says counts for more. Whoever types a command means
      // the folder they are in, also in a terminal that has inherited the variable.
      projectFolder: () => (args.length === 0 && process.env.CLAUDE_PROJECT_DIR) || process.cwd(),
      runInWorker: work === undefined ? runInWorker(loaded) : undefined,
      machine: {
        nodeVersion: process.versions.node,
        platform: process.platform,
        arch: process.arch,
        searchPath: process.env.PATH,
        browser,
        home: homeOrNone(homedir),
      },
      system: { os: platform(), arch: arch() },
      log,
      // Before: a host that only looks may kill this process as soon as it has the list.
      beforeFirstList: startIsOver,
    },
    VERSION,
    TOOL_LIST,
  )

  if (work !== undefined) {
    // It is soon over, and what it does should not be left half done.
    onSignal(() => {})
    await runWorker({ app, work, output: process.stdout, exit: process.exit })
  } else if (args.length === 0) {
    if (process.stdin.isTTY) {
      writeError('codex-oauth is an MCP server and waits for a client on standard input. For people: --help')
    }
    await serve({ app, input: process.stdin, output: process.stdout, onSignal, exit: process.exit, log })
  } else {
    process.stderr.on('error', () => {})
    // Loaded here, so that a server does not pay for it.
    const { runCommand } = await import('./run-command.ts')
    process.exitCode = await runCommand({
      args,
      app,
      configProblem: loaded.problem,
      facts: { version: VERSION, node: process.version, platform: `${platform()} ${arch()}` },
      stdin: () => process.stdin,
      openFile: (path) => createReadStream(path),
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      onSignal,
      exit: process.exit,
      log,
    })
  }
}

function onSignal(handler: (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => handler(name))
}

/** Another program than Node, as inside Electron, would make something else of these arguments. */
function runInWorker({ config }: LoadedConfig): RunInWorker | undefined {
  const { versions, execPath, execArgv, argv } = process
  if (versions.electron !== undefined || versions.bun !== undefined || argv[1] === undefined) return undefined
  const start = { execPath, execArgv, entry: argv[1] }
  return (job) => startWorker(job, { start, passphrase: config.passphrase })
}

function writeError(line: string): void {
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // Nobody reads stderr: nothing is lost that anybody asked for.
  }
}

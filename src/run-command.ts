import type { App } from './app.ts'
import { runCli } from './cli/cli.ts'
import { createInput, type InputStream } from './cli/input.ts'
import { createTerminal, type Output } from './cli/terminal.ts'
import type { CodexError } from './errors.ts'
import type { Log } from './infrastructure/log.ts'
import { within } from './infrastructure/within.ts'

export interface CommandDeps {
  args: readonly string[]
  app: App
  configProblem: CodexError | undefined
  facts: { version: string; node: string; platform: string }
  stdin: () => InputStream
  openFile: (path: string) => AsyncIterable<unknown>
  stdout: Output & { on(event: 'error', handler: (error: NodeJS.ErrnoException) => void): unknown }
  stderr: Output
  env: Readonly<Record<string, string | undefined>>
  onSignal: (handler: (name: keyof typeof SIGNAL_CODES) => void) => void
  exit: (code: number) => void
  log: Log
}

/** As a shell counts a process that a signal ended: 128 and the number of the signal. */
const SIGNAL_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/**
 * A refresh that was sent gets this long to be stored: its token works only once. Nothing else holds whoever presses
 * Ctrl-C, since an abort ends every command at once.
 */
const SETTLE_MS = 1_500
/** What is left at the end of a command, like the revocation of an old login, may take this long. */
const DRAIN_MS = 2_000

/**
 * Runs one command in this process and gives the exit code, to end with when nothing is left to do. After a signal it
 * ends the process itself.
 */
export async function runCommand(deps: CommandDeps): Promise<number> {
  const { args, app, configProblem, facts, stdin, openFile, stdout, stderr, env, onSignal, exit, log } = deps
  const cancel = new AbortController()
  const terminal = createTerminal({ stdout, stderr, env })
  const input = createInput({ stdin, openFile, onInterrupt: () => interrupt(SIGNAL_CODES.SIGINT) })
  let forced: number | undefined
  let ended: number | undefined
  let isSettled = false

  function interrupt(code: number): void {
    if (isSettled) exit(code)
    if (forced !== undefined) return
    forced = code
    cancel.abort()
  }

  onSignal((name) => interrupt(SIGNAL_CODES[name]))
  stdout.on('error', ({ code }) => {
    if (code !== 'EPIPE') terminal.say('error: Standard output cannot be written.')
    // A reader that has what it wanted, like `head`, goes early: that is no failure.
    terminal.mute()
    interrupt(code === 'EPIPE' ? (ended ?? 0) : 1)
  })
  ended = await runCli({
    args,
    services: app.services,
    tools: app.tools,
    terminal,
    input,
    facts,
    configProblem,
    onFault: (error) => log.event('fault', { error: error instanceof Error ? error.name : typeof error }),
    signal: cancel.signal,
  })
  input.close()
  await within(Promise.all([app.stop(), app.settled()]), SETTLE_MS)
  if (forced !== undefined) exit(forced)
  isSettled = true
  const code = ended
  setTimeout(() => exit(code), DRAIN_MS).unref()
  return code
}

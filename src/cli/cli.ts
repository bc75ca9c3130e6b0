import { CodexError, isCodexError, unexpected } from '../errors.ts'
import { raceSignal } from '../infrastructure/abort.ts'
import type { Tool } from '../tools/tool.ts'
import { readArguments } from './arguments.ts'
import { ask } from './ask.ts'
import type { Command, CommandCall, CommandServices, ProgramFacts } from './command.ts'
import { doctor } from './doctor.ts'
import { forget } from './forget.ts'
import { commandHelp, mainHelp } from './help.ts'
import type { Input } from './input.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { models } from './models.ts'
import { status } from './status.ts'
import type { Terminal } from './terminal.ts'
import { errorLines, PROGRAM } from './words.ts'

export interface CliDeps {
  args: readonly string[]
  services: CommandServices
  tools: readonly Tool[]
  terminal: Terminal
  input: Input
  facts: ProgramFacts
  /** What every command but the local ones ends with, when the configuration is not usable. */
  configProblem: CodexError | undefined
  /** Told of errors that are no `CodexError`: faults of ours. */
  onFault: (error: unknown) => void
  /** Aborted when the command has to end, whatever it is doing. */
  signal: AbortSignal
}

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [login, status, logout, models, ask, forget, doctor]

/** Runs the command the arguments ask for and gives the exit code. It never rejects. */
export async function runCli(deps: CliDeps): Promise<number> {
  const { terminal, onFault } = deps
  let hint: () => string | undefined = () => undefined
  try {
    return await run(deps, (given) => {
      hint = given
    })
  } catch (error) {
    if (!isCodexError(error)) onFault(error)
    const shown = !isCodexError(error) ? unexpected(error) : error.code === 'CANCELLED' ? withHint(error, hint) : error
    for (const line of errorLines(shown)) terminal.say(...line)
    return exitCodeOf(shown)
  } finally {
    terminal.tidy()
  }
}

async function run(deps: CliDeps, whenCancelled: CommandCall['whenCancelled']): Promise<number> {
  const { args, services, tools, terminal, input, facts, configProblem, signal } = deps
  const request = readArguments(args, COMMANDS)
  if (request.kind === 'version') {
    terminal.print(`${PROGRAM} ${facts.version}`)
    return 0
  }
  const { command } = request
  if (request.kind === 'help') {
    terminal.write(command === undefined ? mainHelp(COMMANDS) : commandHelp(command))
    return 0
  }
  if (configProblem !== undefined && request.command.local !== true) throw configProblem
  const tool = (name: string) => {
    const found = tools.find((known) => known.name === name)
    if (found === undefined) throw new Error(`There is no tool ${name}.`)
    return found
  }
  const call: CommandCall = { words: request.words, services, tool, terminal, input, facts, signal, whenCancelled }
  // Some commands wait for what cannot be cancelled; what they have begun is brought to its end elsewhere.
  return raceSignal(request.command.run(request.options as never, call), signal, 'command')
}

function withHint(error: CodexError, hint: () => string | undefined): CodexError {
  const found = hint()
  return found === undefined ? error : new CodexError(error.code, error.message, { hint: found, cause: error })
}

function exitCodeOf({ code }: CodexError): number {
  if (code === 'NOT_AUTHENTICATED') return 3
  return code === 'INPUT_INVALID' ? 2 : 1
}

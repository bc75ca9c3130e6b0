import { parse } from 'node:path'
import { CodexError } from '../errors.ts'
import { cancelled } from './abort.ts'
import { type ProgramOutcome, runProgram } from './run-program.ts'
import { createSemaphore } from './semaphore.ts'

/** git, run in one folder: never rejects because of how it ends, only when the caller cancels. */
export type GitCommand = (folder: string, args: readonly string[], options?: GitOptions) => Promise<ProgramOutcome>

export interface GitOptions {
  /** Settings that count more than those of the repository. A name with `=` in it cannot be given. */
  settings?: readonly Setting[]
  input?: string
  maxBytes?: number
  signal?: AbortSignal | undefined
}

/** Questions that come together each want several; more at a time than this finish no sooner. */
const AT_ONCE = 4

export type Setting = readonly [name: string, value: string]

/**
 * Runs git without a shell. What it finds in `folder` may have been written by somebody who wants code to run here, so
 * everything by which a repository can start a program is switched off; external diffs, text conversions and filters
 * are up to the one command that would use them. It takes no lock, asks nothing and reaches no other machine. A few run
 * at a time; `limitMs` counts from when one has its turn.
 *
 * The command rejects with CodexError CANCELLED.
 */
export function createGitCommand(program: string, limitMs: number): GitCommand {
  const withPermit = createSemaphore(AT_ONCE)
  return async (folder, args, { settings = [], input, maxBytes, signal } = {}) => {
    const all = ['-C', folder, ...SAFE, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]), ...args]
    const options = {
      limitMs,
      signal,
      // Windows looks for a program where it is to run first, and git.exe may lie in the folder itself.
      folder: parse(folder).root,
      env: QUIET,
      withoutEnv: MISLEADING,
      ...(input === undefined ? {} : { input }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    }
    const outcome = await withPermit(() => runProgram(program, all, options), signal)
    if (signal?.aborted) throw cancelled()
    return outcome
  }
}

/** What `outcome` says went wrong, where no command has words of its own. */
export function gitFailed({ ended }: ProgramOutcome): CodexError {
  const reason = {
    missing: 'git is not installed here',
    late: 'git took too long',
    large: 'the output of git is too large',
    badly: 'git reports an error',
    well: 'the output of git could not be understood',
  }[ended]
  return new CodexError('STORAGE_FAILED', `The project could not be searched with git: ${reason}.`, {
    hint: 'Name single files exactly, without patterns and without diff, or try again.',
  })
}

const SAFE: readonly string[] = [
  '--no-pager',
  // A program that is asked for changed files, and those that run when the index was written.
  ...['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'],
  ...['-c', 'diff.external=', '-c', 'core.pager=cat'],
  // Nobody's index is written, whatever optional locks mean to this version of git.
  ...['-c', 'diff.autoRefreshIndex=false'],
  // A folder of files that only look like a repository is refused.
  ...['-c', 'safe.bareRepository=explicit'],
  ...['-c', 'core.quotePath=false'],
]

const QUIET = {
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_PAGER: 'cat',
  // A repository may say that objects are missing and which program fetches them.
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
  LC_ALL: 'C',
}

/** Whoever started this process may have been at work on another repository. Where git and its settings are stays. */
const MISLEADING = /^GIT_(?!CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)$|EXEC_PATH$|CEILING_DIRECTORIES$)/i

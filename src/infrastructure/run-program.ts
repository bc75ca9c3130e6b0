import { onProcessEnd } from './process-end.ts'

/** How a program ended, and what it wrote. */
export interface ProgramOutcome {
  output: string
  /**
   * `late`: it was killed at its limit, or because the caller cancelled. `large`: it was killed because it wrote too
   * much. `missing`: it could not be started.
   */
  ended: 'well' | 'badly' | 'late' | 'large' | 'missing'
}

export interface ProgramOptions {
  limitMs: number
  /** What it reads: the only way in for a secret, because arguments and environment can be seen by others. */
  input?: string
  /** Set beside what this process has. */
  env?: Readonly<Record<string, string>>
  /** Variables of this process that it does not get. */
  withoutEnv?: RegExp
  /** Where it runs; without it, where this process does. */
  folder?: string
  /** How much it may write; one megabyte when nothing is said. */
  maxBytes?: number
  signal?: AbortSignal | undefined
}

/** Runs a program without a shell. It is killed at its limit, and when this process ends. Never rejects. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<ProgramOutcome> {
  const { limitMs, input = '', env = {}, withoutEnv, folder, maxBytes = MAX_OUTPUT_BYTES, signal } = options
  // Loaded here, because at the top it would cost every start.
  const { execFile } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    const settings = {
      encoding: 'utf8',
      timeout: limitMs,
      // It may hang in foreign code, where no other signal is heard.
      killSignal: 'SIGKILL',
      maxBuffer: maxBytes,
      windowsHide: true,
      env: { ...inherited(withoutEnv), ...env },
      ...(folder === undefined ? {} : { cwd: folder }),
    } as const
    const child = execFile(file, args, settings, (error, output) => {
      letGo()
      signal?.removeEventListener('abort', kill)
      resolve({ output, ended: error === null ? 'well' : child.pid === undefined ? 'missing' : howItFailed(error) })
    })
    const kill = () => void child.kill('SIGKILL')
    const letGo = onProcessEnd(kill)
    if (signal?.aborted) kill()
    signal?.addEventListener('abort', kill, { once: true })
    // One that does not read, or never started, is judged by how it ends.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

const MAX_OUTPUT_BYTES = 1_048_576

function inherited(without: RegExp | undefined): NodeJS.ProcessEnv {
  if (without === undefined) return process.env
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !without.test(name)))
}

function howItFailed({ code, killed }: { code?: unknown; killed?: boolean }): 'badly' | 'late' | 'large' {
  return code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' ? 'large' : killed ? 'late' : 'badly'
}

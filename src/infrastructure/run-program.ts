/** How a program ended, and what it wrote. */
export interface ProgramOutcome {
  output: string
  /** `late`: it was killed at its limit. `missing`: it could not be started. */
  ended: 'well' | 'badly' | 'late' | 'missing'
}

export interface ProgramOptions {
  limitMs: number
  /** What it reads: the only way in for a secret, because arguments and environment can be seen by others. */
  input?: string
  /** Set beside what this process has. */
  env?: Readonly<Record<string, string>>
}

/** Runs a program without a shell. It is killed at its limit, and when this process ends. Never rejects. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<ProgramOutcome> {
  const { limitMs, input = '', env = {} } = options
  // Loaded here, because at the top it would cost every start.
  const { execFile } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    const settings = {
      encoding: 'utf8',
      timeout: limitMs,
      // It may hang in foreign code, where no other signal is heard.
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
      env: { ...process.env, ...env },
    } as const
    const child = execFile(file, args, settings, (error, output) => {
      process.off('exit', kill)
      resolve({
        output,
        ended: error === null ? 'well' : child.pid === undefined ? 'missing' : error.killed ? 'late' : 'badly',
      })
    })
    const kill = () => void child.kill('SIGKILL')
    process.once('exit', kill)
    // One that does not read, or never started, is judged by how it ends.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

const MAX_OUTPUT_BYTES = 1_048_576

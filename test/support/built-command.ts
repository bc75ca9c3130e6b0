import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { type Ending, SERVER } from './built-server.ts'
import { tempFolder } from './temp-folder.ts'

/** A command of `dist/main.js` in a process of its own. It ends with the test at the latest. */
export interface BuiltCommand {
  child: ChildProcessWithoutNullStreams
  stdout(): string
  stderr(): string
  /** Resolves to everything written so far as soon as these words are among it. */
  said(words: string): Promise<string>
  ended: Promise<CommandEnding>
  /** Does something that ends the command, and tells how it ended. */
  endBy(action: () => void): Promise<Ending>
}

export interface CommandEnding {
  code: number | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  /** What it reads; standard input stays open where this is not given. */
  stdin?: string
  /** All three streams are one terminal; what is written there is `stdout`. */
  terminal?: boolean
  /** Where it is typed; an empty folder unless told. */
  cwd?: string
}

/** Starts a command with exactly this environment. */
export function startCommand(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  { stdin, terminal = false, cwd = tempFolder() }: CommandOptions = {},
): BuiltCommand {
  const command = [process.execPath, SERVER, ...args]
  // In the place of the shell, which would answer Ctrl-C with a code of its own.
  const line = `exec ${command.map(quoted).join(' ')}`
  const [name = '', ...rest] = terminal ? ['script', '-qec', line, '/dev/null'] : command
  const child = spawn(name, rest, { stdio: 'pipe', env: { TERM: 'xterm', ...env }, cwd })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  if (stdin !== undefined) child.stdin.end(stdin)
  const texts = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text
      child.emit('said')
    })
  }
  const exited = new Promise<number>((resolve) => child.once('exit', () => resolve(performance.now())))
  const closed = new Promise<Omit<Ending, 'ms'>>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    async said(words) {
      while (!(texts.stdout + texts.stderr).includes(words)) {
        const over = await Promise.race([once(child, 'said').then(() => false), closed.then(() => true)])
        if (over && !(texts.stdout + texts.stderr).includes(words)) throw new Error(`ended: ${JSON.stringify(texts)}`)
      }
      return texts.stdout + texts.stderr
    },
    ended: closed.then(({ code }) => ({ code, ...texts })),
    async endBy(action) {
      const from = performance.now()
      action()
      const at = await exited
      return { ...(await closed), ms: at - from }
    },
  }
}

/** For a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

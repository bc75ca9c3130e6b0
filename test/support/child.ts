import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { onTestFinished } from 'vitest'
import { tempFolder } from './temp-folder.ts'

/** A program of `children/` in a process of its own, with messages both ways. It ends with the test at the latest. */
export interface Child {
  pid: number
  /** The next message; rejects when the child ends without one. */
  next(): Promise<unknown>
  tell(message: unknown): void
  kill(signal?: NodeJS.Signals): void
  ended: Promise<void>
}

export interface ChildOptions {
  /** Largest file the child may write, in blocks of 512 bytes. */
  fileBlocks?: number
  /** A folder that is a small disk of the child's own; only root can give it one. */
  disk?: { folder: string; bytes: number }
  /** Whom the program runs as. It is bundled first: that user may not be able to read this checkout. */
  uid?: number | undefined
}

export function startChild(
  program: string,
  args: readonly string[],
  { fileBlocks, disk, uid }: ChildOptions = {},
): Child {
  const file = fileURLToPath(new URL(`children/${program}.ts`, import.meta.url))
  const source = uid === undefined ? ['--import', import.meta.resolve('tsx'), file] : [bundled(file)]
  const command = [process.execPath, ...source, ...args]
  const limit = fileBlocks === undefined ? [] : ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh']
  const [name = '', ...rest] = [...(disk === undefined ? [] : mounting(disk)), ...limit, ...command]
  const child = spawn(name, rest, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // The compiler's cache may not fit under the limit.
    env: { ...process.env, ...(fileBlocks === undefined ? {} : { TSX_DISABLE_CACHE: '1' }) },
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
  })
  const ended = once(child, 'exit').then(() => {})
  const waiting: unknown[] = []
  child.on('message', (message) => waiting.push(message))
  onTestFinished(() => void child.kill('SIGKILL'))

  return {
    pid: child.pid ?? 0,
    ended,
    async next() {
      if (waiting.length === 0 && child.connected) {
        const first = new AbortController()
        const { signal } = first
        await Promise.race([once(child, 'message', { signal }), once(child, 'disconnect', { signal })])
        first.abort()
      }
      if (waiting.length === 0) throw new Error(`${program} ended without an answer`)
      return waiting.shift()
    },
    tell: (message) => void child.send(message as object),
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  }
}

function mounting({ folder, bytes }: { folder: string; bytes: number }): string[] {
  return ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs -o size=${bytes} none "$0" && exec "$@"`, folder]
}

/** The program in one file that every user can read. */
function bundled(file: string): string {
  const folder = tempFolder()
  chmodSync(folder, 0o755)
  const outfile = join(folder, 'program.mjs')
  const js = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'
  const mainFields = ['module', 'main']
  buildSync({ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm', mainFields, banner: { js } })
  return outfile
}

/** Starts one child per list of arguments, and resolves when each has sent its first message. */
export async function startChildren(program: string, lists: readonly (readonly string[])[]): Promise<Child[]> {
  const children = lists.map((args) => startChild(program, args))
  await Promise.all(children.map((child) => child.next()))
  return children
}

/** Whether a child can have a disk of its own. */
export const hasDisks = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0

/** The user to be where rights matter: root passes every check, so a test that runs as root starts somebody else. */
export const plainUser = process.getuid?.() === 0 ? 65_534 : undefined

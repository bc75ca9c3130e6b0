import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

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
  /** Whom the program becomes once it is loaded (see `children/become.ts`). */
  uid?: number | undefined
}

export function startChild(program: string, args: readonly string[], { fileBlocks, uid }: ChildOptions = {}): Child {
  const file = fileURLToPath(new URL(`children/${program}.ts`, import.meta.url))
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), file, ...args]
  const limit = fileBlocks === undefined ? [] : ['sh', '-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'sh']
  const [name = '', ...rest] = [...limit, ...command]
  // The compiler's cache may be another user's, or not fit under the limit.
  const special = uid !== undefined || fileBlocks !== undefined
  const child = spawn(name, rest, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      ...(special ? { TSX_DISABLE_CACHE: '1' } : {}),
      ...(uid === undefined ? {} : { CHILD_UID: `${uid}` }),
    },
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
        await Promise.race([once(child, 'message'), once(child, 'disconnect')])
      }
      if (waiting.length === 0) throw new Error(`${program} ended without an answer`)
      return waiting.shift()
    },
    tell: (message) => void child.send(message as object),
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  }
}

/** Starts one child per list of arguments, and resolves when each has sent its first message. */
export async function startChildren(program: string, lists: readonly (readonly string[])[]): Promise<Child[]> {
  const children = lists.map((args) => startChild(program, args))
  await Promise.all(children.map((child) => child.next()))
  return children
}

/** The user to be where rights matter: root passes every check, so a test that runs as root starts somebody else. */
export const plainUser = process.getuid?.() === 0 ? 65_534 : undefined

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Frame, type FrameReader, readFrames } from './frames.ts'
import { tempFolder } from './temp-folder.ts'

/** What hosts start: `npm run build` comes first. */
export const SERVER = join(import.meta.dirname, '..', '..', 'dist', 'main.js')

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  /** How long it took. */
  ms: number
}

/** `dist/main.js` in a process of its own, spoken to in raw lines. It ends with the test at the latest. */
export interface BuiltServer extends FrameReader {
  child: ChildProcessWithoutNullStreams
  /** The folder it was started in. */
  cwd: string
  /** Everything on stderr so far. */
  stderr(): string
  /** Resolves when these words stand on stderr. */
  logged(words: string): Promise<void>
  /** Sends a message as JSON, or a text as it is. */
  send(message: object | string): void
  request(id: string | number, method: string, params?: object): Promise<Frame>
  /** Calls a tool and gives its result. With `onProgress` the request carries its id as token. */
  call(name: string, args?: object, options?: ToolCallOptions): Promise<ToolResult>
  /** Resolves when the process has ended and its output is read. */
  ended: Promise<Omit<Ending, 'ms'>>
  /** Does something that ends the server, and tells how it ended. */
  endBy(action: () => void): Promise<Ending>
}

export interface ToolCallOptions {
  id?: string | number
  onProgress?: (message: string) => void
}

export interface ToolResult {
  text: string
  isError: boolean
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  data: any
}

/** Starts the server with exactly this environment. */
export function startBuiltServer(
  env: Readonly<Record<string, string>>,
  { uid }: { uid?: number | undefined } = {},
): BuiltServer {
  // Nothing belongs there: what a server leaves in it would end up in somebody's project.
  const cwd = tempFolder()
  const user = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn(process.execPath, [SERVER], { stdio: 'pipe', env: { ...env }, cwd, ...user })
  onTestFinished(() => void child.kill('SIGKILL'))
  // A server that has gone takes no more lines; the test notices by what does not come.
  child.stdin.on('error', () => {})
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const reader = readFrames(child.stdout)
  const exited = new Promise<number>((resolve) => child.once('exit', () => resolve(performance.now())))
  const ended = new Promise<Omit<Ending, 'ms'>>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  let calls = 0

  const server: BuiltServer = {
    ...reader,
    child,
    cwd,
    stderr: () => stderr,
    async logged(words) {
      while (!stderr.includes(words)) await once(child.stderr, 'data')
    },
    send(message) {
      child.stdin.write(typeof message === 'string' ? message : `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    },
    request(id, method, params) {
      server.send({ id, method, ...(params === undefined ? {} : { params }) })
      return reader.answerTo(id)
    },
    async call(name, args = {}, { id = `call-${++calls}`, onProgress } = {}) {
      if (onProgress !== undefined) void watchProgress(reader, id, onProgress)
      const token = onProgress === undefined ? {} : { _meta: { progressToken: id } }
      const { result, error } = await server.request(id, 'tools/call', { name, arguments: args, ...token })
      if (result === undefined) throw new Error(`${name}: ${error?.message}`)
      const text = result.content.map((block: { text: string }) => block.text).join('\n')
      return { text, isError: result.isError === true, data: result.structuredContent }
    },
    ended,
    async endBy(action) {
      const from = performance.now()
      action()
      const at = await exited
      return { ...(await ended), ms: at - from }
    },
  }
  return server
}

/** Hands on every progress message with this token, until the server ends. */
async function watchProgress(
  reader: FrameReader,
  token: string | number,
  onProgress: (message: string) => void,
): Promise<void> {
  const seen = new Set<Frame>()
  while (true) {
    const next = reader.first((frame) => !seen.has(frame) && frame.params?.progressToken === token)
    const frame = await next.catch(() => undefined)
    if (frame === undefined) return
    seen.add(frame)
    onProgress(frame.params.message)
  }
}

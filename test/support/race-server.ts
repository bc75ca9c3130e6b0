import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SENDER_HEADER } from './fake-route.ts'

/** The built server, as hosts run it. */
export const SERVER_FILE = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Longer than any answer may take: waiting for a frozen owner ends after 90 s. */
const CALL_LIMIT_MS = 100_000

export interface ToolAnswer {
  text: string
  isError: boolean
  /** What an error ends with, `[CODE]`; GONE when the server ended first, SILENT when it did not answer. */
  code: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: scenarios read what they expect to be there
  data: any
  ms: number
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** On the clock of `performance.now()`. */
  at: number
}

/** A server in a process of its own, spoken to in raw frames. Only ever signalled by its own pid. */
export interface RaceServer {
  /** Its requests carry this in a header, so the issuer knows whose they are. */
  name: string
  pid: number
  /** Never rejects. */
  call(tool: string, args?: Record<string, unknown>): Promise<ToolAnswer>
  /** Answers whether it is there. */
  ping(): Promise<boolean>
  /** Sends this as it is; resolves when it has left, or cannot. */
  write(text: string | Uint8Array): Promise<void>
  signal(signal: NodeJS.Signals): void
  endInput(): void
  /** Nobody reads any more what it says. */
  closeOutput(): void
  exited: Promise<Exit>
  hasExited(): boolean
  /** Lines on stdout that are no JSON-RPC message. */
  strays: string[]
}

/** Starts a server with exactly this environment and shakes hands with it. */
export async function startRaceServer(name: string, env: Readonly<Record<string, string>>): Promise<RaceServer> {
  const child = spawn(process.execPath, ['--import', signing(name), SERVER_FILE], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...env },
  })
  const waiting = new Map<number, (message: Message | 'GONE' | 'SILENT') => void>()
  const strays: string[] = []
  let ended = false
  let lastId = 0

  // A server that was killed takes no more lines.
  child.stdin.on('error', () => {})
  eachLine(child.stdout, (line) => {
    const message = parse(line)
    if (message === undefined) strays.push(line)
    else waiting.get(Number(message.id))?.(message)
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true
      resolve({ code, signal, at: performance.now() })
    })
  })
  child.once('close', () => {
    for (const resolve of waiting.values()) resolve('GONE')
  })

  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const request = (method: string, params: object) => {
    const id = ++lastId
    return new Promise<Message | 'GONE' | 'SILENT'>((resolve) => {
      const limit = setTimeout(() => resolve('SILENT'), CALL_LIMIT_MS)
      waiting.set(id, (message) => {
        clearTimeout(limit)
        waiting.delete(id)
        resolve(message)
      })
      if (ended) waiting.get(id)?.('GONE')
      else send({ id, method, params })
    })
  }

  const clientInfo = { name: 'race', version: '1' }
  await request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
  send({ method: 'notifications/initialized' })

  return {
    name,
    pid: child.pid ?? 0,
    async call(tool, args = {}) {
      const from = performance.now()
      const message = await request('tools/call', { name: tool, arguments: args })
      return { ...answerIn(message), ms: performance.now() - from }
    },
    ping: async () => typeof (await request('ping', {})) !== 'string',
    write: (text) => new Promise((resolve) => void child.stdin.write(text, () => resolve())),
    signal: (signal) => void child.kill(signal),
    endInput: () => void child.stdin.end(),
    closeOutput: () => void child.stdout.destroy(),
    exited,
    hasExited: () => ended,
    strays,
  }
}

/** Loaded before the server: no setting of its own gives it another name on every route. */
function signing(name: string): string {
  const code = `const bare = globalThis.fetch
    globalThis.fetch = (input, init = {}) => {
      const headers = new Headers(init.headers)
      headers.set('${SENDER_HEADER}', '${name}')
      return bare(input, { ...init, headers })
    }`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

interface Message {
  id?: unknown
  result?: { content?: { text?: string }[]; isError?: boolean; structuredContent?: unknown }
  error?: { message: string }
}

function parse(line: string): Message | undefined {
  try {
    const value = JSON.parse(line)
    return value?.jsonrpc === '2.0' ? value : undefined
  } catch {
    return undefined
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
}

function answerIn(message: Message | 'GONE' | 'SILENT'): Omit<ToolAnswer, 'ms'> {
  if (typeof message === 'string') return { text: '', isError: true, code: message, data: undefined }
  const { content = [], isError = false, structuredContent } = message.result ?? { isError: true }
  const text = message.error?.message ?? content.map((block) => block.text ?? '').join('\n')
  return {
    text,
    isError,
    code: isError ? (/\[([A-Z_]+)\]$/.exec(text)?.[1] ?? 'UNKNOWN') : undefined,
    data: structuredContent,
  }
}

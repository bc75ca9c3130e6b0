import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * A stdio server behind HTTP, because the conformance suite asks over HTTP only: a process for each session, and one for
 * those who have none (MCP 2026-07-28). It decides nothing but which answer belongs to which request.
 */
export interface Bridge {
  url: string
  close(): Promise<void>
}

interface Message {
  id?: string | number
  method?: string
  params?: { progressToken?: string | number; _meta?: { progressToken?: string | number } }
  error?: { code: number }
}

/** The codes that HTTP has a status for; what else goes wrong is an answer like others. */
const STATUS: Readonly<Record<number, number>> = { [-32601]: 404, [-32602]: 400, [-32021]: 400, [-32022]: 400 }

export async function startBridge(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Bridge> {
  const sessions = new Map<string, Session>()
  let shared: Session | undefined

  const http = createServer(async (request, response) => {
    if (!isLocal(request.headers.host) || !isLocal(request.headers.origin)) return end(response, 403)
    if (request.method !== 'POST') return end(response, request.method === 'DELETE' ? 200 : 405)
    const message = JSON.parse(await bodyOf(request)) as Message
    const name = request.headers['mcp-session-id']
    let session = typeof name === 'string' ? sessions.get(name) : undefined
    if (message.method === 'initialize') {
      const id = randomUUID()
      session = openSession(command, env)
      sessions.set(id, session)
      response.setHeader('mcp-session-id', id)
    }
    if (typeof name === 'string' && session === undefined) return end(response, 404)
    if (session === undefined) {
      shared ??= openSession(command, env)
      session = shared
    }
    if (message.id === undefined || message.method === undefined) {
      session.write(message)
      return end(response, 202)
    }
    session.ask(message, response)
  })
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      await Promise.all([...sessions.values(), shared].map((session) => session?.close()))
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

interface Session {
  write(message: object): void
  ask(message: Message, response: ServerResponse): void
  close(): Promise<void>
}

function openSession([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Session {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...env } })
  child.stdin.on('error', () => {})
  const waiting = new Map<string | number, { token: string | number | undefined; response: ServerResponse }>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message
    const own = message.method === undefined && message.id !== undefined ? waiting.get(message.id) : undefined
    if (own !== undefined && message.id !== undefined) {
      waiting.delete(message.id)
      return answer(own.response, message)
    }
    const { progressToken } = message.params ?? {}
    const all = [...waiting.values()]
    const related = all.find(({ token }) => token !== undefined && token === progressToken) ?? all.at(-1)
    if (related !== undefined) send(related.response, message)
  })
  const write = (message: object) => void child.stdin.write(`${JSON.stringify(message)}\n`)
  return {
    write,
    ask(message, response) {
      // A client that does not wait any more has cancelled.
      response.once('close', () => waiting.delete(message.id ?? ''))
      waiting.set(message.id ?? '', { token: message.params?._meta?.progressToken, response })
      write(message)
    },
    close() {
      child.stdin.end()
      return ended(child)
    },
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => void child.once('exit', () => resolve()))
}

/** The last message to a request: alone it is the body, after others the end of a stream. */
function answer(response: ServerResponse, message: Message): void {
  if (response.headersSent) {
    send(response, message)
    response.end()
    return
  }
  const status = message.error === undefined ? 200 : (STATUS[message.error.code] ?? 200)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(message))
}

function send(response: ServerResponse, message: Message): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status)
  response.end()
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** A page of the web must not reach it under another name. */
function isLocal(name: string | undefined): boolean {
  return name === undefined || /^(?:https?:\/\/)?(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(name)
}

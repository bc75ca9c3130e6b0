import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import type { ServerIdentity } from '../test/support/certificates.ts'

/** A request as it came in by the door, its body decoded. */
export interface Passed {
  method: string
  host: string
  path: string
  query: URLSearchParams
  headers: Readonly<Record<string, string>>
  body: unknown
}

/**
 * The hosts of OpenAI on loopback: a proxy that takes `CONNECT`, ends TLS with a certificate of ours, notes what is asked
 * and hands it to the fake. Clients use their own addresses, so that what they send is what they send to the service.
 */
export interface Door {
  /** `http://127.0.0.1:<port>`, for HTTPS_PROXY. */
  proxy: string
  passed: Passed[]
  /** Hosts that were asked for and are not here. */
  refused: Set<string>
  close(): void
}

export interface DoorDeps {
  /** The fake's `http://127.0.0.1:<port>`. */
  fake: string
  identity: ServerIdentity
  /** What the fake does not play: an answer by `METHOD /path`. */
  others: Readonly<Record<string, unknown>>
  /** Bodies of one client come compressed in a way that this Node may not know. */
  unzstd: (bytes: Uint8Array) => Uint8Array
}

export const HOSTS = ['auth.openai.com', 'chatgpt.com'] as const
const ISSUER = 'https://auth.openai.com'

export async function startDoor({ fake, identity, others, unzstd }: DoorDeps): Promise<Door> {
  const passed: Passed[] = []
  const refused = new Set<string>()
  const sockets = new Set<Socket>()

  const tls = createTlsServer(identity, async (incoming, response) => {
    const request = await read(incoming, unzstd)
    passed.push(request)
    const other = others[`${request.method} ${request.path}`]
    if (other === undefined) return forward(request, incoming.url ?? '/', fake, response)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(other))
  })
  tls.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    const { host = '', ...headers } = incoming.headers as Record<string, string>
    const url = new URL(incoming.url ?? '/', ISSUER)
    passed.push({ method: 'UPGRADE', host, path: url.pathname, query: url.searchParams, headers, body: '' })
    // Over HTTP then, as it does by itself.
    socket.end('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n')
  })
  const behind = await listen(tls, sockets)

  const proxy = createServer((_, response) => void response.writeHead(405).end())
  proxy.on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    if (!HOSTS.some((host) => url === `${host}:443`)) {
      refused.add(url)
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
      return
    }
    const far = connect(behind, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(far).pipe(socket)
    })
    far.on('error', () => socket.destroy())
    socket.on('close', () => far.destroy())
  })
  const port = await listen(proxy, sockets)
  return {
    proxy: `http://127.0.0.1:${port}`,
    passed,
    refused,
    close() {
      for (const server of [tls, proxy]) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function read(incoming: IncomingMessage, unzstd: DoorDeps['unzstd']): Promise<Passed> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const { host = '', ...headers } = incoming.headers as Record<string, string>
  const text =
    headers['content-encoding'] === 'zstd' ? Buffer.from(unzstd(bytes)).toString('utf8') : bytes.toString('utf8')
  const url = new URL(incoming.url ?? '/', ISSUER)
  const body = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
    ? Object.fromEntries(new URLSearchParams(text))
    : parsed(text)
  return { method: incoming.method ?? '', host, path: url.pathname, query: url.searchParams, headers, body }
}

/** The fake knows itself by its own address; the clients know the issuer by theirs. */
function forward(request: Passed, url: string, fake: string, response: ServerResponse): void {
  const { 'content-encoding': _, 'content-length': __, connection: ___, ...headers } = request.headers
  const text = inForm(request).replaceAll(ISSUER, fake).replaceAll(encodeURIComponent(ISSUER), encodeURIComponent(fake))
  const asked = send(`${fake}${url}`, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  asked.on('error', () => response.destroy())
  asked.end(text)
}

function inForm({ body, headers }: Passed): string {
  if (typeof body === 'string') return body
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  return isForm === true ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

async function listen(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  return (server.address() as AddressInfo).port
}

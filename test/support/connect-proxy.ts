import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { createServer as createTlsForwarder, type TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { ServerIdentity } from './certificates.ts'

export interface ConnectProxyOptions {
  /** Local ports behind hosts of the outside, as `CONNECT` names them: `{ 'auth.openai.com:443': 4711 }`. */
  routes?: Readonly<Record<string, number>>
  /** Wants these as `name:password`. */
  login?: string
  /** Says this instead of connecting. */
  status?: number
  /** To be spoken to by TLS. */
  identity?: ServerIdentity
  silent?: boolean
}

/** A forward proxy of a company, on loopback until the end of the test. */
export interface ConnectProxy {
  /** `host:port`. */
  address: string
  /** Every target of a `CONNECT`, in order, also of those it refused. */
  targets: string[]
  /** What came that was no `CONNECT`; it was answered 405. */
  others: string[]
  /** Takes `CONNECT` and never answers, for as long as this is set. */
  silent: boolean
}

/** It speaks nothing but `CONNECT` (RFC 9110, section 9.3.6), and reaches nothing but its routes. */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { routes = {}, login, status, identity, silent = false } = options
  const proxy: ConnectProxy = { address: '', targets: [], others: [], silent }
  const refuse: RequestListener = ({ method, url }, response) => {
    proxy.others.push(`${method} ${url}`)
    response.writeHead(405).end()
  }
  const server = identity === undefined ? createServer(refuse) : createTlsServer(identity, refuse)
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    proxy.targets.push(url)
    if (proxy.silent) return
    const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
    if (headers['proxy-authorization'] !== expected) return answer(socket, 407)
    if (status !== undefined) return answer(socket, status)
    const port = routes[url]
    if (port === undefined) return answer(socket, 502)
    join(socket, port, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'))
  })
  proxy.address = `127.0.0.1:${await listen(server)}`
  return proxy
}

/** An https door in front of an http server; its port. */
export async function startTlsFront(origin: string, identity: ServerIdentity): Promise<number> {
  const port = Number(new URL(origin).port)
  const server = createTlsForwarder(identity, (socket: TLSSocket) => {
    socket.on('error', () => {})
    join(socket, port)
  })
  server.on('tlsClientError', () => {})
  return listen(server)
}

/** A refusal the way proxies write it: with a page. */
function answer(socket: Socket, status: number): void {
  const page = '<html><h1>Blocked by Example Corp</h1></html>'
  const head = [`HTTP/1.1 ${status} Refused`, 'Content-Type: text/html', `Content-Length: ${page.length}`]
  if (status === 407) head.push('Proxy-Authenticate: Basic realm="corp"')
  socket.end([...head, '', page].join('\r\n'))
}

function join(socket: Socket, port: number, onJoined = () => {}): void {
  const far = connect(port, '127.0.0.1', () => {
    onJoined()
    socket.pipe(far).pipe(socket)
  })
  far.on('error', () => socket.destroy())
  socket.on('close', () => far.destroy())
}

/** Listens until the end of the test, and then ends all connections. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CodexError } from '../errors.ts'
import { type CallbackRules, replyToMalformed, respond } from './callback-request.ts'
import { errnoOf, isErrno } from './errno.ts'

export interface LoopbackServer {
  readonly port: number
  /**
   * Frees the port at once; an answer in progress has 300 ms to be written, so `answer` must not wait for this.
   * May be called again.
   */
  close(): Promise<void>
}

export interface LoopbackServerOptions extends Omit<CallbackRules, 'port'> {
  /** In order of preference; 0 is any that is free. */
  ports: readonly number[]
  /** How long a connection may take to send its request. */
  headersTimeoutMs?: number
}

/**
 * Listens on 127.0.0.1 and ::1 of the first port that is free on both: the browser decides which of them `localhost`
 * is, and one left open could be taken by another user of the machine (RFC 8252, section 8.3). A family the machine
 * does not have is left out. Whoever holds a port is not spoken to.
 *
 * @throws CodexError CALLBACK_PORT_IN_USE none of the ports can be had
 */
export async function openLoopbackServer(options: LoopbackServerOptions): Promise<LoopbackServer> {
  const refusals: Refusal[] = []
  for (const wanted of options.ports) {
    const connections: Connections = new Map()
    const place = { port: wanted }
    const listeners = ADDRESSES.map((host) => ({ host, server: createListener(place, connections, options) }))
    const cause = await listenOnAll(listeners, place)
    if (cause === undefined) return { port: place.port, close: createClose(listeners, connections) }
    refusals.push({ port: wanted, cause })
    await closeAll(listeners, connections)
  }
  throw noPort(refusals)
}

const ADDRESSES = ['127.0.0.1', '::1']
const MAX_HEADER_BYTES = 16_384
const MAX_CONNECTIONS = 64
const BURST_MS = 50
const CLOSE_GRACE_MS = 300

interface Listener {
  host: string
  server: Server
}

/** The port, which is known only when it is open if any will do. */
interface Place {
  port: number
}

interface Refusal {
  port: number
  cause: Error
}

/** The open connections, oldest first: those that have not sent a complete request, and those that have. */
type Connections = Map<Duplex, 'waiting' | 'answering'>

/** Nothing once all addresses of this machine are ours, otherwise the error that stands in the way. */
async function listenOnAll(listeners: readonly Listener[], place: Place): Promise<Error | undefined> {
  const missing: Error[] = []
  // One after the other: two programs that each hold one family of a port would both have to leave it.
  for (const { server, host } of listeners) {
    const error = await listen(server, place.port, host)
    const address = server.address()
    // Which one it is that was free, the other family has to have as well.
    if (error === undefined && typeof address === 'object' && address !== null) place.port = address.port
    if (error === undefined) continue
    if (!isErrno(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) return error
    missing.push(error)
  }
  return missing.length === listeners.length ? missing[0] : undefined
}

function listen(server: Server, port: number, host: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen({ port, host, exclusive: true }, () => resolve(undefined))
  })
}

function createListener(place: Place, connections: Connections, options: LoopbackServerOptions): Server {
  const { headersTimeoutMs = 5_000 } = options
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs),
    // No answer waits for a body.
    requestTimeout: 0,
    // NODE_OPTIONS could turn it on for the whole process.
    insecureHTTPParser: false,
    // Counted below, so that this refusal too carries our headers.
    requireHostHeader: false,
  })
  // Otherwise a second Host could hide behind 2 000 other headers.
  server.maxHeadersCount = 0
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    // The first request of a connection is its only one: of pipelined ones the answer could not be sent any more,
    // and a code would be spent for nobody.
    if (connections.get(request.socket) !== 'waiting') return
    connections.set(request.socket, 'answering')
    void respond(request, response, { ...options, port: place.port })
  }
  server.on('request', onRequest)
  // Without these two, node answers such requests by itself.
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('connection', (socket) => admit(socket, connections))
  server.on('clientError', (error, socket) => refuseMalformed(error, socket, connections))
  // A failed accept (too many open files) must not end the process.
  server.on('error', () => {})
  return server
}

/** No hard limit: silent connections would lock out the browser that brings the answer. They make room instead. */
function admit(socket: Duplex, connections: Connections): void {
  connections.set(socket, 'waiting')
  socket.once('close', () => connections.delete(socket))
  // Not at once: of connections that come in a burst, none has had the time to send its request.
  if (connections.size > MAX_CONNECTIONS) setTimeout(() => makeRoom(connections), BURST_MS).unref()
}

function makeRoom(connections: Connections): void {
  const waiting = [...connections.keys()].filter((socket) => connections.get(socket) === 'waiting')
  for (const socket of waiting.slice(0, Math.max(0, connections.size - MAX_CONNECTIONS))) socket.destroy()
}

/** An answer in progress on the same connection goes on. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex, connections: Connections): void {
  if (connections.get(socket) === 'answering') return
  if (!socket.writable) return void socket.destroy()
  socket.end(replyToMalformed(error), () => socket.destroy())
}

function createClose(listeners: readonly Listener[], connections: Connections): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= closeAll(listeners, connections)
    return closing
  }
}

async function closeAll(listeners: readonly Listener[], connections: Connections): Promise<void> {
  const closed = listeners.map(({ server }) => new Promise((resolve) => server.close(resolve)))
  for (const [socket, state] of connections) if (state === 'waiting') socket.destroy()
  const timer = setTimeout(() => {
    for (const socket of connections.keys()) socket.destroy()
  }, CLOSE_GRACE_MS)
  await Promise.all(closed)
  clearTimeout(timer)
}

function noPort(refusals: readonly Refusal[]): CodexError {
  const ports = refusals.map(({ port, cause }) => `${port === 0 ? 'any' : port} (${inWords(cause)})`).join(', ')
  const isReserved = refusals.some(({ cause }) => isErrno(cause, 'EACCES'))
  return new CodexError('CALLBACK_PORT_IN_USE', `No port is free to receive the browser's answer: ${ports}.`, {
    hint: isReserved ? `${FREE_A_PORT} ${RELEASE_A_RANGE}` : FREE_A_PORT,
    cause: refusals.at(-1)?.cause,
  })
}

function inWords(cause: Error): string {
  if (isErrno(cause, 'EADDRINUSE')) return 'in use'
  if (isErrno(cause, 'EACCES')) return 'in a port range reserved by the system, EACCES'
  return `cannot be opened, ${errnoOf(cause) ?? 'unknown reason'}`
}

const FREE_A_PORT = 'Finish or stop the other sign-in, or the program that holds the port, then try again.'
const RELEASE_A_RANGE =
  'A reserved range belongs to no program: on Windows "netsh interface ipv4 show excludedportrange protocol=tcp" ' +
  'shows it, and a restart of the computer often releases it.'

import type { Readable, Writable } from 'node:stream'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { isJSONRPCRequest, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/sdk/types.js'
import type { Log } from './infrastructure/log.ts'

/**
 * MCP over stdin and stdout: one JSON message a line. The SDK's own transport ends the process on a line over
 * 10 MiB, does not notice the end of input, drops a cancel of request 0 and leaves malformed requests unanswered;
 * this one answers or outlives each of them (facts: mcp 2.1).
 */
export interface StdioTransport extends Transport {
  /** Resolves when every request read so far is answered or cancelled. */
  idle(): Promise<void>
  /** Resolves when everything written has left, or cannot leave any more. */
  flush(): Promise<void>
}

export interface StdioTransportDeps {
  input: Readable
  output: Writable
  /** The client has closed its end. */
  onEnd: () => void
  /** Nobody reads our answers any more. */
  onBroken: () => void
  log: Log
  maxLineBytes?: number
}

const MAX_LINE_BYTES = 32 * 1024 * 1024
/** Why a call was cancelled is a sentence; whatever is longer is none. */
const MAX_REASON_CHARACTERS = 500
const INVALID_REQUEST = -32600
const INVALID_PARAMS = -32602
const MALFORMED =
  'The request is malformed: params and its _meta must be objects, ids and progress tokens texts or whole numbers.'

export function createStdioTransport(deps: StdioTransportDeps): StdioTransport {
  const { input, output, onEnd, onBroken, log, maxLineBytes = MAX_LINE_BYTES } = deps
  const requests = createRequestTable()
  let broken = false

  const write = (message: unknown): Promise<void> =>
    new Promise((resolve) => {
      if (broken) return resolve()
      output.write(`${JSON.stringify(message)}\n`, () => resolve())
    })

  const refuse = (id: unknown, code: number, message: string) => {
    log.event('message_refused', { code })
    if (typeof id === 'string' || typeof id === 'number') void write({ jsonrpc: '2.0', id, error: { code, message } })
  }

  const receive = (line: string) => {
    const message = parseMessage(line)
    if (message === undefined) return log.event('line_ignored', { characters: line.length })
    if (typeof message.method !== 'string') return deliverAnswer(message)
    if (message.id === undefined) return deliverNotification(message)
    const request = { jsonrpc: '2.0', id: message.id, method: message.method, ...optional(message.params) }
    if (!isJSONRPCRequest(request)) return refuse(message.id, INVALID_PARAMS, MALFORMED)
    transport.onmessage?.({ ...request, id: requests.open(request.id) })
  }

  const deliverNotification = ({ method, params }: Message) => {
    if (method !== 'notifications/cancelled') {
      return transport.onmessage?.({ jsonrpc: '2.0', method, ...optional(params) } as JSONRPCMessage)
    }
    const { requestId: outerId, reason } = (params ?? {}) as { requestId?: RequestId; reason?: unknown }
    const requestId = requests.cancel(outerId)
    if (requestId === undefined) return
    // Nothing else of the notification: an odd `reason` would make the SDK drop it, and the call would run on.
    const why = typeof reason === 'string' && reason.length <= MAX_REASON_CHARACTERS ? { reason } : {}
    transport.onmessage?.({ jsonrpc: '2.0', method, params: { requestId, ...why } })
  }

  const deliverAnswer = (message: Message) => {
    if ('result' in message || 'error' in message) return transport.onmessage?.(message as unknown as JSONRPCMessage)
    refuse(message.id, INVALID_REQUEST, 'The message is neither a request nor an answer.')
  }

  const lines = createLineReader(maxLineBytes, receive, (id) =>
    refuse(id, INVALID_REQUEST, `The message is larger than ${Math.floor(maxLineBytes / 1_048_576)} MiB.`),
  )
  const fail = () => {
    broken = true
    onBroken()
  }

  const transport: StdioTransport = {
    async start() {
      input.on('data', lines.push)
      input.once('end', onEnd)
      input.once('close', onEnd)
      input.once('error', onEnd)
      output.on('error', fail)
    },
    async send(message) {
      if (!('method' in message) && message.id !== undefined) {
        const id = requests.close(message.id)
        // Cancelled meanwhile: after a cancel no answer may follow.
        if (id === undefined) return
        await write({ ...message, id })
        return
      }
      await write(message)
    },
    async close() {
      input.off('data', lines.push)
      input.pause()
      requests.clear()
      transport.onclose?.()
    },
    idle: () => requests.idle(),
    flush: () => new Promise((resolve) => (broken ? resolve() : output.write('', () => resolve()))),
  }
  return transport
}

interface Message {
  id?: unknown
  method?: unknown
  params?: unknown
}

function parseMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** `params: null` counts as absent: some clients write it, and the SDK would leave the request unanswered. */
function optional(params: unknown): { params?: unknown } {
  return params === undefined || params === null ? {} : { params }
}

/**
 * The requests not answered yet. Inside they have numbers from 1 on: the SDK takes id 0 for no id, and newer hosts
 * begin at 0.
 */
function createRequestTable() {
  const outer = new Map<RequestId, RequestId>()
  const inner = new Map<RequestId, RequestId>()
  let last = 0
  let waiting: (() => void)[] = []

  const close = (id: RequestId): RequestId | undefined => {
    const original = outer.get(id)
    outer.delete(id)
    if (original !== undefined && inner.get(original) === id) inner.delete(original)
    if (outer.size === 0) {
      for (const resolve of waiting) resolve()
      waiting = []
    }
    return original
  }

  return {
    open(id: RequestId): RequestId {
      last += 1
      outer.set(last, id)
      inner.set(id, last)
      return last
    },
    close,
    cancel(id: RequestId | undefined): RequestId | undefined {
      const number = id === undefined ? undefined : inner.get(id)
      if (number !== undefined) close(number)
      return number
    },
    clear() {
      for (const number of [...outer.keys()]) close(number)
    },
    idle: (): Promise<void> =>
      outer.size === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve)),
  }
}

/** How much of each end of an oversized line is kept. */
const END_BYTES = 256

/** Splits bytes into lines. An oversized line is dropped as it comes, all but what may tell the request's id. */
function createLineReader(maxBytes: number, onLine: (line: string) => void, onOversized: (id: unknown) => void) {
  let chunks: Buffer[] = []
  let size = 0
  let head = ''
  let tail = ''

  const add = (part: Buffer) => {
    size += part.length
    chunks.push(part)
    if (size <= maxBytes) return
    const kept = Buffer.concat(chunks)
    if (head === '') head = kept.toString('latin1', 0, END_BYTES)
    tail = (tail + kept.toString('latin1', Math.max(0, kept.length - END_BYTES))).slice(-END_BYTES)
    chunks = []
  }

  const end = () => {
    if (size > maxBytes) onOversized(idIn(head, tail))
    else if (size > 0) onLine(Buffer.concat(chunks).toString('utf8'))
    chunks = []
    size = 0
    head = ''
    tail = ''
  }

  return {
    push(chunk: Buffer) {
      let start = 0
      for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, start)) {
        add(chunk.subarray(start, newline))
        end()
        start = newline + 1
      }
      if (start < chunk.length) add(chunk.subarray(start))
    },
  }
}

/**
 * The id of a message of which only both ends are known: writers put it first, last or behind the method. Last means
 * before the brace that closes the message, so it cannot be a part of something inside.
 */
function idIn(head: string, tail: string): unknown {
  const found = FIRST_ID.exec(head) ?? LAST_ID.exec(tail)
  return found?.[1] === undefined ? undefined : JSON.parse(found[1])
}

const ID = String.raw`"id"\s*:\s*(0|-?[1-9]\d{0,14}|"[!#-[\]-~]{1,100}")\s*`
const FIRST_ID = new RegExp(String.raw`^\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[\w./-]*"\s*,\s*)*${ID},`)
const LAST_ID = new RegExp(String.raw`,\s*${ID}\}\s*$`)

import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Implementation, JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js'
import { type Call, createCalls, type Outcome, type Result } from './modern-calls.ts'
import {
  invalid,
  isModern,
  isObject,
  MODERN_VERSION,
  missingFor,
  type ProtocolError,
  refusalOf,
  SERVER_KEY,
} from './modern-request.ts'

/** What is said of the server to those who do not shake hands. */
export interface ErasDeps {
  serverInfo: Implementation
  capabilities: Readonly<Record<string, unknown>>
  instructions: string
  /** Names a call that waits for its client; nobody must be able to guess it. */
  newState: () => string
}

const METHODS = new Set(['tools/list', 'tools/call', 'prompts/list', 'prompts/get'])
const LISTS = new Set(['tools/list', 'prompts/list'])
/** The lists are part of the program, and the same for everybody. */
const CACHING = { ttlMs: 3_600_000, cacheScope: 'public' }

/**
 * MCP 2026-07-28 in front of a server that speaks 2025-11-25. A request that names its revision is served by the rules
 * of that one; all others pass untouched, so that one process serves both.
 *
 * In the newer protocol a server sends no requests: what a call wants to know of its client becomes the answer to it
 * (`input_required`). The call itself goes on waiting here, until the client repeats it with what it was asked for.
 */
export function withBothEras(wire: Transport, deps: ErasDeps): Transport {
  const calls = createCalls()
  let hasGreeted = false
  let hasSeenModern = false

  const answer = (id: RequestId, body: { result: Result } | { error: ProtocolError }): Promise<void> =>
    wire.send({ jsonrpc: '2.0', id, ...body } as JSONRPCMessage)
  const refuseRequest = (id: RequestId, error: ProtocolError) => void answer(id, { error })
  const stamped = (result: Result): Result => ({
    ...result,
    _meta: { ...result._meta, [SERVER_KEY]: deps.serverInfo },
  })
  const complete = (method: string, result: Result): Result =>
    stamped({ ...result, ...(LISTS.has(method) ? CACHING : {}), resultType: 'complete' })
  const tellServer = (message: object) => transport.onmessage?.({ jsonrpc: '2.0', ...message } as JSONRPCMessage)

  const receive: NonNullable<Transport['onmessage']> = (message, extra) => {
    if (!('method' in message)) return transport.onmessage?.(message, extra)
    if (!('id' in message)) return transport.onmessage?.(withInnerId(message), extra)
    const { id, method, params } = message
    if (isModern(method, params)) return receiveModern(message)
    if (method === 'initialize') hasGreeted = true
    else if (hasSeenModern && !hasGreeted) {
      return refuseRequest(id, invalid('_meta must say the protocol version and the capabilities.'))
    }
    transport.onmessage?.(message, extra)
  }

  function receiveModern(request: JSONRPCRequest) {
    const { id, method, params } = request
    const refusal = refusalOf(params)
    if (refusal !== undefined) return refuseRequest(id, refusal)
    hasSeenModern = true
    if (method === 'server/discover') {
      const { capabilities, instructions } = deps
      const about = { supportedVersions: [MODERN_VERSION], capabilities, instructions, ...CACHING }
      void answer(id, { result: complete(method, about) })
      return
    }
    if (!METHODS.has(method)) return refuseRequest(id, { code: -32601, message: 'Method not found' })
    if (params?.requestState !== undefined) return resume(request)
    calls.begin(request)
    tellServer(request)
  }

  /** The client comes back to a call with what it was asked for. */
  function resume({ id, method, params = {} }: JSONRPCRequest) {
    const call = calls.suspended(params.requestState)
    if (call === undefined || call.method !== method || call.name !== params.name) {
      const data = { reason: 'invalid_request_state' }
      return refuseRequest(id, invalid('This call is not waited for any more. Call again.', data))
    }
    calls.attach(call, id, params._meta?.progressToken)
    if (call.outcome !== undefined) {
      void finish(call, call.outcome)
      return
    }
    const given = isObject(params.inputResponses) ? params.inputResponses : {}
    for (const [askedId, { isOut }] of [...call.asked]) {
      const { [keyOf(askedId)]: result } = given
      if (!isOut || !isObject(result)) continue
      call.asked.delete(askedId)
      tellServer({ id: askedId, result })
    }
    // What is still missing is asked for again.
    if (call.asked.size > 0) void demand(call)
  }

  function withInnerId(message: JSONRPCMessage): JSONRPCMessage {
    if (!('method' in message) || message.method !== 'notifications/cancelled') return message
    const call = calls.attachedTo(message.params?.requestId as RequestId | undefined)
    if (call === undefined) return message
    calls.forget(call)
    return { ...message, params: { ...message.params, requestId: call.innerId } }
  }

  async function send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (!('method' in message)) {
      const call = calls.get(message.id)
      return call === undefined ? wire.send(message, options) : finish(call, message as Outcome)
    }
    const call = calls.get(options?.relatedRequestId)
    if (call === undefined) return wire.send(message, options)
    if ('id' in message) return ask(call, message)
    if (message.method === 'notifications/cancelled') {
      // The server does not wait for that any more; the client is not told, as it was not asked by a request.
      call.asked.delete(message.params?.requestId as RequestId)
      return
    }
    if (call.outerId === undefined || call.progressToken === undefined) return
    await wire.send({ ...message, params: { ...message.params, progressToken: call.progressToken } }, options)
  }

  async function finish(call: Call, outcome: Outcome): Promise<void> {
    call.outcome = outcome
    // Nobody waits at the moment: it is kept for the client to come back.
    const { outerId } = call
    if (outerId === undefined) return
    calls.forget(call)
    if ('error' in outcome) return answer(outerId, { error: outcome.error })
    await answer(outerId, { result: complete(call.method, outcome.result) })
  }

  async function ask(call: Call, request: JSONRPCRequest): Promise<void> {
    const missing = missingFor(request, call.client)
    if (missing !== undefined) {
      tellServer({ id: request.id, error: NOT_GIVEN })
      const message = 'A capability is missing that this call needs.'
      return refuse(call, { code: -32021, message, data: { requiredCapabilities: missing } })
    }
    call.asked.set(request.id, { request, isOut: false })
    // What is asked in one breath goes out as one answer.
    if (call.asked.size === 1) setImmediate(() => void demand(call))
  }

  /** The call goes no further. */
  async function refuse(call: Call, error: ProtocolError): Promise<void> {
    const { outerId } = call
    abandon(call)
    if (outerId !== undefined) await answer(outerId, { error })
  }

  function abandon(call: Call): void {
    calls.forget(call)
    tellServer({ method: 'notifications/cancelled', params: { requestId: call.innerId } })
  }

  /** Answers the call with what it asks for. */
  async function demand(call: Call): Promise<void> {
    const { outerId, asked } = call
    if (outerId === undefined || asked.size === 0) return
    const requestState = deps.newState()
    calls.suspend(call, requestState, () => abandon(call))
    for (const entry of asked.values()) entry.isOut = true
    const inputRequests = Object.fromEntries(
      [...asked].map(([id, { request }]) => [keyOf(id), { method: request.method, ...paramsOf(request) }]),
    )
    await answer(outerId, { result: stamped({ resultType: 'input_required', inputRequests, requestState }) })
  }

  const transport: Transport = {
    async start() {
      wire.onmessage = receive
      wire.onclose = () => {
        calls.clear()
        transport.onclose?.()
      }
      wire.onerror = (error) => transport.onerror?.(error)
      await wire.start()
    },
    send,
    close: () => wire.close(),
  }
  return transport
}

const NOT_GIVEN = { code: -32603, message: 'The client has not given it.' }

function keyOf(id: RequestId): string {
  return `request-${id}`
}

/** Without what belongs to a request of its own. */
function paramsOf({ params }: JSONRPCRequest): { params?: Record<string, unknown> } {
  if (params === undefined) return {}
  const { _meta, ...rest } = params
  return { params: rest }
}

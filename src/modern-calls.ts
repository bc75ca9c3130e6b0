import type { JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js'
import { clientIn, type ModernClient, type ProtocolError } from './modern-request.ts'

/** A client that was asked for something and has not come back by then has given up. */
const PATIENCE_MS = 1_200_000

export type Result = Record<string, unknown> & { _meta?: Record<string, unknown> | undefined }
export type Outcome = { result: Result } | { error: ProtocolError }

/** A request of the newer protocol that is not answered yet. */
export interface Call {
  /** What the server knows it by, also when the client has come back to it. */
  innerId: RequestId
  method: string
  name: unknown
  client: ModernClient
  /** Under which the client waits for it; undefined while the client is to come back. */
  outerId: RequestId | undefined
  progressToken: string | number | undefined
  /** What it waits for, by the ids of the server's requests, and whether the client has been told. */
  asked: Map<RequestId, { request: JSONRPCRequest; isOut: boolean }>
  state: string | undefined
  timer: NodeJS.Timeout | undefined
  /** Came while nobody waited. */
  outcome: Outcome | undefined
}

/**
 * The calls of the newer protocol that are not answered yet: by what the server knows them by, by the id under which
 * their client waits, and by the state that a client brings that comes back to one.
 */
export function createCalls() {
  const byInner = new Map<RequestId, Call>()
  const byOuter = new Map<RequestId, Call>()
  const byState = new Map<string, Call>()

  function detach(call: Call): void {
    if (call.outerId !== undefined && byOuter.get(call.outerId) === call) byOuter.delete(call.outerId)
    if (call.state !== undefined) byState.delete(call.state)
    clearTimeout(call.timer)
    call.state = undefined
  }

  return {
    begin({ id, method, params }: JSONRPCRequest): void {
      const call: Call = {
        innerId: id,
        method,
        name: params?.name,
        client: clientIn(params) ?? { capabilities: {}, name: undefined },
        outerId: id,
        progressToken: params?._meta?.progressToken,
        asked: new Map(),
        state: undefined,
        timer: undefined,
        outcome: undefined,
      }
      byInner.set(id, call)
      byOuter.set(id, call)
    },
    get: (innerId: RequestId | undefined) => (innerId === undefined ? undefined : byInner.get(innerId)),
    attachedTo: (outerId: RequestId | undefined) => (outerId === undefined ? undefined : byOuter.get(outerId)),
    suspended: (state: unknown) => (typeof state === 'string' ? byState.get(state) : undefined),
    suspend(call: Call, state: string, giveUp: () => void): void {
      detach(call)
      call.outerId = undefined
      call.state = state
      call.timer = setTimeout(giveUp, PATIENCE_MS).unref()
      byState.set(state, call)
    },
    attach(call: Call, outerId: RequestId, progressToken: Call['progressToken']): void {
      detach(call)
      call.outerId = outerId
      call.progressToken = progressToken
      byOuter.set(outerId, call)
    },
    forget(call: Call): void {
      detach(call)
      byInner.delete(call.innerId)
      // What is about to be asked for it is not asked any more.
      call.outerId = undefined
    },
    clear(): void {
      for (const call of [...byInner.values()]) this.forget(call)
    },
  }
}

import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestId } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { ToolCall } from './tools/tool.ts'

/** The caller's own limit is far shorter; the SDK's would be 60 s. */
const DIALOG_LIMIT_MS = 900_000
/** Roots are known to the client, nobody has to be asked: one that takes longer does not answer at all. */
const ROOTS_LIMIT_MS = 5_000
/**
 * The SDK's schema refuses the whole list for one root that is no `file:` URI. Editors name folders of other machines so, and
 * with the list gone, files would come from where this server was started, which nobody has named.
 */
const RootsAnswer = z.object({ roots: z.array(z.object({ uri: z.string().catch('') })) })

/**
 * URL elicitation (MCP 2025-11-25), for clients that declare it. It is asked for by a request of ours and never by error
 * -32042, which most hosts show as it is. Only the address passes through the client; what comes of it does not.
 */
export function offerAddress(server: Server, newId: () => string, requestId: RequestId): ToolCall['offerAddress'] {
  if (server.getClientCapabilities()?.elicitation?.url === undefined) return undefined
  return async ({ message, url, signal, ended }) => {
    const elicitationId = newId()
    const request = { mode: 'url' as const, message, url, elicitationId }
    // Of its own, because the SDK sends a cancel for an aborted signal also when the answer has come.
    const open = new AbortController()
    const close = () => open.abort()
    signal.addEventListener('abort', close, { once: true })
    try {
      const options = { relatedRequestId: requestId, signal: open.signal, timeout: DIALOG_LIMIT_MS }
      const { action } = await server.elicitInput(request, options)
      if (action === 'accept') tellWhenDone(server, elicitationId, ended)
      return action
    } catch {
      // The client has the capability but not the dialog, or nobody waits any more: the address is shown another way.
      return 'failed'
    } finally {
      signal.removeEventListener('abort', close)
    }
  }
}

/** The client may show that it waits until it is told. */
function tellWhenDone(server: Server, elicitationId: string, ended: AbortSignal): void {
  const tell = () => {
    const method = 'notifications/elicitation/complete' as const
    void server.notification({ method, params: { elicitationId } }).catch(() => {})
  }
  if (ended.aborted) tell()
  else ended.addEventListener('abort', tell, { once: true })
}

/**
 * The client's roots as the URIs it gives, asked for when somebody wants them, and anew once the client says that they
 * have changed, also those that are no folder here. One that has none, or no list in time, has an empty list: no call fails
 * for it.
 */
export function createRoots(server: Server): ToolCall['roots'] {
  let known: Promise<readonly string[]> | undefined
  server.fallbackNotificationHandler = async ({ method }) => {
    if (method === 'notifications/roots/list_changed') known = undefined
  }
  async function ask(): Promise<readonly string[]> {
    try {
      const { roots } = await server.request({ method: 'roots/list' }, RootsAnswer, { timeout: ROOTS_LIMIT_MS })
      return roots.map(({ uri }) => uri)
    } catch {
      return []
    }
  }
  return async () => {
    if (server.getClientCapabilities()?.roots === undefined) return []
    known ??= ask()
    return known
  }
}

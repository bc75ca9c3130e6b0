import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { ClientCapabilities, ServerRequest } from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { clientIn } from './modern-request.ts'
import type { ToolCall } from './tools/tool.ts'

/** The caller's own limit is far shorter; the SDK's would be 60 s. */
const DIALOG_LIMIT_MS = 900_000
/** Longer than a call that was answered with a question is kept: it never goes on because nobody has come back. */
const COMING_BACK_LIMIT_MS = 1_800_000
/** Roots are known to the client, nobody has to be asked: one that takes longer does not answer at all. */
const ROOTS_LIMIT_MS = 5_000
/**
 * The SDK's schema refuses the whole list for one root that is no `file:` URI. Editors name folders of other machines so, and
 * with the list gone, files would come from where this server was started, which nobody has named.
 */
const rootsAnswer = () => z.object({ roots: z.array(z.object({ uri: z.string().catch('') })) })

/** What was done with a dialog (MCP 2025-11-25, "Elicitation"); one with nothing to fill in has no content. */
const dialogAnswer = () => z.object({ action: z.enum(['accept', 'decline', 'cancel']) })

/** Who has sent a request, and the way to ask them something while it runs. */
export interface Asker {
  name: string | undefined
  capabilities: ClientCapabilities | undefined
  /** Has come without a handshake: what is known of it is what this one request says. */
  isModern: boolean
  request: AskClient
  notify: (notification: never) => Promise<void>
}

type AskClient = <Schema extends ReturnType<typeof dialogAnswer | typeof rootsAnswer>>(
  request: ServerRequest,
  schema: Schema,
  options?: RequestOptions,
) => Promise<Schema['_output']>

/** The part of what the SDK tells of a request that is needed here. */
export interface RequestExtra {
  _meta?: Readonly<Record<string, unknown>> | undefined
  sendRequest: AskClient
  sendNotification: (notification: never) => Promise<void>
}

export function askerOf(server: Server, { _meta, sendRequest, sendNotification }: RequestExtra): Asker {
  const modern = clientIn({ _meta })
  return {
    name: modern === undefined ? server.getClientVersion()?.name : modern.name,
    capabilities: modern === undefined ? server.getClientCapabilities() : modern.capabilities,
    isModern: modern !== undefined,
    request: sendRequest,
    notify: sendNotification,
  }
}

/**
 * URL elicitation (MCP 2025-11-25), for clients that declare it. It is asked for by a request of ours and never by error
 * -32042, which most hosts show as it is. Only the address passes through the client; what comes of it does not.
 */
export function offerAddress(asker: Asker, newId: () => string): ToolCall['offerAddress'] {
  if (asker.capabilities?.elicitation?.url === undefined) return undefined
  const offer: OfferAddress = async ({ message, url, signal, ended }) => {
    const elicitationId = newId()
    // The newer protocol has neither the id nor the notice that would name it.
    const params = { mode: 'url' as const, message, url, ...(asker.isModern ? {} : { elicitationId }) }
    const request = { method: 'elicitation/create', params } as ServerRequest
    // Of its own, because the SDK sends a cancel for an aborted signal also when the answer has come.
    const open = new AbortController()
    const close = () => open.abort()
    signal.addEventListener('abort', close, { once: true })
    try {
      const { action } = await asker.request(request, dialogAnswer(), {
        signal: open.signal,
        timeout: asker.isModern ? COMING_BACK_LIMIT_MS : DIALOG_LIMIT_MS,
      })
      if (action === 'accept' && !asker.isModern) tellWhenDone(asker, elicitationId, ended)
      return action
    } catch {
      // The client has the capability but not the dialog, or nobody waits any more: the address is shown another way.
      return 'failed'
    } finally {
      signal.removeEventListener('abort', close)
    }
  }
  // There the question is the answer to the call, and some clients come back only when the user says that they are done.
  offer.isPatient = asker.isModern
  return offer
}

type OfferAddress = NonNullable<ToolCall['offerAddress']>

/** The client may show that it waits until it is told. */
function tellWhenDone({ notify }: Asker, elicitationId: string, ended: AbortSignal): void {
  const tell = () => {
    const notification = { method: 'notifications/elicitation/complete', params: { elicitationId } }
    void notify(notification as never).catch(() => {})
  }
  if (ended.aborted) tell()
  else ended.addEventListener('abort', tell, { once: true })
}

/**
 * The client's roots as the URIs it gives, asked for when somebody wants them, and anew once the client says that they
 * have changed, also those that are no folder here; in the newer protocol, where it cannot say so, for each call. One that
 * has none, or no list in time, has an empty list: no call fails for it.
 */
export function createRoots(server: Server): (asker: Asker) => ToolCall['roots'] {
  let known: Promise<readonly string[]> | undefined
  server.fallbackNotificationHandler = async ({ method }) => {
    if (method === 'notifications/roots/list_changed') known = undefined
  }
  async function ask({ request, isModern }: Asker): Promise<readonly string[]> {
    try {
      const options = { timeout: isModern ? COMING_BACK_LIMIT_MS : ROOTS_LIMIT_MS }
      const { roots } = await request({ method: 'roots/list' }, rootsAnswer(), options)
      return roots.map(({ uri }) => uri)
    } catch {
      return []
    }
  }
  return (asker) => async () => {
    if (asker.capabilities?.roots === undefined) return []
    if (asker.isModern) return ask(asker)
    known ??= ask(asker)
    return known
  }
}

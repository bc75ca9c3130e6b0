import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { z } from 'zod'
import { CodexError, isCodexError, unexpected } from './errors.ts'
import { whatIsWrong } from './tools/issue-words.ts'
import { listed, type Tool, type ToolCall, type ToolOutput } from './tools/tool.ts'

export interface McpServerDeps {
  tools: readonly Tool[]
  version: string
  /** What every tool but the local ones answers with, when the configuration is not usable. */
  configProblem: CodexError | undefined
  /** Names a dialog. */
  newId: () => string
  /** Told of errors that are no `CodexError`: faults of ours. */
  onFault: (error: unknown) => void
}

/** What a model reads about this server. Hosts cut it at 2,048 characters; often it is all that is seen at first. */
export const INSTRUCTIONS = `Use codex_query when the user mentions Codex or OpenAI, or wants a second opinion, a review or another AI's view; it asks an OpenAI Codex model with the user's own ChatGPT login.

- Put everything Codex needs into the prompt: it sees neither files nor this conversation.
- Show the answer as Codex wrote it, say that it is from Codex, and keep your own view apart. Never invent an answer on Codex's behalf.
- An error ends with a code in brackets and says what to do next. On NOT_AUTHENTICATED, offer codex_login; when it returns "pending", show the user the url, and user_code if there is one; if the last page does not load, its address goes into callback_url.
- codex_status tells who is signed in, codex_models which models and efforts there are; leave model out unless the user names one.
- codex_clear signs out: ask the user first.`

type Result = Record<string, unknown>

interface Extra {
  signal: AbortSignal
  requestId: string | number
  _meta?: { progressToken?: string | number | undefined } | undefined
  sendNotification: (notification: never) => Promise<void>
}

/** The caller's own limit is far shorter; the SDK's would be 60 s. */
const DIALOG_LIMIT_MS = 900_000
/** Progress messages closer together than this are dropped: nobody can read them, and each one is a frame. */
const PROGRESS_INTERVAL_MS = 300

/**
 * The MCP face of the tools. Requests are handled from a table of our own: the SDK's typed handlers answer a
 * malformed `tools/call` with -32603 and a dump of its schema, and an unknown tool with a result (facts: mcp 2.2).
 */
export function createMcpServer({ tools, version, configProblem, newId, onFault }: McpServerDeps): Server {
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  let list: Result | undefined
  const server = new TasklessServer(
    { name: 'codex-oauth', title: 'Codex', version },
    {
      capabilities: { tools: {} },
      instructions: INSTRUCTIONS,
      // Tools check their own arguments; the SDK's default would load a second schema library for elicitation.
      jsonSchemaValidator: { getValidator: () => () => ({ valid: false, data: undefined, errorMessage: 'unused' }) },
    },
  )
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    switch (method) {
      case 'tools/list':
        list ??= { tools: tools.map(listed) }
        return list
      case 'tools/call':
        return callTool(params, extra)
      default:
        throw protocolError(-32601, 'Method not found')
    }
  }

  async function callTool(params: Readonly<Record<string, unknown>> | undefined, extra: Extra): Promise<Result> {
    // Request and cancel can come in one breath: then nothing happens, and no answer goes out either.
    extra.signal.throwIfAborted()
    const { tool, args } = findTool(params)
    const parsed = tool.input.safeParse(args)
    if (!parsed.success) return errorResult(invalidInput(tool, parsed.error.issues))
    try {
      if (configProblem !== undefined && tool.local !== true) throw configProblem
      const offerAddress = offerOf(server, newId, extra)
      const call = { signal: extra.signal, progress: progressOf(extra), offerAddress }
      return outputResult(await tool.run(parsed.data as never, call))
    } catch (error) {
      if (!isCodexError(error)) onFault(error)
      return errorResult(isCodexError(error) ? error : unexpected(error))
    }
  }

  function findTool(params: Readonly<Record<string, unknown>> | undefined) {
    const name = params?.name
    const args = params?.arguments ?? {}
    if (typeof name !== 'string') throw protocolError(-32602, 'tools/call needs the name of a tool.')
    const tool = byName.get(name)
    if (tool === undefined) throw protocolError(-32602, `Unknown tool. The tools are ${[...byName.keys()].join(', ')}.`)
    if (typeof args !== 'object' || Array.isArray(args)) throw protocolError(-32602, 'The arguments must be an object.')
    // Some clients write null for what they leave out.
    return { tool, args: Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null)) }
  }

  return server
}

/** Who offers no tasks answers a request for one as any other (MCP 2025-11-25, "Tasks"); the SDK refuses it. */
class TasklessServer extends Server {
  protected override assertTaskHandlerCapability(): void {}
}

/** An error whose text reaches the wire as it is; the SDK's own class would put its name and number in front. */
function protocolError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function progressOf(extra: Extra): (message: string) => void {
  const progressToken = extra._meta?.progressToken
  let progress = 0
  let lastAt = Number.NEGATIVE_INFINITY
  return (message) => {
    const now = performance.now()
    if (progressToken === undefined || extra.signal.aborted || now - lastAt < PROGRESS_INTERVAL_MS) return
    lastAt = now
    progress += 1
    const notification = { method: 'notifications/progress', params: { progressToken, progress, message } }
    // A client that has gone needs no progress; its going is noticed elsewhere.
    void extra.sendNotification(notification as never).catch(() => {})
  }
}

/**
 * URL elicitation (MCP 2025-11-25), for clients that declare it. It is asked for by a request of ours and never by error
 * -32042, which most hosts show as it is. Only the address passes through the client; what comes of it does not.
 */
function offerOf(server: Server, newId: () => string, { requestId }: Extra): ToolCall['offerAddress'] {
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

function outputResult(output: ToolOutput): Result {
  if ('texts' in output) return { content: output.texts.map(text) }
  return {
    content: [text(JSON.stringify(output.structured, null, 2))],
    structuredContent: output.structured,
  }
}

/** What happened, what to do next, `[CODE]`. Text only: hosts hide the text when there is structure beside it. */
function errorResult({ message, hint, code }: CodexError): Result {
  return { content: [text([message, hint, `[${code}]`].filter((part) => part !== undefined).join(' '))], isError: true }
}

function text(value: string) {
  return { type: 'text', text: value }
}

function invalidInput(tool: Tool, issues: readonly z.core.$ZodIssue[]): CodexError {
  const known = Object.keys(tool.input.shape)
  return new CodexError('INPUT_INVALID', `${tool.name}: ${issues.map((issue) => explain(issue, known)).join('; ')}.`, {
    hint: 'Correct the arguments and call again.',
  })
}

/** One sentence for a field. A field's value, or an unknown field's name, is never repeated: it may be a secret. */
function explain(issue: z.core.$ZodIssue, known: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    return known.length === 0 ? 'it takes no arguments' : `unknown argument, the arguments are ${known.join(', ')}`
  }
  return `${issue.path.map(String).join('.') || 'arguments'}: ${whatIsWrong(issue)}`
}

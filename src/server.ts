import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type * as z from 'zod'
import { askerOf, createRoots, offerAddress, type RequestExtra } from './client-requests.ts'
import { CodexError, isCodexError, unexpected } from './errors.ts'
import { type ErasDeps, withBothEras } from './protocol-era.ts'
import { whatIsWrong } from './tools/issue-words.ts'
import { pageCharactersOf } from './tools/page-size.ts'
import { listedPrompt } from './tools/prompt.ts'
import { PROMPTS } from './tools/prompts.ts'
import { listed, type Tool, type ToolCall, type ToolOutput } from './tools/tool.ts'

export interface McpServerDeps {
  tools: readonly Tool[]
  /** How they are listed, if that is known already; else it is made of them. */
  toolList?: readonly object[] | undefined
  version: string
  /** What every tool but the local ones answers with, when the configuration is not usable. */
  configProblem: CodexError | undefined
  /** Names a dialog. */
  newId: () => string
  /** The first list of tools is about to go out. */
  beforeFirstList?: (() => void) | undefined
  /** Told of errors that are no `CodexError`: faults of ours. */
  onFault: (error: unknown) => void
}

/** What a model reads about this server. Hosts cut it at 2,048 characters; often it is all that is seen at first. */
export const INSTRUCTIONS = `Use codex_query when the user mentions Codex or OpenAI, or wants a second opinion, a review or another AI's view; it asks an OpenAI Codex model with the user's own ChatGPT login.

- One call is enough, with nothing before it. Codex does not see this conversation: what it needs goes into prompt. The server reads files and changes: name them in files (paths, patterns, notes.md:10-80, images) and diff (working, staged, main..HEAD) instead of reading or pasting them.
- conversation: a name begins or continues one, for follow-ups; without it a question stands alone. web_search lets Codex look things up. output_schema makes the answer JSON of that form.
- background returns an id at once. collect with an id gets that answer, also of a call that was cancelled or timed out, or the rest of a long one. Collect before you ask again: a question asked twice is paid for twice.
- Show the answer as Codex wrote it, say that it is from Codex, and keep your own view apart. Never invent an answer on Codex's behalf.
- An error ends with a code in brackets and says what to do next. On NOT_AUTHENTICATED, offer codex_login; when it returns "pending", show the user the url, and user_code if there is one; if the last page does not load, its address goes into callback_url. On USAGE_LIMIT or PLAN_REQUIRED, show the error and stop: who pays is the user's choice.
- codex_status tells who is signed in, and lists recent answers and conversations; with usage: true also what is used of the plan. codex_models lists models and efforts; leave model out unless the user names one.
- codex_clear signs out, or forgets one conversation: ask the user first.`

type Result = Record<string, unknown>

interface Extra extends RequestExtra {
  signal: AbortSignal
  _meta?: { progressToken?: string | number | undefined } | undefined
}

/**
 * The MCP face of the tools. Requests are handled from a table of our own: the SDK's typed handlers answer a
 * malformed `tools/call` with -32603 and a dump of its schema, and an unknown tool with a result (facts: mcp 2.2).
 */
export function createMcpServer({
  tools,
  toolList,
  version,
  configProblem,
  newId,
  beforeFirstList,
  onFault,
}: McpServerDeps): Server {
  const toolsByName = new Map(tools.map((tool) => [tool.name, tool]))
  const promptsByName = new Map(PROMPTS.map((prompt) => [prompt.name, prompt]))
  let list: Result | undefined
  const about = {
    serverInfo: { name: 'codex-oauth', title: 'Codex', version },
    capabilities: { tools: {}, prompts: {} },
    instructions: INSTRUCTIONS,
  }
  const server = new DualServer({ ...about, newState: newId })
  const roots = createRoots(server)
  server.fallbackRequestHandler = async ({ method, params }, extra) => {
    switch (method) {
      case 'tools/list':
        if (list === undefined) beforeFirstList?.()
        list ??= { tools: toolList ?? tools.map(listed) }
        return list
      case 'tools/call':
        return callTool(params, extra)
      case 'prompts/list':
        return { prompts: PROMPTS.map(listedPrompt) }
      case 'prompts/get':
        return getPrompt(params)
      default:
        throw protocolError(-32601, 'Method not found')
    }
  }

  function getPrompt(params: Params): Result {
    const { entry: prompt, args } = choose('prompt', promptsByName, params)
    const parsed = prompt.input.safeParse(args)
    if (!parsed.success) throw protocolError(-32602, wrongArguments(prompt, parsed.error.issues))
    const content = text(prompt.write(parsed.data as never))
    return { description: prompt.description, messages: [{ role: 'user', content }] }
  }

  async function callTool(params: Params, extra: Extra): Promise<Result> {
    // Request and cancel can come in one breath: then nothing happens, and no answer goes out either.
    extra.signal.throwIfAborted()
    const { entry: tool, args } = choose('tool', toolsByName, params)
    const parsed = tool.input.safeParse(args)
    if (!parsed.success) return errorResult(invalidInput(tool, parsed.error.issues))
    const progress = progressOf(extra)
    try {
      if (configProblem !== undefined && tool.local !== true) throw configProblem
      return outputResult(await tool.run(parsed.data as never, callOf(extra, progress.tell)))
    } catch (error) {
      if (!isCodexError(error)) onFault(error)
      return errorResult(isCodexError(error) ? error : unexpected(error))
    } finally {
      progress.end()
    }
  }

  function callOf(extra: Extra, progress: ToolCall['progress']): ToolCall {
    const { signal } = extra
    const asker = askerOf(server, extra)
    return {
      signal,
      cancelReason: () => (typeof signal.reason === 'string' ? signal.reason : undefined),
      progress,
      offerAddress: offerAddress(asker, newId),
      roots: roots(asker),
      pageCharacters: pageCharactersOf(asker.name),
    }
  }

  return server
}

type Params = Readonly<Record<string, unknown>> | undefined

/** What a request of `tools/call` or `prompts/get` means, and the arguments for it. */
function choose<Entry>(kind: 'tool' | 'prompt', entries: ReadonlyMap<string, Entry>, params: Params) {
  const name = params?.name
  const args = params?.arguments ?? {}
  if (typeof name !== 'string') throw protocolError(-32602, `The name of a ${kind} is missing.`)
  const entry = entries.get(name)
  if (entry === undefined) {
    throw protocolError(-32602, `Unknown ${kind}. The ${kind}s are ${[...entries.keys()].join(', ')}.`)
  }
  if (typeof args !== 'object' || Array.isArray(args)) throw protocolError(-32602, 'The arguments must be an object.')
  // Some clients write null for what they leave out.
  return { entry, args: Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null)) }
}

/** The SDK's server, which speaks 2025-11-25, behind what serves 2026-07-28 as well. */
class DualServer extends Server {
  readonly #deps: ErasDeps

  constructor(deps: ErasDeps) {
    super(deps.serverInfo, {
      capabilities: deps.capabilities,
      instructions: deps.instructions,
      // Tools check their own arguments; the SDK's default would load a second schema library for elicitation.
      jsonSchemaValidator: { getValidator: () => () => ({ valid: false, data: undefined, errorMessage: 'unused' }) },
    })
    this.#deps = deps
  }

  override connect(transport: Transport): Promise<void> {
    return super.connect(withBothEras(transport, this.#deps))
  }

  /** Who offers no tasks answers a request for one as any other (MCP 2025-11-25, "Tasks"); the SDK refuses it. */
  protected override assertTaskHandlerCapability(): void {}
}

/** An error whose text reaches the wire as it is; the SDK's own class would put its name and number in front. */
function protocolError(code: number, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Whoever reports paces the messages; here only a repetition is left out, and what comes after the result. */
function progressOf(extra: Extra): { tell: ToolCall['progress']; end(): void } {
  const progressToken = extra._meta?.progressToken
  let progress = 0
  let last: string | undefined
  let ended = false
  return {
    tell(message) {
      if (progressToken === undefined || ended || extra.signal.aborted || message === last) return
      last = message
      progress += 1
      const notification = { method: 'notifications/progress', params: { progressToken, progress, message } }
      // A client that has gone needs no progress; its going is noticed elsewhere.
      void extra.sendNotification(notification as never).catch(() => {})
    },
    end() {
      ended = true
    },
  }
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

type Named = Pick<Tool, 'name' | 'input'>

function invalidInput(tool: Named, issues: readonly z.core.$ZodIssue[]): CodexError {
  return new CodexError('INPUT_INVALID', wrongArguments(tool, issues), {
    hint: 'Correct the arguments and call again.',
  })
}

function wrongArguments({ name, input }: Named, issues: readonly z.core.$ZodIssue[]): string {
  const known = Object.keys(input.shape)
  return `${name}: ${issues.map((issue) => explain(issue, known)).join('; ')}.`
}

/** One sentence for a field. A field's value, or an unknown field's name, is never repeated: it may be a secret. */
function explain(issue: z.core.$ZodIssue, known: readonly string[]): string {
  if (issue.code === 'unrecognized_keys') {
    return known.length === 0 ? 'it takes no arguments' : `unknown argument, the arguments are ${known.join(', ')}`
  }
  return `${issue.path.map(String).join('.') || 'arguments'}: ${whatIsWrong(issue)}`
}

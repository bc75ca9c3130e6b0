// A server with the tools that the conformance suite calls by name, on the parts of the real one: its transport, both
// protocols, its registry. What the real tools never do (ask for a form) is asked here past the registry.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerRequest, ServerResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { CodexError } from '../src/errors.ts'
import { createLog } from '../src/infrastructure/log.ts'
import { clientIn } from '../src/modern-request.ts'
import { createMcpServer } from '../src/server.ts'
import { createStdioTransport } from '../src/stdio.ts'
import { defineTool, type Tool } from '../src/tools/tool.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }

function tool(name: string, run: Tool['run']): Tool {
  return defineTool({
    name,
    title: name,
    description: `${name}, of the suite.`,
    annotations,
    input: () => z.looseObject({}),
    run,
  })
}

const simple: Tool[] = [
  tool('test_simple_text', async () => ({ texts: ['This is a simple text response for testing.'] })),
  tool('test_error_handling', async () => {
    throw new CodexError('INPUT_INVALID', 'This tool intentionally returns an error for testing')
  }),
  tool('test_tool_with_progress', async (_, { progress }) => {
    for (const part of ['none', 'half', 'all']) {
      progress(part)
      await sleep(50)
    }
    return { texts: ['done'] }
  }),
  tool('test_logging_tool', async () => ({ texts: ['done'] })),
]

type Ask = (request: object) => Promise<Record<string, unknown>>

const form = (message: string, name: string, type = 'string') => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: { [name]: { type } }, required: [name] } },
})
const sampling = (text: string) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 },
})
const ROOTS = { method: 'roots/list' }

/** What these ask of the client; the answers are their result. */
const asking: Record<string, (ask: Ask, capabilities: object) => Promise<unknown>> = {
  test_input_required_result_elicitation: (ask) => ask(form('What is your name?', 'name')),
  test_input_required_result_sampling: (ask) => ask(sampling('What is the capital of France?')),
  test_input_required_result_list_roots: (ask) => ask(ROOTS),
  test_input_required_result_request_state: async (ask) => [
    await ask(form('Please confirm', 'ok', 'boolean')),
    'state-ok',
  ],
  test_input_required_result_tampered_state: (ask) => ask(form('Please confirm', 'ok', 'boolean')),
  test_input_required_result_multiple_inputs: (ask) =>
    Promise.all([ask(form('What is your name?', 'name')), ask(sampling('Generate a greeting')), ask(ROOTS)]),
  test_input_required_result_multi_round: async (ask) => [
    await ask(form('Step 1: What is your name?', 'name')),
    await ask(form('Step 2: What is your favorite color?', 'color')),
  ],
  test_input_required_result_capabilities: async (ask, capabilities) => [
    ...('sampling' in capabilities ? [await ask(sampling('What is the capital of France?'))] : []),
    ...('elicitation' in capabilities ? [await ask(form('What is your name?', 'name'))] : []),
  ],
  test_missing_capability: (ask) => ask(sampling('What is the capital of France?')),
  test_streaming_elicitation: (ask) => ask(form('What is your name?', 'name')),
}

const server = createMcpServer({
  tools: [...simple, ...Object.keys(asking).map((name) => tool(name, async () => ({ texts: [] })))],
  version: '0.0.0',
  configProblem: undefined,
  newId: () => crypto.randomUUID(),
  onFault: () => {},
})
const usual = server.fallbackRequestHandler
server.fallbackRequestHandler = async (request, extra) => {
  const { method, params = {} } = request
  const capabilities = clientIn(params)?.capabilities ?? {}
  const ask: Ask = (asked) =>
    extra.sendRequest(asked as ServerRequest, ServerResultSchema.or(z.looseObject({}))) as never
  if (method === 'prompts/get' && params.name === 'test_input_required_result_prompt') {
    const text = JSON.stringify(await ask(form('What context should the prompt use?', 'context')))
    return { messages: [{ role: 'user', content: { type: 'text', text } }] }
  }
  const own = method === 'tools/call' ? asking[String(params.name)] : undefined
  if (own === undefined) return (await usual?.(request, extra)) ?? {}
  return { content: [{ type: 'text', text: JSON.stringify(await own(ask, capabilities)) }] }
}
await server.connect(
  createStdioTransport({
    input: process.stdin,
    output: process.stdout,
    onEnd: () => process.exit(0),
    onBroken: () => process.exit(0),
    log: createLog({ write: () => {}, enabled: false }),
  }),
)

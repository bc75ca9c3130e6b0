import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { createMcpServer } from '../../src/server.ts'
import { defineTool, type Tool, type ToolCall } from '../../src/tools/tool.ts'

/** The SDK's client, connected to a server of these tools. `prepare` comes before the connection. */
export async function sdkClient(
  tools: readonly Tool[],
  {
    name = 'test',
    prepare = () => {},
    ...options
  }: Pick<ClientOptions, 'capabilities'> & { name?: string; prepare?: (client: Client) => void } = {},
): Promise<Client> {
  const problem = { configProblem: undefined, newId: () => 'dialog-1', onFault: () => {} }
  const server = createMcpServer({ tools, version: '1.2.3', ...problem })
  const client = new Client({ name, version: '1' }, options)
  prepare(client)
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(theirs), client.connect(ours)])
  onTestFinished(() => client.close())
  return client
}

/** A tool without arguments that answers with what it makes of its call, as JSON. */
export function toolThatTells(tell: (call: ToolCall) => unknown, name = 'tell'): Tool {
  return defineTool({
    name,
    title: 'Tell',
    description: 'Tells what it was given.',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    input: () => z.strictObject({}),
    run: async (_, call) => ({ texts: [JSON.stringify((await tell(call)) ?? null)] }),
  })
}

/** What such a tool says. */
export async function told(client: Client, name = 'tell'): Promise<unknown> {
  const { content } = await client.callTool({ name })
  return JSON.parse((content as { text: string }[])[0]?.text ?? '')
}

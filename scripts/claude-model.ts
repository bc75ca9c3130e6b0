import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the model does next: says something, or calls a tool. */
export type Step = string | { tool: string; input: Record<string, unknown> }

/** A model that plays a script, behind the Messages API on loopback. */
export interface ScriptedModel {
  url: string
  /** Requests of the conversation itself, as they came. */
  asked: readonly ModelRequest[]
  /** What the tools have answered, in order: all text of each result. */
  results(): { text: string; isError: boolean }[]
  /** Everything the model was told, as one text. */
  told(): string
  /** Hosts that the client tried to reach past it. */
  refused: ReadonlySet<string>
  close(): void
}

interface Block {
  type: string
  text?: string
  is_error?: boolean
  tool_use_id?: string
  content?: string | Block[]
}

export interface ModelRequest {
  stream?: boolean
  model: string
  system?: string | Block[]
  messages: { role: string; content: string | Block[] }[]
  tools?: { name: string }[]
}

export async function startModel(steps: readonly Step[]): Promise<ScriptedModel> {
  const asked: ModelRequest[] = []
  const refused = new Set<string>()
  const left = [...steps]
  let ids = 0

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    if (request.url?.startsWith('/v1/messages/count_tokens')) return json(response, { input_tokens: 1 })
    if (!request.url?.startsWith('/v1/messages') || body === undefined) return json(response, {})
    // What has no tools is about the conversation (a title, say), not a part of it.
    const isPart = (body.tools?.length ?? 0) > 0
    if (isPart) asked.push(body)
    const step = (isPart ? left.shift() : undefined) ?? 'The end.'
    ids += 1
    speak(response, body, step, ids)
  })
  server.on('connect', ({ url = '' }: IncomingMessage, socket) => {
    refused.add(url)
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    refused,
    results: () => resultsIn(asked.at(-1)),
    told: () => JSON.stringify(asked),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function resultsIn(request: ModelRequest | undefined) {
  const blocks = (request?.messages ?? []).flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  return blocks
    .filter(({ type }) => type === 'tool_result')
    .map(({ content, is_error: isError }) => ({ text: textOf(content), isError: isError === true }))
}

function textOf(content: Block['content']): string {
  return typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('\n')
}

function speak(response: ServerResponse, { stream, model, tools = [] }: ModelRequest, step: Step, id: number) {
  const block = blockOf(step, tools, id)
  const message = { id: `msg_${id}`, type: 'message', role: 'assistant', model, usage: USAGE }
  const end = block.type === 'tool_use' ? 'tool_use' : 'end_turn'
  if (stream !== true) return json(response, { ...message, content: [block], stop_reason: end, stop_sequence: null })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, fields: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`)
  send('message_start', { message: { ...message, content: [], stop_reason: null, stop_sequence: null } })
  const { text, input, ...head } = block as { type: string; text?: string; input?: object }
  const isText = text !== undefined
  send('content_block_start', { index: 0, content_block: isText ? { ...head, text: '' } : { ...head, input: {} } })
  const delta = isText
    ? { type: 'text_delta', text }
    : { type: 'input_json_delta', partial_json: JSON.stringify(input) }
  send('content_block_delta', { index: 0, delta })
  send('content_block_stop', { index: 0 })
  send('message_delta', { delta: { stop_reason: end, stop_sequence: null }, usage: { output_tokens: 1 } })
  send('message_stop', {})
  response.end()
}

/** A tool is named by the end of its name, as the client puts the server's in front. */
function blockOf(step: Step, tools: readonly { name: string }[], id: number) {
  if (typeof step === 'string') return { type: 'text', text: step }
  const name = tools.find((tool) => tool.name === step.tool || tool.name.endsWith(`__${step.tool}`))?.name
  return { type: 'tool_use', id: `toolu_${id}`, name: name ?? step.tool, input: step.input }
}

const USAGE = { input_tokens: 1, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<ModelRequest | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { createLog } from '../../src/infrastructure/log.ts'
import { createMcpServer } from '../../src/server.ts'
import { createStdioTransport } from '../../src/stdio.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { type Frame, type FrameReader, readFrames } from './frames.ts'

export const MODERN = '2026-07-28'

/** The `_meta` that a client of the newer protocol puts into each request. */
export function envelope(capabilities: object = {}, more: object = {}): Record<string, unknown> {
  return {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'modern', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...more,
  }
}

export interface ModernTalk extends FrameReader {
  send(message: object): void
  /** A request as it is. */
  ask(id: string | number, method: string, params?: object): Promise<Frame>
  /** A request of the newer protocol; `capabilities` are what its client can do, `meta` what else `_meta` has. */
  modern(id: string | number, method: string, params?: object, capabilities?: object, meta?: object): Promise<Frame>
  cancel(requestId: string | number): void
}

/** A server of these tools, behind the streams it has in earnest, spoken to in raw messages. */
export async function modernTalk(tools: readonly Tool[]): Promise<ModernTalk> {
  const input = new PassThrough()
  const output = new PassThrough()
  let names = 0
  const newId = () => `name-${++names}`
  const server = createMcpServer({ tools, version: '1.2.3', configProblem: undefined, newId, onFault: () => {} })
  const log = createLog({ write: () => {}, enabled: false })
  await server.connect(createStdioTransport({ input, output, onEnd: () => {}, onBroken: () => {}, log }))
  onTestFinished(() => server.close())
  const reader = readFrames(output)
  const send = (message: object) => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const ask = (id: string | number, method: string, params?: object) => {
    send({ id, method, ...(params === undefined ? {} : { params }) })
    return reader.answerTo(id)
  }
  return {
    ...reader,
    send,
    ask,
    modern: (id, method, params = {}, capabilities = {}, meta = {}) =>
      ask(id, method, { ...params, _meta: envelope(capabilities, meta) }),
    cancel: (requestId) => send({ method: 'notifications/cancelled', params: { requestId } }),
  }
}

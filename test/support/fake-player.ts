import type { ServerResponse } from 'node:http'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Answer, Body } from './fake-script.ts'

/** `fetch` joins what arrives before it is read; this much time keeps two writes apart. */
const SPLIT_PAUSE_MS = 2

/** Sends an answer the way it asks for. Resolves when all is sent, or when the client has gone. */
export async function play(answer: Answer, response: ServerResponse, willCut: () => void): Promise<void> {
  if (response.destroyed) return
  if (answer.reset) {
    willCut()
    response.socket?.resetAndDestroy()
    return
  }
  const { type, body } = contentOf(answer)
  response.statusCode = answer.status ?? 200
  if (type !== undefined) response.setHeader('content-type', type)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (isPlain(answer) && (typeof body === 'string' || body instanceof Uint8Array)) {
    response.end(body)
    return
  }
  response.flushHeaders()
  await send(chunksOf(body, answer), response, answer.dripMs ?? (answer.splitAt ? SPLIT_PAUSE_MS : 0))
  if (response.destroyed || answer.silent) return
  if (answer.cutAfter === undefined) {
    response.end()
    return
  }
  willCut()
  // Ends the connection behind the bytes already written, without the end of the HTTP body.
  response.socket?.destroySoon()
}

function contentOf({ json, html, sse, bytes }: Answer): { type: string | undefined; body: Body } {
  if (json !== undefined) return { type: 'application/json', body: JSON.stringify(json) }
  if (html !== undefined) return { type: 'text/html; charset=utf-8', body: html }
  if (sse !== undefined) return { type: 'text/event-stream; charset=utf-8', body: sse }
  return { type: undefined, body: bytes ?? '' }
}

function isPlain({ splitAt, dripMs, cutAfter, silent }: Answer): boolean {
  return splitAt === undefined && dripMs === undefined && cutAfter === undefined && !silent
}

async function send(chunks: AsyncIterable<Uint8Array>, response: ServerResponse, pauseMs: number): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return
    if (!response.write(chunk)) await roomIn(response)
    await (pauseMs > 0 ? setTimeout(pauseMs) : setImmediate())
  }
}

async function* chunksOf(body: Body, { splitAt, dripMs, cutAfter }: Answer): AsyncGenerator<Uint8Array> {
  let left = cutAfter ?? Number.POSITIVE_INFINITY
  for await (const piece of typeof body === 'string' || body instanceof Uint8Array ? [body] : body) {
    const bytes = Buffer.from(piece)
    const ends = dripMs === undefined ? (splitAt ?? []) : Array.from(bytes.keys())
    let start = 0
    for (const end of [...ends, bytes.length]) {
      const chunk = bytes.subarray(start, Math.min(end, start + left))
      start = end
      left -= chunk.length
      if (chunk.length > 0) yield chunk
      if (left === 0) return
    }
  }
}

function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

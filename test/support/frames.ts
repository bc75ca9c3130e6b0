import type { Readable } from 'node:stream'

/** A JSON-RPC message as it came. */
export interface Frame {
  id?: unknown
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result?: any
  error?: { code: number; message: string }
}

export interface FrameReader {
  /** All messages so far. */
  frames: readonly Frame[]
  /** Lines that are no JSON-RPC message; a server never writes one. */
  strays: readonly string[]
  /** The first message, seen or still to come, that is wanted. Rejects when the stream ends without it. */
  first(wanted: (frame: Frame) => boolean): Promise<Frame>
  /** The answer to a request; `1` and `'1'` are two ids. */
  answerTo(id: unknown): Promise<Frame>
}

/** Reads a server's output, one JSON-RPC message a line. */
export function readFrames(stream: Readable): FrameReader {
  const frames: Frame[] = []
  const strays: string[] = []
  let waiting: { wanted: (frame: Frame) => boolean; resolve: (frame: Frame) => void; reject: (e: Error) => void }[] = []
  let rest = ''
  let ended = false

  const take = (line: string) => {
    const frame = parseFrame(line)
    if (frame === undefined) return void strays.push(line)
    frames.push(frame)
    for (const { wanted, resolve } of waiting) if (wanted(frame)) resolve(frame)
    waiting = waiting.filter(({ wanted }) => !wanted(frame))
  }
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    rest += text
    if (!text.includes('\n')) return
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
  stream.once('close', () => {
    ended = true
    if (rest !== '') strays.push(rest)
    for (const { reject } of waiting) reject(endedEarly(frames))
  })

  const first = (wanted: (frame: Frame) => boolean) => {
    const seen = frames.find(wanted)
    if (seen !== undefined) return Promise.resolve(seen)
    if (ended) return Promise.reject(endedEarly(frames))
    return new Promise<Frame>((resolve, reject) => {
      waiting.push({ wanted, resolve, reject })
    })
  }
  return { frames, strays, first, answerTo: (id) => first((frame) => frame.method === undefined && frame.id === id) }
}

function parseFrame(line: string): Frame | undefined {
  try {
    const value = JSON.parse(line)
    const isMessage = value?.jsonrpc === '2.0' && ('method' in value || 'result' in value || 'error' in value)
    return isMessage ? value : undefined
  } catch {
    return undefined
  }
}

function endedEarly(frames: readonly Frame[]): Error {
  return new Error(`The output ended without the message waited for, after ${JSON.stringify(frames).slice(0, 500)}`)
}

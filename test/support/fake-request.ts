import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request as the fake records it. */
export interface SeenRequest {
  method: string
  /** Without the query. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[]
  /** A JSON value, the fields of a form, or else the text. */
  body: unknown
  text: string
  /** In milliseconds of the fake's clock. */
  at: number
}

/** Reads a request to its end. Rejects if the client goes away meanwhile. */
export async function readRequest(incoming: IncomingMessage, at: number): Promise<SeenRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const url = new URL(incoming.url ?? '/', 'http://fake')
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: readBody(text, incoming.headers['content-type']),
    text,
    at,
  }
}

/** The body as its content type says: a JSON value, the fields of a form, or the text. Broken JSON stays text. */
function readBody(text: string, contentType: string | undefined): unknown {
  if (hasType(contentType, 'application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text))
  if (!hasType(contentType, 'application/json')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** True if a `content-type` header names this type, whatever its parameters. */
export function hasType(contentType: string | undefined, type: string): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === type
}

/** The token of a bearer header, or `undefined`. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer (\S+)$/.exec(authorization ?? '')?.[1]
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'

export interface CallbackReply {
  status: number
  html: string
}

export interface CallbackRules {
  port: number
  /** The one path that is answered. */
  path: string
  /** What the browser may call this machine; each name a callback can have unless told. */
  hosts?: readonly string[]
  /** Gets the raw query, what follows the first `?`. Its HTML is sent as it is, so it must not repeat the query. */
  answer: (query: string) => Promise<CallbackReply>
}

/** Answers one request: the callback, or why it is none. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { port, path, hosts = CALLBACK_HOSTS, answer }: CallbackRules,
): Promise<void> {
  // The reader may leave while `answer` works.
  response.on('error', () => {})
  const refusal = whyRefused(request, { port, path, hosts })
  if (refusal !== undefined) return send(response, refusalPage(refusal))
  try {
    send(response, await answer(splitTarget(request.url).query))
  } catch {
    send(response, refusalPage(500))
  }
}

/**
 * A foreign Host is a page of the web that had its own name point at this machine (DNS rebinding), and two of them
 * are a request that two readers understand differently. The path is compared as it came, because a URL parser makes
 * `//evil/auth/callback` and `http://evil/auth/callback` match. The names are those a callback has, not all that are
 * loopback.
 */
function whyRefused(
  { rawHeaders, url, method }: IncomingMessage,
  { port, path, hosts }: Required<Omit<CallbackRules, 'answer'>>,
): Refused | undefined {
  const named = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'host' && index % 2 === 1)
  if (named.length !== 1) return 400
  if (!hosts.some((host) => named[0] === `${host}:${port}`)) return 403
  if (splitTarget(url).path !== path) return 404
  return method === 'GET' ? undefined : 405
}

const CALLBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]']

function splitTarget(target = ''): { path: string; query: string } {
  const mark = target.indexOf('?')
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

function send(response: ServerResponse, { status, html }: CallbackReply): void {
  response.writeHead(status, headersFor(html))
  response.end(html)
}

/** The answer to what is not a request at all, or did not come in time, as it goes over the wire. */
export function replyToMalformed(error: NodeJS.ErrnoException): string {
  const page = refusalPage(MALFORMED[error.code ?? ''] ?? 400)
  const lines = Object.entries(headersFor(page.html)).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${page.status} ${STATUS_CODES[page.status]}\r\n${lines.join('')}\r\n${page.html}`
}

const MALFORMED: Readonly<Record<string, Refused>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

/** Everything that is said to a request that is no callback. Nothing of the request is in it. */
const REFUSALS = {
  400: 'This request is not valid.',
  403: 'This request was not meant for this server.',
  404: 'There is nothing here.',
  405: 'Only GET is possible here.',
  408: 'The request did not arrive in time.',
  431: 'The request is too large.',
  500: 'Something went wrong. You can close this window.',
}

type Refused = keyof typeof REFUSALS

function refusalPage(status: Refused): CallbackReply {
  const text = REFUSALS[status]
  return {
    status,
    html: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text}</title><p>${text}</p></html>\n`,
  }
}

function headersFor(html: string): Record<string, string | number> {
  return {
    Connection: 'close',
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(html),
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    Allow: 'GET',
  }
}

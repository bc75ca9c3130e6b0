import type { SeenRequest } from './fake-request.ts'

/** What `fetch` adds to every request by itself. */
const ADDED = ['host', 'connection', 'accept-language', 'sec-fetch-mode', 'accept-encoding', 'content-length']

/** The names of the headers we sent, in alphabetical order. */
export function ownHeaders(request: SeenRequest | undefined): string[] {
  const names = Object.keys(request?.headers ?? {})
  return names.filter((name) => !ADDED.includes(name)).sort()
}

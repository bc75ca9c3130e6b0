import { gzipSync } from 'node:zlib'
import type { Answer, Step } from '../test/support/fake-script.ts'
import { endlessDeltas } from '../test/support/fake-sse.ts'
import type { Chance } from './chaos-tally.ts'

/** What a service says instead of what it should. */
export interface Fault {
  name: string
  step: Step
  /** It ends by a time limit of whoever asked. */
  stalls?: true
}

const MIB = 1_048_576
const HUGE = 100 * MIB
const PAGE = '<!doctype html><html><head><title>Just a moment...</title></head><body>cf-mitigated</body></html>'
const RETRY_AFTER = ['0', '1', '-5', 'soon', '99999999999', 'Wed, 21 Oct 2026 07:28:00 GMT', '']

/** Every status from 400 to 599, each with some body. */
export function statuses(chance: Chance): Fault[] {
  return Array.from({ length: 200 }, (_, n) => {
    const status = 400 + n
    const code = chance.pick(['invalid_grant', 'server_error', 'usage_limit_reached', 'no_such_code', ''])
    const bodies: Record<string, Answer> = {
      'an error': { json: { error: { message: 'No.', type: code, code } } },
      'an OAuth error': { json: { error: code, error_description: 'No.' } },
      'a detail': { json: { detail: 'No.' } },
      'a page': { html: PAGE },
      nothing: { bytes: '' },
      'a null': { json: null },
      'half an object': { bytes: '{"error":{"message":"N', headers: { 'content-type': 'application/json' } },
    }
    const kind = chance.pick(Object.keys(bodies))
    // Waiting as long as it is told is right, and too long for here.
    const retryAfter = chance.next() < 0.2 ? { 'retry-after': chance.pick(RETRY_AFTER) } : {}
    const body = bodies[kind] as Answer
    return { name: `${status} with ${kind}`, step: { ...body, status, headers: { ...body.headers, ...retryAfter } } }
  })
}

/** Answers that break off, drag on, are something else, or do not end. */
export function shapes(chance: Chance): Fault[] {
  const cut = (at: number): Fault => ({
    name: `cut after ${at} bytes`,
    step: (usual) => ({ ...usual(), cutAfter: at }),
  })
  const json = { 'content-type': 'application/json' }
  const events = { 'content-type': 'text/event-stream' }
  const whole: Record<string, Step> = {
    'a reset': { reset: true },
    'a page with status 200': { html: PAGE },
    'an empty body': { bytes: '' },
    'no content': { status: 204 },
    'not modified': { status: 304 },
    'a redirect': { status: 307, headers: { location: 'http://127.0.0.1:9/elsewhere' } },
    'a list': { json: [] },
    'an empty object': { json: {} },
    'a null': { json: null },
    'a number': { json: 7 },
    'a text': { json: 'yes' },
    'half an object': { bytes: '{"access_token":"x', headers: json },
    'fields of other types': { json: { access_token: 1, models: 'all', rate_limit: [], output: {}, expires_in: {} } },
    'keys of a prototype': { bytes: '{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}', headers: json },
    'a million brackets': { bytes: '['.repeat(MIB), headers: json },
    'invalid UTF-8': { bytes: Uint8Array.of(0xff, 0xfe, 0x80, 0xc3), headers: json },
    'what says it is packed': { bytes: 'not packed', headers: { ...json, 'content-encoding': 'gzip' } },
    'a packed bomb': {
      bytes: gzipSync(Buffer.alloc(HUGE)),
      headers: { ...json, 'content-encoding': 'gzip' },
    },
    '100 MB of JSON': { bytes: flood('{"a":"', 'x'.repeat(MIB), '"}'), headers: json },
    '100 MB of a page': { bytes: flood('<html>', 'x'.repeat(MIB), ''), headers: { 'content-type': 'text/html' } },
    '100 MB in one event': { bytes: flood('data: ', 'x'.repeat(MIB), '\n\n'), headers: events },
    '100 MB of empty events': { bytes: flood('', '\n'.repeat(MIB), ''), headers: events },
    'an endless answer': { sse: endlessDeltas('and on '.repeat(2000)) },
    'events of no type': { bytes: 'data: {}\n\ndata: 7\n\ndata: null\n\ndata: [DONE]\n\n', headers: events },
    'more header than allowed': { json: {}, headers: { 'x-much': 'x'.repeat(200_000) } },
    'a drip': (usual) => ({ ...usual(), dripMs: 1 }),
  }
  return [
    ...Object.entries(whole).map(([name, step]) => ({ name, step })),
    ...[1, 17, chance.between(20, 400), chance.between(400, 2000)].map(cut),
    { name: 'silence before the headers', step: silent, stalls: true },
    { name: 'silence after the headers', step: { bytes: '', headers: events, silent: true }, stalls: true },
    {
      name: 'silence in the middle',
      step: (usual) => {
        const { json: body, sse, ...rest } = usual()
        const text = typeof sse === 'string' ? sse : JSON.stringify(body)
        return { ...rest, bytes: text.slice(0, text.length / 2), headers: { ...rest.headers, ...events }, silent: true }
      },
      stalls: true,
    },
  ]
}

/** Longer than anybody waits; nothing happens at the service meanwhile. */
const silent: Step = async (usual) => {
  await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
  return usual()
}

function flood(begin: string, piece: string, end: string): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      yield begin
      for (let bytes = 0; bytes < HUGE; bytes += piece.length) yield piece
      yield end
    },
  }
}

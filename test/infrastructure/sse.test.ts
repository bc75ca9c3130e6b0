import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readEvents, type SseEvent, type SseLimits } from '../../src/infrastructure/sse.ts'
import { bodyOf, everySplit } from '../support/bytes.ts'
import { errorOf } from '../support/error-of.ts'

const MEBIBYTE = 1_048_576
const LIMITS = { idleTimeoutMs: 20_000, maxEventBytes: 16 * MEBIBYTE, maxTotalBytes: 64 * MEBIBYTE }

async function eventsIn(pieces: Iterable<Uint8Array>, limits: Partial<SseLimits> = {}): Promise<SseEvent[]> {
  const events: SseEvent[] = []
  for await (const some of readEvents(bodyOf(pieces), { ...LIMITS, ...limits })) events.push(...some)
  return events
}

const data = (...texts: string[]) => texts.map((text) => ({ event: undefined, data: text }))
const named = (event: string, text: string) => ({ event, data: text })

/** The rules of the WHATWG standard, "Server-sent events", 9.2.5 and 9.2.6; what it gives as examples comes first. */
const VECTORS: [rule: string, stream: string, events: SseEvent[]][] = [
  ['example: lines of data are joined', 'data: YHOO\ndata: +2\ndata: 10\n\n', data('YHOO\n+2\n10')],
  [
    'example: comments, ids, no space, two spaces, no end',
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event',
    data('first event', 'second event'),
  ],
  ['example: empty data', 'data\n\ndata\ndata\n\ndata:', data('', '\n')],
  ['example: the space is optional', 'data:test\n\ndata: test\n\n', data('test', 'test')],

  ['lines end with LF', 'data: a\n\ndata: b\n\n', data('a', 'b')],
  ['lines end with CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', data('a', 'b')],
  ['lines end with CR', 'data: a\r\rdata: b\r\r', data('a', 'b')],
  ['lines end with each in turn', 'data: a\ndata: b\rdata: c\r\n\rdata: d\n\r\n', data('a\nb\nc', 'd')],
  ['CRLF is one end of a line, not two', 'data: a\r\ndata: b\r\n\r\n', data('a\nb')],
  ['LF CR is two', 'data: a\n\rdata: b\n\n', data('a', 'b')],
  ['U+2028, U+0085 and form feed end no line', 'data: a\u2028b\u0085c\fd\n\n', data('a\u2028b\u0085c\fd')],

  ['one BOM at the start is dropped', '\ufeffdata: a\n\n', data('a')],
  ['a second BOM belongs to the name of the field', '\ufeff\ufeffdata: a\n\ndata: b\n\n', data('b')],
  ['a BOM elsewhere is text', 'data: \ufeffa\n\n\ufeffdata: b\n\n', data('\ufeffa')],

  ['comments are no events', ': a\n:\n::\n: data: x\n\ndata: b\n\n', data('b')],
  ['a comment inside an event changes nothing', 'data: a\n: x\ndata: b\n\n', data('a\nb')],
  ['a keep-alive before anything', ':\n\n:\n\n', []],

  ['one space after the colon is dropped', 'data:  two\ndata:   three\n\n', data(' two\n  three')],
  ['a tab is not', 'data:\ttab\n\n', data('\ttab')],
  ['later colons are text', 'data: {"a":"b:c"}\n\n', data('{"a":"b:c"}')],
  ['the space before a colon belongs to the name', 'data : a\n\ndata: b\n\n', data('b')],
  ['names are compared by case', 'Data: a\nDATA: a\nEvent: x\ndata: b\n\n', data('b')],
  ['unknown fields are ignored', 'foo: a\nfoo\ndatax: a\ndata: b\nxdata: c\n\n', data('b')],
  ['retry and id are not given', 'retry: 10\nretry: soon\nid: 5\nid: a\0b\ndata: a\n\n', data('a')],
  ['a NUL is text', 'data: a\0b\n\n', data('a\0b')],

  [
    'the event has its name',
    'event: add\ndata: 1\n\nevent:remove\ndata: 2\n\n',
    [named('add', '1'), named('remove', '2')],
  ],
  ['the name holds for one event', 'event: add\ndata: 1\n\ndata: 2\n\n', [named('add', '1'), ...data('2')]],
  ['the name may come after the data', 'data: 1\nevent: add\n\n', [named('add', '1')]],
  ['the last name counts', 'event: a\nevent: b\ndata: 1\n\n', [named('b', '1')]],
  ['an empty name is none', 'event: a\nevent\ndata: 1\n\nevent:\ndata: 2\n\n', data('1', '2')],
  ['a name without data is no event', 'event: add\n\ndata: 1\n\n', data('1')],
  ['blank lines alone are no events', '\n\n\r\n\r\n\r\r\n', []],
  ['data that is an empty line is an event', 'data:\n\ndata: \n\n', data('', '')],

  ['what the end cuts in two is not given: after the data', 'data: a\n\ndata: b\n', data('a')],
  ['what the end cuts in two is not given: in a line', 'data: a\n\ndata: b', data('a')],
  ['what the end cuts in two is not given: in a CRLF', 'data: a\r\n\r\ndata: b\r', data('a')],
  ['an event is whole at the CR of a CRLF', 'data: a\r\n\r', data('a')],
  ['an empty stream has no events', '', []],

  ['characters of two, three and four bytes', 'data: ë汉👩‍🚀𝒳\nevent: ü𝒳\n\n', [named('ü𝒳', 'ë汉👩‍🚀𝒳')]],
]

describe('however a stream is split', () => {
  test.each(VECTORS)('%s', async (_rule, stream, events) => {
    for (const pieces of everySplit(Buffer.from(stream))) expect(await eventsIn(pieces)).toEqual(events)
  })

  test('bytes that are no UTF-8 become the character for that, and cost nothing else', async () => {
    const bytes = Buffer.from([...Buffer.from('data: a'), 0xff, 0xe6, 0xb1, ...Buffer.from('b\n\n')])
    for (const pieces of everySplit(bytes)) expect(await eventsIn(pieces)).toEqual(data('a\ufffd\ufffdb'))
  })
})

test('an event is given when it is whole, not when the stream ends', async () => {
  let feed: (text: string) => void = () => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      feed = (text) => controller.enqueue(Buffer.from(text))
    },
  })
  const events = readEvents(body, LIMITS)
  for (const text of ['one', 'two', 'three']) {
    const next = events.next()
    feed(`data: ${text}\n`)
    feed('\n')
    expect((await next).value).toEqual(data(text))
  }
})

test('several events in one piece come together, and whoever has enough ends the stream', async () => {
  const cancel = vi.fn()
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('data: 1\n\ndata: 2\n\ndata: 3\n\n')),
    cancel,
  })
  for await (const events of readEvents(body, LIMITS)) {
    expect(events).toEqual(data('1', '2', '3'))
    break
  }
  expect(cancel).toHaveBeenCalledTimes(1)
})

test('no body has no events', async () => {
  expect(await readEvents(undefined, LIMITS).next()).toEqual({ done: true, value: undefined })
})

describe('a limit', () => {
  /** An event that never ends, and how much of it was taken. */
  function endless(piece: string, start = '') {
    let taken = 0
    function* pieces() {
      if (start !== '') yield Buffer.from(start)
      const bytes = Buffer.from(piece)
      while (true) {
        taken += bytes.length
        yield bytes
      }
    }
    return { pieces: pieces(), taken: () => taken }
  }

  test.each([
    ['in one line', 'x'.repeat(65_536), 'data: '],
    ['in many lines', `data: ${'x'.repeat(65_529)}\n`, ''],
    ['in many short lines', `data: ${'x'.repeat(93)}\n`.repeat(655), ''],
    ['in the name of a field', 'x'.repeat(65_536), ''],
    ['in a comment', ':'.repeat(65_536), ''],
  ])('refuses an endless event %s at 16 MiB, and reads no further', async (_name, piece, start) => {
    const source = endless(piece, start)
    const error = await errorOf(eventsIn(source.pieces))
    expect(error).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'One event of the answer is larger than this server accepts.',
    })
    // Of short lines the bytes are a little more than the text they carry.
    expect(source.taken()).toBeLessThanOrEqual(1.1 * 16 * MEBIBYTE)
  })

  test('lets an event pass that just fits', async () => {
    const text = 'x'.repeat(90)
    const stream = Buffer.from(`data: ${text}\n\n`)
    const pieces = () => everySplit(stream).next().value ?? []
    expect(await eventsIn(pieces(), { maxEventBytes: 100, maxTotalBytes: stream.length })).toEqual(data(text))
  })

  test('does not take back what came before', async () => {
    const seen: string[] = []
    const source = endless('x'.repeat(1000), 'data: first\n\ndata: ')
    const error = await errorOf(async () => {
      for await (const some of readEvents(bodyOf(source.pieces), { ...LIMITS, maxEventBytes: 5000 })) {
        seen.push(...some.map((event) => event.data))
      }
    })
    expect([error.code, seen]).toEqual(['RESPONSE_INVALID', ['first']])
  })

  test('counts the events together too', async () => {
    const source = endless('data: small\n\n')
    const error = await errorOf(eventsIn(source.pieces, { maxTotalBytes: 10_000 }))
    expect(error).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'The answer is larger than this server accepts.',
      hint: 'Ask for a shorter answer.',
    })
    expect(source.taken()).toBeLessThan(10_100)
  })
})

describe('silence', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('ends it, but a comment is no silence', async () => {
    let feed: (text: string) => void = () => {}
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        feed = (text) => controller.enqueue(Buffer.from(text))
      },
    })
    const events = readEvents(body, { ...LIMITS, idleTimeoutMs: 10_000 })
    const next = events.next()
    for (let n = 0; n < 5; n += 1) {
      await vi.advanceTimersByTimeAsync(8000)
      feed(': still here\n\n')
    }
    await vi.advanceTimersByTimeAsync(8000)
    feed('data: at last\n\n')
    expect((await next).value).toEqual(data('at last'))

    const nothing = errorOf(events.next())
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await nothing).toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer stopped arriving: nothing came for 10 s.',
    })
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import type { AnswerProgress } from '../../../src/services/codex/answer-progress.ts'
import { readAnswer, type StreamOptions } from '../../../src/services/codex/answer-stream.ts'
import type { Answer } from '../../../src/services/codex/codex-answer.ts'
import { failureOf } from '../../../src/services/codex/codex-failure.ts'
import { bodyOf, everySplit } from '../../support/bytes.ts'
import { errorOf } from '../../support/error-of.ts'
import { answer, answerEvents, type StreamEvent, sse } from '../../support/fake-sse.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'wire')
const LONG = { firstEventTimeoutMs: 60_000, idleTimeoutMs: 60_000 }

interface Ways extends StreamOptions {
  body?: ReadableStream<Uint8Array>
  config?: Partial<typeof LONG>
  now?: () => number
  isStream?: () => boolean
}

function read(pieces: Iterable<Uint8Array>, { body, config, now = () => 0, isStream, ...options }: Ways = {}) {
  const reply = { body: body ?? bodyOf(pieces), headers: new Headers() }
  const deps = { config: { ...LONG, ...config }, clock: { now } }
  return readAnswer({ reply, isStream: isStream ?? (() => true), failureOf }, options, deps)
}

const readText = (text: string, ways?: Ways) => read([Buffer.from(text)], ways)

/** What comes out, in a form in which two are equal or not: the answer, a part with its reason, or the error. */
async function outcomeOf(pieces: Iterable<Uint8Array>): Promise<string> {
  let told = ''
  const onText = (delta: string) => {
    told += delta
  }
  const outcome = await read(pieces, { onText }).catch((error: unknown) => error)
  if (outcome instanceof CodexError) return JSON.stringify({ ...wordsOf(outcome), told })
  const { incomplete, ...answer } = outcome as Answer
  return JSON.stringify({ ...answer, incomplete: incomplete && wordsOf(incomplete), told })
}

function wordsOf({ code, message, hint, retryable }: CodexError) {
  return { code, message, hint, retryable }
}

describe('however a stream is split, its outcome is the same:', () => {
  const samples = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

  test('there are samples of answers, of parts, and of errors', async () => {
    const outcomes = await Promise.all(samples.map((name) => outcomeOf([readFileSync(join(FOLDER, name))])))
    const kinds = outcomes.map((outcome) => {
      const { text, incomplete } = JSON.parse(outcome)
      return text === undefined ? 'error' : incomplete === undefined ? 'answer' : 'part'
    })
    expect([samples.length, [...new Set(kinds)].sort()]).toEqual([11, ['answer', 'error', 'part']])
  })

  test.each(samples)('%s at every byte, and byte by byte', async (name) => {
    await expectTheSame(readFileSync(join(FOLDER, name)))
  })

  const text = 'ë 汉字 👩‍🚀 𝒳 \u2028 "}\n\ndata: {'
  const half: StreamEvent[] = answerEvents(text, { end: 'cut', items: false, deltas: 5 })
  const more: [string, string | Uint8Array][] = [
    ['characters of any length', answer(text, { deltas: 5 })],
    ['a byte order mark in front', Buffer.from(`\ufeff${answer('x')}`)],
    ['comments between events', answer('x').replaceAll('\n\n', '\n\n: keep-alive\n\n')],
    ['half of a text, and a failure', sse([...half, { type: 'response.failed', response: { error: { code: 'x' } } }])],
    ['half of a text, and an error that says nothing', sse([...half, { type: 'error', message: 'Hm.' }])],
    ['half of a text, and half of a character', Buffer.from(sse(half)).subarray(0, -3)],
    ['two messages and commentary', answer(text, { commentary: ['Let me see.'], reasoning: '**Hm**' })],
    ['a refusal', answer('', { refusal: 'No.', deltas: 0 })],
    ['a page', '<!doctype html>\n<p>data: sign in</p>\n\n'],
    ['nothing', ''],
  ]
  test.each(more)('%s', async (_name, stream) => {
    await expectTheSame(Buffer.from(stream))
  })

  async function expectTheSame(bytes: Uint8Array) {
    const whole = await outcomeOf([bytes])
    const others = new Set<string>()
    for (const pieces of everySplit(bytes)) others.add(await outcomeOf(pieces))
    expect([...others]).toEqual([whole])
  }
})

test('a stream that is cut at any byte is never a whole answer, and never loses what came', async () => {
  const bytes = Buffer.from(answer('The answer in some words.', { deltas: 6 }))
  const end = bytes.lastIndexOf('\n\n')
  let longest = 0
  for (let at = 0; at <= end + 1; at += 1) {
    let told = ''
    const onText = (delta: string) => {
      told += delta
    }
    const outcome = await read([bytes.subarray(0, at)], { onText }).catch((error: unknown) => error)
    if (outcome instanceof CodexError) {
      expect(told).toBe('')
      continue
    }
    const { text, incomplete } = outcome as Answer
    expect(incomplete?.code).toBe('INCOMPLETE')
    expect(text).toBe(told)
    // It only grows.
    expect(text.length).toBeGreaterThanOrEqual(longest)
    longest = text.length
  }
  expect(longest).toBe('The answer in some words.'.length)
})

describe('a part', () => {
  const begun = sse(answerEvents('Half of it', { end: 'cut', items: false, deltas: 1 }))

  test('is given when the stream falls silent', async () => {
    const { text, incomplete } = await readText('', { body: held(begun), config: { idleTimeoutMs: 40 } })
    expect([text, incomplete?.code, incomplete?.message]).toEqual([
      'Half of it',
      'TIMEOUT',
      'The answer stopped arriving: nothing came for 40 ms.',
    ])
  })

  test('is given when the connection breaks', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from(begun)),
      pull: (controller) => controller.error(new TypeError('terminated')),
    })
    expect(await readText('', { body })).toMatchObject({ text: 'Half of it', incomplete: { code: 'NETWORK' } })
  })

  test('is not given to one who has cancelled', async () => {
    const cancel = new AbortController()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(begun))
        cancel.signal.addEventListener('abort', () => controller.error(new DOMException('x', 'AbortError')))
      },
    })
    const onText = () => cancel.abort()
    expect((await errorOf(readText('', { body, signal: cancel.signal, onText }))).code).toBe('CANCELLED')
  })

  test('has the reason that was known, where the connection then broke off', async () => {
    const body = held(`${begun}data: {"type":"error","message":"Something broke."}\n\n`)
    const { incomplete } = await readText('', { body, config: { idleTimeoutMs: 40 } })
    expect(incomplete).toMatchObject({ code: 'CODEX_FAILED', message: expect.stringContaining('Something broke.') })
  })

  test('is not made of a fault of ours', async () => {
    const onProgress = ({ phase }: AnswerProgress) => {
      if (phase === 'writing') throw new TypeError('ours')
    }
    await expect(readText(begun, { onProgress })).rejects.toThrow(TypeError)
  })
})

describe('the wait for the first event', () => {
  test('has a limit of its own, which comments do not stretch', async () => {
    let nowMs = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        nowMs += 1000
        controller.enqueue(Buffer.from(': keep-alive\n\n'))
        // Behind the limit nothing more comes, and nobody waits for it.
        return nowMs > 5000 ? new Promise(() => {}) : undefined
      },
    })
    const config = { firstEventTimeoutMs: 5000 }
    expect(await errorOf(readText('', { body, config, now: () => nowMs }))).toMatchObject({
      code: 'TIMEOUT',
      message: 'The service accepted the question and then sent nothing for 5 seconds.',
      retryable: true,
    })
  })

  test('is over with it: then silence counts', async () => {
    const body = held(sse(answerEvents('', { end: 'cut', deltas: 0, items: false })))
    const error = await errorOf(readText('', { body, config: { firstEventTimeoutMs: 1, idleTimeoutMs: 40 } }))
    expect(error.message).toBe('The answer stopped arriving: nothing came for 40 ms.')
  })
})

describe('progress', () => {
  const progressOf = async (pieces: readonly string[]) => {
    const seen: AnswerProgress[] = []
    await read(
      pieces.map((piece) => Buffer.from(piece)),
      { onProgress: (progress) => seen.push(progress) },
    )
    return [...new Set(seen.map(({ phase, characters }) => `${phase} ${characters}`))]
  }
  const events = answerEvents('1234', { queued: true })

  test('begins with the stream, and follows every event that comes alone', async () => {
    const told = await progressOf(events.map((event) => sse([event])))
    expect(told).toEqual(['queued 0', 'thinking 0', 'writing 2', 'writing 4'])
  })

  test('of events that come together has each change of what is done, and the last amount', async () => {
    const last = events.pop()
    const told = await progressOf([sse(events), sse(last === undefined ? [] : [last])])
    expect(told).toEqual(['queued 0', 'thinking 0', 'writing 2', 'writing 4'])
  })
})

describe('text that arrives together', () => {
  const deltas = answerEvents('one two three', { deltas: 13 })
  const end = deltas.splice(-1)

  test('is told together, before the progress that counts it', async () => {
    const told: string[] = []
    const onText = (text: string) => told.push(text)
    const onProgress = ({ characters }: AnswerProgress) => told.push(`${characters}`)
    await read([Buffer.from(sse(deltas)), Buffer.from(sse(end))], { onText, onProgress })
    expect(told).toEqual(['0', '0', 'o', '1', 'ne two three', '13', '13'])
  })

  test('is told also where it is the last that comes', async () => {
    const told: string[] = []
    const { incomplete } = await readText(sse(deltas), { onText: (text) => told.push(text) })
    expect([told.join(''), incomplete?.code]).toEqual(['one two three', 'INCOMPLETE'])
  })

  test('is told once, where the stream ends without an event that says so', async () => {
    const told: number[] = []
    await readText(sse(deltas), { onProgress: ({ characters }) => told.push(characters) })
    expect(told).toEqual([0, 0, 1, 13])
  })

  test('is told also with the event that ends it, and with the one that fails', async () => {
    const failed = answerEvents('one two three', { deltas: 13, end: { failed: { code: null, message: 'No.' } } })
    for (const events of [[...deltas, ...end], failed]) {
      const told: string[] = []
      await readText(sse(events), { onText: (text) => told.push(text) })
      expect(told.join('')).toBe('one two three')
    }
  })
})

test('what is no stream by its headers is not read', async () => {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    cancel() {
      isCancelled = true
    },
  })
  expect((await errorOf(readText('', { body, isStream: () => false }))).code).toBe('RESPONSE_INVALID')
  expect(isCancelled).toBe(true)
})

test('the end of the answer closes the connection, whatever else would come', async () => {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from(answer('All of it.'))),
    cancel() {
      isCancelled = true
    },
  })
  expect((await readText('', { body })).text).toBe('All of it.')
  expect(isCancelled).toBe(true)
})

/** A body that brings this and then nothing, and stays open. */
function held(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(text)) })
}

import { setTimeout } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../src/infrastructure/clock.ts'
import { type AskingApp, ask, idIn, openWindow, startAskingApp } from './support/asking-app.ts'
import { planAnswer, planFailure, planStream } from './support/fake-plan-stream.ts'
import { type Answer, after as behind, gate, parts } from './support/fake-script.ts'
import { answer, answerEvents, type StreamEvent, sse } from './support/fake-sse.ts'
import { createHandClock } from './support/hand-clock.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import type { StartOptions } from './support/start-app.ts'
import { until } from './support/until.ts'

/** Section 1 of issue 5, "Alive while it works": through the whole program. */

/** With a clock that the test moves, so that minutes take no time. */
async function startAlive(options: StartOptions = {}) {
  const clock = createHandClock()
  const started = await startAskingApp({ edges: { clock }, ...options })
  // The list of models is there before the first question, so that no question waits for it.
  await started.app.call('codex_models')
  return { ...started, clock }
}

const TEXT = 'The answer in a few words.'
const HALF = TEXT.slice(0, 13)

/** The events before the first one of this kind, and the others. */
function cut(events: readonly StreamEvent[], isFirst: (event: StreamEvent) => boolean): [StreamEvent[], StreamEvent[]] {
  const at = events.findIndex(isFirst)
  return [events.slice(0, at), events.slice(at)]
}

const itemOf = (event: StreamEvent) => (event.item as { type?: string } | undefined)?.type

/** An answer in its stages, each of which waits until the test lets it go on. */
function stagedAnswer() {
  const search = [{ query: 'node 20' }]
  const events = answerEvents(TEXT, { queued: true, reasoning: '**Weighing both** It depends.', search })
  const [queued, afterQueue] = cut(events, ({ type }) => type === 'response.in_progress')
  const [thinking, afterThought] = cut(afterQueue, (event) => itemOf(event) === 'web_search_call')
  const [searching, afterSearch] = cut(afterThought, ({ type }) => type === 'response.output_text.delta')
  const [first, rest] = [afterSearch.slice(0, 1), afterSearch.slice(1)]
  const gates = Array.from({ length: 5 }, gate)
  const [atHeaders, atThought, atSearch, atText, atEnd] = gates.map(({ promise }) => promise)
  const body = parts(
    ...[sse(queued), atThought, sse(thinking), atSearch, sse(searching), atText, sse(first), atEnd, sse(rest)].map(
      (part) => part ?? '',
    ),
  )
  onTestFinished(() => {
    for (const { open } of gates) open()
  })
  return { step: behind(atHeaders ?? Promise.resolve(), { sse: body }), goOn: () => gates.shift()?.open() }
}

describe('progress, for a client that gave a token', () => {
  test('tells each phase when it begins, with what is known of it and the seconds so far', async () => {
    const { fake, app, clock } = await startAlive()
    const { step, goOn } = stagedAnswer()
    fake.script.responses.push(step)
    const { outcome, said, hears, id } = ask(app, { prompt: 'Why?' })
    for (const words of ['Asking', 'has the question', 'thinking', 'searching the web: “node 20”', 'writing']) {
      await hears(words)
      await clock.pass(3)
      goOn()
    }
    expect((await outcome).texts[0]).toBe(TEXT)
    const end = ` · answer ${await id()}`
    expect(said.map((words) => words.replace(end, ''))).toEqual([
      'Asking Codex (0 s)',
      'Codex has the question (3 s)',
      // The beat falls into the phase, and what has to be told comes at once all the same.
      'Codex has the question (5 s)',
      'Codex is thinking (6 s)',
      'Codex is thinking: Weighing both (6 s)',
      'Codex is searching the web (9 s)',
      // What was searched for is known when it has been found.
      'Codex is thinking (9 s)',
      'Codex is searching the web: “node 20” (9 s)',
      'Codex is searching the web: “node 20” (10 s)',
      'Codex is writing, 13 characters (12 s)',
      'Codex is writing, 13 characters (15 s)',
    ])
  })

  test('comes at least every ten seconds, whatever the service does not say', async () => {
    const { fake, app, clock } = await startAlive()
    const { step, goOn } = stagedAnswer()
    fake.script.responses.push(step)
    const times: number[] = []
    const { outcome, hears } = ask(app, { prompt: 'Why?' }, { onSaid: () => void times.push(clock.now()) })
    const startedAt = clock.now()
    for (const words of ['Asking', 'has the question', 'thinking', '“node 20”', 'writing']) {
      await hears(words)
      await clock.pass(47)
      goOn()
    }
    await outcome
    const gaps = times.map((time, n) => time - (times[n - 1] ?? startedAt))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000)
    expect((times.at(-1) ?? 0) - startedAt).toBeGreaterThan(5 * 45_000)
  })

  test('also while a stream keeps itself alive and says nothing', async () => {
    const { fake, app, clock } = await startAlive()
    const pulse = [gate(), gate(), gate()]
    const beats = pulse.flatMap(({ promise }) => [': keep-alive\n\n', promise])
    fake.script.responses.push({ sse: parts(...beats, answer(TEXT)) })
    const { outcome, said } = ask(app, { prompt: 'Why?' })
    await fake.arrival('/backend-api/codex/responses')
    for (const { open } of pulse) {
      await clock.pass(10)
      open()
    }
    await outcome
    expect(said.filter((words) => /\((5|10|15|20|25|30) s\)/.test(words)).length).toBeGreaterThanOrEqual(6)
  })

  test('is there before the question has left, and nothing of it is told only with the answer', async () => {
    const { fake, app, clock } = await startAlive()
    const { promise, open } = gate()
    fake.script.responses.push(behind(promise))
    const order: string[] = []
    const { outcome, said } = ask(app, { prompt: 'Why?' }, { onSaid: (words) => void order.push(words) })
    await fake.arrival('/backend-api/codex/responses')
    // The id is what a caller may need later: it stands in the very first message.
    expect(order).toEqual([expect.stringMatching(/^Asking Codex \(0 s\) · answer a-[0-9a-z]{10}$/)])
    open()
    const { texts } = await outcome
    const before = said.length
    expect(idIn(texts[1] ?? '')).toBe(idIn(said[0] ?? ''))
    await clock.pass(30)
    expect(said).toHaveLength(before)
  })

  test('grows with each message, as the protocol wants it', async () => {
    const { app } = await startAlive()
    const counts: number[] = []
    const onprogress = ({ progress }: { progress: number }) => void counts.push(progress)
    await app.client.callTool({ name: 'codex_query', arguments: { prompt: 'Why?' } }, undefined, { onprogress })
    expect(counts.length).toBeGreaterThan(1)
    expect(counts).toEqual(counts.map((_, n) => n + 1))
  })

  test('goes on through a repair, which is a question of its own', async () => {
    const { fake, app, clock } = await startAlive()
    const { promise, open } = gate()
    fake.script.responses.push({ sse: answer('no JSON') }, behind(promise, { sse: answer({ ok: true }) }))
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
    const { outcome, said } = ask(app, { prompt: 'Why?', output_schema: schema })
    await fake.arrival('/backend-api/codex/responses', 2)
    const before = said.length
    await clock.pass(21)
    expect(said.length - before).toBeGreaterThanOrEqual(3)
    open()
    expect((await outcome).texts[0]).toBe('{"ok":true}')
  })
})

test('a client that gave no token is sent none', async () => {
  const { fake, app, clock } = await startAlive()
  const frames: object[] = []
  const { transport } = app.client
  const deliver = transport?.onmessage
  if (transport !== undefined) {
    transport.onmessage = (message, extra) => {
      frames.push(message)
      deliver?.(message, extra)
    }
  }
  const { promise, open } = gate()
  fake.script.responses.push(behind(promise))
  const outcome = app.call('codex_query', { prompt: 'Why?' })
  await fake.arrival('/backend-api/codex/responses')
  await clock.pass(30)
  open()
  await outcome
  expect(frames.filter((frame) => 'method' in frame)).toEqual([])
  expect(frames).toHaveLength(1)
})

describe('each wait has a limit of its own, and an error of its own:', () => {
  const LONG = '60000'
  const NAMES = ['HEADER', 'FIRST_EVENT', 'IDLE'] as const

  /** This limit is short, the others are long. */
  function limits(short: (typeof NAMES)[number], ms = 150): Record<string, string> {
    return Object.fromEntries(NAMES.map((name) => [`CODEX_OAUTH_${name}_TIMEOUT_MS`, name === short ? `${ms}` : LONG]))
  }

  const begun = sse(answerEvents('', { end: 'cut', deltas: 0, items: false }))

  test.each<[string, (typeof NAMES)[number], (never: Promise<void>) => Answer | ReturnType<typeof behind>, RegExp]>([
    [
      'no headers',
      'HEADER',
      (never) => behind(never),
      /^127\.0\.0\.1:\d+ did not answer within 150 ms\. .*CODEX_OAUTH_HEADER_TIMEOUT_MS sets .*\[TIMEOUT\]$/,
    ],
    [
      'headers, and no event',
      'FIRST_EVENT',
      () => ({ sse: ': hello\n\n', silent: true }),
      /^The service accepted the question and then sent nothing for 150 ms\. .*CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS sets .*\[TIMEOUT\]$/,
    ],
    [
      'an event, and nothing after it',
      'IDLE',
      () => ({ sse: begun, silent: true }),
      /^The answer stopped arriving: nothing came for 150 ms\. .*CODEX_OAUTH_IDLE_TIMEOUT_MS sets .*\[TIMEOUT\]$/,
    ],
  ])('%s', async (_name, short, stepOf, expected) => {
    const { fake, app } = await startAskingApp({ env: limits(short) })
    const { promise, open } = gate()
    fake.script.responses.push(stepOf(promise))
    const { text, isError } = await app.call('codex_query', { prompt: 'Why?' })
    open()
    expect([text, isError]).toEqual([expect.stringMatching(expected), true])
    // What timed out may be worked on: it is not asked twice.
    expect(fake.seen.counts['/backend-api/codex/responses']).toBe(1)
  })

  test('the limit for headers ends with them, and that for the first event with it', async () => {
    const { fake, app } = await startAskingApp({
      env: { CODEX_OAUTH_HEADER_TIMEOUT_MS: '300', CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS: '300' },
    })
    const half = Buffer.from(answer(TEXT))
    const at = half.indexOf('\n\n') + 2
    fake.script.responses.push({
      sse: parts(half.subarray(0, at), setTimeout(700), half.subarray(at)),
    })
    expect((await app.call('codex_query', { prompt: 'Why?' })).texts[0]).toBe(TEXT)
  })

  test('comments keep an answer alive that has begun', async () => {
    const { fake, app } = await startAskingApp({ env: limits('IDLE', 400) })
    const comments = Array.from({ length: 10 }, () => [': x\n\n', () => setTimeout(100)] as const)
    const body = async function* () {
      yield begun
      for (const [comment, pause] of comments) {
        yield comment
        await pause()
      }
      yield answer(TEXT)
    }
    fake.script.responses.push({ sse: { [Symbol.asyncIterator]: body } })
    expect((await app.call('codex_query', { prompt: 'Why?' })).texts[0]).toBe(TEXT)
  })

  test('and do not stand for its first event', async () => {
    const { fake, app } = await startAskingApp({ env: limits('FIRST_EVENT'), edges: { clock: systemClock } })
    const body = async function* () {
      for (;;) {
        yield ': x\n\n'
        await setTimeout(20)
      }
    }
    fake.script.responses.push({ sse: { [Symbol.asyncIterator]: body } })
    expect((await app.call('codex_query', { prompt: 'Why?' })).text).toMatch(/sent nothing for 150 ms/)
  })
})

/** Half of an answer, and then this. */
const half = (...more: StreamEvent[]) => [
  ...answerEvents(HALF, { end: 'cut', items: false, deltas: 1 }),
  ...more.map((event) => ({ ...event })),
]
const failed = (error: unknown): StreamEvent => ({ type: 'response.failed', response: { id: 'r', error } })
const stopped = (reason: string): StreamEvent => ({
  type: 'response.incomplete',
  response: { id: 'r', incomplete_details: { reason } },
})

describe('a stream that ends after text began keeps the text, and says why it is not all', () => {
  const SHORT = { CODEX_OAUTH_IDLE_TIMEOUT_MS: '150' }
  type Ending = [name: string, code: string, why: RegExp, answer: (events: readonly StreamEvent[]) => Answer]

  const bytesOf = (events: readonly StreamEvent[]) => Buffer.byteLength(sse(events))
  const ENDINGS: Ending[] = [
    ['it simply ends', 'INCOMPLETE', /ended after 13 characters/, (events) => ({ bytes: sse(events) })],
    [
      'the connection breaks',
      'NETWORK',
      /broke off/,
      (events) => ({ bytes: sse([...events, ...answerEvents('x')]), cutAfter: bytesOf(events) + 30 }),
    ],
    [
      'nothing comes any more',
      'TIMEOUT',
      /nothing came for 150 ms/,
      (events) => ({ bytes: sse(events), silent: true }),
    ],
    [
      'it is as long as it may be',
      'INCOMPLETE',
      /longest output.*Ask for a shorter answer/,
      (events) => ({ bytes: sse([...events, stopped('max_output_tokens')]) }),
    ],
    [
      'the filter stops it',
      'REFUSED',
      /content filter.*Put the question another way/,
      (events) => ({ bytes: sse([...events, stopped('content_filter')]) }),
    ],
    [
      'it is stopped for a new reason',
      'INCOMPLETE',
      /stopped before the answer was complete/,
      (events) => ({ bytes: sse([...events, stopped('of_tomorrow')]) }),
    ],
    [
      'the response fails',
      'CODEX_FAILED',
      /The moon is full/,
      (events) => ({ bytes: sse([...events, failed({ code: 'of_tomorrow', message: 'The moon is full.' })]) }),
    ],
    [
      'there are too many requests',
      'RATE_LIMITED',
      /Too many requests/,
      (events) => ({ bytes: sse([...events, { type: 'error', code: 'rate_limit_exceeded', message: 'Slowly.' }]) }),
    ],
    [
      'an error says nothing, and nothing follows',
      'CODEX_FAILED',
      /failed while answering/,
      (events) => ({ bytes: sse([...events, { type: 'error', message: 'Something broke.' }]), silent: true }),
    ],
    [
      'an event is larger than any',
      'RESPONSE_INVALID',
      /larger than this server accepts/,
      (events) => ({ bytes: `${sse(events)}data: ${'x'.repeat(17 * 1024 * 1024)}\n\n` }),
    ],
  ]

  const ROUTES = {
    codex: { env: {}, prepare: () => {} },
    plan: {
      env: {},
      prepare: ({ fake, app }: AskingApp) => seedLogins(app, { codex_plan: planRecordOf(fake.plan.issueTokens()) }),
    },
  }

  describe.each(['codex', 'plan'] as const)('on the route %s:', (route) => {
    async function askHalf(ended: Answer, args: Record<string, unknown> = {}) {
      const started = await startAskingApp({ env: SHORT })
      ROUTES[route].prepare(started)
      const { script } = route === 'plan' ? started.fake.plan : started.fake
      script.responses.push(ended)
      const outcome = await started.app.call('codex_query', { prompt: 'Why?', ...args })
      return { ...started, outcome, script }
    }

    test.each(ENDINGS)('%s', async (_name, code, why, ended) => {
      const { app, outcome } = await askHalf(ended(half()))
      const [text, footer = ''] = outcome.texts
      expect([text, outcome.isError]).toEqual([HALF, false])
      const [first = '', ...lines] = footer.split('\n')
      expect(first).toMatch(/^INCOMPLETE ANSWER: only part of it came\. /)
      expect(first).toMatch(why)
      // A whole sentence about what to do stands between the reason and the code.
      expect(first).toMatch(new RegExp(`\\. [A-Z][^.]+\\.( .*)? \\[${code}\\]$`))
      expect(lines.join('\n')).toMatch(/^Answered by Codex \(gpt-/)

      const { data } = await app.call('codex_status')
      expect(data.answers).toMatchObject([{ id: idIn(footer), state: 'incomplete', characters: HALF.length }])
      expect((await app.call('codex_query', { collect: idIn(footer) })).texts).toEqual(outcome.texts)
    })

    test('in a conversation it can be gone on with where it stopped', async () => {
      const ended = route === 'plan' ? planStream(half()) : { sse: sse(half()) }
      const { fake, app, outcome } = await askHalf(ended, { conversation: 'sky' })
      expect(outcome.texts[1]).toMatch(/To go on where it stopped, ask on in the conversation “sky”\./)
      await app.call('codex_query', { prompt: 'Go on.', conversation: 'sky' })
      const { body } = fake.seen.requests.filter(({ path }) => path.endsWith('/responses')).at(-1) ?? {}
      const said = JSON.stringify((body as { input: unknown }).input)
      expect(said.indexOf(HALF)).toBeGreaterThan(said.indexOf('Why?'))
      expect(said.indexOf('Go on.')).toBeGreaterThan(said.indexOf(HALF))
    })

    test('without any text it is an error', async () => {
      const events = answerEvents('', { reasoning: '**Hm**', end: 'cut', deltas: 0, items: false })
      const { app, outcome } = await askHalf({ bytes: sse(events) })
      expect(outcome).toMatchObject({ isError: true, text: expect.stringMatching(/before any text.*\[INCOMPLETE\]$/) })
      expect((await app.call('codex_status')).data.answers).toBeUndefined()
    })
  })

  test('a plan that is used up in the middle: the limit is named, and the half is there', async () => {
    const started = await startAskingApp()
    ROUTES.plan.prepare(started)
    started.fake.plan.script.responses.push(planFailure({ text: TEXT }))
    const { texts, isError } = await started.app.call('codex_query', { prompt: 'Why?' })
    expect([texts[0], isError]).toEqual([TEXT, false])
    expect(texts[1]).toMatch(/^INCOMPLETE ANSWER: only part of it came\. Usage limit reached.*\[USAGE_LIMIT\]/)
  })

  test('another window collects it as it was', async () => {
    const started = await startAskingApp()
    started.fake.script.responses.push(planAnswer(HALF, { end: 'cut' }))
    const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
    const other = await openWindow(started)
    expect((await other.call('codex_query', { collect: idIn(texts[1] ?? '') })).texts).toEqual(texts)
  })
})

test('what was written is told while it comes, and not at the end', async () => {
  const { fake, app } = await startAskingApp()
  const gates = [gate(), gate()]
  const deltas = answerEvents('x'.repeat(90), { deltas: 3 })
  const [head, tail] = cut(deltas, ({ type }) => type === 'response.output_text.delta')
  fake.script.responses.push({
    sse: parts(
      sse([...head, ...tail.slice(0, 1)]),
      gates[0]?.promise ?? '',
      sse(tail.slice(1, 2)),
      gates[1]?.promise ?? '',
      sse(tail.slice(2)),
    ),
  })
  const { outcome, said, hears } = ask(app, { prompt: 'Why?' })
  await hears('writing, 30 characters')
  gates[0]?.open()
  // The amount alone is told once a second, or with the next beat.
  await until(() => said.some((words) => words.includes('writing, 60 characters')))
  gates[1]?.open()
  await outcome
})

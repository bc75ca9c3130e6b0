import { describe, expect, test } from 'vitest'
import { planAnswer, planStream } from './support/fake-plan-stream.ts'
import type { SeenRequest } from './support/fake-request.ts'
import { answerEvents, endlessDeltas } from './support/fake-sse.ts'
import { type PlanApp, startPlanApp } from './support/plan-app.ts'

const QUESTION = { prompt: 'Anybody there?' }
const ALLOWED_FIELDS = ['model', 'instructions', 'input', 'reasoning', 'store', 'stream']
/** Ours, and what `fetch` and HTTP add. */
const ALLOWED_HEADERS = [
  ...['authorization', 'user-agent', 'accept', 'content-type', 'content-length', 'host', 'connection'],
  ...['accept-encoding', 'accept-language', 'sec-fetch-mode', 'if-none-match'],
]

const headersOf = ({ rawHeaders }: SeenRequest) =>
  rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())

/** What a question with these arguments sends. */
async function sent({ app, asked }: PlanApp, args: Record<string, unknown>) {
  await app.call('codex_query', { ...QUESTION, ...args })
  return asked().at(-1)?.body as Record<string, unknown>
}

describe('an answer is read', () => {
  const WORDS = 'Größe: 7 €, 你好 👋'
  const answers: [string, Parameters<typeof planAnswer>[1]][] = [
    ['that is plain', {}],
    ['behind commentary', { commentary: ['First I look.', 'Then I think.'] }],
    ['that comes in deltas only', { items: false }],
    ['without deltas', { deltas: 0 }],
    ['with reasoning before it', { reasoning: 'Hm.' }],
    ['with lines that end in CRLF', { crlf: true }],
    ['whose characters are split between writes', { splitCharacters: true }],
    ['with both, and commentary', { crlf: true, splitCharacters: true, commentary: ['Überlege …'] }],
    ['with the content type of a stream', { contentType: 'text/event-stream; charset=utf-8' }],
    ['with that content type in capitals', { contentType: 'Text/Event-Stream' }],
  ]
  test.each(answers)('%s', async (_, options) => {
    const { fake, app, asked } = await startPlanApp()
    fake.plan.script.responses.push(planAnswer(WORDS, { model: 'gpt-6-astra', ...options }))
    const { texts, isError } = await app.call('codex_query', QUESTION)
    expect({ text: texts[0], isError }).toEqual({ text: WORDS, isError: false })
    expect(texts[1]).toMatch(
      /^Answered by Codex \(gpt-6-astra\) · effort medium · 11 tokens in, 7 out · ChatGPT plan usage · answer a-\w+$/,
    )
    expect(asked()).toHaveLength(1)
  })

  test('though `output` of the last event is empty, and though nothing counts its tokens', async () => {
    const { fake, app } = await startPlanApp()
    const events = answerEvents(WORDS, { model: 'gpt-6-astra', usage: null })
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output: [] } })
    fake.plan.script.responses.push(planStream(events))
    const { texts } = await app.call('codex_query', QUESTION)
    expect(texts).toEqual([
      WORDS,
      expect.stringMatching(/^Answered by Codex \(gpt-6-astra\) · effort medium · ChatGPT plan usage · answer a-\w+$/),
    ])
  })

  test('up to its last event, whatever the connection does then', async () => {
    const { fake, app } = await startPlanApp()
    fake.plan.script.responses.push({ ...planAnswer(WORDS), silent: true })
    expect((await app.call('codex_query', QUESTION)).texts[0]).toBe(WORDS)
    await fake.clientGone()
  })
})

describe('what is no whole answer is an error, or what has come of it with the reason', () => {
  test.each([
    ['application/json', undefined],
    ['text/plain; charset=utf-8', undefined],
    ['application/json', { error: { code: null, message: 'Not today.' } }],
  ])('a stream that calls itself %s, or a body of that kind', async (contentType, json) => {
    const { fake, app } = await startPlanApp()
    fake.plan.script.responses.push(json === undefined ? planAnswer('Hello.', { contentType }) : { json })
    const { text, isError } = await app.call('codex_query', QUESTION)
    expect(isError).toBe(true)
    expect(text).toMatch(/something that is not an answer stream.* \[RESPONSE_INVALID\]$/)
  })

  const whole = planAnswer('Half an answer.', { commentary: ['Hm.'] }).bytes as string
  const places: [string, number, RegExp][] = [
    ['before anything', 0, /not an answer stream.*\[RESPONSE_INVALID\]$/],
    ['in the first event', 60, /\[(RESPONSE_INVALID|INCOMPLETE)\]$/],
    [
      'in the text',
      whole.indexOf('answer.') + 3,
      /^Half an \nINCOMPLETE ANSWER: .*before the answer was complete.*\[INCOMPLETE\]$/m,
    ],
    [
      'before the last event',
      whole.indexOf('event: response.completed'),
      /^Half an answer\.\nINCOMPLETE .*\[INCOMPLETE\]$/m,
    ],
    ['in the last event', whole.length - 3, /^Half an answer\.\nINCOMPLETE .*\[INCOMPLETE\]$/m],
  ]
  test.each(places)('a stream that ends %s', async (_, at, expected) => {
    const { fake, app, asked } = await startPlanApp()
    fake.plan.script.responses.push({ ...planAnswer(''), bytes: whole.slice(0, at) })
    const { text, isError } = await app.call('codex_query', QUESTION)
    expect(isError).toBe(!text.startsWith('Half an '))
    expect(text).toMatch(expected)
    expect(asked()).toHaveLength(1)
  })

  test.each(places.slice(1))('a connection that breaks %s', async (_, cutAfter) => {
    const { fake, app, asked } = await startPlanApp()
    fake.plan.script.responses.push({ ...planAnswer(''), bytes: whole, cutAfter })
    const { text, isError } = await app.call('codex_query', QUESTION)
    expect(isError).toBe(!text.startsWith('Half an '))
    expect(text).toMatch(/\[(NETWORK|INCOMPLETE)\]$/m)
    // It may have cost something already: only its owner asks again.
    expect(asked()).toHaveLength(1)
  })

  test.each([
    ['max_output_tokens', 'INCOMPLETE'],
    ['content_filter', 'REFUSED'],
    ['something_new', 'INCOMPLETE'],
  ])('an answer that is incomplete because of %s', async (incomplete, code) => {
    const { fake, app } = await startPlanApp()
    fake.plan.script.responses.push(planAnswer('Half', { end: { incomplete } }))
    expect((await app.call('codex_query', QUESTION)).text).toMatch(
      new RegExp(`^Half\\nINCOMPLETE ANSWER: .*\\[${code}\\]$`, 'm'),
    )
  })
})

test('a question that is cancelled while its answer comes slowly is over at the service too', async () => {
  const { fake, app } = await startPlanApp()
  fake.plan.script.responses.push({ bytes: endlessDeltas() })
  const abort = new AbortController()
  const onProgress = (message: string) => {
    if (message.includes('writing')) abort.abort()
  }
  await expect(app.call('codex_query', QUESTION, { signal: abort.signal, onProgress })).rejects.toThrow(/abort/i)
  await fake.clientGone()
  expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
})

describe('an argument', () => {
  test('temperature is left out, and that is said', async () => {
    const { app, asked } = await startPlanApp()
    const { texts } = await app.call('codex_query', { ...QUESTION, temperature: 0 })
    expect(texts[1]).toContain('Note: temperature was ignored: questions on the ChatGPT plan take none.')
    expect(asked()[0]?.body).not.toHaveProperty('temperature')
  })

  test('reasoning_effort that is listed is sent as it is', async () => {
    const started = await startPlanApp()
    const { texts } = await started.app.call('codex_query', { ...QUESTION, reasoning_effort: 'high' })
    expect(texts[1]).toContain('effort high')
    expect(texts[1]).not.toContain('Note:')
    expect(started.asked()[0]?.body).toMatchObject({ reasoning: { effort: 'high' } })
  })

  test.each(['none', 'hyper'])(
    'reasoning_effort %s that the listed model does not take is not asked for',
    async (effort) => {
      const { app, asked } = await startPlanApp()
      const { text, isError } = await app.call('codex_query', { ...QUESTION, reasoning_effort: effort })
      expect(isError).toBe(true)
      expect(text).toMatch(
        /^gpt-6-astra has no reasoning effort “\w+”\..*low, medium, high, xhigh.*\[INPUT_INVALID\]$/s,
      )
      expect(asked()).toHaveLength(0)
    },
  )

  test('reasoning_effort that a model nobody lists does not take is refused by the service', async () => {
    const { app, asked } = await startPlanApp()
    const args = { ...QUESTION, model: 'gpt-6.1-sol', reasoning_effort: 'hyper' }
    const { text, isError } = await app.call('codex_query', args)
    expect(isError).toBe(true)
    expect(text).toMatch(
      /does not take this value of a field \(“reasoning\.effort”\).*codex_models.*\[INPUT_INVALID\]$/,
    )
    expect(asked().map(({ body }) => (body as { reasoning: unknown }).reasoning)).toEqual([{ effort: 'hyper' }])
  })

  test('reasoning_effort `none` is taken by a model that lists it', async () => {
    const { app } = await startPlanApp()
    const { texts } = await app.call('codex_query', { ...QUESTION, model: 'gpt-5.6-sol', reasoning_effort: 'none' })
    expect(texts).toEqual(['Hello from the fake plan.', expect.stringMatching(/\(gpt-5\.6-sol\) · effort none/)])
  })

  test('system_prompt becomes the instructions, and no message of a system role', async () => {
    const started = await startPlanApp()
    const body = await sent(started, { system_prompt: 'Answer in verse.' })
    expect(body).toMatchObject({ instructions: 'Answer in verse.', input: [{ role: 'user' }] })
    expect(body.input).toHaveLength(1)
  })

  test('model that is not listed is asked all the same, and that is said', async () => {
    const { app, asked } = await startPlanApp()
    const { texts } = await app.call('codex_query', { ...QUESTION, model: 'gpt-6.1-sol' })
    expect(texts[0]).toBe('Hello from the fake plan.')
    expect(texts[1]).toContain('Note: gpt-6.1-sol is not in the model list of this account; it was asked all the same.')
    expect(asked()[0]?.body).toMatchObject({ model: 'gpt-6.1-sol' })
  })
})

test('whatever is asked, nothing leaves but what the route is documented to take', async () => {
  const started = await startPlanApp({ env: { OPENAI_API_KEY: 'sk-FAKE-0001' } })
  const { app, asked, fake } = started
  const choices: Record<string, unknown[]> = {
    model: [undefined, 'gpt-5.6-luna', 'gpt-6.1-sol', 'gpt-5.5', 'gpt-none'],
    system_prompt: [undefined, 'Be short.'],
    temperature: [undefined, 0, 1],
    reasoning_effort: [undefined, 'low', 'none', 'ultra'],
  }
  for (const args of combinations(choices)) await app.call('codex_query', { ...QUESTION, ...args })
  // Three of the models are listed, and two of the efforts are not theirs.
  expect(asked()).toHaveLength((5 * 4 - 3 * 2) * 2 * 3)
  for (const request of asked()) {
    const body = request.body as Record<string, unknown>
    expect(Object.keys(body).filter((field) => !ALLOWED_FIELDS.includes(field))).toEqual([])
    expect(body).toMatchObject({ store: false, stream: true })
    expect(Object.keys((body.reasoning ?? {}) as object)).toEqual(body.reasoning === undefined ? [] : ['effort'])
    expect(body.input).toEqual([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: QUESTION.prompt }] },
    ])
  }
  for (const request of fake.seen.requests) {
    expect(headersOf(request).filter((name) => !ALLOWED_HEADERS.includes(name))).toEqual([])
    expect([...request.query]).toEqual([])
  }
})

test('the service hears the name of this program, also where the Codex backend is told another', async () => {
  const { app, asked } = await startPlanApp({ env: { CODEX_OAUTH_ORIGINATOR: 'codex_cli_rs' } })
  await app.call('codex_query', QUESTION)
  expect(asked()[0]?.headers['user-agent']).toBe('codex-oauth/0.0.0-test (linux; x64)')
})

function combinations(choices: Record<string, unknown[]>): Record<string, unknown>[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (all, [name, values]) =>
      all.flatMap((one) => values.map((value) => (value === undefined ? one : { ...one, [name]: value }))),
    [{}],
  )
}

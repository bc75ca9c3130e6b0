import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { apiError } from './support/fake-errors.ts'
import { usageLimitReached } from './support/fake-limits.ts'
import { type AnswerOptions, answer } from './support/fake-sse.ts'
import { gitRepo } from './support/git-repo.ts'
import { type QueryApp, startQueryApp, wordsOf } from './support/query-app.ts'
import type { StartedApp } from './support/start-app.ts'

const PROMPT = 'How many?'

async function ask(app: QueryApp, args: Record<string, unknown> = {}) {
  const progress: string[] = []
  const onProgress = (message: string) => void progress.push(message)
  const outcome = await app.ask({ prompt: PROMPT, ...args }, { onProgress })
  const [answered = '', footer = ''] = outcome.texts
  return { ...outcome, answered, footer, progress, last: app.asked().at(-1) }
}

describe('5. How it answers: reasoning_effort', () => {
  test.each([
    ['codex', 'gpt-5.5', 'low, medium, high, xhigh'],
    ['plan', 'gpt-5.6-sol', 'none, low, medium, high, xhigh'],
  ] as const)(
    'that the model does not have is refused with those it has, on the route %s',
    async (as, model, efforts) => {
      const app = await startQueryApp({ as })
      const { text, isError } = await ask(app, { model, reasoning_effort: 'hyper' })
      expect(isError).toBe(true)
      expect(text).toBe(
        `${model} has no reasoning effort “hyper”. It takes ${efforts}. Choose one of these, or name none: then it takes its own. [INPUT_INVALID]`,
      )
      expect(app.asked()).toEqual([])
    },
  )

  test('that it has is sent', async () => {
    const app = await startQueryApp()
    const { last, footer } = await ask(app, { reasoning_effort: 'high' })
    expect(last?.body.reasoning.effort).toBe('high')
    expect(footer).toContain('effort high')
  })

  test('of the settings that the model does not have is left out, and said', async () => {
    const app = await startQueryApp({ env: { CODEX_OAUTH_EFFORT: 'ultra' } })
    const { last, footer } = await ask(app, { model: 'gpt-5.5' })
    expect(last?.body.reasoning.effort).toBe('medium')
    expect(footer).toContain('Note: CODEX_OAUTH_EFFORT is “ultra”, which gpt-5.5 does not have; it was left out.')
  })
})

describe('5. How it answers: web_search', () => {
  const SOURCES = [
    { url: 'https://nodejs.org/en/blog?utm_source=openai', title: 'Node.js — Blog' },
    { url: 'https://example.com/b' },
  ]
  const searched = (options: AnswerOptions = {}) => ({
    sse: answer('Node 24.', { search: [{ query: 'node lts', sources: SOURCES }], ...options }),
  })

  test.each([
    ['codex', 'lite', 'gpt-6.1-sol', { type: 'web_search', external_web_access: true }],
    ['codex', 'classic', 'gpt-5.5', { type: 'web_search', external_web_access: true }],
    ['plan', 'plan', 'gpt-6-astra', { type: 'web_search' }],
    ['api-key', 'API', 'gpt-6.1-sol', { type: 'web_search' }],
  ] as const)(
    'on the route %s, in the form %s: the tool is offered, and sources stand below the answer',
    async (as, form, model, tool) => {
      const app = await startQueryApp({ as })
      app.script.push(searched({ model }))
      const { answered, footer, last, isError } = await ask(app, { web_search: true, model })
      expect([isError, answered]).toEqual([false, 'Node 24.'])
      expect(footer).toMatch(
        /\nSources:\n1\. Node\.js — Blog: https:\/\/nodejs\.org\/en\/blog\n2\. https:\/\/example\.com\/b$/,
      )
      expect(footer).not.toContain('Note:')
      const { tools, input } = last?.body ?? {}
      const isInside = input[0].type === 'additional_tools'
      expect(isInside ? input[0].tools : tools).toEqual([tool])
      expect(isInside && tools !== undefined).toBe(false)
      if (form === 'lite') expect(isInside).toBe(true)
      expect(last?.body.instructions).toContain('You can search the web')
      expect(app.fake.seen.refusals).toEqual([])
    },
  )

  test('is seen while it happens', async () => {
    const app = await startQueryApp()
    app.script.push(searched())
    const { progress } = await ask(app, { web_search: true })
    expect(progress.join('\n')).toMatch(/Codex is searching the web(: “node lts”)? \(\d+ s\) · answer a-/)
  })

  test('is not offered to those who do not ask for it', async () => {
    const app = await startQueryApp()
    const { last } = await ask(app)
    expect(last?.body.input[0].tools).toEqual([])
    expect(last?.body.instructions).not.toContain('search the web')
  })

  test.each([
    ['codex', 'lite', 'gpt-6.1-sol', 'input[0].tools[0].type'],
    ['codex', 'classic', 'gpt-5.5', 'tools[0].type'],
    ['api-key', 'API', 'gpt-5.5', 'tools[0]'],
    ['plan', 'plan', 'gpt-6-astra', undefined],
  ] as const)(
    'that is refused (%s, %s) is left out: the question is answered without, and that is said',
    async (as, _form, model, param) => {
      const app = await startQueryApp({ as })
      if (param === undefined) app.fake.plan.options.unsupported.push('web_search')
      else
        app.script.push(apiError(400, { message: 'Hosted tools are not supported.', param, code: 'unsupported_value' }))
      const { answered, footer, last, isError } = await ask(app, { web_search: true, model })
      expect(isError).toBe(false)
      expect(answered).toMatch(/^Hello from the fake/)
      expect(footer).toContain(`Note: web search was not accepted by ${model} and left out.`)
      expect(JSON.stringify(last?.body)).not.toContain('web_search')
      expect(last?.body.instructions).toContain('You have no tools')
      expect(app.asked()).toHaveLength(2)
    },
  )
})

describe('5. How it answers: output_schema', () => {
  const count = { type: 'object', properties: { count: { type: 'integer' } } }
  const STRICT = { ...count, required: ['count'], additionalProperties: false }
  const LOOSE = { ...STRICT, properties: { ...count.properties, why: { type: 'string' } } }
  const formatOf = ({ last }: Awaited<ReturnType<typeof ask>>) => last?.body.text?.format

  test.each(['codex', 'plan', 'api-key'] as const)(
    'is strict where the schema allows it, on the route %s',
    async (as) => {
      const app = await startQueryApp({ as })
      const model = as === 'plan' ? 'gpt-6-astra' : 'gpt-6.1-sol'
      app.script.push({ sse: answer('{"count": 12345678901234567890}', { model }) })
      const outcome = await ask(app, { output_schema: STRICT })
      expect(formatOf(outcome)).toEqual({
        ...{ type: 'json_schema', name: 'codex_output_schema', strict: true, schema: STRICT },
      })
      // As it was written: a parser would have lost digits.
      expect(outcome.answered).toBe('{"count": 12345678901234567890}')
      expect(outcome.footer).not.toContain('Note:')
      expect(app.asked()).toHaveLength(1)
      expect(app.fake.seen.refusals).toEqual([])
    },
  )

  test('is loose where the schema is open, and checked here all the same', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('{"count": 3}') })
    const outcome = await ask(app, { output_schema: LOOSE })
    expect(formatOf(outcome)).toMatchObject({ strict: false, schema: LOOSE })
    expect([outcome.answered, app.asked().length]).toEqual(['{"count": 3}', 1])
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('that the service does not take as strict is asked for loosely, and said', async () => {
    const app = await startQueryApp()
    const refusal = { message: 'Invalid schema for response_format', param: 'text.format.schema' }
    app.script.push(apiError(400, { ...refusal, code: 'invalid_json_schema' }), { sse: answer('{"count": 3}') })
    const outcome = await ask(app, { output_schema: STRICT })
    expect(formatOf(outcome)).toMatchObject({ strict: false })
    expect(outcome.footer).toContain('Note: asked again with the schema in its loose form')
    expect(outcome.answered).toBe('{"count": 3}')
  })

  test('that the service does not take at all is described in words, and said', async () => {
    const app = await startQueryApp({ as: 'plan' })
    app.fake.plan.options.unsupported.push('text.format')
    app.script.push({ sse: answer('{"count": 3}') })
    const outcome = await ask(app, { output_schema: STRICT })
    expect(formatOf(outcome)).toBeUndefined()
    expect(outcome.last?.body.instructions).toContain(JSON.stringify(STRICT))
    expect(outcome.footer).toContain('Note: the schema was not accepted by gpt-6-astra and described in words')
    expect(outcome.answered).toBe('{"count": 3}')
  })

  test('finds the JSON in a fence, with words around it', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('Here it is:\n\n```json\n{"count": 3}\n```\nAnything else?') })
    const { answered, footer } = await ask(app, { output_schema: LOOSE })
    expect(answered).toBe('{"count": 3}')
    expect(footer).not.toContain('INCOMPLETE')
    expect(app.asked()).toHaveLength(1)
  })

  test('of an answer that does not fit is repaired once, by the answer and what is wrong with it', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('{"count": "three"}', { reasoning: 'Hm.' }) }, { sse: answer('{"count": 3}') })
    const { answered, footer, isError } = await ask(app, { output_schema: LOOSE })
    expect([isError, answered]).toEqual([false, '{"count": 3}'])
    const [first, second, third] = app.asked()
    expect(third).toBeUndefined()
    expect(second?.items.map(({ type }) => type)).toEqual(['message', 'reasoning', 'message', 'message'])
    expect(second?.items[0]).toEqual(first?.items[0])
    expect(wordsOf(second?.items[2])).toBe('{"count": "three"}')
    expect(wordsOf(second?.items[3])).toMatch(/not valid JSON for the schema.*\n- At “\/count”: /)
    expect(second?.body.text).toEqual(first?.body.text)
    expect(footer).toContain('22 tokens in (6 cached), 14 out (4 reasoning)')
    expect(footer).toContain('Note: the first answer did not fit the schema; it was sent back once and repaired.')
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('of an answer that does not fit then either is incomplete: the text, why, and no third try', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('three') }, { sse: answer('{"count": "four"}') })
    const { answered, footer, isError } = await ask(app, { output_schema: LOOSE })
    expect([isError, answered]).toEqual([false, '{"count": "four"}'])
    expect(footer).toMatch(
      /^INCOMPLETE ANSWER: It does not fit the schema, even after it was sent back once.*\/count.*\[RESPONSE_INVALID\]\n/,
    )
    expect(footer).not.toContain('only a part')
    expect(footer).toContain('22 tokens in')
    expect(app.asked()).toHaveLength(2)
    const [id] = /a-[a-z0-9]+/.exec(footer) ?? []
    const collected = await app.ask({ collect: id })
    expect(collected.texts).toEqual([answered, footer])
    expect((await app.app.call('codex_status')).data.answers[0]).toMatchObject({ id, state: 'incomplete' })
  })

  test.each<[string, object, RegExp]>([
    ['is refused', usageLimitReached(), /\[USAGE_LIMIT\]/],
    ['breaks off', { sse: answer('{"cou', { end: 'cut', items: false }) }, /\[INCOMPLETE\]/],
    [
      'fails',
      { sse: answer('', { deltas: 0, items: false, end: { failed: { code: 'x', message: 'x' } } }) },
      /\[CODEX_FAILED\]/,
    ],
  ])('of an answer whose repair %s leaves the answer that there is', async (_, step, why) => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('{"count": "three"}') }, step)
    const { answered, footer, isError } = await ask(app, { output_schema: LOOSE })
    expect([isError, answered]).toEqual([false, '{"count": "three"}'])
    expect(footer).toMatch(/^INCOMPLETE ANSWER: It does not fit the schema, and repairing it failed: /)
    expect(footer).toMatch(why)
    expect(footer).toMatch(/\[RESPONSE_INVALID\]\n/)
  })

  test('of an answer that breaks off is not asked for again', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('{"count": ', { end: 'cut', items: false }) })
    const { answered, footer } = await ask(app, { output_schema: STRICT })
    expect(answered).toBe('{"count": ')
    expect(footer).toMatch(/^INCOMPLETE ANSWER: only part of it came\. .*\[INCOMPLETE\]\n/)
    expect(app.asked()).toHaveLength(1)
  })

  test('is not repaired where the model could not see what it is to repair', async () => {
    const app = await startQueryApp()
    const three = `three${' and on'.repeat(2000)}`
    app.script.push({ sse: answer(three, { usage: null }) })
    // It fits, and leaves no room for the answer beside it.
    const prompt = 'word '.repeat(184_000)
    const { answered, footer } = await ask(app, { prompt, output_schema: LOOSE })
    expect(answered).toBe(three)
    expect(footer).toMatch(
      /repairing it failed: .*cannot read this and the turn before it at once.*\[CONTEXT_TOO_LONG\]/,
    )
    expect(app.asked()).toHaveLength(1)
  })

  test.each<[string, object, RegExp]>([
    ['a list', { type: 'array', items: {} }, /Its top level must have type "object"/],
    [
      'a reference to elsewhere',
      { ...STRICT, properties: { count: { $ref: 'https://example.com/x' } } },
      /output_schema cannot be used/,
    ],
    ['a type that is none', { type: 'object', properties: { a: { type: 'integr' } } }, /output_schema cannot be used/],
    [
      'a pattern that is none',
      { type: 'object', properties: { a: { type: 'string', pattern: '(' } } },
      /output_schema cannot be used/,
    ],
    ['more than 100 kB', { type: 'object', description: 'x'.repeat(100_001) }, /larger than 100 kB/],
  ])('that is %s is refused before anything is asked', async (_, output_schema, expected) => {
    const app = await startQueryApp()
    const { text, isError } = await ask(app, { output_schema })
    expect(isError).toBe(true)
    expect(text).toMatch(expected)
    expect(text).toMatch(/\[INPUT_INVALID\]$/)
    expect(app.asked()).toEqual([])
  })

  test('of a repaired answer in a conversation is one turn: the question and what it came to', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('three') }, { sse: answer('{"count": 3}') }, { sse: answer('Because.') })
    const first = await ask(app, { conversation: 'talk', output_schema: LOOSE })
    expect(first.footer).toContain('Conversation “talk”, turn 1')
    const second = await ask(app, { prompt: 'Why?', conversation: 'talk' })
    expect(second.last?.items.map(wordsOf)).toEqual([PROMPT, '{"count": 3}', 'Why?'])
    expect(second.last?.body.text?.format).toBeUndefined()
    const keys = app.asked().map(({ body }) => body.prompt_cache_key)
    expect(new Set(keys).size).toBe(1)
    expect(app.fake.seen.refusals).toEqual([])
  })
})

describe('5. How it answers: no size limit is hit by surprise', () => {
  const LONG = Array.from({ length: 20_000 }, (_, n) => `Line ${n} 🦊 of a long answer`).join('\n')

  /** Follows the pages from the first answer to the last. */
  async function pagesFrom({ call }: StartedApp, args: object): Promise<{ pages: string[]; last: string }> {
    const pages: string[] = []
    let [page = '', below = ''] = (await call('codex_query', { ...args })).texts
    for (;;) {
      pages.push(page)
      const [, next] = /codex_query with collect "(a-[a-z0-9]+@\d+)"/.exec(below) ?? []
      if (next === undefined) return { pages, last: below }
      ;[page = '', below = ''] = (await call('codex_query', { collect: next })).texts
    }
  }

  test.each([
    ['claude-code', 400_000, 2],
    ['codex-mcp-client', 10_000, 61],
    ['some-client', 80_000, 8],
  ])('%s gets pages of at most %i characters, which together are the answer', async (clientName, size, count) => {
    const app = await startQueryApp({ clientName })
    app.script.push({ sse: answer(LONG) })
    const { pages, last } = await pagesFrom(app.app, { prompt: PROMPT })
    expect(pages.join('')).toBe(LONG)
    expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(size)
    expect(pages).toHaveLength(count)
    expect(last).toMatch(/^Characters \d+ to (\d+) of \1\.\nAnswered by Codex/)
    expect(app.asked()).toHaveLength(1)
  })

  test('JSON in pages is whole again when they are put together', async () => {
    const app = await startQueryApp()
    const output_schema = { type: 'object', properties: { lines: { type: 'array', items: { type: 'string' } } } }
    const json = JSON.stringify({ lines: LONG.split('\n') })
    app.script.push({ sse: answer(json) })
    const { pages } = await pagesFrom(app.app, { prompt: PROMPT, output_schema })
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.join('')).toBe(json)
  })

  test('the host is told first how much may come', async () => {
    const app = await startQueryApp()
    const { tools } = await app.app.client.listTools()
    expect(tools.find(({ name }) => name === 'codex_query')?._meta).toEqual({ 'anthropic/maxResultSizeChars': 500_000 })
  })
})

describe('3. to 5. together', () => {
  const SCHEMA = {
    type: 'object',
    properties: { ok: { type: 'boolean' } },
    required: ['ok'],
    additionalProperties: false,
  }

  test.each(['codex', 'plan', 'api-key'] as const)(
    'files, a diff, a search and a schema in a conversation, then a plain question, on the route %s',
    async (as) => {
      const app = await startQueryApp({ as })
      const repo = gitRepo(app.project)
      repo.commit({ 'a.ts': 'const a = 1\n' })
      repo.write({ 'a.ts': 'const a = 9\n' })
      const search = [{ query: 'nine', sources: [{ url: 'https://example.com/nine', title: 'Nine' }] }]
      app.script.push(
        { sse: answer('{"ok": "no"}', { reasoning: 'Hm.', search }) },
        { sse: answer('{"ok": false}', { reasoning: 'I see.' }) },
      )
      const first = await ask(app, {
        ...{ conversation: 'review', files: ['a.ts'], diff: 'working', web_search: true, output_schema: SCHEMA },
      })
      expect(first.answered).toBe('{"ok": false}')
      for (const words of [
        'turn 1',
        'Sent: a.ts',
        'diff working',
        'sent back once and repaired',
        '1. Nine: https://',
      ]) {
        expect(first.footer).toContain(words)
      }
      const second = await ask(app, { prompt: 'Why not?', conversation: 'review' })
      const { items = [], body } = second.last ?? {}
      expect(items.map(({ type, role }) => role ?? type)).toEqual(['user', 'reasoning', 'assistant', 'user'])
      expect(wordsOf(items[0])).toMatch(/1\| const a = 9[\s\S]*\+const a = 9[\s\S]*How many\?$/)
      expect(wordsOf(items[2])).toBe('{"ok": false}')
      expect(JSON.stringify(body)).not.toMatch(/json_schema|"web_search"/)
      expect(app.asked()).toHaveLength(3)
      expect(app.fake.seen.refusals).toEqual([])
    },
  )
})

describe('5. How it answers: an answer that cannot be kept', () => {
  const NOTE =
    'Note: this answer could not be kept on disk (a part of its path is not a folder), so it can be collected only until this server ends.'

  /** The place of the answers is taken. */
  async function withoutPlace() {
    const app = await startQueryApp()
    const folder = join(app.app.home, '.claude', 'codex-oauth', 'answers')
    mkdirSync(dirname(folder), { recursive: true })
    writeFileSync(folder, 'in the way')
    return { app, folder }
  }

  test('says so below it, and again when it is collected, as long as that is so', async () => {
    const { app, folder } = await withoutPlace()
    const { answered, footer, isError } = await ask(app)
    expect([isError, answered, footer.split('\n').at(-1)]).toEqual([false, 'Hello from the fake Codex.', NOTE])
    const [id] = /a-[0-9a-z]{10}/.exec(footer) ?? []
    const again = await app.ask({ collect: id })
    expect(again.texts).toEqual(['Hello from the fake Codex.', footer])
    expect(again.isError).toBe(false)

    rmSync(folder)
    expect((await ask(app)).footer).not.toContain('could not be kept')
    expect((await app.ask({ collect: id })).texts[1]).toBe(footer.replace(`\n${NOTE}`, ''))
  })

  test('one that broke off says so too', async () => {
    const { app } = await withoutPlace()
    app.script.push({ sse: answer('Half of it', { end: 'cut', items: false }) })
    const { answered, footer } = await ask(app)
    expect(answered).toBe('Half of it')
    expect(footer).toMatch(/^INCOMPLETE ANSWER: /)
    expect(footer.split('\n').at(-1)).toBe(NOTE)
  })

  test('where nothing is to be kept, nothing is said of it', async () => {
    const app = await startQueryApp({ env: { CODEX_OAUTH_KEEP_ANSWERS: '0' } })
    expect((await ask(app)).footer).not.toContain('Note:')
  })
})

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { apiError } from './support/fake-errors.ts'
import { after, gate } from './support/fake-script.ts'
import { type AnswerOptions, answer } from './support/fake-sse.ts'
import { writeFiles } from './support/git-repo.ts'
import { PNG } from './support/images.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { type QueryApp, type SentItem, startQueryApp, wordsOf } from './support/query-app.ts'
import { recordOf, type StartedApp } from './support/start-app.ts'

const TALK = 'design'
const usage = (input: number, output: number) => ({ input_tokens: input, output_tokens: output })

/** An answer with thoughts in front, which a conversation sends again. */
const thought = (text: string, options: AnswerOptions = {}) => ({ sse: answer(text, { reasoning: 'Hm.', ...options }) })

/** Asks in the conversation, and gives the words of who spoke in what was sent. */
async function askOn(app: QueryApp, prompt: string, more: Record<string, unknown> = {}) {
  const outcome = await app.ask({ prompt, conversation: TALK, ...more })
  const items = app.asked().at(-1)?.items ?? []
  return { ...outcome, footer: outcome.texts[1] ?? '', items, said: saidIn(items) }
}

const saidIn = (items: readonly SentItem[]) =>
  items.map((item) => (item.type === 'reasoning' ? 'thought' : `${item.role}: ${wordsOf(item)}`))

const listed = async (app: StartedApp) => (await app.call('codex_status')).data.conversations

/** The files of the only conversation there is. */
function filesOf({ home }: StartedApp): string[] {
  const folder = join(home, '.claude', 'codex-oauth', 'conversations')
  const [talk = ''] = readdirSync(folder).filter((name) => !name.includes('.'))
  return readdirSync(join(folder, talk)).map((name) => join(folder, talk, name))
}

const turnFilesOf = (app: StartedApp) => filesOf(app).filter((file) => !file.endsWith('head.json'))

describe('3. Conversations', () => {
  test('one is begun by its first question; the next one sends again what was said, files and sealed thoughts too', async () => {
    const app = await startQueryApp()
    writeFiles(app.project, { 'a.ts': 'const a = 1\n' })
    app.script.push(thought('It is one.'), thought('And now two.'))
    const first = await askOn(app, 'What is a?', { files: ['a.ts'] })
    expect(first.said).toEqual([expect.stringMatching(/^user: [\s\S]*1\| const a = 1[\s\S]*\nWhat is a\?$/)])
    expect(first.footer).toContain('Conversation “design”, turn 1')

    const second = await askOn(app, 'And next?')
    expect(second.said).toEqual([first.said[0], 'thought', 'assistant: It is one.', 'user: And next?'])
    expect(second.items[0]).toEqual(first.items[0])
    // What was shown before is not denied now; and the beginning of the request stays the same, for the prompt cache.
    const [one, two] = app.asked()
    expect(two?.body.instructions).toBe(one?.body.instructions)
    expect(second.items[1]).toEqual({
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'Hm.' }],
      content: null,
      encrypted_content: expect.stringMatching(/^gAAAA_FAKE_/),
    })
    expect(second.items.flatMap(Object.keys)).not.toContain('id')
    expect(second.footer).toContain('Conversation “design”, turn 2')

    expect((await askOn(app, 'Third?')).said).toHaveLength(7)
    expect(app.fake.seen.refusals).toEqual([])
  })

  test.each(['codex', 'plan', 'api-key'] as const)('it goes on in the same way with %s', async (as) => {
    const app = await startQueryApp({ as })
    app.script.push(thought('It is one.'))
    await askOn(app, 'What is a?')
    expect((await askOn(app, 'And next?')).said).toEqual([
      ...['user: What is a?', 'thought', 'assistant: It is one.', 'user: And next?'],
    ])
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('its key for the prompt cache is the same in each turn, in each window and after a restart', async () => {
    const app = await startQueryApp()
    await askOn(app, 'One?')
    await askOn(app, 'Two?')
    const other = await app.window()
    await other.call('codex_query', { prompt: 'Three?', conversation: TALK })
    await app.app.app.stop()
    const restarted = await app.window()
    await restarted.call('codex_query', { prompt: 'Four?', conversation: TALK })

    const asked = app.asked()
    expect(asked.at(-1)?.items).toHaveLength(7)
    const keys = asked.flatMap(({ body, headers }) => [body.prompt_cache_key, headers['session-id']])
    expect(new Set(keys).size).toBe(1)
    expect(new Set(asked.map(({ headers }) => headers['x-client-request-id'])).size).toBe(4)
    await restarted.call('codex_query', { prompt: 'Else?', conversation: 'another' })
    expect(keys).not.toContain(app.asked().at(-1)?.body.prompt_cache_key)
  })

  test('without the argument a question stands alone, and is in no conversation', async () => {
    const app = await startQueryApp()
    await askOn(app, 'One?')
    const { texts } = await app.ask({ prompt: 'Alone?' })
    expect(texts[1]).not.toContain('Conversation')
    const [first, alone] = app.asked()
    expect(saidIn(alone?.items ?? [])).toEqual(['user: Alone?'])
    expect(alone?.body.prompt_cache_key).not.toBe(first?.body.prompt_cache_key)
    expect(await listed(app.app)).toMatchObject([{ name: TALK, turns: 1 }])
  })

  test('several questions at once in one window are all kept', async () => {
    const app = await startQueryApp()
    await askOn(app, 'First?')
    const prompts = Array.from({ length: 8 }, (_, n) => `Question ${n}?`)
    await Promise.all(prompts.map((prompt) => app.ask({ prompt, conversation: TALK })))
    const { said } = await askOn(app, 'Last?')
    expect(said.filter((words) => words.startsWith('user')).toSorted()).toEqual(
      ['First?', ...prompts, 'Last?'].map((prompt) => `user: ${prompt}`).toSorted(),
    )
  })

  test('codex_status lists them, the newest first, with turns, age and the last question', async () => {
    const app = await startQueryApp()
    await askOn(app, 'One?')
    await app.ask({ prompt: 'Old?', conversation: 'older' })
    await askOn(app, `Two,\nwith ${'many '.repeat(50)}words?`)
    expect(await listed(app.app)).toEqual([
      {
        name: TALK,
        turns: 2,
        age_seconds: expect.any(Number),
        last_prompt: expect.stringMatching(/^Two, with many .*…$/),
      },
      { name: 'older', turns: 1, age_seconds: expect.any(Number), last_prompt: 'Old?' },
    ])
  })
})

describe('3. Conversations: what becomes a turn', () => {
  test('an answer that broke off does, and can be gone on with', async () => {
    const app = await startQueryApp()
    app.script.push({ sse: answer('Half an answer', { end: 'cut', items: false, reasoning: 'Hm.' }) })
    const { text } = await askOn(app, 'Tell me.')
    expect(text).toMatch(/^Half an answer\nINCOMPLETE ANSWER: .*ask on in the conversation “design”.*\[INCOMPLETE\]/)
    const { said, isError } = await askOn(app, 'Go on.')
    expect(said).toEqual(['user: Tell me.', 'assistant: Half an answer', 'user: Go on.'])
    expect(isError).toBe(false)
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('one that failed does not', async () => {
    const app = await startQueryApp()
    const failed = { code: 'server_error', message: 'x' }
    app.script.push({ sse: answer('', { end: { failed }, deltas: 0, items: false }) })
    expect((await askOn(app, 'Fails?')).text).toContain('[CODEX_FAILED]')
    expect(await listed(app.app)).toBeUndefined()
    expect((await askOn(app, 'Works?')).said).toEqual(['user: Works?'])
  })

  test('one that was cancelled does not', async () => {
    const app = await startQueryApp()
    await askOn(app, 'First?')
    const abort = new AbortController()
    app.script.push({ sse: answer('Half', { end: 'cut', items: false }), silent: true })
    const onProgress = (message: string) => {
      if (message.includes('writing')) abort.abort()
    }
    const args = { prompt: 'Cancelled?', conversation: TALK }
    await expect(app.ask(args, { signal: abort.signal, onProgress })).rejects.toThrow(/abort/i)
    await app.fake.clientGone()
    const { said } = await askOn(app, 'Last?')
    expect(said).not.toContain('user: Cancelled?')
    expect(said).toHaveLength(3)
  })

  test('one in the background does, as soon as it is there', async () => {
    const app = await startQueryApp()
    const { text } = await app.ask({ prompt: 'Later?', conversation: TALK, background: true })
    const [id] = /a-[a-z0-9]+/.exec(text) ?? []
    await app.ask({ collect: id })
    expect((await askOn(app, 'Now?')).said[0]).toBe('user: Later?')
  })
})

/** Models that can read so much. */
const models = (windows: Record<string, number>) =>
  Object.entries(windows).map(([slug, context_window], priority) => ({
    ...{ slug, display_name: slug, priority, context_window, visibility: 'list' },
    ...{ supported_in_api: true, use_responses_lite: false, input_modalities: ['text', 'image'] },
  }))

const long = (n: number) => `Part ${n}: ${'word '.repeat(2000)}`

describe('3. Conversations: longer than the model can read', () => {
  test('the oldest turns are not sent, and that is said; on disk they stay, for a model that can read them', async () => {
    const app = await startQueryApp({ fake: { models: models({ small: 8000, large: 400_000 }) } })
    for (const n of [1, 2, 3, 4]) {
      app.script.push({ sse: answer('Noted.', { usage: usage(2200, 10) }) })
      await askOn(app, long(n), { model: 'large' })
    }
    const small = await askOn(app, 'And?', { model: 'small' })
    expect(small.said.map((words) => words.slice(0, 13))).toEqual([
      ...['user: Part 3:', 'assistant: No', 'user: Part 4:', 'assistant: No', 'user: And?'],
    ])
    expect(small.footer).toContain(
      'Note: the oldest 2 turns of 4 in this conversation did not fit into what small can read at once and were not sent.',
    )
    const large = await askOn(app, 'All?', { model: 'large' })
    expect(large.said).toHaveLength(11)
    expect(large.footer).not.toContain('Note:')
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('a question with its files needs the place of older turns', async () => {
    const app = await startQueryApp({ fake: { models: models({ small: 8000 }) } })
    writeFiles(app.project, { 'a.txt': `${'word '.repeat(3500)}\n` })
    app.script.push({ sse: answer('Noted.', { usage: usage(2200, 10) }) })
    await askOn(app, long(1))
    const { said, footer } = await askOn(app, 'And?', { files: ['a.txt'] })
    expect(said).toHaveLength(1)
    expect(footer).toContain(
      'Note: nothing of what was said before in this conversation was sent, because it did not fit',
    )
    expect(footer).toContain('turn 2')
  })
})

describe('3. Conversations: longer than the service takes, though the estimate said that it fits', () => {
  const tooLong = {
    sse: answer('', {
      end: { failed: { code: 'context_length_exceeded', message: 'Your input exceeds the context window.' } },
      ...{ deltas: 0, items: false },
    }),
  }

  async function fourTurns() {
    const app = await startQueryApp()
    for (const prompt of ['One?', 'Two?', 'Three?', 'Four?']) await askOn(app, prompt)
    return app
  }

  test.each([
    [
      'the newer half is sent',
      1,
      ['user: Three?', 'user: Four?', 'user: Five?'],
      'the oldest 2 of its 4 turns were not sent',
    ],
    ['at last the question alone', 2, ['user: Five?'], 'the oldest 4 of its 4 turns were not sent'],
  ])('%s, and that is said', async (_, refusals, sent, note) => {
    const app = await fourTurns()
    app.script.push(...Array(refusals).fill(tooLong))
    const { said, footer, isError } = await askOn(app, 'Five?')
    expect(isError).toBe(false)
    expect(said.filter((words) => words.startsWith('user'))).toEqual(sent)
    expect(footer).toContain(`Note: the service found the conversation too long, so ${note}`)
    expect(footer).toContain('turn 5')
    expect((await askOn(app, 'Six?')).said).toHaveLength(11)
  })

  test.each([
    ['only one', ['One?'], 'its only turn was not sent'],
    ['two, and the newer one is sent', ['One?', 'Two?'], 'the oldest of its 2 turns was not sent'],
  ])('of %s, that is said in words for one', async (_, prompts, note) => {
    const app = await startQueryApp()
    for (const prompt of prompts) await askOn(app, prompt)
    app.script.push(tooLong)
    const { footer } = await askOn(app, 'And?')
    expect(footer).toContain(`Note: the service found the conversation too long, so ${note}.`)
  })

  test('where even the question alone is too long, that is the error', async () => {
    const app = await fourTurns()
    app.script.push(tooLong, tooLong, tooLong)
    expect((await askOn(app, 'Five?')).text).toContain('[CONTEXT_TOO_LONG]')
    expect(app.asked()).toHaveLength(7)
  })

  test('nothing is sent twice where older turns had been left out before', async () => {
    const app = await startQueryApp({ fake: { models: models({ small: 8000, large: 400_000 }) } })
    for (const n of [1, 2, 3, 4]) {
      app.script.push({ sse: answer('Noted.', { usage: usage(2200, 10) }) })
      await askOn(app, long(n), { model: 'large' })
    }
    app.script.push(tooLong)
    const half = await askOn(app, 'And?', { model: 'small' })
    app.script.push(tooLong, tooLong)
    const alone = await askOn(app, 'And then?', { model: 'small' })

    const questions = app.asked().slice(4)
    const partsIn = ({ items }: (typeof questions)[number]) =>
      saidIn(items).flatMap((words) => /^user: (Part \d|\w+ ?\w*\?)/.exec(words)?.[1] ?? [])
    expect(questions.map(partsIn)).toEqual([
      ['Part 3', 'Part 4', 'And?'],
      ['Part 4', 'And?'],
      ['Part 3', 'Part 4', 'And?', 'And then?'],
      ['And?', 'And then?'],
      ['And then?'],
    ])
    expect(half.footer).toContain('so the oldest 3 of its 4 turns were not sent')
    expect(alone.footer).toContain('so the oldest 5 of its 5 turns were not sent')
  })

  test('where all of them had been left out before, nothing is left to try', async () => {
    const app = await startQueryApp({ fake: { models: models({ small: 8000 }) } })
    app.script.push({ sse: answer('Noted.', { usage: usage(2200, 10) }) })
    await askOn(app, long(1))
    app.script.push(tooLong)
    const { text, said } = await askOn(app, `And? ${'word '.repeat(3500)}`)
    expect(said).toHaveLength(1)
    expect(text).toContain('[CONTEXT_TOO_LONG]')
    expect(app.asked()).toHaveLength(2)
  })
})

describe('3. Conversations: with another account, route or model', () => {
  test('what was said stays, and thoughts go only where they can be read', async () => {
    const app = await startQueryApp()
    app.script.push(thought('From the first.'))
    await askOn(app, 'One?')

    const second = { ...recordOf(app.fake.issueTokens({ accountId: 'acct-fake-0002' })), account_id: 'acct-fake-0002' }
    seedLogins(app.app, { codex: second })
    app.script.push(thought('From the second.'))
    expect((await askOn(app, 'Two?')).said).toEqual(['user: One?', 'assistant: From the first.', 'user: Two?'])

    seedLogins(app.app, { codex_plan: planRecordOf(app.fake.plan.issueTokens()) })
    const plan = await app.window()
    await plan.call('codex_query', { prompt: 'Three?', conversation: TALK })
    const key = await app.window({ as: 'api-key' })
    await key.call('codex_query', { prompt: 'Four?', conversation: TALK })
    const first = await app.window({ as: 'codex' })
    await first.call('codex_query', { prompt: 'Five?', conversation: TALK })

    const [, , three, four, five] = app.asked()
    expect(saidIn(three?.items ?? []).filter((words) => words === 'thought')).toEqual([])
    expect(saidIn(four?.items ?? []).filter((words) => words === 'thought')).toEqual([])
    expect(saidIn(five?.items ?? [])).toEqual([
      ...['user: One?', 'thought', 'assistant: From the first.', 'user: Two?', 'assistant: From the second.'],
      ...[
        'user: Three?',
        'assistant: I look at the question.',
        'assistant: Hello from the fake plan.',
        'user: Four?',
        'assistant: Hello from the fake Codex.',
      ],
      'user: Five?',
    ])
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('thoughts that the service cannot open any more are left out, once and with a note', async () => {
    const app = await startQueryApp()
    app.script.push(thought('It is one.'))
    await askOn(app, 'One?')
    const [file = ''] = turnFilesOf(app.app)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/gAAAA_FAKE_[\w-]+/, 'gAAAA_FAKE_of_another_key'))
    const { said, footer, isError } = await askOn(app, 'Two?')
    expect(isError).toBe(false)
    expect(app.asked().map(({ items }) => saidIn(items).includes('thought'))).toEqual([false, true, false])
    expect(said).toEqual(['user: One?', 'assistant: It is one.', 'user: Two?'])
    expect(footer).toContain('asked again without the reasoning of earlier turns')
    // They stay in front of all that comes, so the next question does without them at once.
    expect((await askOn(app, 'Three?')).footer).not.toContain('asked again')
    expect(app.asked()).toHaveLength(4)
  })

  test('a service that refuses the question without them too is asked no third time', async () => {
    const app = await startQueryApp()
    app.script.push(thought('It is one.'))
    await askOn(app, 'One?')
    app.script.always(apiError(400, { message: 'No.', code: 'invalid_encrypted_content' }))
    expect((await askOn(app, 'Two?')).isError).toBe(true)
    expect(app.asked()).toHaveLength(3)
  })

  test('a model of another form goes on with it', async () => {
    const app = await startQueryApp()
    app.script.push(thought('It is one.'))
    await askOn(app, 'One?')
    const { said } = await askOn(app, 'Two?', { model: 'gpt-5.5' })
    expect(said).toEqual(['user: One?', 'thought', 'assistant: It is one.', 'user: Two?'])
    await askOn(app, 'Three?', { model: 'gpt-6.1-sol' })
    const isLite = app.asked().map(({ headers }) => headers['x-openai-internal-codex-responses-lite'] === 'true')
    expect(isLite).toEqual([true, false, true])
    expect(app.fake.seen.refusals).toEqual([])
  })

  test('images of earlier turns go again, and are left out for a model that takes none, which is said', async () => {
    const app = await startQueryApp({ as: 'plan' })
    writeFiles(app.project, { 'shot.png': PNG })
    await askOn(app, 'What is this?', { files: ['shot.png'], model: 'gpt-6-astra' })
    const images = ({ content = [] }: SentItem) => content.filter(({ type }) => type === 'input_image').length
    const seeing = await askOn(app, 'And there?', { model: 'gpt-6-astra' })
    expect(seeing.items.map(images)).toEqual([1, 0, 0, 0])

    const blind = await askOn(app, 'And here?', { model: 'gpt-5.6-luna' })
    expect(blind.isError).toBe(false)
    expect(blind.items.map(images)).toEqual([0, 0, 0, 0, 0, 0, 0])
    expect(blind.said[0]).toMatch(/shot\.png[\s\S]*What is this\?$/)
    expect(blind.footer).toContain(
      'Note: gpt-5.6-luna takes no images, so those of earlier turns in this conversation were not sent.',
    )
    expect((await askOn(app, 'Once more?', { model: 'gpt-6-astra' })).items.map(images)[0]).toBe(1)
    expect(app.fake.seen.refusals).toEqual([])
  })
})

describe('3. Conversations: on the plan route', () => {
  test('sealed thoughts are asked for in a conversation only', async () => {
    const app = await startQueryApp({ as: 'plan' })
    await app.ask({ prompt: 'Alone?' })
    await askOn(app, 'One?')
    expect(app.asked().map(({ body }) => body.include)).toEqual([undefined, ['reasoning.encrypted_content']])
  })

  test('where the service gives none it goes on without, and asks twice only once', async () => {
    const app = await startQueryApp({ as: 'plan' })
    app.fake.plan.options.unsupported.push('include')
    const { footer } = await askOn(app, 'One?')
    expect(footer).toContain('asked again without include')
    const { said } = await askOn(app, 'Two?')
    expect([said[0], said.at(-2), said.at(-1)]).toEqual([
      ...['user: One?', 'assistant: Hello from the fake plan.', 'user: Two?'],
    ])
    expect(app.asked().map(({ body }) => 'include' in body)).toEqual([true, false, false])
  })
})

describe('3. Conversations: removed', () => {
  test('one by its name, all by an asterisk; what is not there is said', async () => {
    const app = await startQueryApp()
    const clear = async (conversation: string) => (await app.app.call('codex_clear', { conversation })).data
    for (const name of ['one', 'two', 'three']) await app.ask({ prompt: 'x', conversation: name })
    expect(await clear('two')).toMatchObject({ cleared: true, message: expect.stringContaining('“two”') })
    expect(await clear('two')).toMatchObject({
      cleared: false,
      message: expect.stringContaining('no conversation “two”'),
    })
    expect((await listed(app.app)).map(({ name }: { name: string }) => name)).toEqual(['three', 'one'])
    expect(await clear('*')).toMatchObject({ cleared: true, message: expect.stringContaining('2 conversations are') })
    expect(await listed(app.app)).toBeUndefined()
    expect(app.app.stored()).toHaveProperty('codex')
    await app.ask({ prompt: 'Anew?', conversation: 'one' })
    expect(saidIn(app.asked().at(-1)?.items ?? [])).toEqual(['user: Anew?'])
  })

  test('while an answer is on its way, it does not come back; the answer is given, and says so', async () => {
    const app = await startQueryApp()
    await askOn(app, 'First?')
    const goOn = gate()
    app.script.push(after(goOn.promise))
    const answered = askOn(app, 'Second?')
    await app.fake.arrival('/backend-api/codex/responses', 2)
    await app.app.call('codex_clear', { conversation: TALK })
    goOn.open()
    const { text, footer } = await answered
    expect(text).toContain('Hello from the fake Codex.')
    expect(footer).toContain('Note: the conversation was removed meanwhile, so this turn is not in it.')
    expect(await listed(app.app)).toBeUndefined()
  })
})

describe('3. Conversations: damaged', () => {
  test.each<[string, (app: StartedApp) => string, string]>([
    ['a turn', (app) => turnFilesOf(app)[0] ?? '', 'The conversation “design” cannot be read: '],
    ['its head', (app) => filesOf(app).find((file) => file.endsWith('head.json')) ?? '', ''],
  ])(
    '%s: the error says which and what to do, nothing is asked or written over, and codex_clear removes it',
    async (_, which, name) => {
      const app = await startQueryApp()
      await askOn(app, 'First?')
      await app.ask({ prompt: 'Well?', conversation: 'well' })
      await app.app.call('codex_clear', { conversation: 'well' })
      const file = which(app.app)
      writeFileSync(file, '{"half": ')
      const before = filesOf(app.app)

      const { isError, text } = await askOn(app, 'Second?')
      expect(isError).toBe(true)
      expect(text).toContain(file)
      expect(text).toMatch(/damaged: .* Repair it, or clear this conversation and begin it anew\. \[STORAGE_CORRUPT\]$/)
      expect(app.asked()).toHaveLength(2)
      expect([filesOf(app.app), readFileSync(file, 'utf8')]).toEqual([before, '{"half": '])

      const { data } = await app.app.call('codex_status')
      expect(data.message).toContain(`${name}${file} is damaged`)
      expect(data.status).toBe('authenticated')
      expect((await app.app.call('codex_clear', { conversation: TALK })).data.cleared).toBe(true)
      expect((await askOn(app, 'Anew?')).said).toEqual(['user: Anew?'])
    },
  )
})

describe('3. Conversations: a name', () => {
  test.each([
    ['with emoji', '🦊 fox & 家 👩‍👩‍👧'],
    ['like a path', '../../etc/passwd'],
    ['with a backslash', 'a\\b:c|d?*'],
    ['of a hundred characters', 'ä'.repeat(100)],
    ['of a hundred emoji', '🦊'.repeat(100)],
    ['that looks like an option', '--help'],
    ['that objects know', '__proto__'],
  ])('%s is one', async (_, name) => {
    const app = await startQueryApp()
    await app.ask({ prompt: 'One?', conversation: name })
    const { texts } = await app.ask({ prompt: 'Two?', conversation: ` ${name} ` })
    expect(texts[1]).toContain(`Conversation “${name}”, turn 2`)
    expect(await listed(app.app)).toMatchObject([{ name, turns: 2 }])
    expect((await app.app.call('codex_clear', { conversation: name })).data.cleared).toBe(true)
  })

  test('is the same however its accents are put together, and another one in capitals', async () => {
    const app = await startQueryApp()
    for (const conversation of ['caf\u00e9', 'cafe\u0301', 'Caf\u00e9']) await app.ask({ prompt: 'x', conversation })
    expect(await listed(app.app)).toMatchObject([
      { name: 'Café', turns: 1 },
      { name: 'café', turns: 2 },
    ])
  })

  test.each([
    ['too long', 'x'.repeat(101)],
    ['empty', '  '],
    ['of two lines', 'a\nb'],
    ['written backwards', 'a\u202Eb'],
    ['the word for all', '*'],
  ])('that is %s is refused, and nothing is asked', async (_, conversation) => {
    const app = await startQueryApp()
    const { text, isError } = await app.ask({ prompt: 'x', conversation })
    expect(isError).toBe(true)
    expect(text).toMatch(/conversation.*\[INPUT_INVALID\]$/s)
    expect(app.asked()).toEqual([])
  })
})

import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { cancelled, raceSignal } from '../../../src/infrastructure/abort.ts'
import { createAnswerStore } from '../../../src/services/answers/answer-store.ts'
import type { AskCall } from '../../../src/services/answers/caller.ts'
import { createCollectAnswer } from '../../../src/services/answers/collect-answer.ts'
import { type AskRequest, createQueryDesk, type QueryDeskDeps } from '../../../src/services/answers/query-desk.ts'
import type { QueryResult } from '../../../src/services/codex/codex-client.ts'
import type { Conversation } from '../../../src/services/conversations/conversation-store.ts'
import type { Attachments } from '../../../src/services/files/attachments.ts'
import type { GuidedQuery } from '../../../src/services/sign-in/guided-query.ts'
import { aResult } from '../../support/a-result.ts'
import { errorOf } from '../../support/error-of.ts'
import { type Gate, gate } from '../../support/fake-script.ts'
import { createHandClock } from '../../support/hand-clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

/** A desk over a real store, before a service that does what the test says. */
function startDesk(query: GuidedQuery, deps: Partial<QueryDeskDeps> = {}) {
  const folder = join(tempFolder(), 'answers')
  const clock = createHandClock()
  const store = () => createAnswerStore({ folder, isOn: true, clock, randomBytes })
  const answers = store()
  const attachments: Attachments = { attach: async () => ({ parts: [], sent: [], left: [] }) }
  const conversations = { open: talk, add: async () => ({ outcome: 'added' as const, dropped: 0 }) }
  const readSchema = async () => Promise.reject(new CodexError('INPUT_INVALID', 'No schema.'))
  const projectFolder = () => '/project'
  const desk = createQueryDesk({
    query,
    attachments,
    conversations: conversations as unknown as QueryDeskDeps['conversations'],
    answers,
    readSchema,
    projectFolder,
    clock,
    ...deps,
  })
  const collect = createCollectAnswer({ answers, desk, clock })
  const files = () => (existsSync(folder) ? readdirSync(folder) : [])
  return { desk, collect, answers, otherWindow: store(), clock, folder, files }
}

function talk(name: string): Conversation {
  return { id: 'c', name, cacheKey: 'key', turns: [] }
}

/** Someone who asks, and can leave. */
function aCaller(more: Partial<AskCall> = {}) {
  const leaving = new AbortController()
  const heard: string[] = []
  const call: AskCall = {
    signal: leaving.signal,
    roots: async () => [],
    cancelReason: () => (typeof leaving.signal.reason === 'string' ? leaving.signal.reason : undefined),
    onProgress: ({ id, phase, characters }) => void heard.push(`${id} ${phase} ${characters}`),
    onText: (delta) => void heard.push(delta),
    onSignIn: (message) => void heard.push(message),
    ...more,
  }
  return { call, heard, leave: (reason?: string) => leaving.abort(reason) }
}

/** A service that writes when the test says so, and ends when the test does. */
function slowService() {
  const open: {
    write(text: string): void
    end(result?: QueryResult | Error): void
    signal: AbortSignal | undefined
  }[] = []
  const query: GuidedQuery = (_question, { onText, onProgress, signal }) => {
    let characters = 0
    const work = new Promise<QueryResult>((resolve, reject) => {
      open.push({
        write(text) {
          characters += text.length
          onText?.(text)
          onProgress?.({ phase: 'writing', characters })
        },
        end: (result = aResult()) => (result instanceof Error ? reject(result) : resolve(result)),
        signal,
      })
    })
    return raceSignal(work, signal)
  }
  return { query, open, last: () => open.at(-1) as (typeof open)[number] }
}

const asked: AskRequest = {
  prompt: 'Question',
  model: undefined,
  systemPrompt: undefined,
  temperature: undefined,
  effort: undefined,
}
const BROKEN = new CodexError('NETWORK', 'The connection broke.', { hint: 'Ask again.' })

describe('the id', () => {
  test('is there before anything else happens, and told at once', async () => {
    const { promise, open } = gate()
    const { query, last } = slowService()
    const { desk, files } = startDesk(query, {
      attachments: { attach: () => promise.then(() => ({ parts: [], sent: [], left: [] })) },
    })
    const { call, heard } = aCaller()
    const outcome = desk.ask({ ...asked, files: ['a.ts'] }, call)
    expect(files()).toEqual([expect.stringMatching(/^a-.{10}\.jsonl$/)])
    expect(heard).toEqual([`${files()[0]?.slice(0, 12)} connecting 0`])
    open()
    await setImmediate()
    last().end()
    expect((await outcome).id).toBe(files()[0]?.slice(0, 12))
  })

  test('comes with progress also while files are read', async () => {
    const { promise } = gate()
    const { desk, clock } = startDesk(slowService().query)
    const { call, heard, leave } = aCaller({ roots: () => promise.then(() => []) })
    const outcome = desk.ask({ ...asked, files: ['a.ts'] }, call)
    await clock.pass(11)
    expect(heard).toHaveLength(3)
    leave()
    expect((await errorOf(outcome)).code).toBe('CANCELLED')
  })
})

test('what is told is written before', async () => {
  const { query, last } = slowService()
  const { desk, folder, files } = startDesk(query)
  const onDisk: number[] = []
  const { call } = aCaller({
    onProgress({ characters }) {
      const lines = readFileSync(join(folder, files()[0] ?? ''), 'utf8')
        .split('\n')
        .slice(0, -1)
      const kept = lines.map((line) => JSON.parse(line).text ?? '').join('')
      onDisk.push(kept.length - characters)
    },
  })
  const outcome = desk.ask(asked, call)
  await setImmediate()
  last().write('The first words')
  expect(onDisk).toEqual([0, 0])
  last().end()
  await outcome
})

describe('a question that fails', () => {
  test('before any text is told to its caller and leaves nothing', async () => {
    const { desk, answers, files } = startDesk(() => Promise.reject(BROKEN))
    expect(await errorOf(desk.ask(asked, aCaller().call))).toBe(BROKEN)
    expect([answers.list(), files()]).toEqual([[], []])
  })

  test.each<[string, AskRequest]>([
    ['a schema that is none', { ...asked, outputSchema: 5 }],
    ['and one that is not waited for', { ...asked, outputSchema: 5, background: true }],
  ])('because of the request leaves nothing either: %s', async (_name, request) => {
    const { desk, answers, files } = startDesk(slowService().query)
    expect((await errorOf(desk.ask(request, aCaller().call))).code).toBe('INPUT_INVALID')
    expect([answers.list(), files()]).toEqual([[], []])
  })

  test('after text leaves the text', async () => {
    const { query, last } = slowService()
    const { desk, answers } = startDesk(query)
    const outcome = desk.ask(asked, aCaller().call)
    await setImmediate()
    last().write('half')
    last().end(BROKEN)
    await errorOf(outcome)
    expect(answers.list()).toMatchObject([{ state: 'failed', characters: 4 }])
  })

  test('when nobody waits any more is kept, so that it can be told', async () => {
    const { query, last } = slowService()
    const { desk, answers, collect } = startDesk(query)
    const { call, leave } = aCaller()
    const outcome = desk.ask(asked, call)
    await setImmediate()
    leave('Request timed out')
    last().end(BROKEN)
    await errorOf(outcome)
    const [{ id = '', state } = {}] = answers.list()
    expect(state).toBe('failed')
    expect(await errorOf(collect(id, {}))).toMatchObject({
      code: 'NETWORK',
      message: BROKEN.message,
      hint: BROKEN.hint,
    })
  })

  test('by a fault of ours is told in words, and without them', async () => {
    const { query, last } = slowService()
    const { desk, collect } = startDesk(query)
    const outcome = await desk.ask({ ...asked, background: true }, aCaller().call)
    last().end(new TypeError('s3cret'))
    await desk.over(outcome.id)
    const error = await errorOf(collect(outcome.id, {}))
    expect([error.code, error.message]).toEqual(['CODEX_FAILED', 'Something went wrong inside codex-oauth.'])
  })
})

describe('a caller who leaves', () => {
  test.each([
    'McpError: MCP error -32001: Request timed out',
    'Request timed out',
    'request timeout',
    'timed out after 60s',
    'TimeoutError: The operation was aborted due to timeout',
    'Maximum total timeout exceeded',
    'request_timeout',
    'ETIMEDOUT',
    'Timed-out',
  ])('because it took too long (%s) has not stopped the answer', async (reason) => {
    const { query, last } = slowService()
    const { desk, collect, answers } = startDesk(query)
    const { call, leave } = aCaller()
    const outcome = desk.ask(asked, call)
    await setImmediate()
    last().write('half ')
    leave(reason)
    last().write('and half')
    expect(last().signal?.aborted).toBe(false)
    last().end(aResult({ text: 'half and half' }))
    const { id } = await outcome
    expect(answers.look(id)?.state).toBe('finished')
    expect((await collect(id, {})).text).toBe('half and half')
  })

  test.each([undefined, '', 'AbortError: This operation was aborted', 'The user stopped it', 'sometimes outside'])(
    'because they were stopped (%s) has, and the part stays',
    async (reason) => {
      const { query, last } = slowService()
      const { desk, collect } = startDesk(query)
      const { call, leave, heard } = aCaller()
      const outcome = desk.ask(asked, call)
      await setImmediate()
      last().write('half')
      leave(reason)
      expect(last().signal?.aborted).toBe(true)
      expect((await errorOf(outcome)).code).toBe('CANCELLED')
      const { text, footer, isIncomplete } = await collect(heard[0]?.slice(0, 12) ?? '', {})
      expect([text, isIncomplete]).toEqual(['half', true])
      expect(footer).toMatch(/^INCOMPLETE ANSWER: only part of it came\. The call was cancelled\./)
    },
  )

  test('is told nothing any more, and shown no dialog', async () => {
    const { query, last } = slowService()
    let isOffered = false
    let offer: AskCall['offer']
    const { desk, clock } = startDesk((question, options) => {
      offer = options.offer
      return query(question, options)
    })
    const { call, leave, heard } = aCaller({
      offer: async () => {
        isOffered = true
        return 'accept'
      },
    })
    const outcome = desk.ask(asked, call)
    await setImmediate()
    leave('Request timed out')
    const before = heard.length
    last().write('more')
    await clock.pass(20)
    const { signal } = new AbortController()
    expect(await offer?.({ message: '', url: '', signal, ended: signal })).toBe('cancel')
    expect([heard.length, isOffered]).toEqual([before, false])
    last().end()
    await outcome
  })

  test('while files are read: stopped, it never gets to the service', async () => {
    const { query, open } = slowService()
    const reading = gate()
    const { desk, answers } = startDesk(query, { attachments: waitingFor(reading) })
    const { call, leave } = aCaller()
    const outcome = desk.ask({ ...asked, files: ['a.ts'] }, call)
    leave('AbortError')
    reading.open()
    expect((await errorOf(outcome)).code).toBe('CANCELLED')
    expect(open).toEqual([])
    expect(answers.list()).toMatchObject([{ state: 'cancelled', characters: 0 }])
  })

  test('while files are read: timed out, it goes on', async () => {
    const { query, last } = slowService()
    const reading = gate()
    const { desk, answers } = startDesk(query, { attachments: waitingFor(reading) })
    const { call, leave } = aCaller()
    const outcome = desk.ask({ ...asked, files: ['a.ts'] }, call)
    leave('Request timed out')
    reading.open()
    await setImmediate()
    last().end()
    await outcome
    expect(answers.list()).toMatchObject([{ state: 'finished' }])
  })

  test('at the moment the answer ends gets one or the other, and it is kept', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const { query, last } = slowService()
      const { desk, answers } = startDesk(query)
      const { call, leave } = aCaller()
      const outcome = desk.ask(asked, call)
      await setImmediate()
      last().write('All of it.')
      last().end(aResult({ text: 'All of it.' }))
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      leave('AbortError')
      const ended = await outcome.then(
        () => 'finished',
        (error: CodexError) => error.code.toLowerCase(),
      )
      await setImmediate()
      const [summary] = answers.list()
      expect(summary).toMatchObject({ state: ended, characters: 10 })
    }
  })

  test('before they have asked has asked nothing', async () => {
    const { query, open } = slowService()
    const { desk, files } = startDesk(query)
    const { call, leave } = aCaller()
    leave()
    expect((await errorOf(desk.ask(asked, call))).code).toBe('CANCELLED')
    expect([open, files()]).toEqual([[], []])
  })
})

describe('in the background', () => {
  test('the id comes at once, the answer later, and the caller hears no more', async () => {
    const { query, last } = slowService()
    const { desk, collect, clock } = startDesk(query)
    const { call, leave, heard } = aCaller()
    const outcome = await desk.ask({ ...asked, background: true }, call)
    expect(outcome).toEqual({ id: expect.stringMatching(/^a-/), text: undefined })
    const before = heard.length
    leave()
    await clock.pass(11)
    last().write('All of it.')
    expect(heard).toHaveLength(before)
    last().end(aResult({ text: 'All of it.' }))
    await desk.over(outcome.id)
    expect(await collect(outcome.id, {})).toMatchObject({ text: 'All of it.', isIncomplete: false })
  })

  test('a failure is kept, text or not', async () => {
    const { query, last } = slowService()
    const { desk, answers } = startDesk(query)
    const { id } = await desk.ask({ ...asked, background: true }, aCaller().call)
    last().end(BROKEN)
    await desk.over(id)
    expect(answers.read(id)).toMatchObject({ state: 'failed', error: { code: 'NETWORK' } })
  })

  test('a caller who is stopped before it has begun takes it along', async () => {
    const reading = gate()
    const { desk, answers } = startDesk(slowService().query, { attachments: waitingFor(reading) })
    const { call, leave } = aCaller()
    const outcome = desk.ask({ ...asked, files: ['a.ts'], background: true }, call)
    leave()
    reading.open()
    expect((await errorOf(outcome)).code).toBe('CANCELLED')
    expect(answers.list()).toMatchObject([{ state: 'cancelled' }])
  })
})

describe('at the end of the server', () => {
  test('all that runs is marked and kept, in front and in the background, and nothing new begins', async () => {
    const { query, open } = slowService()
    const { desk, otherWindow } = startDesk(query)
    const front = desk.ask(asked, aCaller().call)
    const { id } = await desk.ask({ ...asked, background: true }, aCaller().call)
    await setImmediate()
    for (const { write } of open) write('half')
    desk.stop()
    // At once: nobody knows how much time is left.
    expect(otherWindow.list()).toMatchObject([
      { state: 'interrupted', characters: 4 },
      { state: 'interrupted', characters: 4 },
    ])
    expect((await errorOf(front)).code).toBe('CANCELLED')
    await desk.over(id)
    expect((await errorOf(desk.ask(asked, aCaller().call))).code).toBe('CANCELLED')
    expect(otherWindow.list()).toHaveLength(2)
  })

  test('a question that is still reading its files is marked too', async () => {
    const { query, open } = slowService()
    const reading = gate()
    const { desk, otherWindow } = startDesk(query, { attachments: waitingFor(reading) })
    const outcome = desk.ask({ ...asked, files: ['a.ts'] }, aCaller().call)
    desk.stop()
    expect(otherWindow.list()).toMatchObject([{ state: 'interrupted' }])
    reading.open()
    await errorOf(outcome)
    expect([open, otherWindow.list()[0]?.state]).toEqual([[], 'interrupted'])
  })
})

describe('where files come from', () => {
  test.each<[string, string[], string[]]>([
    ['the client', ['file:///a', 'file:///b'], ['file:///a', 'file:///b']],
    ['the project, when it names none', [], ['/project']],
  ])('%s', async (_name, roots, expected) => {
    const seen: unknown[] = []
    const attach: Attachments['attach'] = async (...args) => {
      seen.push(args.slice(0, 2))
      return { parts: [], sent: [], left: [] }
    }
    const { desk } = startDesk(async () => aResult(), { attachments: { attach } })
    await desk.ask({ ...asked, diff: 'working' }, aCaller({ roots: async () => roots }).call)
    expect(seen).toEqual([[{ diff: 'working' }, expected]])
  })

  test('nobody is asked for a question without files', async () => {
    const { desk } = startDesk(async () => aResult())
    const roots = () => Promise.reject(new Error('asked'))
    expect((await desk.ask(asked, aCaller({ roots }).call)).text).toBe('The answer.')
  })
})

describe('a turn', () => {
  /** What stands below an answer in a conversation that does this with its turn. */
  async function footerWith(add: () => Promise<unknown>): Promise<string> {
    const conversations = { open: talk, add } as unknown as QueryDeskDeps['conversations']
    const { desk } = startDesk(async () => aResult(), { conversations })
    const outcome = await desk.ask({ ...asked, conversation: 'sky' }, aCaller().call)
    return outcome.text === undefined ? '' : outcome.facts.footer
  }

  test('that cannot be added costs nobody the answer', async () => {
    const full = new CodexError('STORAGE_FAILED', 'The disk is full.')
    expect(await footerWith(() => Promise.reject(full))).toMatch(
      /Note: this turn could not be added to the conversation: The disk is full\.$/m,
    )
  })

  test('that came too late, or pushed others out, says so', async () => {
    expect(await footerWith(async () => ({ outcome: 'removed', dropped: 0 }))).toMatch(/was removed meanwhile/)
    expect(await footerWith(async () => ({ outcome: 'added', dropped: 3 }))).toMatch(/its oldest turns \(3\) are gone/)
  })
})

test('an answer is over when it is kept, and unknown to other windows', async () => {
  const { query, last } = slowService()
  const { desk, answers } = startDesk(query)
  const { id } = await desk.ask({ ...asked, background: true }, aCaller().call)
  const over = desk.over(id)
  last().end()
  await over
  expect(answers.look(id)?.state).toBe('finished')
  await setImmediate()
  expect([desk.over(id), desk.over('a-0123456789')]).toEqual([undefined, undefined])
})

test('a cancelled call inside is no cancel of the caller: it is told, and leaves nothing', async () => {
  const { desk, files } = startDesk(() => Promise.reject(cancelled('sign-in')))
  expect((await errorOf(desk.ask(asked, aCaller().call))).message).toBe('The sign-in was cancelled.')
  expect(files()).toEqual([])
})

function waitingFor({ promise }: Gate): Attachments {
  return { attach: () => promise.then(() => ({ parts: [], sent: [], left: [] })) }
}

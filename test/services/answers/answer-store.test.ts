import { randomBytes } from 'node:crypto'
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import {
  type AnswerStore,
  type AnswerStoreDeps,
  createAnswerStore,
} from '../../../src/services/answers/answer-store.ts'
import { createHandClock } from '../../support/hand-clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** After so long room has been made. */
const ROOM_SECONDS = 4

/** The paths in a folder that are listed, opened or asked for while something is done. */
async function looksAt(folder: string, work: () => unknown): Promise<string[]> {
  const seen: string[] = []
  const names = ['readdirSync', 'openSync', 'statSync', 'lstatSync'] as const
  const spies = names.map((name) => vi.spyOn(fs, name))
  syncBuiltinESMExports()
  try {
    await work()
    for (const [path] of spies.flatMap((spy) => spy.mock.calls as unknown[][])) seen.push(String(path))
  } finally {
    for (const spy of spies) spy.mockRestore()
    syncBuiltinESMExports()
  }
  return seen.filter((path) => path.startsWith(folder))
}

/** Windows on one folder; each is a store of its own. */
function aDesk() {
  const folder = join(tempFolder(), 'codex-oauth', 'answers')
  const clock = createHandClock()
  const open = (deps: Partial<AnswerStoreDeps> = {}) =>
    createAnswerStore({ folder, isOn: true, clock, randomBytes, ...deps })
  const fileOf = (id: string) => join(folder, `${id}.jsonl`)
  return { folder, clock, open, fileOf }
}

const BROKEN = new CodexError('NETWORK', 'The connection broke.', { hint: 'Ask again.', cause: new Error('s3cret') })

describe.each([true, false])('with isOn: %s', (isOn) => {
  test('an answer can be read from its first second to its end', () => {
    const { open, clock } = aDesk()
    const store = open({ isOn })
    const startedAt = clock.now()
    const answer = store.begin({ prompt: 'Why is\nthe sky blue?', conversation: 'sky' })
    expect(answer.id).toMatch(/^a-[0-9a-z]{10}$/)
    expect(answer.isKept).toBe(isOn)
    expect(store.read(answer.id)).toEqual({
      id: answer.id,
      state: 'running',
      startedAt,
      endedAt: undefined,
      model: undefined,
      conversation: 'sky',
      prompt: 'Why is the sky blue?',
      characters: 0,
      isKept: isOn,
      text: '',
      isCut: false,
      hasGap: false,
      phase: undefined,
      facts: undefined,
      error: undefined,
    })
    answer.model('gpt-x')
    answer.phase('writing')
    answer.append('Because ')
    answer.append('')
    answer.append('of')
    expect(store.read(answer.id)).toMatchObject({
      model: 'gpt-x',
      phase: 'writing',
      text: 'Because of',
      characters: 10,
    })

    clock.jump(5000)
    answer.append(' Rayleigh.')
    answer.finish('Because of Rayleigh.', { footer: '(gpt-x)', notes: ['one'] })
    expect(store.read(answer.id)).toMatchObject({
      state: 'finished',
      endedAt: startedAt + 5000,
      text: 'Because of Rayleigh.',
      characters: 20,
      facts: { footer: '(gpt-x)', notes: ['one'] },
      isKept: isOn,
    })
  })

  test('what counts is the text at the end, whatever has come before', () => {
    const store = aDesk().open({ isOn })
    const came = ['', 'Because', 'Because of Rayleigh and more', 'Something else', 'Becaüse 😀 of']
    for (const words of came) {
      const answer = store.begin({ prompt: 'Why?' })
      for (const letter of words) answer.append(letter)
      answer.finish('Because of Rayleigh', {})
      expect(store.read(answer.id)).toMatchObject({ text: 'Because of Rayleigh', characters: 19, isCut: false })
    }
  })

  test('an answer that is not whole says why, and keeps what there is', () => {
    const store = aDesk().open({ isOn })
    const answer = store.begin({ prompt: 'Why?' })
    answer.append('Because')
    answer.finish('Because', { footer: 'f' }, BROKEN)
    expect(store.read(answer.id)).toMatchObject({
      state: 'incomplete',
      text: 'Because',
      facts: { footer: 'f' },
      error: { code: 'NETWORK', message: 'The connection broke.', hint: 'Ask again.' },
    })
  })

  test('one that fails keeps its text, its code, and nothing of the cause', () => {
    const { open, folder } = aDesk()
    const store = open({ isOn })
    const answer = store.begin({ prompt: 'Why?' })
    answer.append('Because')
    answer.fail(BROKEN)
    expect(store.read(answer.id)).toMatchObject({
      state: 'failed',
      text: 'Because',
      error: { code: 'NETWORK', message: 'The connection broke.', hint: 'Ask again.' },
    })
    if (isOn)
      expect(
        readdirSync(folder)
          .map((name) => readFileSync(join(folder, name), 'utf8'))
          .join(),
      ).not.toContain('s3cret')
  })

  test('the first end counts, and nothing after it', () => {
    const store = aDesk().open({ isOn })
    const answer = store.begin({ prompt: 'Why?' })
    answer.append('Because')
    answer.stop('cancelled')
    const seen = store.read(answer.id)
    answer.append(' of')
    answer.model('gpt-y')
    answer.phase('writing')
    answer.finish('Because of', {})
    answer.fail(BROKEN)
    answer.stop('interrupted')
    store.stop()
    expect(seen).toMatchObject({ state: 'cancelled', text: 'Because' })
    expect(store.read(answer.id)).toEqual(seen)
  })

  test('all that runs is marked on the way out, at once', () => {
    const store = aDesk().open({ isOn })
    const [one, other, finished] = ['a', 'b', 'c'].map((prompt) => store.begin({ prompt }))
    one?.append('Because')
    finished?.finish('x', {})
    store.stop()
    expect(
      store
        .list()
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['finished', 'interrupted', 'interrupted'])
    expect(store.read(one?.id ?? '')).toMatchObject({
      state: 'interrupted',
      text: 'Because',
      endedAt: expect.any(Number),
    })
    expect(store.read(other?.id ?? '')).toMatchObject({ state: 'interrupted', text: '' })
  })

  test('one that is not wanted is gone, from every list and from the disk', () => {
    const { open, folder } = aDesk()
    const store = open({ isOn })
    const answer = store.begin({ prompt: 'Why?' })
    expect(answer.isEmpty).toBe(true)
    answer.append('x')
    expect(answer.isEmpty).toBe(false)
    answer.discard()
    answer.append('y')
    answer.flush()
    answer.finish('y', {})
    expect([store.list(), store.read(answer.id), store.look(answer.id)]).toEqual([[], undefined, undefined])
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
  })

  test('the list has the newest first, and no texts', () => {
    const { open, clock } = aDesk()
    const store = open({ isOn })
    const ids = ['first', 'second', 'third'].map((prompt) => {
      clock.jump(1000)
      const answer = store.begin({ prompt, model: 'gpt-x' })
      answer.append(prompt)
      if (prompt === 'second') answer.finish('second and last', {})
      return answer.id
    })
    const [last] = store.list()
    expect(last).toEqual({
      id: ids[2],
      state: 'running',
      startedAt: clock.now(),
      endedAt: undefined,
      model: 'gpt-x',
      conversation: undefined,
      prompt: 'third',
      phase: undefined,
      characters: 5,
      isKept: isOn,
    })
    expect(store.list().map(({ prompt, state, characters }) => [prompt, state, characters])).toEqual([
      ['third', 'running', 5],
      ['second', 'finished', 15],
      ['first', 'running', 5],
    ])
  })

  test('fifty that run push out none that are over', async () => {
    const { open, clock } = aDesk()
    const store = open({ isOn })
    store.begin({ prompt: 'over' }).finish('x', {})
    for (let n = 0; n < 60; n++) store.begin({ prompt: `Question ${n}` })
    await clock.pass(ROOM_SECONDS)
    const states = store.list().map(({ state }) => state)
    expect([states.filter((state) => state === 'finished').length, states.length]).toEqual([1, 61])
  })

  test('fifty are kept, for a week, and a running one as long as it runs', async () => {
    const { open, clock } = aDesk()
    const store = open({ isOn })
    const running = store.begin({ prompt: 'running' })
    for (let n = 0; n < 60; n++) {
      clock.jump(1000)
      store.begin({ prompt: `Question ${n}` }).finish('x', {})
    }
    await clock.pass(ROOM_SECONDS)
    const prompts = store.list().map(({ prompt }) => prompt)
    expect(prompts).toEqual([...Array.from({ length: 50 }, (_, n) => `Question ${59 - n}`), 'running'])
    clock.jump(8 * DAY_MS)
    store.begin({ prompt: 'new' }).finish('x', {})
    await clock.pass(ROOM_SECONDS)
    expect(store.list().map(({ prompt }) => prompt)).toEqual(['new', 'running'])
    running.append('x')
    expect(store.read(running.id)).toMatchObject({ state: 'running', text: 'x' })
  })

  test.each([
    '',
    'a',
    '../x',
    'a-../../../x',
    'a-0123456789/../a',
    'a-012345678\0',
    'a-0123456789\n',
    'A-0123456789',
    '__proto__',
    'constructor',
    'a-'.repeat(1e6),
  ])('no answer has the id %j', (id) => {
    const { open, folder } = aDesk()
    const store = open({ isOn })
    store.begin({ prompt: 'Why?' })
    writeFileSync(join(folder, '..', '..', 'x.jsonl'), '{"answer":1}\n', { flag: 'w' })
    expect(store.read(id)).toBeUndefined()
  })
})

describe('room is made on the disk', () => {
  const answerMany = (store: AnswerStore, count: number) => {
    for (let n = 0; n < count; n++) store.begin({ prompt: `Question ${n}` }).finish('x', {})
  }

  test('a few seconds after an answer', async () => {
    const { open, folder, clock } = aDesk()
    answerMany(open(), 60)
    await clock.pass(2)
    expect(readdirSync(folder)).toHaveLength(60)
    await clock.pass(ROOM_SECONDS - 2)
    expect(readdirSync(folder)).toHaveLength(50)
  })

  test('for all windows together', async () => {
    const { open, folder, clock } = aDesk()
    for (const store of [open(), open(), open()]) answerMany(store, 20)
    await clock.pass(ROOM_SECONDS)
    expect(readdirSync(folder)).toHaveLength(50)
  })

  test('before a window ends', () => {
    const { open, folder } = aDesk()
    const store = open()
    answerMany(store, 60)
    store.stop()
    expect(readdirSync(folder)).toHaveLength(50)
  })

  test('by the next window, where one was killed before', async () => {
    const { open, folder, clock } = aDesk()
    answerMany(open({ clock: { ...clock, sleep: () => new Promise(() => {}) } }), 60)
    await clock.pass(ROOM_SECONDS)
    expect(readdirSync(folder)).toHaveLength(60)
    answerMany(open(), 1)
    await clock.pass(ROOM_SECONDS)
    expect(readdirSync(folder)).toHaveLength(50)
  })

  test('every three seconds at most', async () => {
    const { open, folder, clock } = aDesk()
    const store = open()
    const seen = await looksAt(folder, async () => {
      for (let tenth = 0; tenth < 100; tenth++) {
        answerMany(store, 1)
        await clock.pass(0.1)
      }
    })
    expect(seen.filter((path) => path === folder)).toHaveLength(3)
  })

  test('also by what was interrupted an hour ago', async () => {
    const { open, fileOf, clock } = aDesk()
    const elsewhere = open({ identity: { pid: 1, startTime: '1', place: 'another container' } })
    const interrupted = elsewhere.begin({ prompt: 'Why?' })
    const store = open()
    for (let second = 0; second < 60; second++) {
      clock.jump(MINUTE_MS)
      answerMany(store, 1)
    }
    expect(store.read(interrupted.id)).toMatchObject({ state: 'interrupted' })
    await clock.pass(ROOM_SECONDS)
    expect(existsSync(fileOf(interrupted.id))).toBe(false)
  })

  test('while no question waits for it: none looks at the answers of others', async () => {
    const { open, folder } = aDesk()
    const store = open()
    for (const window of [store, open()]) answerMany(window, 40)
    const seen = await looksAt(folder, () => store.begin({ prompt: 'Why?' }))
    const [newest] = store.list()
    expect(seen.filter((path) => !path.includes(newest?.id ?? '?'))).toEqual([])
    expect(seen).not.toEqual([])
  })
})

describe('on disk', () => {
  test('another window, and one after this, sees the same', () => {
    const { open } = aDesk()
    const store = open()
    const other = open()
    const answer = store.begin({ prompt: 'Why?', model: 'gpt-x', conversation: 'sky' })
    answer.phase('thinking')
    // The phase comes with the end of the turn, or when somebody has to see it now.
    expect([other.read(answer.id), other.list()]).toEqual([
      { ...store.read(answer.id), phase: undefined },
      store.list().map((summary) => ({ ...summary, phase: undefined })),
    ])
    answer.flush()
    expect([other.read(answer.id), other.list()]).toEqual([store.read(answer.id), store.list()])
    answer.append('Because')
    answer.finish('Because of Rayleigh', { footer: 'f' }, BROKEN)
    expect([other.read(answer.id), other.list()]).toEqual([store.read(answer.id), store.list()])
    expect(open().read(answer.id)).toMatchObject({
      state: 'incomplete',
      text: 'Because of Rayleigh',
      model: 'gpt-x',
      phase: 'thinking',
    })
  })

  test('what has ended is no longer in memory: it goes with its file', () => {
    const { open, fileOf } = aDesk()
    const store = open()
    const answer = store.begin({ prompt: 'Why?' })
    answer.append('Because')
    answer.finish('Because', {})
    rmSync(fileOf(answer.id))
    expect([store.read(answer.id), store.list()]).toEqual([undefined, []])
  })

  test('a text that has come bit by bit is not written twice', () => {
    const { open, fileOf } = aDesk()
    const answer = open().begin({ prompt: 'Why?' })
    const text = 'Because '.repeat(10_000)
    for (let at = 0; at < text.length; at += 1000) answer.append(text.slice(at, at + 1000))
    answer.finish(`${text}.`, {})
    expect(readFileSync(fileOf(answer.id)).length).toBeLessThan(text.length + 5000)
  })

  test('an answer that runs is in the list of another window with what has come, however long its pieces are', async () => {
    const { open } = aDesk()
    const answer = open().begin({ prompt: 'Why?', model: 'gpt-x' })
    const seen: unknown[] = []
    for (const length of [10, 3000, 50_000, 1]) {
      answer.append('"'.repeat(length))
      await setImmediate()
      seen.push(open().list()[0]?.characters)
    }
    expect(seen).toEqual([10, 3010, 53_010, 53_011])
    expect(open().list()[0]).toMatchObject({ model: 'gpt-x', state: 'running' })
  })

  test('a writer that cannot be seen counts as running until it has been silent for a quarter of an hour', () => {
    const { open, clock } = aDesk()
    const elsewhere = open({ identity: { pid: 1, startTime: '1', place: 'another container' } })
    const answer = elsewhere.begin({ prompt: 'Why?' })
    const here = open()
    clock.jump(14 * MINUTE_MS)
    expect(here.read(answer.id)).toMatchObject({ state: 'running' })
    clock.jump(2 * MINUTE_MS)
    expect(here.read(answer.id)).toMatchObject({ state: 'interrupted', endedAt: undefined })
    expect(here.list()).toMatchObject([{ state: 'interrupted' }])
  })

  test('what is too large together goes, the oldest first', async () => {
    const { open, clock, fileOf } = aDesk()
    const store = open()
    const ids = [1, 2, 3, 4].map((n) => {
      clock.jump(1000)
      const answer = store.begin({ prompt: `Question ${n}` })
      answer.finish('x', {})
      return answer.id
    })
    for (const id of ids) truncateSync(fileOf(id), 30 * 2 ** 20)
    open().begin({ prompt: 'new' }).finish('x', {})
    await clock.pass(ROOM_SECONDS)
    expect(ids.map((id) => existsSync(fileOf(id)))).toEqual([false, false, true, true])
  })

  test('no key that stands in a question is written', () => {
    const { open, fileOf } = aDesk()
    const prompt = 'Why does sk-proj-s3cretS3cret fail with "refresh_token": "rt_s3cret"?'
    const answer = open().begin({ prompt: `${prompt} ${'more '.repeat(1000)}THE END` })
    answer.finish('x', {})
    const written = readFileSync(fileOf(answer.id), 'utf8')
    expect(written).toContain('Why does [hidden] fail')
    expect(written).not.toMatch(/s3cret|THE END/i)
  })

  test.each(['the next question', 'the end of this process'])(
    'an answer that had no room when it ended is written with %s',
    (occasion) => {
      const { open, folder } = aDesk()
      const [store, other] = [open(), open()]
      mkdirSync(dirname(folder), { recursive: true })
      writeFileSync(folder, 'in the way')
      const answer = store.begin({ prompt: 'Why?' })
      answer.finish('Because.', {})
      rmSync(folder)
      expect([answer.isKept, other.read(answer.id)]).toEqual([false, undefined])
      if (occasion === 'the next question') store.begin({ prompt: 'And why?' })
      else store.stop()
      expect(other.read(answer.id)).toMatchObject({ state: 'finished', text: 'Because.' })
      expect(store.read(answer.id)).toMatchObject({ state: 'finished', isKept: true })
    },
  )

  test('two answers with the same id do not get into one file', () => {
    const { open } = aDesk()
    const same = (size: number) => Buffer.alloc(size)
    const [one, other] = [open({ randomBytes: same }), open({ randomBytes: same })]
    const first = one.begin({ prompt: 'first' })
    const second = other.begin({ prompt: 'second' })
    second.finish('of the second', {})
    first.finish('of the first', {})
    expect([first.isKept, second.isKept]).toEqual([true, false])
    expect([one, other].map((store) => store.read('a-0000000000')?.text)).toEqual(['of the first', 'of the second'])
  })

  test('two thousand pieces a second and a list of fifty cost a few milliseconds', async () => {
    const store = aDesk().open()
    for (let n = 0; n < 50; n++) store.begin({ prompt: 'Why?' }).finish('Because. '.repeat(10_000), {})
    const took = async (work: () => unknown) => {
      const times: number[] = []
      for (let n = 0; n < 5; n++) {
        const startedAt = performance.now()
        await work()
        times.push(performance.now() - startedAt)
      }
      return Math.min(...times)
    }
    const answer = store.begin({ prompt: 'Why?' })
    const pieces = async () => {
      for (let n = 0; n < 2000; n++) {
        answer.append('Because. ')
        // Some ten pieces arrive together.
        if (n % 10 === 0) await setImmediate()
      }
    }
    expect(await took(pieces)).toBeLessThan(40)
    expect(await took(() => store.list())).toBeLessThan(40)
  })
})

test('when it is off nothing is written, and what lies on disk is not looked at', async () => {
  const { open, folder } = aDesk()
  const off = open({ isOn: false })
  const answer = off.begin({ prompt: 'Why?' })
  answer.append('x')
  answer.finish('x', {})
  await setImmediate()
  expect(existsSync(folder)).toBe(false)
  const kept = open().begin({ prompt: 'kept' })
  expect(off.read(kept.id)).toBeUndefined()
  expect(off.list().map(({ id }) => id)).toEqual([answer.id])
  expect(open().read(answer.id)).toBeUndefined()
})

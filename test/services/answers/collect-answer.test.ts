import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { createAnswerStore } from '../../../src/services/answers/answer-store.ts'
import { createCollectAnswer } from '../../../src/services/answers/collect-answer.ts'
import type { TimedProgress } from '../../../src/services/answers/progress-pace.ts'
import { errorOf } from '../../support/error-of.ts'
import { gate } from '../../support/fake-script.ts'
import { createHandClock } from '../../support/hand-clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const BROKEN = new CodexError('NETWORK', 'The connection broke.', { hint: 'Ask again.' })

/** A store, a window beside it, and those who collect from either. */
function startCollecting() {
  const folder = tempFolder()
  const clock = createHandClock()
  const open = () => createAnswerStore({ folder, isOn: true, clock, randomBytes })
  const [answers, beside] = [open(), open()]
  const ends = new Map<string, Promise<void>>()
  const desk = { over: (id: string) => ends.get(id) }
  const collect = createCollectAnswer({ answers, desk, clock })
  const collectBeside = createCollectAnswer({ answers: beside, desk: { over: () => undefined }, clock })
  return { folder, clock, answers, beside, ends, collect, collectBeside }
}

/** Whether it has resolved by now. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([work.then(() => true), Promise.resolve(false)])) === true
}

describe('what has ended is given at once:', () => {
  test('whole', async () => {
    const { answers, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.finish('All of it.', { footer: 'As it was' })
    expect(await collect(answer.id, {})).toEqual({
      ...{ id: answer.id, text: 'All of it.', offset: 0, footer: 'As it was', isIncomplete: false },
    })
  })

  test('as a part, marked as it was marked', async () => {
    const { answers, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.finish('Half', { footer: 'INCOMPLETE, as it was' }, BROKEN)
    expect(await collect(answer.id, {})).toMatchObject({ footer: 'INCOMPLETE, as it was', isIncomplete: true })
  })

  test.each<[string, object]>([
    ['without a footer', {}],
    ['with one that is none', { footer: { a: 1 } }],
  ])('%s it has its id below', async (_name, facts) => {
    const { answers, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.finish('All of it.', { ...facts })
    expect((await collect(answer.id, {})).footer).toBe(`Answer ${answer.id}`)
  })

  test.each<['cancelled' | 'interrupted', string]>([
    ['cancelled', 'The call was cancelled.'],
    ['interrupted', 'The server that asked has ended.'],
  ])('%s, with and without text; no conversation has it', async (state, why) => {
    const { answers, collect } = startCollecting()
    const [some, none] = [1, 2].map(() => answers.begin({ prompt: 'Why?', conversation: 'sky' }))
    some?.append('Half')
    some?.stop(state)
    none?.stop(state)
    expect(await collect(some?.id ?? '', {})).toMatchObject({
      text: 'Half',
      isIncomplete: true,
      footer: `INCOMPLETE ANSWER: only part of it came. ${why} Ask again for the whole answer. [INCOMPLETE]\nAnswer ${some?.id}`,
    })
    expect(await errorOf(collect(none?.id ?? '', {}))).toMatchObject({
      code: 'INCOMPLETE',
      message: `${why} Nothing of the answer had come by then.`,
    })
  })

  test('failed, with and without text', async () => {
    const { answers, collect } = startCollecting()
    const [some, none] = [1, 2].map(() => answers.begin({ prompt: 'Why?' }))
    some?.append('Half')
    some?.fail(BROKEN)
    none?.fail(BROKEN)
    expect(await collect(some?.id ?? '', {})).toMatchObject({
      text: 'Half',
      footer: expect.stringMatching(/^INCOMPLETE ANSWER: .* The connection broke\. Ask again\. \[NETWORK\]\nAnswer a-/),
    })
    expect(await errorOf(collect(none?.id ?? '', {}))).toMatchObject({
      ...{ code: 'NETWORK', message: BROKEN.message, hint: BROKEN.hint },
    })
  })

  test('with a hole in it, or without its end: that is told', async () => {
    const { answers, collect, folder, beside, collectBeside } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.finish('x', {})
    const cut = beside.begin({ prompt: 'Why?' })
    cut.finish('y'.repeat(17 * 1024 * 1024), { footer: 'f' })
    const file = join(folder, `${answer.id}.jsonl`)
    writeFileSync(file, '{"from":3,"text":"d"}\n{"end":"finished","at":1}\n', { flag: 'a' })
    const found = await collect(answer.id, {})
    expect([found.isIncomplete, found.footer]).toEqual([true, expect.stringMatching(/parts .* could not be kept/)])
    const long = await collectBeside(cut.id, {})
    expect([long.isIncomplete, long.footer]).toEqual([
      true,
      expect.stringMatching(/^f\nNote: .* its end is missing\.$/),
    ])
  })
})

describe('one that runs is waited for', () => {
  test('until it ends: in this process at once, in another with the next look', async () => {
    const { answers, clock, ends, collect, collectBeside } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    const { promise, open } = gate()
    ends.set(answer.id, promise)
    answer.append('Half')
    const [here, there] = [collect(answer.id, {}), collectBeside(answer.id, {})]
    await clock.pass(10)
    expect([await isOver(here), await isOver(there)]).toEqual([false, false])
    answer.finish('All of it.', { footer: 'f' })
    open()
    expect((await here).text).toBe('All of it.')
    expect(await isOver(there)).toBe(false)
    await clock.pass(0.5)
    expect((await there).text).toBe('All of it.')
  })

  test('for 45 seconds, however the clock jumps', async () => {
    const { answers, clock, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.append('Half')
    const collected = collect(answer.id, {})
    clock.jump(-3_600_000)
    await clock.pass(40)
    expect(await isOver(collected)).toBe(false)
    clock.jump(3_600_000)
    await clock.pass(46)
    expect(await collected).toMatchObject({ text: 'Half', isIncomplete: true })
  })

  test('and what it does is told: each change, and every five seconds', async () => {
    const { answers, clock, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.phase('connecting')
    await clock.pass(60)
    const told: TimedProgress[] = []
    const collected = collect(answer.id, { onProgress: (progress) => told.push(progress) })
    answer.phase('searching')
    await clock.pass(1)
    answer.phase('writing')
    answer.append('x'.repeat(30))
    await clock.pass(5)
    answer.finish('x', {})
    await clock.pass(1)
    await collected
    expect(told.map(({ phase, characters, elapsedMs }) => `${phase} ${characters} ${elapsedMs / 1000}`)).toEqual([
      'connecting 0 60',
      'searching 0 60.5',
      'writing 30 61.5',
      'writing 30 65',
    ])
    const before = told.length
    await clock.pass(20)
    expect(told).toHaveLength(before)
  })

  test('a phase that nobody knows is thinking, or writing', async () => {
    const { answers, clock, collect } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    answer.phase('of_tomorrow')
    const told: string[] = []
    const collected = collect(answer.id, { onProgress: ({ phase }) => void told.push(phase) })
    answer.append('x')
    await clock.pass(1)
    answer.stop('cancelled')
    await clock.pass(1)
    await collected
    expect(told).toEqual(['thinking', 'writing'])
  })

  test('not longer than its caller wants', async () => {
    const { answers, collect } = startCollecting()
    const leaving = new AbortController()
    const collected = collect(answers.begin({ prompt: 'Why?' }).id, { signal: leaving.signal })
    leaving.abort()
    expect((await errorOf(collected)).code).toBe('CANCELLED')
  })

  test('and may be gone by then', async () => {
    const { answers, clock, collect, collectBeside } = startCollecting()
    const answer = answers.begin({ prompt: 'Why?' })
    const both = [collect(answer.id, {}), collectBeside(answer.id, {})].map(errorOf)
    answer.discard()
    await clock.pass(1)
    for (const error of await Promise.all(both)) {
      expect([error.code, error.message]).toEqual(['INPUT_INVALID', expect.stringMatching(/no longer kept/)])
    }
  })
})

test('from a place on, it is the same text; behind its end there is none', async () => {
  const { answers, collect } = startCollecting()
  const answer = answers.begin({ prompt: 'Why?' })
  answer.finish('12345', {})
  expect(await collect(`${answer.id}@4`, {})).toMatchObject({ text: '12345', offset: 4 })
  expect(await errorOf(collect(`${answer.id}@5`, {}))).toMatchObject({
    code: 'INPUT_INVALID',
    message: 'The answer ends after 5 characters.',
  })
  expect(await collect(`${answer.id}@0`, {})).toMatchObject({ offset: 0 })
})

import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createAnswerStore } from '../../../src/services/answers/answer-store.ts'
import { type Child, plainUser, startChild, startChildren } from '../../support/child.ts'
import { createHandClock } from '../../support/hand-clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

function aWindow(folder: string) {
  const clock = createHandClock()
  return { store: createAnswerStore({ folder, isOn: true, clock, randomBytes }), clock }
}

/** The last of all that an ended child has told. */
async function lastOf(child: Child): Promise<unknown> {
  let last: unknown
  try {
    while (true) last = await child.next()
  } catch {
    return last
  }
}

test('a window killed at any moment leaves all that it had written, marked as interrupted', {
  timeout: 120_000,
}, async () => {
  const folder = join(tempFolder(), 'answers')
  const { store } = aWindow(folder)
  for (let round = 0; round < 14; round++) {
    const child = startChild('answers', ['endless', folder])
    const ids = (await child.next()) as string[]
    child.tell('go')
    await child.next()
    // Nothing is waited for here: this is the moment of the kill, another one each time.
    await sleep(Math.random() * 40)
    child.kill()
    await child.ended
    const told = Number((await lastOf(child)) ?? 0)
    for (const id of ids) {
      const { text = '', ...answer } = store.read(id) ?? {}
      const words = text.split(' ').slice(0, -1).map(Number)
      expect(words).toEqual(words.map((_, index) => index + 1))
      expect(words.length).toBeGreaterThanOrEqual(told)
      expect(answer).toMatchObject({ state: 'interrupted', endedAt: undefined, model: 'gpt-x', hasGap: false })
    }
    const listed = store.list().filter(({ id }) => ids.includes(id))
    expect(listed.map(({ state, characters }) => [state, characters > 0 || told === 0])).toEqual(
      ids.map(() => ['interrupted', true]),
    )
  }
})

test('a window that ends in order marks what runs before it is gone', async () => {
  const folder = join(tempFolder(), 'answers')
  const child = startChild('answers', ['runs', folder])
  const id = String(await child.next())
  await child.next()
  child.tell('all but the end')
  await child.next()
  child.tell('stop')
  await child.ended
  expect(aWindow(folder).store.read(id)).toMatchObject({
    state: 'interrupted',
    text: 'all but the end',
    endedAt: expect.any(Number),
  })
})

test('what another window writes is seen as soon as it is written, and so is its death', async () => {
  const folder = join(tempFolder(), 'answers')
  const child = startChild('answers', ['runs', folder])
  const id = String(await child.next())
  await child.next()
  const { store } = aWindow(folder)
  expect(store.read(id)).toMatchObject({ state: 'running', text: '' })

  child.tell('word')
  await expect.poll(() => store.read(id)).toMatchObject({ state: 'running', text: 'word' })

  child.kill()
  await child.ended
  expect(store.read(id)).toMatchObject({ state: 'interrupted', text: 'word' })
})

test('windows that make room at the same time keep the newest, what runs, and what is not theirs', async () => {
  const folder = join(tempFolder(), 'answers')
  const { store, clock } = aWindow(folder)
  const running = store.begin({ prompt: 'Still running' })
  const others = ['notes.txt', 'a-short.jsonl', 'a-0123456789.jsonl.bak', 'b-0123456789.jsonl']
  for (const name of others) writeFileSync(join(folder, name), 'mine')

  const windows = await startChildren('answers', Array(3).fill(['many', folder, '60']))
  for (const child of windows) child.tell('go')
  expect(await Promise.all(windows.map((child) => child.next()))).toEqual(['done', 'done', 'done'])

  running.append('and on')
  running.finish('and on', {})
  expect(store.read(running.id)).toMatchObject({ state: 'finished', text: 'and on' })
  await clock.pass(4)
  const listed = store.list()
  expect(listed.length).toBeLessThanOrEqual(50)
  expect(listed.length).toBeGreaterThan(45)
  for (const { id } of listed) expect(store.read(id)?.state).toBe('finished')
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(others))
})

describe.runIf(process.platform !== 'win32')('on a disk', () => {
  test('files and folders are private whatever the umask is', async () => {
    const child = startChild('answers', ['modes', tempFolder(), '000', '022', '077', '777'])
    expect(await child.next()).toEqual(Array(4).fill(['600', '700', '700', true]))
  })

  test('that is full an answer goes on in memory, and the windows that come later have what fitted', async () => {
    const folder = join(tempFolder(), 'answers')
    const child = startChild('answers', ['long', folder], { fileBlocks: 16 })
    const { id, ...seen } = (await child.next()) as { id: string }
    expect(seen).toMatchObject({
      keptAtFirst: true,
      whileRunning: true,
      state: 'finished',
      isKept: false,
      facts: { footer: 'f' },
      isWhole: true,
      listed: [[id, false]],
    })
    await child.ended
    const { text = '', ...left } = aWindow(folder).store.read(id) ?? {}
    expect(left).toMatchObject({ state: 'interrupted', hasGap: false, isKept: true })
    expect(text.length).toBeGreaterThan(2000)
    expect('word '.repeat(20_000).startsWith(text)).toBe(true)
  })

  test.each([
    ['a folder that cannot be written', (folder: string) => chmodSync(folder, 0o555)],
    ['a place that is no folder', (folder: string) => writeFileSync(join(folder, 'answers'), '')],
  ])('%s costs the file and nothing else', async (_, spoil) => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'state'))
    spoil(join(folder, 'state'))
    chmodSync(folder, 0o755)
    const child = startChild('answers', ['long', join(folder, 'state', 'answers')], { uid: plainUser })
    const { id, ...seen } = (await child.next()) as { id: string }
    expect(seen).toMatchObject({
      keptAtFirst: false,
      state: 'finished',
      isKept: false,
      isWhole: true,
      listed: [[id, false]],
    })
    chmodSync(join(folder, 'state'), 0o755)
    expect(existsSync(join(folder, 'state', 'answers', `${id}.jsonl`))).toBe(false)
  })
})

test.each([
  ['200 MB in long pieces: the text is cut', 200_000_000, 500, 16 * 2 ** 20],
  ['a text in pieces of one letter: the file is cut', 3_000_000, 1, undefined],
])('%s, and memory does not grow with it', async (_, characters, length, expected) => {
  const child = startChild('answers', ['flood', join(tempFolder(), 'answers'), String(characters), String(length)])
  const seen = (await child.next()) as { megabytes: number; kept: number; size: number }
  expect(seen).toMatchObject({ isCut: true, after: { state: 'interrupted', isCut: true, characters: seen.kept } })
  expect(seen.kept).toBe(expected ?? seen.kept)
  expect(seen.kept).toBeGreaterThan(1_000_000)
  expect(seen.size).toBeLessThan(49 * 2 ** 20)
  expect(seen.megabytes).toBeLessThan(120)
})

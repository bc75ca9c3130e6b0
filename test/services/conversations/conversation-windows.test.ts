import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createUuid } from '../../../src/infrastructure/uuid.ts'
import { conversationKey } from '../../../src/services/conversations/conversation-name.ts'
import { createConversationStore } from '../../../src/services/conversations/conversation-store.ts'
import { aTurn } from '../../support/a-turn.ts'
import { type Child, startChild } from '../../support/child.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const isWindows = process.platform === 'win32'

function setUp() {
  const folder = tempFolder()
  const newId = () => createUuid(randomBytes, Date.now)
  const store = createConversationStore({ folder, newId, now: Date.now })
  return {
    folder,
    store,
    add: (prompt: string) => store.add(store.open('talk'), aTurn(prompt)),
    prompts: () => store.open('talk').turns.map(({ prompt }) => prompt),
    files: () => readdirSync(join(folder, conversationKey('talk'))).filter((name) => name !== 'head.json'),
    /** A window that adds turns as soon as it is told to. */
    async window(word: string, turns: number, ...options: string[]): Promise<Child> {
      const child = startChild('talks', [folder, 'talk', word, String(turns), ...options])
      await child.next()
      return child
    },
  }
}

/** What a window has reported as kept until it ended, one way or the other. */
async function keptBy(child: Child, onKept: (count: number) => void = () => {}): Promise<string[]> {
  const kept: string[] = []
  for (;;) {
    const message = await child.next().catch(() => 'done')
    if (message === 'done') return kept
    expect(message).toMatch(/^kept /)
    kept.push(String(message).slice('kept '.length))
    onKept(kept.length)
  }
}

const numbersOf = (files: readonly string[]) => files.map((name) => Number(name.slice(0, 6))).sort((a, b) => a - b)

test('two windows begin one conversation and go on with it, each turn with a place of its own', async () => {
  const { window, prompts, files } = setUp()
  const windows = [await window('a', 60), await window('b', 60)]
  for (const child of windows) child.tell('go')
  const kept = await Promise.all(windows.map((child) => keptBy(child)))
  expect(kept.map(({ length }) => length)).toEqual([60, 60])
  expect(prompts().toSorted()).toEqual(kept.flat().toSorted())
  for (const [n, word] of ['a', 'b'].entries()) {
    expect(prompts().filter((prompt) => prompt.startsWith(word))).toEqual(kept[n])
  }
  expect(numbersOf(files())).toEqual(Array.from({ length: 120 }, (_, n) => n + 1))
})

test('two windows keep 500 turns in one conversation and lose none, killed again and again', {
  timeout: 120_000,
}, async () => {
  const { window, prompts, files } = setUp()
  let left = 500
  let started = 0
  let kills = 0
  const kept: string[] = []

  /** One window after the other, each killed at a moment of chance while there are kills left. */
  async function inTurn(): Promise<void> {
    while (left > 0) {
      started += 1
      const child = await window(`w${started}`, left)
      const last = 20 + Math.floor(Math.random() * 60)
      const reported = keptBy(child, (count) => {
        left -= 1
        if (left <= 0) child.kill()
        if (count !== last || kills >= 6) return
        kills += 1
        // Not waited for: this is the moment of the kill.
        void sleep(Math.random() * 8).then(() => child.kill())
      })
      child.tell('go')
      kept.push(...(await reported))
    }
  }

  await Promise.all([inTurn(), inTurn()])
  expect(kept.length).toBeGreaterThanOrEqual(500)
  expect(kills).toBe(6)
  const there = prompts()
  expect(kept.filter((prompt) => !there.includes(prompt))).toEqual([])
  expect(new Set(there).size).toBe(there.length)
  // Each window may have been killed between keeping a turn and saying so.
  expect(there.length - kept.length).toBeLessThanOrEqual(started)
  expect(files().filter((name) => !name.endsWith('.json')).length).toBeLessThanOrEqual(2)
})

describe.skipIf(isWindows)('a window that is frozen in the middle of its turn', () => {
  test('keeps it when it comes back, and no turn of others is lost', async () => {
    const { window, add, prompts } = setUp()
    await add('first')
    const frozen = await window('late', 3, 'stop')
    frozen.tell('go')
    expect(await frozen.next()).toBe('inside')
    for (let n = 1; n <= 5; n++) expect((await add(`other ${n}`)).outcome).toBe('kept')
    frozen.kill('SIGCONT')
    expect(await keptBy(frozen)).toEqual(['late 1', 'late 2', 'late 3'])
    const others = Array.from({ length: 5 }, (_, n) => `other ${n + 1}`)
    expect(prompts().toSorted()).toEqual(['first', ...others, 'late 1', 'late 2', 'late 3'].toSorted())
    expect(prompts().filter((prompt) => prompt.startsWith('other'))).toEqual(others)
  })

  test('does not bring back a conversation that was removed meanwhile', async () => {
    const { window, add, store, folder } = setUp()
    await add('first')
    const frozen = await window('late', 1, 'stop')
    frozen.tell('go')
    await frozen.next()
    expect(await store.remove('talk')).toBe(1)
    frozen.kill('SIGCONT')
    expect(await frozen.next()).toBe('removed late 1')
    await frozen.ended
    expect(readdirSync(folder)).toEqual([])
  })

  test('does not write into another one that was begun meanwhile under its name', async () => {
    const { window, add, store, prompts, files } = setUp()
    await add('first')
    const frozen = await window('late', 1, 'stop')
    frozen.tell('go')
    await frozen.next()
    await store.remove('talk')
    await add('new')
    frozen.kill('SIGCONT')
    expect(await frozen.next()).toBe('removed late 1')
    expect([prompts(), files()]).toEqual([['new'], [expect.stringMatching(/^000001\./)]])
  })
})

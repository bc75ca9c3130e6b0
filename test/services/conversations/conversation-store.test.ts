import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createUuid } from '../../../src/infrastructure/uuid.ts'
import { conversationKey } from '../../../src/services/conversations/conversation-name.ts'
import { createConversationStore } from '../../../src/services/conversations/conversation-store.ts'
import type { Turn } from '../../../src/services/conversations/conversation-turn.ts'
import { aTurn } from '../../support/a-turn.ts'
import { hasDisks, plainUser, startChild } from '../../support/child.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NOW = 1_790_000_000_000

function setUp(options: { maxBytes?: number; lockWaitMs?: number } = {}) {
  const folder = join(tempFolder(), 'codex-oauth', 'conversations')
  let ids = 0
  const newId = () => {
    ids += 1
    return createUuid(randomBytes, () => NOW + ids)
  }
  const openStore = () => createConversationStore({ folder, newId, now: () => NOW, ...options })
  const store = openStore()
  return {
    folder,
    store,
    openStore,
    add: (name: string, turn: Turn) => store.add(store.open(name), turn),
    prompts: (name: string) => store.open(name).turns.map(({ prompt }) => prompt),
    filesOf: (name: string) => namesIn(join(folder, conversationKey(name))),
    pathOf: (name: string, file = '.') => join(folder, conversationKey(name), file),
  }
}

const namesIn = (folder: string) => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [])

describe('a conversation', () => {
  test('that nobody has begun is empty, and opening it writes nothing', () => {
    const { store, folder } = setUp()
    const opened = store.open('plan')
    expect(opened).toMatchObject({ name: 'plan', turns: [], cacheKey: opened.id })
    expect(fs.existsSync(folder)).toBe(false)
  })

  test('is as it was after a restart, with the id and the cache key of its first turn', async () => {
    const { store, openStore } = setUp()
    const opened = store.open('plan')
    const turns = [
      aTurn('one', { inputTokens: 11, outputTokens: 7 }),
      aTurn('two', { incomplete: true, output: [] }),
      aTurn('three'),
    ]
    expect(await store.add(opened, turns[0] as Turn)).toEqual({ outcome: 'kept', dropped: 0 })
    for (const turn of turns.slice(1)) await store.add(openStore().open('plan'), turn)
    expect(openStore().open('plan')).toEqual({ id: opened.id, name: 'plan', cacheKey: opened.id, turns })
  })

  test('keeps no field that it does not know', async () => {
    const { store, add, filesOf, pathOf } = setUp()
    await add('plan', aTurn('one'))
    const file = pathOf('plan', filesOf('plan')[0] as string)
    fs.writeFileSync(file, `{"later":"x","__proto__":{"y":1},${JSON.stringify(aTurn('one')).slice(1)}`)
    expect(store.open('plan').turns).toEqual([aTurn('one')])
  })

  test('takes the turns of two windows that begin it at once', async () => {
    const { store, openStore, prompts } = setUp()
    const [one, other] = [store.open('plan'), openStore().open('plan')]
    expect(one.id).not.toBe(other.id)
    await Promise.all([store.add(one, aTurn('a')), openStore().add(other, aTurn('b'))])
    expect(prompts('plan').sort()).toEqual(['a', 'b'])
    expect([one.id, other.id]).toContain(store.open('plan').id)
  })

  test('takes the turns of two windows that go on with it at once', async () => {
    const { store, openStore, add, prompts } = setUp()
    await add('plan', aTurn('first'))
    const [one, other] = [store.open('plan'), openStore().open('plan')]
    await openStore().add(other, aTurn('b'))
    await store.add(one, aTurn('a'))
    expect(prompts('plan')).toEqual(['first', 'b', 'a'])
  })

  test.runIf(process.platform !== 'win32')('is for this user alone', async () => {
    const { add, filesOf, pathOf, folder } = setUp()
    await add('plan', aTurn('one'))
    const modeOf = (path: string) => fs.statSync(path).mode & 0o777
    expect([modeOf(folder), modeOf(pathOf('plan'))]).toEqual([0o700, 0o700])
    expect(filesOf('plan').map((name) => modeOf(pathOf('plan', name)))).toEqual([0o600, 0o600])
  })

  test('loses its oldest turns where it would grow too large, and says how many', async () => {
    const size = Buffer.byteLength(JSON.stringify(aTurn('turn 1'))) + 1
    const { add, prompts } = setUp({ maxBytes: 3 * size + 1 })
    for (let n = 1; n <= 3; n++) expect((await add('plan', aTurn(`turn ${n}`))).dropped).toBe(0)
    expect(await add('plan', aTurn('turn 4'))).toEqual({ outcome: 'kept', dropped: 1 })
    expect(prompts('plan')).toEqual(['turn 2', 'turn 3', 'turn 4'])
    const large = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x'.repeat(size) }] }
    expect(await add('plan', aTurn('turn 5', { output: [large] }))).toEqual({ outcome: 'kept', dropped: 2 })
    expect(prompts('plan')).toEqual(['turn 4', 'turn 5'])
  })

  test('does not take a turn that alone is too large, and stays as it is', async () => {
    const { add, prompts, pathOf } = setUp({ maxBytes: 2048 })
    await add('plan', aTurn('one'))
    const error = await errorOf(add('plan', aTurn('x', { model: 'x'.repeat(2048) })))
    const limit = `takes ${2048 / 1_048_576} MB at most, and one entry alone would be larger.`
    expect([error.code, error.message]).toEqual(['STORAGE_FAILED', `${pathOf('plan')} ${limit}`])
    expect(prompts('plan')).toEqual(['one'])
  })

  test('keeps a turn also where the lock cannot be had', async () => {
    const { add, prompts, folder } = setUp({ lockWaitMs: 100 })
    await add('plan', aTurn('one'))
    const lock = join(folder, `${conversationKey('plan')}.lock`)
    fs.mkdirSync(join(lock, 'of somebody else'), { recursive: true })
    expect((await add('plan', aTurn('two'))).outcome).toBe('kept')
    expect(prompts('plan')).toEqual(['one', 'two'])
  })

  test('loses what a killed writer has left', async () => {
    const { add, filesOf, pathOf } = setUp()
    await add('plan', aTurn('one'))
    const left = pathOf('plan', 'head.json.tmp.1.00000000000000000000')
    fs.writeFileSync(left, 'half')
    fs.utimesSync(left, NOW / 1000 - 7200, NOW / 1000 - 7200)
    await add('plan', aTurn('two'))
    expect(filesOf('plan')).toHaveLength(3)
  })
})

describe('a name', () => {
  test.each([
    ['one of the file system', '../../../etc/passwd'],
    ['dots', '..'],
    ['one of Windows', 'CON'],
    ['an endless one', 'ä'.repeat(100)],
    ['emoji', '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(8)],
    ['an option', '--force'],
    ['half a character', 'a\ud800'],
    ['a property', '__proto__'],
  ])('may be %s and leads nowhere else', async (_what, name) => {
    const { store, add, folder } = setUp()
    await add(name, aTurn('one'))
    expect(fs.readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(fs.readdirSync(join(folder, '..', '..'))).toEqual(['codex-oauth'])
    expect(store.list().conversations.map((found) => found.name)).toEqual([name])
    expect(await store.remove(name)).toBe(1)
  })

  test.each([
    ['', 'must have 1 to 100 characters'],
    ['  \t ', 'must have 1 to 100 characters'],
    ['x'.repeat(101), 'must have 1 to 100 characters'],
    ['a\nb', 'must be one line without control characters'],
    ['a\u0000b', 'must be one line without control characters'],
    ['a\u2028b', 'must be one line without control characters'],
    ['*', 'cannot be an asterisk alone, which stands for all of them'],
  ])('may not be %j', async (name, what) => {
    const { store } = setUp()
    const error = await errorOf(() => store.open(name))
    expect(shown(error)).toBe(`The name of a conversation ${what}. Choose another name. [INPUT_INVALID]`)
  })

  test('is the same with space around it, and however its accents are put together', async () => {
    const { add, prompts } = setUp()
    await add(' café ', aTurn('one'))
    await add('cafe\u0301', aTurn('two'))
    expect(prompts('café')).toEqual(['one', 'two'])
  })

  test('is another one in other letters', async () => {
    const { add, prompts } = setUp()
    await add('plan', aTurn('one'))
    expect(prompts('Plan')).toEqual([])
  })
})

describe('a removal', () => {
  test('leaves nothing of it', async () => {
    const { store, add, folder } = setUp()
    await add('plan', aTurn('one'))
    expect([await store.remove('plan'), await store.remove('plan')]).toEqual([1, 0])
    expect(namesIn(folder)).toEqual([])
    expect(store.open('plan').turns).toEqual([])
  })

  test('of all leaves the files of others alone', async () => {
    const { store, add, folder } = setUp()
    for (const name of ['a', 'b', 'c']) await add(name, aTurn('one'))
    fs.writeFileSync(join(folder, 'notes.txt'), 'mine')
    fs.mkdirSync(join(folder, 'mine'))
    const inside = join(folder, conversationKey('b'), 'notes.txt')
    fs.writeFileSync(inside, 'mine')
    expect(await store.remove('*')).toBe(3)
    expect(namesIn(folder)).toEqual([conversationKey('b'), 'mine', 'notes.txt'].sort())
    expect(namesIn(join(inside, '..'))).toEqual(['notes.txt'])
    expect([await store.remove('*'), store.list()]).toEqual([0, { conversations: [], problems: [] }])
  })

  test('while a question runs: its turn is not kept, and nothing comes back', async () => {
    const { store, openStore, add, folder } = setUp()
    await add('plan', aTurn('one'))
    const opened = store.open('plan')
    await openStore().remove('plan')
    expect(await store.add(opened, aTurn('two'))).toEqual({ outcome: 'removed', dropped: 0 })
    expect(namesIn(folder)).toEqual([])
  })

  test('and another beginning while a question runs: its turn does not go there', async () => {
    const { store, openStore, add, prompts } = setUp()
    await add('plan', aTurn('one'))
    const opened = store.open('plan')
    await openStore().remove('plan')
    await openStore().add(openStore().open('plan'), aTurn('new'))
    expect((await store.add(opened, aTurn('two'))).outcome).toBe('removed')
    expect(prompts('plan')).toEqual(['new'])
    expect(store.open('plan').id).not.toBe(opened.id)
  })

  test('while the first question runs: then it begins it', async () => {
    const { store, openStore, prompts } = setUp()
    const opened = store.open('plan')
    await openStore().add(openStore().open('plan'), aTurn('other'))
    await openStore().remove('plan')
    expect((await store.add(opened, aTurn('one'))).outcome).toBe('kept')
    expect(prompts('plan')).toEqual(['one'])
  })

  test('of one that has no turn yet is final, too: none comes back under its id', async () => {
    const { store, openStore, add, filesOf, pathOf } = setUp()
    await add('plan', aTurn('one'))
    const first = store.open('plan').id
    fs.unlinkSync(pathOf('plan', filesOf('plan')[0] as string))
    const opened = store.open('plan')
    await openStore().remove('plan')
    expect((await store.add(opened, aTurn('two'))).outcome).toBe('kept')
    expect(store.open('plan').id).not.toBe(first)
  })

  test('that was killed half-way is one: what it has left is not seen, and goes with the next beginning', async () => {
    const { add, prompts, filesOf, pathOf } = setUp()
    await add('plan', aTurn('one'))
    await add('plan', aTurn('two'))
    fs.unlinkSync(pathOf('plan', 'head.json'))
    expect(prompts('plan')).toEqual([])
    await add('plan', aTurn('new'))
    expect(prompts('plan')).toEqual(['new'])
    expect(filesOf('plan')).toHaveLength(2)
  })

  test('takes what a killed one has left', async () => {
    const { store, add, folder, pathOf } = setUp()
    await add('plan', aTurn('one'))
    fs.unlinkSync(pathOf('plan', 'head.json'))
    expect(await store.remove('plan')).toBe(0)
    expect(namesIn(folder)).toEqual([])
  })
})

describe('the list', () => {
  test('is empty where there is nothing', () => {
    expect(setUp().store.list()).toEqual({ conversations: [], problems: [] })
  })

  test('tells of each, newest first', async () => {
    const { store, add } = setUp()
    await add('old', aTurn('  What is\n\n this?  ', { at: NOW - 10 }))
    await add('new', aTurn('x', { at: NOW - 5 }))
    await add('new', aTurn('y'.repeat(100), { at: NOW }))
    expect(store.list().conversations).toEqual([
      { name: 'new', turns: 2, updatedAt: NOW, lastPrompt: `${'y'.repeat(79)}…` },
      { name: 'old', turns: 1, updatedAt: NOW - 10, lastPrompt: 'What is this?' },
    ])
  })

  test('skips a damaged one and names its file', async () => {
    const { store, add, pathOf } = setUp()
    await add('good', aTurn('x'))
    await add('bad', aTurn('x'))
    fs.writeFileSync(pathOf('bad', 'head.json'), '{')
    const { conversations, problems } = store.list()
    expect(conversations.map(({ name }) => name)).toEqual(['good'])
    expect(problems).toEqual([`${pathOf('bad', 'head.json')} is damaged: it is not the head of a list.`])
  })

  test('names one whose first turn is missing as little as one that is gone', async () => {
    const { store, add, filesOf, pathOf } = setUp()
    await add('plan', aTurn('x'))
    fs.unlinkSync(pathOf('plan', filesOf('plan')[0] as string))
    expect(store.list()).toEqual({ conversations: [], problems: [] })
  })
})

describe('damage', () => {
  const HINT = 'Repair it, or clear this conversation and begin it anew. [STORAGE_CORRUPT]'
  const turn = (changes: object) => JSON.stringify({ ...aTurn('x'), ...changes })

  test.each([
    ['empty', ''],
    ['cut', '{"at":1'],
    ['full of zeros', '\0'.repeat(100)],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a list', '[]'],
    ['null', 'null'],
    ['without a time', turn({ at: 'now' })],
    ['without a model', turn({ model: 5 })],
    ['without an owner', turn({ owner: undefined })],
    ['without a question', turn({ prompt: null })],
    ['with items that are none', turn({ input: [{}] })],
    ['without an answer', turn({ output: {} })],
  ])('of a turn is told: %s', async (_what, content) => {
    const { store, add, filesOf, pathOf } = setUp()
    await add('plan', aTurn('one'))
    const file = pathOf('plan', filesOf('plan')[0] as string)
    fs.writeFileSync(file, content)
    const error = await errorOf(() => store.open('plan'))
    expect(shown(error)).toMatch(/ is damaged: it is not (JSON|UTF-8 text|a turn of a conversation)\. /)
    expect(shown(error)).toContain(file)
    expect(shown(error)).toContain(HINT)
    expect(fs.readFileSync(file)).toEqual(Buffer.from(content))
    expect(await store.remove('plan')).toBe(1)
  })

  test.each(['', '{', '[]', '{"id":"../../x","name":"plan"}', '{"id":5}'])('of the head is told: %j', async (text) => {
    const { store, add, pathOf } = setUp()
    await add('plan', aTurn('one'))
    const opened = store.open('plan')
    const file = pathOf('plan', 'head.json')
    fs.writeFileSync(file, text)
    const words = `${file} is damaged: it is not the head of a list. ${HINT}`
    expect(shown(await errorOf(() => store.open('plan')))).toBe(words)
    expect(shown(await errorOf(store.add(opened, aTurn('two'))))).toBe(words)
    expect(fs.readFileSync(file, 'utf8')).toBe(text)
    expect(await store.remove('plan')).toBe(1)
  })

  test('is also the head of another conversation', async () => {
    const { store, add, pathOf } = setUp()
    await add('plan', aTurn('one'))
    await add('other', aTurn('one'))
    fs.copyFileSync(pathOf('other', 'head.json'), pathOf('plan', 'head.json'))
    const error = await errorOf(() => store.open('plan'))
    expect(error.message).toMatch(/ is damaged: it is not that of this conversation\.$/)
    expect(store.list().conversations.map(({ name }) => name)).toEqual(['other'])
  })

  test('is also more than a conversation may hold', async () => {
    const { store, add, filesOf, pathOf } = setUp({ maxBytes: 1_048_576 })
    await add('plan', aTurn('one'))
    fs.truncateSync(pathOf('plan', filesOf('plan')[0] as string), 1_048_577)
    const error = await errorOf(() => store.open('plan'))
    expect(shown(error)).toMatch(/ is damaged: it is larger than 1 MB\. /)
    expect(shown(error)).toContain(HINT)
  })
})

test.runIf(hasDisks)(
  'on a full disk all that was kept stays, nothing half is left, and with room it goes on',
  async () => {
    const folder = tempFolder()
    const child = startChild('fills', [folder], { disk: { folder, bytes: 524_288 } })
    const { kept, last, readable, later, list } = (await child.next()) as Record<string, unknown>
    expect(kept).toBeGreaterThan(2)
    expect(last).toMatch(/^STORAGE_FAILED .+ could not be written: the disk is full\.$/)
    expect([readable, later]).toEqual([kept, 'kept'])
    expect(list).toMatchObject({ conversations: [{ name: 'talk', turns: Number(kept) + 1 }], problems: [] })
  },
)

test.runIf(process.platform !== 'win32')(
  'in a folder that is read-only nothing is kept, and that is told',
  async () => {
    const { folder, add, store, filesOf, pathOf } = setUp()
    await add('talk', aTurn('one'))
    const top = join(folder, '..', '..')
    for (const path of [top, join(top, 'codex-oauth'), folder]) fs.chmodSync(path, 0o755)
    fs.chmodSync(pathOf('talk'), 0o755)
    for (const name of filesOf('talk')) fs.chmodSync(pathOf('talk', name), 0o644)
    const before = filesOf('talk')
    const child = startChild('fills', [folder], { uid: plainUser })
    const failed = expect.stringMatching(/^STORAGE_FAILED .+ could not be locked: permission denied\.$/)
    expect(await child.next()).toMatchObject({ first: failed, kept: 0, last: failed, readable: 1, later: failed })
    expect([filesOf('talk'), store.open('talk').turns]).toEqual([before, [aTurn('one')]])
  },
)

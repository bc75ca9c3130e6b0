import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CodexError } from '../../../../src/errors.ts'
import { completeLines, createJournal, valuesOf } from '../../../../src/infrastructure/journal.ts'
import { createUuid } from '../../../../src/infrastructure/uuid.ts'
import { headLine, newOutline, readLine } from '../../../../src/services/answers/answer-lines.ts'
import { createAnswerStore } from '../../../../src/services/answers/answer-store.ts'
import { conversationKey } from '../../../../src/services/conversations/conversation-name.ts'
import { createConversationStore } from '../../../../src/services/conversations/conversation-store.ts'
import { readTurn } from '../../../../src/services/conversations/conversation-turn.ts'
import { aTurn } from '../../a-turn.ts'
import { createTestClock } from '../../test-clock.ts'
import { bytesOf, damaged, damagedBytes, json, jsonText, number, text, word } from '../generators.ts'
import { assert, assertOneLine, ours, oursLater } from '../properties.ts'
import { discard, freshPath } from '../scratch-folder.ts'
import { type FuzzTarget, target } from '../target.ts'

const NOW = 1_790_000_000_000
let ids = 0
const newId = () => createUuid(randomBytes, () => NOW + ++ids)

const turn = text.map((prompt) => JSON.parse(JSON.stringify(aTurn(prompt))))
const head = fc.record({
  version: fc.constantFrom(1, 2),
  id: fc.constantFrom('0198c4ff-0000-7000-8000-000000000000', 'x', ''),
  name: fc.constantFrom('plan', 'other', ''),
})

/** What becomes of the files of a conversation: each may be written over, and others may lie beside them. */
const conversationFiles = target({
  name: 'conversation-files',
  share: 0.03,
  limitMs: 3_000,
  cases: fc.record({
    turns: fc.array(turn, { minLength: 1, maxLength: 3 }),
    damage: fc.array(fc.tuple(fc.nat(3), damagedBytes(jsonText(fc.oneof(turn, head)))), { maxLength: 2 }),
    beside: fc.array(
      fc.tuple(fc.constantFrom('000001.x.json', 'head.json.lock', '.x', '999999999999999.json', 'note.txt'), text),
      { maxLength: 2 },
    ),
  }),
  async check({ turns, damage, beside }) {
    const folder = freshPath('conversations')
    const open = () => createConversationStore({ folder, newId, now: () => NOW, lockWaitMs: 300 })
    const store = open()
    for (const one of turns) await store.add(store.open('plan'), one)
    const kept = turns.map((one) => one.input)
    assert.deepEqual(
      open()
        .open('plan')
        .turns.map(({ input }) => input),
      kept,
      'what is written is read back',
    )
    const place = join(folder, conversationKey('plan'))
    const files = readdirSync(place).sort()
    for (const [which, bytes] of damage) writeFileSync(join(place, files[which % files.length] ?? ''), bytesOf(bytes))
    for (const [called, content] of beside) writeFileSync(join(place, called), content)
    const found = ours(() => open().open('plan'), 'STORAGE_CORRUPT')
    const listed = ours(() => open().list())
    assert.ok(!(listed instanceof CodexError), 'a list is there whatever is damaged')
    for (const one of listed.conversations) assert.doesNotMatch(one.lastPrompt, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    if (found instanceof CodexError) {
      const added = await oursLater(() =>
        open().add({ id: newId(), name: 'plan', cacheKey: '', turns: [] }, aTurn('x')),
      )
      if (added instanceof CodexError) assert.ok(['STORAGE_CORRUPT', 'STORAGE_FAILED'].includes(added.code))
    } else {
      for (const one of found.turns) assert.deepEqual(readTurn(JSON.parse(JSON.stringify(one))), one)
      await oursLater(() => open().add(found, aTurn('x')), 'STORAGE_CORRUPT', 'STORAGE_FAILED')
    }
    await oursLater(() => open().remove('plan'), 'STORAGE_FAILED')
    assert.deepEqual(open().open('plan').turns, [], 'what was removed is gone')
    discard(folder)
  },
})

const turns = target({
  name: 'conversation-turns',
  cases: fc.oneof(damaged(turn), json),
  check(value) {
    const read = readTurn(value)
    if (read !== undefined) assert.deepEqual(readTurn(JSON.parse(JSON.stringify(read))), read)
  },
})

const ID = 'a-0123456789'
const answerLine = fc.oneof(
  fc.record({ from: fc.oneof(fc.nat(30), number), text }),
  fc.record({ model: fc.oneof(word(), text) }),
  fc.record({ phase: text }),
  fc.record({ cut: fc.boolean() }),
  fc.record({
    facts: fc.record({ footer: text }),
    error: fc.record({ code: fc.constantFrom('NETWORK', 'X'), message: text, hint: text }),
  }),
  fc.record({ end: fc.constantFrom('finished', 'failed', 'cancelled', 'x'), at: number, characters: number }),
)
const answerHead = fc.record({
  answer: fc.constantFrom(1, 1, 1, 2),
  id: fc.constant(ID),
  started_at: fc.oneof(fc.constant(NOW), number),
  prompt: text,
  conversation: text,
  pid: fc.oneof(fc.nat(100_000), number),
  place: text,
  start: text,
})
const answerFile = fc
  .tuple(fc.option(damaged(answerHead), { nil: null, freq: 8 }), fc.array(damaged(answerLine), { maxLength: 8 }))
  .map(([first, rest]) =>
    [...(first === null ? [] : [first]), ...rest].map((line) => `${JSON.stringify(line)}\n`).join(''),
  )

const answerFiles = target({
  name: 'answer-files',
  share: 0.1,
  limitMs: 3_000,
  cases: damagedBytes(answerFile),
  check(latin) {
    const folder = freshPath('answers')
    mkdirSync(folder)
    writeFileSync(join(folder, `${ID}.jsonl`), bytesOf(latin))
    writeFileSync(join(folder, 'note.txt'), 'of somebody else')
    const store = createAnswerStore({ folder, isOn: true, clock: createTestClock(NOW), randomBytes })
    const read = ours(() => store.read(ID), 'STORAGE_CORRUPT')
    const [listed] = store.list()
    assert.deepEqual(listed, store.look(ID))
    if (read instanceof CodexError) assert.equal(listed, undefined)
    if (read !== undefined && !(read instanceof CodexError)) {
      assert.equal(read.text.length, read.characters)
      assertOneLine(read.prompt.replace(/[“”]/g, ''), 400)
      // A glance sees the ends of a file only.
      if (listed !== undefined) assert.equal(listed.state, read.state)
    }
    store.begin({ prompt: 'x' }).discard()
    // It makes room, for which it looks at all that is there.
    store.stop()
    assert.equal(readFileSync(join(folder, 'note.txt'), 'utf8'), 'of somebody else')
    discard(folder)
  },
})

const answerLines = target({
  name: 'answer-lines',
  cases: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: damaged(answerLine) },
      { weight: 1, arbitrary: damaged(answerHead) },
      { weight: 1, arbitrary: json },
    ),
    { maxLength: 6 },
  ),
  check(all) {
    const outline = newOutline()
    for (const line of all) {
      const found = readLine(outline, line)
      if (found !== undefined) assert.ok(Number.isSafeInteger(found.from) && found.from >= 0)
    }
    const { head: own, model, phase, characters, error, end } = outline
    assert.equal(typeof characters, 'number')
    if (model !== undefined) assert.match(model, /^[\w.:/@+-]{1,200}$/)
    if (phase !== undefined) assert.doesNotMatch(phase, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    if (end !== undefined) assert.ok(Number.isFinite(end.at))
    if (error !== undefined) assert.ok(error.message.length <= 2000)
    if (own === undefined) return
    const again = newOutline()
    readLine(again, JSON.parse(JSON.stringify(headLine(own, model))))
    assert.deepEqual(again.head?.id, own.id)
    assert.deepEqual(again.head?.prompt, own.prompt)
  },
})

const journals = target({
  name: 'journal',
  share: 0.2,
  cases: fc.record({ lines: fc.array(json, { minLength: 1, maxLength: 6 }), end: fc.nat(10_000) }),
  check({ lines, end }) {
    const path = freshPath('journal/x.jsonl')
    const journal = createJournal(path, 1_000_000)
    for (const line of lines) journal.append(line)
    journal.close()
    const bytes = readFileSync(path)
    const meant = lines.map((line) => JSON.parse(JSON.stringify(line)))
    assert.deepEqual(valuesOf(completeLines(bytes)), meant, 'what is written is read back')
    const part = valuesOf(completeLines(bytes.subarray(0, end % (bytes.length + 1))))
    assert.deepEqual(part, meant.slice(0, part.length), 'cut anywhere, it is the beginning')
    discard(path)
  },
})

export const KEPT_FILE_TARGETS: readonly FuzzTarget[] = [conversationFiles, turns, answerFiles, answerLines, journals]

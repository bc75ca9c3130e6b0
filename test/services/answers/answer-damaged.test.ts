import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CodexError, isCodexError } from '../../../src/errors.ts'
import { thisPlace } from '../../../src/infrastructure/process-identity.ts'
import { createAnswerStore } from '../../../src/services/answers/answer-store.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { createHandClock } from '../../support/hand-clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const ID = 'a-0123456789'
const HEAD = { answer: 1, id: ID, started_at: 1_700_000_000_000, prompt: 'Why?', pid: 0, place: '' }
const END = { end: 'finished', at: 1_700_000_001_000, characters: 1 }
const WEEK_MS = 7 * 86_400_000

function aShelf() {
  const folder = tempFolder()
  const clock = createHandClock()
  const store = createAnswerStore({ folder, isOn: true, clock, randomBytes })
  const file = join(folder, `${ID}.jsonl`)
  const write = (...lines: unknown[]) =>
    writeFileSync(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
  return { folder, clock, store, file, write }
}

/** The file of a whole answer whose writer is dead, and its text. */
function aWholeFile() {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const folder = tempFolder()
  const identity = { pid, startTime: '1', place: thisPlace() }
  const store = createAnswerStore({ folder, isOn: true, clock: createHandClock(), randomBytes, identity })
  const answer = store.begin({ prompt: 'Wärum?', model: 'gpt-x' })
  answer.phase('thinking')
  for (const word of ['Because ', 'of "Räyleigh" ', '😀', '\n and \u2028 so', ' on']) answer.append(word)
  const text = 'Because of "Räyleigh" 😀, and the end.'
  answer.finish(text, { footer: 'f' }, new CodexError('NETWORK', 'It broke.', { hint: 'Ask again.' }))
  const bytes = readFileSync(join(folder, `${answer.id}.jsonl`))
  return {
    bytes: Buffer.from(bytes.toString().replace(answer.id, ID)),
    text,
    came: 'Because of "Räyleigh" 😀\n and \u2028 so on',
  }
}

test('a file cut at any byte is an interrupted answer with all that came before the cut', () => {
  const { store, file } = aShelf()
  const { bytes, text, came } = aWholeFile()
  const headEnd = bytes.indexOf('\n')
  const seen = new Set<string>()
  for (let cut = 0; cut < bytes.length; cut++) {
    writeFileSync(file, bytes.subarray(0, cut))
    if (cut <= headEnd) {
      expect(() => store.read(ID)).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
      expect(store.list()).toEqual([])
      continue
    }
    const read = store.read(ID)
    expect(read).toMatchObject({ state: 'interrupted', hasGap: false, prompt: 'Wärum?', isKept: true })
    expect(came.startsWith(read?.text ?? 'x') || read?.text === text).toBe(true)
    expect(store.list()).toMatchObject([{ state: 'interrupted', characters: read?.text.length }])
    seen.add(read?.text ?? '')
  }
  expect([seen.size, seen.has(''), seen.has(came), seen.has(text)]).toEqual([7, true, true, true])
  writeFileSync(file, bytes)
  expect(store.read(ID)).toMatchObject({
    state: 'incomplete',
    text,
    error: { code: 'NETWORK' },
    facts: { footer: 'f' },
  })
})

test('a write that failed at any byte and was made again changes nothing', () => {
  const { store, file } = aShelf()
  const { bytes } = aWholeFile()
  writeFileSync(file, bytes)
  const whole = store.read(ID)
  const lineStarts = [0, ...[...bytes].flatMap((byte, at) => (byte === 0x0a ? [at + 1] : []))]
  for (let cut = 0; cut <= bytes.length; cut += 3) {
    // A write begins with a whole line, this one with the last before the cut or one of the first.
    for (const from of [0, lineStarts.findLast((start) => start <= cut) ?? 0]) {
      writeFileSync(file, Buffer.concat([bytes.subarray(0, cut), Buffer.from('\n'), bytes.subarray(from)]))
      expect(store.read(ID)).toEqual(whole)
    }
  }
})

test('a line that is lost shows as a gap, and all behind it stands where it belongs', () => {
  const { store, write } = aShelf()
  write(
    HEAD,
    { from: 0, text: 'Because ' },
    '{"from":8,"text":"of\0',
    { from: 11, text: 'Rayleigh' },
    { ...END, characters: 19 },
  )
  expect(store.read(ID)).toMatchObject({
    state: 'finished',
    text: 'Because \uFFFD\uFFFD\uFFFDRayleigh',
    hasGap: true,
    characters: 19,
  })
})

describe('a file that is not one of ours is told in words and is not in the list:', () => {
  test.each<[string, unknown[]]>([
    ['empty', []],
    ['text', ['hello']],
    ['JSON of another kind', ['null', '[]', '1', '"a"', {}]],
    ['without a head', [{ from: 0, text: 'x' }, END]],
    ['with the head of another answer', [{ ...HEAD, id: 'a-zzzzzzzzzz' }, END]],
    ['with a head of wrong types', [{ ...HEAD, started_at: 'yesterday' }]],
    ['with keys of the prototype', ['{"__proto__":{"answer":1}}', '{"constructor":{"prototype":{"answer":1}}}']],
    ['zeros', ['\0'.repeat(10_000)]],
  ])('%s', async (_, lines) => {
    const { store, write } = aShelf()
    write(...lines)
    const error = await errorOf(() => store.read(ID))
    expect(shown(error)).toBe(
      `The file of the answer ${ID} is damaged: its beginning cannot be read. Ask again. [STORAGE_CORRUPT]`,
    )
    expect(store.list()).toEqual([])
  })

  test('of a newer version', async () => {
    const { store, write } = aShelf()
    write({ answer: 2, id: ID, something: 'new' })
    expect(shown(await errorOf(() => store.read(ID)))).toBe(
      `The answer ${ID} was kept by a newer version of this program. Collect it with that version, or ask again. [STORAGE_CORRUPT]`,
    )
    expect(store.list()).toEqual([])
  })

  test('a folder', async () => {
    const { store, file } = aShelf()
    mkdirSync(file)
    expect(isCodexError(await errorOf(() => store.read(ID)), 'STORAGE_CORRUPT')).toBe(true)
    expect(store.list()).toEqual([])
    store.begin({ prompt: 'x' })
  })
})

test('lines that make no sense are passed over', () => {
  const { store, write } = aShelf()
  write(
    HEAD,
    { from: -1, text: 'x' },
    { from: 0.5, text: 'x' },
    { from: 1e15, text: 'x' },
    { from: 0, text: 7 },
    { from: '0', text: 'x' },
    { model: 'two words' },
    { model: 7 },
    { end: 'exploded', at: 1 },
    { end: 'failed' },
    { facts: 'none' },
    { error: { code: 'NETWORK' } },
    { cut: 'yes' },
    { of: 'a later version' },
    { from: 0, text: 'Because' },
    { error: { code: 'LATER_CODE', message: 'm'.repeat(5000), hint: 7 } },
    { phase: `think\u0000ing${'x'.repeat(500)}` },
    { ...END, end: 'failed' },
  )
  const read = store.read(ID)
  expect(read).toMatchObject({ state: 'failed', text: 'Because', model: undefined, facts: undefined, isCut: false })
  expect(read?.error).toEqual({ code: 'CODEX_FAILED', message: 'm'.repeat(2000), hint: undefined })
  expect(read?.phase).toMatch(/^think ingx{191}$/)
})

test.each([0, -1, 1.5, 2 ** 31, 1e300, '1', null])('a writer with the process id %j cannot be judged', (pid) => {
  const { store, write, clock } = aShelf()
  write({ ...HEAD, pid, start: '1', place: thisPlace() })
  expect(store.read(ID)).toMatchObject({ state: 'running' })
  clock.jump(16 * 60_000)
  expect(store.read(ID)).toMatchObject({ state: 'interrupted' })
})

test('a text far longer than any of ours does not fill the memory', () => {
  const { store, write } = aShelf()
  const piece = 'x'.repeat(2 ** 20)
  write(HEAD, ...Array.from({ length: 20 }, (_, n) => ({ from: n * 2 ** 20, text: piece })), END)
  expect(store.read(ID)?.text.length).toBe(16 * 2 ** 20)
})

test('what cannot be read goes after a week, and what is not ours stays', async () => {
  const { store, folder, clock } = aShelf()
  const ours = ['a-aaaaaaaaaa.jsonl', 'a-bbbbbbbbbb.jsonl']
  const others = ['a-cccc.jsonl', 'a-dddddddddd.txt', 'notes', 'A-EEEEEEEEEE.jsonl']
  for (const name of [...ours, ...others]) writeFileSync(join(folder, name), 'hello\n')
  mkdirSync(join(folder, 'a-ffffffffff.jsonl'))
  const outside = join(tempFolder(), 'precious')
  writeFileSync(outside, 'hello\n')
  utimesSync(outside, 1000, 1000)
  symlinkSync(outside, join(folder, 'a-gggggggggg.jsonl'))
  clock.jump(WEEK_MS - 60_000)
  store.begin({ prompt: 'x' }).finish('x', {})
  await clock.pass(4)
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([...ours, ...others]))
  clock.jump(120_000)
  const answer = store.begin({ prompt: 'x' })
  answer.finish('x', {})
  await clock.pass(4)
  const left = readdirSync(folder).filter((name) => name !== `${answer.id}.jsonl`)
  expect(left).toHaveLength(others.length + 2)
  expect(left).toEqual(expect.arrayContaining([...others, 'a-ffffffffff.jsonl']))
  expect(readFileSync(outside, 'utf8')).toBe('hello\n')
})

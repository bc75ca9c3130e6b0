import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createJournalFolder } from '../../src/infrastructure/journal-folder.ts'
import { errorOf } from '../support/error-of.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MAX = 100_000

function aFolder() {
  const folder = tempFolder()
  const journals = createJournalFolder({ folder, maxBytes: MAX })
  const write = (name: string, lines: readonly unknown[]) =>
    writeFileSync(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return { folder, journals, write }
}

test('what was written is read, listed and removed by its name', () => {
  const { folder, journals } = aFolder()
  journals.create('a-1')?.close({ n: 1 }, 'two')
  expect(readdirSync(folder)).toEqual(['a-1.jsonl'])
  expect(journals.names()).toEqual(['a-1'])
  expect(journals.read('a-1')).toEqual({ lines: [{ n: 1 }, 'two'], bytes: 14, changedAt: expect.any(Number) })
  expect(journals.glance('a-1')).toEqual(journals.read('a-1'))
  journals.remove('a-1')
  expect([journals.read('a-1'), journals.glance('a-1'), journals.names()]).toEqual([undefined, undefined, []])
})

test.each([
  '',
  '.',
  '..',
  '../a',
  'a/b',
  'a\\b',
  '/etc/passwd',
  'a\0',
  'A',
  'a.b',
  'a\n',
  'x'.repeat(65),
  'x'.repeat(100_000),
])('a name that is none reaches no file: %j', (name) => {
  const { folder, journals } = aFolder()
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a', 'b.jsonl'), '1\n')
  writeFileSync(join(folder, '..', 'a.jsonl'), '1\n')
  expect(journals.create(name)).toBeUndefined()
  expect(journals.read(name)).toBeUndefined()
  expect(journals.glance(name)).toBeUndefined()
  journals.remove(name)
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'a/b.jsonl'])
})

test('other things in the folder are no journals', () => {
  const { folder, journals } = aFolder()
  for (const name of ['notes', 'a.json', '.jsonl', 'A.jsonl', 'a.jsonl.tmp', 'a.b.jsonl'])
    writeFileSync(join(folder, name), '')
  expect(journals.names()).toEqual([])
})

test('a folder that is not there is empty', () => {
  const journals = createJournalFolder({ folder: join(tempFolder(), 'none'), maxBytes: MAX })
  expect([journals.names(), journals.read('a'), journals.glance('a')]).toEqual([[], undefined, undefined])
})

test('a glance shows the lines at both ends, each of them whole', () => {
  const { journals, write } = aFolder()
  const lines = Array.from({ length: 5000 }, (_, n) => ({ n }))
  write('a.jsonl', lines)
  expect(journals.glance('a')?.lines).toEqual([...lines.slice(0, 8), ...lines.slice(-8)])
  expect(journals.read('a')?.lines).toEqual(lines)
})

test('for a glance at a file with one long line at its end, all of it is read', () => {
  const { journals, write } = aFolder()
  const lines = [{ n: 1 }, { text: '"'.repeat(20_000) }]
  write('a.jsonl', lines)
  expect(journals.glance('a')?.lines).toEqual(lines)
})

test('a file far larger than any of ours is not read, and a glance takes no longer for it', () => {
  const { folder, journals } = aFolder()
  writeFileSync(join(folder, 'a.jsonl'), '1\n')
  truncateSync(join(folder, 'a.jsonl'), 8 * 2 ** 30)
  expect(journals.read('a')).toMatchObject({ lines: [] })
  expect(journals.glance('a')).toMatchObject({ lines: [] })
})

test.runIf(process.platform !== 'win32')('a named pipe and a folder keep nobody waiting', () => {
  const { folder, journals } = aFolder()
  expect(spawnSync('mkfifo', [join(folder, 'a.jsonl')]).status).toBe(0)
  mkdirSync(join(folder, 'b.jsonl'))
  for (const name of ['a', 'b']) {
    expect(journals.read(name)).toMatchObject({ lines: [] })
    expect(journals.glance(name)).toBeUndefined()
  }
  journals.remove('b')
  expect(readdirSync(folder)).toContain('b.jsonl')
})

test('a file that may not be read is an error in words', async () => {
  const { folder, journals } = aFolder()
  const missing = createJournalFolder({ folder: join(folder, 'file'), maxBytes: MAX })
  writeFileSync(join(folder, 'file'), '')
  expect(await errorOf(() => missing.read('a'))).toMatchObject({ code: 'STORAGE_FAILED' })
  expect(missing.glance('a')).toBeUndefined()
  expect(journals.names()).toEqual([])
})

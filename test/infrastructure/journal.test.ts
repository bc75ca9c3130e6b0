import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { completeLines, createJournal, valuesOf } from '../../src/infrastructure/journal.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MAX = 10_000
const textOf = (file: string) => readFileSync(file, 'utf8')

test('the lines of one turn are one write, at its end', async () => {
  const file = join(tempFolder(), 'made', 'journal')
  const journal = createJournal(file, MAX)
  journal.append({ n: 1 })
  journal.flush()
  journal.append({ n: 2 })
  journal.append('three\nü')
  expect(textOf(file)).toBe('{"n":1}\n')
  await setImmediate()
  expect(textOf(file)).toBe('{"n":1}\n{"n":2}\n"three\\nü"\n')
  expect(journal.isKept).toBe(true)
})

test('what is due on the way out is written at once', () => {
  const file = join(tempFolder(), 'journal')
  const journal = createJournal(file, MAX)
  journal.append(1)
  journal.close(2, 3)
  expect(textOf(file)).toBe('1\n2\n3\n')
})

test.runIf(process.platform !== 'win32')('the file and its folder are private', () => {
  const file = join(tempFolder(), 'made', 'journal')
  createJournal(file, MAX).close(1)
  expect([file, join(file, '..')].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o700])
})

test('a file that exists is left alone', async () => {
  const file = join(tempFolder(), 'journal')
  writeFileSync(file, 'of another\n')
  const journal = createJournal(file, MAX)
  journal.append(1)
  await setImmediate()
  expect([journal.isKept, journal.problem]).toEqual([false, 'something else is in its place'])
  journal.close(2)
  expect([textOf(file), journal.isKept]).toEqual(['of another\n', false])
})

test('what could not be written is tried again with a flush, and by itself no more', async () => {
  const folder = join(tempFolder(), 'made')
  writeFileSync(folder, 'in the way')
  const journal = createJournal(join(folder, 'journal'), MAX)
  journal.append(1)
  await setImmediate()
  expect([journal.isKept, journal.problem]).toEqual([false, 'a part of its path is not a folder'])

  rmSync(folder)
  mkdirSync(folder)
  journal.append(2)
  await setImmediate()
  expect(journal.isKept).toBe(false)
  journal.close(3)
  expect([journal.isKept, journal.problem]).toEqual([true, undefined])
  // The line end in front closes off what a write that failed half way would have left.
  expect(textOf(join(folder, 'journal'))).toBe('\n1\n2\n3\n')
})

test('what the last write left is tried again too, until it is given up', () => {
  const open = () => {
    const folder = join(tempFolder(), 'made')
    writeFileSync(folder, 'in the way')
    const journal = createJournal(join(folder, 'journal'), MAX)
    journal.append(1)
    journal.close(2)
    expect(journal.isKept).toBe(false)
    rmSync(folder)
    return { journal, file: join(folder, 'journal') }
  }
  const [wanted, released] = [open(), open()]
  wanted.journal.flush()
  wanted.journal.flush()
  expect([textOf(wanted.file), wanted.journal.isKept]).toEqual(['\n1\n2\n', true])
  released.journal.release()
  released.journal.flush()
  expect([existsSync(released.file), released.journal.isKept]).toEqual([false, false])
})

test('it does not become larger than it may, in bytes, but for its last lines', () => {
  const file = join(tempFolder(), 'journal')
  const journal = createJournal(file, 20)
  expect([journal.append('1234567'), journal.append('üüüüü'), journal.append('1234567')]).toEqual([true, false, true])
  expect(journal.append('')).toBe(false)
  expect(journal.isKept).toBe(true)
  journal.close('the end')
  expect(textOf(file)).toBe('"1234567"\n"1234567"\n"the end"\n')
})

const read = (text: string | Uint8Array) => valuesOf(completeLines(Buffer.from(text)))

test.each([
  ['nothing', '', []],
  ['whole lines', '1\n"two"\n{"n":3}\n', [1, 'two', { n: 3 }]],
  ['a torn last line', '1\n{"n":', [1]],
  ['a last line without its end, which may be a part of a longer number', '1\n2', [1]],
  ['a torn line that was closed off', '1\n{"n":\n{"n":3}\n', [1, { n: 3 }]],
  ['empty lines', '\n\n1\n\n', [1]],
  ['zeros, as a power cut leaves them', `1\n${'\0'.repeat(50)}\n2\n`, [1, 2]],
  ['bytes that are no text', Buffer.from([0x31, 0x0a, 0xc3, 0x0a, 0xff, 0xfe, 0x0a, 0x32, 0x0a]), [1, 2]],
])('%s can be read', (_, text, values) => {
  expect(read(text)).toEqual(values)
})

test('a line torn at any byte costs itself and no other', () => {
  const line = Buffer.from('{"text":"wör\\nd 😀"}\n')
  for (let cut = 0; cut < line.length; cut++) {
    const torn = line.subarray(0, cut)
    expect(read(Buffer.concat([line, torn]))).toEqual([{ text: 'wör\nd 😀' }])
    // Without its line end it is whole all the same once that comes.
    const closed = read(Buffer.concat([line, torn, Buffer.from('\n'), line]))
    expect(closed.length).toBe(cut === line.length - 1 ? 3 : 2)
  }
})

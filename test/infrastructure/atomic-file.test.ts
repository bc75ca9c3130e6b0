import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  createFile,
  overwriteFile,
  replaceFile,
  reserveSpace,
  retryBusy,
  sweepLeftovers,
  writeTemp,
} from '../../src/infrastructure/atomic-file.ts'
import { startChild, startChildren } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

test('the new text is there, the file is private, and nothing else is', () => {
  const folder = tempFolder()
  const file = join(folder, 'file')
  replaceFile(file, 'one')
  replaceFile(file, 'two: ü')
  expect(readFileSync(file, 'utf8')).toBe('two: ü')
  expect(modeOf(file)).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['file'])
})

test('a laxer file becomes private, or gets the mode that was asked for', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'old')
  chmodSync(file, 0o644)
  replaceFile(file, 'new')
  expect(modeOf(file)).toBe(0o600)
  replaceFile(file, 'newer', { mode: 0o640 })
  expect(modeOf(file)).toBe(0o640)
})

test('a rename that fails leaves no temp file', () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'file', 'in-the-way'), { recursive: true })
  expect(() => replaceFile(join(folder, 'file'), 'text')).toThrow()
  expect(readdirSync(folder)).toEqual(['file'])
})

test('creating a file that exists fails and leaves it alone', () => {
  const file = join(tempFolder(), 'file')
  createFile(file, 'first')
  expect(() => createFile(file, 'second')).toThrow(/EEXIST/)
  expect(readFileSync(file, 'utf8')).toBe('first')
})

test('a temp name says whose it is and nothing of the content', () => {
  const file = join(tempFolder(), 'file')
  const name = basename(writeTemp(file, 'secret'))
  expect(name).toMatch(new RegExp(`^file\\.tmp\\.${process.pid}\\.[0-9a-f]{20}$`))
})

test('space can be reserved where it can be written, and leaves no trace', () => {
  const folder = tempFolder()
  reserveSpace(join(folder, 'file'))
  expect(readdirSync(folder)).toEqual([])
  expect(() => reserveSpace(join(folder, 'missing', 'file'))).toThrow(/ENOENT/)
})

test('readers never see half a file while several processes write it', async () => {
  const file = join(tempFolder(), 'auth.json')
  replaceFile(file, '{"codex":{"access_token":"a"}}')
  const readers = await startChildren('reader', [[file], [file]])
  const writers = await startChildren('writer', Array(3).fill([file, '150']))
  for (const child of [...readers, ...writers]) child.tell('go')
  await Promise.all(writers.map((writer) => writer.ended))
  for (const reader of readers) reader.tell('stop')
  const seen = (await Promise.all(readers.map((reader) => reader.next()))) as { reads: number; bad: number }[]
  expect(seen.map(({ bad }) => bad)).toEqual([0, 0])
  expect(seen.reduce((sum, { reads }) => sum + reads, 0)).toBeGreaterThan(500)
})

test('a writer killed at any moment leaves a whole file, and the next sweep removes the rest', async () => {
  const folder = tempFolder()
  const files = ['a', 'b', 'c'].map((name) => join(folder, name))
  for (let round = 0; round < 5; round++) {
    const writers = await startChildren(
      'writer',
      files.map((file) => [file]),
    )
    for (const writer of writers) writer.tell('go')
    await Promise.all(writers.map((writer) => writer.next()))
    // Nothing is waited for here: this is the moment of the kill, another one each time.
    await sleep(round * 1.7)
    for (const writer of writers) writer.kill()
    await Promise.all(writers.map((writer) => writer.ended))
    for (const file of files) JSON.parse(readFileSync(file, 'utf8'))
  }
  for (const file of files) sweepLeftovers(file, Date.now())
  expect(readdirSync(folder)).toEqual(['a', 'b', 'c'])
})

test('a sweep leaves the temp files of the living, and of other places, for an hour', () => {
  const folder = tempFolder()
  const file = join(folder, 'file')
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const ours = basename(writeTemp(file, ''))
  const dead = ours.replace(`.${process.pid}.`, `.${pid}.`)
  const elsewhere = dead.replace(/[0-9a-f]{20}$/, '0'.repeat(20))
  const ofAClaim = `file.spend.0a.1${dead.slice('file'.length)}`
  const others = ['file', 'file.lock', 'file.tmp.notes', `other${dead.slice('file'.length)}`]
  for (const name of [dead, elsewhere, ofAClaim, ...others]) writeFileSync(join(folder, name), '')

  sweepLeftovers(file, Date.now())
  expect(readdirSync(folder).sort()).toEqual([ours, elsewhere, ...others].sort())

  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1000, 1000)
  sweepLeftovers(file, 1_000_000 + 3_600_001)
  expect(readdirSync(folder).sort()).toEqual(others.sort())
})

test('a clock that jumps back removes nothing', () => {
  const folder = tempFolder()
  const temp = writeTemp(join(folder, 'file'), '')
  sweepLeftovers(join(folder, 'file'), Date.now() - 86_400_000)
  expect(readdirSync(folder)).toEqual([basename(temp)])
})

test('Windows gets five more tries while a file is busy', () => {
  let tries = 0
  const busyUntil = (success: number) => () => {
    tries += 1
    if (tries < success) throw Object.assign(new Error('busy'), { code: 'EBUSY' })
    return tries
  }
  expect(retryBusy(busyUntil(3), 'win32')).toBe(3)
  tries = 0
  expect(() => retryBusy(busyUntil(99), 'win32')).toThrow('busy')
  expect(tries).toBe(6)
  tries = 0
  expect(() => retryBusy(busyUntil(3), 'linux')).toThrow('busy')
})

test.runIf(process.platform !== 'win32')('a write that the system cuts short leaves the old file', async () => {
  const folder = tempFolder()
  const file = join(folder, 'file')
  replaceFile(file, 'old')
  const writer = startChild('writer', [file], { fileBlocks: 8 })
  await writer.next()
  writer.tell('go')
  expect(await writer.next()).toBe('EFBIG')
  expect(readFileSync(file, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['file'])
})

test('a file is overwritten in its place, and nothing of what it held is left', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, '{"a":"a long text"}', { mode: 0o600 })
  const { ino } = statSync(file)
  overwriteFile(file, '{"a":1}')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: 1 })
  overwriteFile(file, '{"a":"a much longer text than before"}')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: 'a much longer text than before' })
  expect(statSync(file).ino).toBe(ino)
  expect(() => overwriteFile(`${file}.none`, 'x')).toThrow(/ENOENT/)
})

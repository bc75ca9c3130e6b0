import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readFileEnds, readRegularFile, withOpenFile } from '../../src/infrastructure/regular-file.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('a file up to the limit is read whole', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'four')
  expect(readRegularFile(file, 4).bytes.toString()).toBe('four')
})

test('a file over the limit is refused before it is read', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'five!')
  expect(() => readRegularFile(file, 4)).toThrow(expect.objectContaining({ code: 'EFBIG' }))
})

/** The kernel gives it page by page, however much is asked for, as file systems over a network may. */
const PAGED = '/proc/crypto'
const pagedBytes = existsSync(PAGED) ? readFileSync(PAGED) : Buffer.alloc(0)

test.runIf(pagedBytes.length > 8192)('a file that comes in short reads is read whole, and only up to the limit', () => {
  const { length } = pagedBytes
  expect(readRegularFile(PAGED, length).bytes.equals(pagedBytes)).toBe(true)
  expect(withOpenFile(PAGED, ({ bytes }) => bytes(length)).equals(pagedBytes)).toBe(true)
  expect(() => readRegularFile(PAGED, length - 1)).toThrow(expect.objectContaining({ code: 'EFBIG' }))
})

test('a folder is no file', () => {
  const folder = join(tempFolder(), 'folder')
  mkdirSync(folder)
  expect(() => readRegularFile(folder, 4)).toThrow(expect.objectContaining({ code: 'EISDIR' }))
})

test.runIf(process.platform !== 'win32')('a named pipe is no file and keeps nobody waiting', () => {
  const pipe = join(tempFolder(), 'pipe')
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
  expect(() => readRegularFile(pipe, 4)).toThrow(expect.objectContaining({ code: 'EISDIR' }))
})

test('of a long file both ends are read, of a short one the same bytes', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, '0123456789')
  const endsOf = (bytes: number) => {
    const { first, last, stat } = readFileEnds(file, bytes)
    return [first.toString(), last.toString(), stat.size]
  }
  expect(endsOf(3)).toEqual(['012', '789', 10])
  expect(endsOf(6)).toEqual(['012345', '456789', 10])
  expect(endsOf(10)).toEqual(['0123456789', '0123456789', 10])
  expect(endsOf(99)).toEqual(['0123456789', '0123456789', 10])
  writeFileSync(file, '')
  expect(endsOf(3)).toEqual(['', '', 0])
})

test.runIf(process.platform !== 'win32')('a link is followed, unless that is not wanted', () => {
  const folder = tempFolder()
  writeFileSync(join(folder, 'file'), 'five!')
  symlinkSync('file', join(folder, 'link'))
  expect(readRegularFile(join(folder, 'link'), 5).bytes.toString()).toBe('five!')
  expect(() => readRegularFile(join(folder, 'link'), 5, { noFollow: true })).toThrow(
    expect.objectContaining({ code: 'ELOOP' }),
  )
})

test('a file that is open says what it is, and is read to its end though it grows meanwhile', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'four')
  const read = withOpenFile(file, ({ stat, bytes }) => {
    appendFileSync(file, ' and more')
    return [stat.size, bytes(100).toString()]
  })
  expect(read).toEqual([4n, 'four and more'])
})

test('so it is up to the limit', () => {
  const file = join(tempFolder(), 'file')
  writeFileSync(file, 'four')
  const grown = (limit: number) =>
    withOpenFile(file, ({ bytes }) => {
      writeFileSync(file, 'four!')
      return bytes(limit).toString()
    })
  expect(grown(5)).toBe('four!')
  writeFileSync(file, 'four')
  expect(() => grown(4)).toThrow(expect.objectContaining({ code: 'EFBIG' }))
  expect(() => grown(4)).toThrow(expect.objectContaining({ code: 'EFBIG' }))
})

import { existsSync, mkdirSync, rmdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findLock, withFileLock } from '../../src/infrastructure/file-lock.ts'
import { startChild } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'

const newFile = () => join(tempFolder(), 'file')

test('the work runs under the lock, its result is returned, and the lock is gone', async () => {
  const file = newFile()
  expect(await withFileLock(file, () => existsSync(`${file}.lock`))).toBe(true)
  expect(existsSync(`${file}.lock`)).toBe(false)
})

test('an error of the work passes and frees the lock', async () => {
  const file = newFile()
  const fail = () => {
    throw new RangeError('of the work')
  }
  await expect(withFileLock(file, fail)).rejects.toThrow(new RangeError('of the work'))
  expect(existsSync(`${file}.lock`)).toBe(false)
})

test('callers in one process take turns', async () => {
  const file = newFile()
  let turns = 0
  await Promise.all(Array.from({ length: 8 }, () => withFileLock(file, () => (turns += 1), { random: () => 0 })))
  expect(turns).toBe(8)
})

test('a lock that stays held is an error that says what to do', async () => {
  const file = newFile()
  mkdirSync(`${file}.lock`)
  await expect(withFileLock(file, () => {}, { waitMs: 100 })).rejects.toMatchObject({
    code: 'STORAGE_LOCKED',
    retryable: true,
    hint: `Try again. If no other copy of this program is running, remove ${file}.lock.`,
  })
})

test.each([
  ['a file', (path: string) => writeFileSync(path, '')],
  ['a folder with something in it', (path: string) => mkdirSync(join(path, 'thing'), { recursive: true })],
])('%s in the place of the lock counts as a lock, however old it is', async (_name, place) => {
  const file = newFile()
  place(`${file}.lock`)
  utimesSync(`${file}.lock`, 1000, 1000)
  await expect(withFileLock(file, () => {}, { waitMs: 50 })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
})

test('a lock from the future is waited for and then reported, never worked around', async () => {
  const file = newFile()
  mkdirSync(`${file}.lock`)
  const tomorrow = Date.now() / 1000 + 86_400
  utimesSync(`${file}.lock`, tomorrow, tomorrow)
  await expect(withFileLock(file, () => {}, { waitMs: 50 })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
})

test('a lock that was left a day ago is taken at once', async () => {
  const file = newFile()
  mkdirSync(`${file}.lock`)
  const yesterday = Date.now() / 1000 - 86_400
  utimesSync(`${file}.lock`, yesterday, yesterday)
  expect(await withFileLock(file, () => 'in', { waitMs: 0 })).toBe('in')
})

test('what lies where the lock would be is told apart', async () => {
  const file = newFile()
  expect(findLock(file, Date.now())).toBeUndefined()
  expect(await withFileLock(file, () => findLock(file, Date.now())?.kind)).toBe('held')
  expect(findLock(file, Date.now())).toBeUndefined()
  mkdirSync(`${file}.lock`)
  expect(findLock(file, Date.now() + 60_000)).toMatchObject({ kind: 'stale', file: `${file}.lock` })
  expect(findLock(file, Date.now() - 60_000)).toMatchObject({ kind: 'held', ageMs: 0 })
  mkdirSync(`${file}.lock/x`)
  expect(findLock(file, Date.now())?.kind).toBe('foreign')
})

test('a missing folder is an error, not a wait', async () => {
  const file = join(tempFolder(), 'missing', 'file')
  await expect(withFileLock(file, () => {})).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})

test('links in a circle are an error, not a wait', async () => {
  const folder = tempFolder()
  symlinkSync('b', join(folder, 'a'))
  symlinkSync('a', join(folder, 'b'))
  await expect(withFileLock(join(folder, 'a', 'file'), () => {})).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})

test('a lock that became somebody else’s during the work is left to them', async () => {
  const file = newFile()
  await withFileLock(file, () => {
    rmdirSync(`${file}.lock`)
    mkdirSync(`${file}.lock`)
  })
  expect(existsSync(`${file}.lock`)).toBe(true)
})

test('the lock of a killed process is free once it is 2 s old', async () => {
  const file = newFile()
  const holder = startChild('holder', [file])
  expect(await holder.next()).toBe('holding')
  await expect(withFileLock(file, () => {}, { waitMs: 50 })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
  holder.kill()
  await holder.ended
  const almostOldEnough = Date.now() / 1000 - 1.5
  utimesSync(`${file}.lock`, almostOldEnough, almostOldEnough)
  await expect(withFileLock(file, () => {}, { waitMs: 0 })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
  expect(await withFileLock(file, () => 'in')).toBe('in')
})

test.each(['by itself', 'SIGTERM'])(
  'a process that ends while it takes or gives back the lock leaves none: %s',
  async (how) => {
    const left: number[] = []
    const round = async (n: number) => {
      const file = newFile()
      const child = startChild('locks', [file, how === 'by itself' ? `${n % 7}` : '60000'])
      expect(await child.next()).toBe('begun')
      await new Promise((resolve) => setTimeout(resolve, n % 7))
      if (how === 'SIGTERM') child.kill('SIGTERM')
      await child.ended
      if (existsSync(`${file}.lock`)) left.push(n)
    }
    for (let n = 0; n < 20; n += 2) await Promise.all([round(n), round(n + 1)])
    expect(left).toEqual([])
  },
  60_000,
)

test('a lock that was lost during the work is not removed at the end of the process either', async () => {
  const file = newFile()
  const child = startChild('loses-lock', [file])
  expect(await child.next()).toBe('lost')
  await child.ended
  expect(existsSync(`${file}.lock`)).toBe(true)
})

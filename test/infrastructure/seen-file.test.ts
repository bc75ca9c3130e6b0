import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createSeenFile } from '../../src/infrastructure/seen-file.ts'
import { plainUser } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'

function setUp(text = 'one', identityOf?: () => string) {
  const folder = tempFolder()
  const file = join(folder, 'auth.json')
  fs.writeFileSync(file, text, { mode: 0o600 })
  let elapsedMs = 0
  const read: string[] = []
  const look = createSeenFile({
    file,
    read: (found) => {
      read.push(found)
      return found
    },
    maxBytes: 100,
    elapsed: () => elapsedMs,
    ...(identityOf === undefined ? {} : { identityOf }),
  })
  /** Looks until what was read is kept. */
  const settle = () => {
    look()
    elapsedMs += 2_000
    look()
    expect(look()).toBe(look())
  }
  return { folder, file, look, read, settle, pass: (ms: number) => (elapsedMs += ms) }
}

/** The time of the last change, which nobody can set, has gone on: times in a file system have steps. */
function later(file: string, change: () => void): void {
  const before = fs.statSync(file, { bigint: true }).ctimeNs
  do change()
  while (fs.statSync(file, { bigint: true }).ctimeNs === before)
}

function inPlace(file: string, text: string): void {
  const fd = fs.openSync(file, 'r+')
  fs.writeSync(fd, text, 0)
  fs.closeSync(fd)
}

test('a file that has stayed the same is not read again', () => {
  const { look, read, settle } = setUp()
  settle()
  const before = read.length
  for (let n = 0; n < 5; n += 1) expect(look().value).toBe('one')
  expect(read).toHaveLength(before)
})

describe('a look sees what somebody else has done to a file that was known for long:', () => {
  test('edited in place', () => {
    const { file, look, settle } = setUp()
    settle()
    later(file, () => inPlace(file, 'two'))
    expect(look().value).toBe('two')
  })

  test('edited in place, and its time set back', () => {
    const { file, look, settle } = setUp()
    fs.utimesSync(file, 1_790_000_000, 1_790_000_000)
    settle()
    later(file, () => {
      inPlace(file, 'two')
      fs.utimesSync(file, 1_790_000_000, 1_790_000_000)
    })
    expect(look().value).toBe('two')
  })

  test('replaced by a rename', () => {
    const { folder, file, look, settle } = setUp()
    settle()
    fs.writeFileSync(join(folder, 'new'), 'two')
    fs.renameSync(join(folder, 'new'), file)
    expect(look().value).toBe('two')
  })

  test('removed, and there again', () => {
    const { folder, file, look, settle } = setUp()
    settle()
    fs.renameSync(file, join(folder, 'aside'))
    expect(look()).toMatchObject({ value: undefined, stat: undefined, path: file })
    fs.writeFileSync(file, 'two')
    expect(look().value).toBe('two')
  })

  test.runIf(process.platform !== 'win32')('opened to others', () => {
    const { file, look, settle } = setUp()
    settle()
    fs.chmodSync(file, 0o644)
    expect((look().stat?.mode ?? 0) & 0o777).toBe(0o644)
  })

  test.runIf(process.platform !== 'win32' && plainUser !== undefined)('given to somebody else', () => {
    const { file, look, settle } = setUp()
    settle()
    fs.chownSync(file, plainUser ?? 0, 0)
    expect(look().stat?.uid).toBe(plainUser)
  })

  test.runIf(process.platform !== 'win32')('replaced by a link, and the link turned to another file', () => {
    const { folder, file, look, settle } = setUp()
    settle()
    const [first, second] = [join(folder, 'first'), join(folder, 'second')]
    fs.writeFileSync(first, 'two')
    fs.writeFileSync(second, 'six')
    fs.rmSync(file)
    fs.symlinkSync(first, file)
    expect(look()).toMatchObject({ value: 'two', path: first })
    settle()
    fs.rmSync(file)
    fs.symlinkSync(second, file)
    expect(look()).toMatchObject({ value: 'six', path: second })
  })

  test('replaced by a folder', () => {
    const { file, look, settle } = setUp()
    settle()
    fs.rmSync(file)
    fs.mkdirSync(file)
    expect(look).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
    fs.rmdirSync(file)
    fs.writeFileSync(file, 'two')
    expect(look().value).toBe('two')
  })

  test('grown beyond all bounds', () => {
    const { file, look, settle } = setUp()
    settle()
    fs.writeFileSync(file, 'x'.repeat(101))
    expect(look).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
  })
})

describe('where two changes within one step of the clock look the same', () => {
  const coarse = () => 'always the same'

  test('a file that is looked at for the first time is read at each look', () => {
    const { file, look, pass } = setUp('one', coarse)
    expect(look().value).toBe('one')
    inPlace(file, 'two')
    expect(look().value).toBe('two')
    pass(1_999)
    inPlace(file, 'six')
    expect(look().value).toBe('six')
  })

  test('until the step is certainly over', () => {
    const { file, look, read, settle } = setUp('one', coarse)
    settle()
    const before = read.length
    inPlace(file, 'two')
    expect(look().value).toBe('one')
    expect(read).toHaveLength(before)
  })

  test('and again after it was away', () => {
    const { file, look, settle } = setUp('one', coarse)
    settle()
    fs.rmSync(file)
    expect(look().value).toBeUndefined()
    fs.writeFileSync(file, 'two')
    expect(look().value).toBe('two')
    inPlace(file, 'six')
    expect(look().value).toBe('six')
  })
})

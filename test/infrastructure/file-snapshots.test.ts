import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createFileSnapshots } from '../../src/infrastructure/file-snapshots.ts'
import { plainUser } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'

function setUp(text = 'one', identityOf?: () => string) {
  const folder = tempFolder()
  const file = join(folder, 'auth.json')
  fs.writeFileSync(file, text, { mode: 0o600 })
  let elapsedMs = 0
  const read: string[] = []
  const take = createFileSnapshots({
    file,
    read: (found) => {
      read.push(found)
      return found
    },
    maxBytes: 100,
    elapsed: () => elapsedMs,
    ...(identityOf === undefined ? {} : { identityOf }),
  })
  /** Takes snapshots until what was read is kept. */
  const settle = () => {
    take()
    elapsedMs += 2_000
    take()
    expect(take()).toBe(take())
  }
  return { folder, file, take, read, settle, pass: (ms: number) => (elapsedMs += ms) }
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
  const { take, read, settle } = setUp()
  settle()
  const before = read.length
  for (let n = 0; n < 5; n += 1) expect(take().value).toBe('one')
  expect(read).toHaveLength(before)
})

describe('a snapshot has what somebody else has done to a file that was known for long:', () => {
  test('edited in place', () => {
    const { file, take, settle } = setUp()
    settle()
    later(file, () => inPlace(file, 'two'))
    expect(take().value).toBe('two')
  })

  test('edited in place, and its time set back', () => {
    const { file, take, settle } = setUp()
    fs.utimesSync(file, 1_790_000_000, 1_790_000_000)
    settle()
    later(file, () => {
      inPlace(file, 'two')
      fs.utimesSync(file, 1_790_000_000, 1_790_000_000)
    })
    expect(take().value).toBe('two')
  })

  test('replaced by a rename', () => {
    const { folder, file, take, settle } = setUp()
    settle()
    fs.writeFileSync(join(folder, 'new'), 'two')
    fs.renameSync(join(folder, 'new'), file)
    expect(take().value).toBe('two')
  })

  test('removed, and there again', () => {
    const { folder, file, take, settle } = setUp()
    settle()
    fs.renameSync(file, join(folder, 'aside'))
    expect(take()).toMatchObject({ value: undefined, stat: undefined })
    expect(take().path()).toBe(file)
    fs.writeFileSync(file, 'two')
    expect(take().value).toBe('two')
  })

  test.runIf(process.platform !== 'win32')('opened to others', () => {
    const { file, take, settle } = setUp()
    settle()
    fs.chmodSync(file, 0o644)
    expect((take().stat?.mode ?? 0) & 0o777).toBe(0o644)
  })

  test.runIf(process.platform !== 'win32' && plainUser !== undefined)('given to somebody else', () => {
    const { file, take, settle } = setUp()
    settle()
    fs.chownSync(file, plainUser ?? 0, 0)
    expect(take().stat?.uid).toBe(plainUser)
  })

  test.runIf(process.platform !== 'win32')('replaced by a link, and the link turned to another file', () => {
    const { folder, file, take, settle } = setUp()
    settle()
    const [first, second] = [join(folder, 'first'), join(folder, 'second')]
    fs.writeFileSync(first, 'two')
    fs.writeFileSync(second, 'six')
    fs.rmSync(file)
    fs.symlinkSync(first, file)
    expect([take().value, take().path()]).toEqual(['two', first])
    settle()
    fs.rmSync(file)
    fs.symlinkSync(second, file)
    expect([take().value, take().path()]).toEqual(['six', second])
  })

  test('replaced by a folder', () => {
    const { file, take, settle } = setUp()
    settle()
    fs.rmSync(file)
    fs.mkdirSync(file)
    expect(take).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
    fs.rmdirSync(file)
    fs.writeFileSync(file, 'two')
    expect(take().value).toBe('two')
  })

  test('grown beyond all bounds', () => {
    const { file, take, settle } = setUp()
    settle()
    fs.writeFileSync(file, 'x'.repeat(101))
    expect(take).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
  })
})

describe('where two changes within one step of the clock take the same', () => {
  const coarse = () => 'always the same'

  test('a file that was not known before is read each time', () => {
    const { file, take, pass } = setUp('one', coarse)
    expect(take().value).toBe('one')
    inPlace(file, 'two')
    expect(take().value).toBe('two')
    pass(1_999)
    inPlace(file, 'six')
    expect(take().value).toBe('six')
  })

  test('until the step is certainly over', () => {
    const { file, take, read, settle } = setUp('one', coarse)
    settle()
    const before = read.length
    inPlace(file, 'two')
    expect(take().value).toBe('one')
    expect(read).toHaveLength(before)
  })

  test('and again after it was away', () => {
    const { file, take, settle } = setUp('one', coarse)
    settle()
    fs.rmSync(file)
    expect(take().value).toBeUndefined()
    fs.writeFileSync(file, 'two')
    expect(take().value).toBe('two')
    inPlace(file, 'six')
    expect(take().value).toBe('six')
  })
})

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeCacheFile, keepCode, readCode } from '../../src/infrastructure/code-cache.ts'
import { tempFolder } from '../support/temp-folder.ts'

const CODE = Buffer.from('FAKE compiled code')
const UID = process.getuid?.()

describe('compiled code is kept', () => {
  const home = () => '/home/ada'
  const place = (platform: string, env: Record<string, string>, from = home) => {
    return codeCacheFile({
      env,
      platform,
      home: from,
      program: '1-a',
      node: { version: 'v0', arch: 'x', execArgv: [] },
    })
  }
  const none = () => {
    throw new Error('no such user')
  }

  test.each([
    ['linux', {}, '/home/ada/.cache/codex-oauth/1-a-node-v0-x.code'],
    ['linux', { XDG_CACHE_HOME: '/var/cache/ada' }, '/var/cache/ada/codex-oauth/1-a-node-v0-x.code'],
    ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/ada/.cache/codex-oauth/1-a-node-v0-x.code'],
    ['linux', { XDG_CACHE_HOME: '' }, '/home/ada/.cache/codex-oauth/1-a-node-v0-x.code'],
    ['darwin', {}, '/home/ada/Library/Caches/codex-oauth/1-a-node-v0-x.code'],
    [
      'win32',
      { LOCALAPPDATA: '/c/Users/ada/AppData/Local' },
      '/c/Users/ada/AppData/Local/codex-oauth/1-a-node-v0-x.code',
    ],
    ['win32', { XDG_CACHE_HOME: '/x' }, undefined],
    ['linux', { NODE_DISABLE_COMPILE_CACHE: '1' }, undefined],
    ['linux', { NODE_DISABLE_COMPILE_CACHE: '' }, '/home/ada/.cache/codex-oauth/1-a-node-v0-x.code'],
  ])('on %s with %j in %s', (platform, env, file) => {
    expect(place(platform, env as Record<string, string>)).toBe(file)
  })

  test.each([
    ['has none', none],
    ['has an empty one', () => ''],
    ['has a relative one', () => 'here'],
  ])('nowhere for a user who %s', (_, from) => {
    expect(place('linux', {}, from)).toBeUndefined()
  })
})

test('compiled code is kept apart by all that V8 takes none of another of', () => {
  const node = { version: 'v0', arch: 'x', execArgv: [] as string[] }
  const named = (env: Record<string, string>, changed: Partial<typeof node>, program = '1-a') => {
    return codeCacheFile({ env, platform: 'linux', home: () => '/', program, node: { ...node, ...changed } })
  }
  const names = [
    named({}, {}),
    named({}, {}, '1-b'),
    named({}, { version: 'v1' }),
    named({}, { arch: 'y' }),
    named({}, { execArgv: ['--max-old-space-size=200'] }),
    named({}, { execArgv: ['--max-old-space-size=300'] }),
    named({ NODE_OPTIONS: '--max-old-space-size=400' }, {}),
  ]
  expect(new Set(names).size).toBe(names.length)
  expect(named({ NODE_OPTIONS: ' ' }, {})).toBe(named({}, {}))
})

describe('what is kept', () => {
  test('is read back, from a folder and a file that are the user’s alone', () => {
    const file = join(tempFolder(), 'new', 'codex-oauth', 'a.code')
    keepCode(file, () => CODE, UID)
    expect(readCode(file, UID)).toEqual(CODE)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(file, '..'))).toEqual(['a.code'])
  })

  test('is not used once a byte of it, or its length, is another', () => {
    const file = join(tempFolder(), 'a.code')
    keepCode(file, () => CODE, UID)
    const whole = readFileSync(file)
    const damaged = [
      ...Array.from(whole, (byte, at) => Buffer.from(whole).fill(byte ^ 1, at, at + 1)),
      ...Array.from(whole, (_, length) => whole.subarray(0, length)),
      Buffer.concat([whole, Buffer.of(0)]),
    ]
    for (const bytes of damaged) {
      writeFileSync(file, bytes)
      expect(readCode(file, UID)).toBeUndefined()
    }
  })

  test.each([
    ['others could have written it', 0o602, UID],
    ['its group could have written it', 0o620, UID],
    ['it belongs to somebody else', 0o600, (UID ?? 0) + 1],
  ])('is not used if %s', (_, mode, uid) => {
    const file = join(tempFolder(), 'a.code')
    keepCode(file, () => CODE, UID)
    chmodSync(file, mode)
    expect(readCode(file, uid)).toBeUndefined()
  })

  test('is not used if others can put files into its folder', () => {
    const folder = join(tempFolder(), 'shared')
    const file = join(folder, 'a.code')
    keepCode(file, () => CODE, UID)
    chmodSync(folder, 0o777)
    expect(readCode(file, UID)).toBeUndefined()
    chmodSync(folder, 0o755)
    expect(readCode(file, UID)).toEqual(CODE)
  })

  test('is nothing where there is no file, or something else', () => {
    const folder = tempFolder()
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
    for (const name of ['absent', 'link', '.']) expect(readCode(join(folder, name), UID)).toBeUndefined()
  })

  test('does not grow: the newest four stay, and so does what is not ours', () => {
    const folder = join(tempFolder(), 'codex-oauth')
    mkdirSync(folder, 0o700)
    const named = (at: number) => `0.1.${at}-0a-node-v20.20.2-x64.code`
    const others = ['notes.txt', 'thesis.tex', `${named(1)}.bak`, 'a.code']
    for (const name of others) writeFileSync(join(folder, name), 'mine')
    for (let at = 1; at <= 9; at += 1) {
      const old = join(folder, `${named(at)}${at === 9 ? '.123-456' : ''}`)
      writeFileSync(old, 'old')
      utimesSync(old, at, at)
    }
    keepCode(join(folder, named(10)), () => CODE, UID)
    const left = [named(7), named(8), `${named(9)}.123-456`, named(10)]
    expect(readdirSync(folder).sort()).toEqual([...others, ...left].sort())
  })

  test.each([
    ['a link to another one', (folder: string, other: string) => symlinkSync(other, folder)],
    ['one that others may write', (folder: string) => mkdirSync(folder, 0o700) ?? chmodSync(folder, 0o777)],
    ['a file', (folder: string) => writeFileSync(folder, '')],
  ])('is not put where the folder is %s', (_, make) => {
    const [folder, other] = [join(tempFolder(), 'codex-oauth'), tempFolder()]
    make(folder, other)
    keepCode(join(folder, 'a.code'), () => CODE, UID)
    expect(readdirSync(other)).toEqual([])
    expect(readCode(join(folder, 'a.code'), UID)).toBeUndefined()
  })

  test('is never written through a link that waits for it', () => {
    const folder = join(tempFolder(), 'codex-oauth')
    mkdirSync(folder, 0o700)
    const precious = join(folder, '..', 'precious')
    writeFileSync(precious, 'mine')
    symlinkSync(precious, join(folder, 'a.code'))
    symlinkSync(precious, join(folder, `a.code.${process.pid}`))
    keepCode(join(folder, 'a.code'), () => CODE, UID)
    expect(readFileSync(precious, 'utf8')).toBe('mine')
    expect(readCode(join(folder, 'a.code'), UID)).toEqual(CODE)
  })

  test.runIf(process.platform === 'linux')('is nothing where folders cannot be made, without going round', () => {
    keepCode('/proc/self/codex-oauth/a.code', () => CODE, UID)
    keepCode('/proc/codex-oauth/a.code', () => CODE, UID)
    expect(readCode('/proc/codex-oauth/a.code', UID)).toBeUndefined()
  })

  test.runIf(process.platform !== 'win32')(
    'is not waited for where a pipe lies, and not read where the file is huge',
    () => {
      const folder = tempFolder()
      execFileSync('mkfifo', [join(folder, 'a.code')])
      writeFileSync(join(folder, 'b.code'), '')
      truncateSync(join(folder, 'b.code'), 2 ** 30)
      for (const name of ['a.code', 'b.code']) expect(readCode(join(folder, name), UID)).toBeUndefined()
    },
  )

  test('is nothing where it cannot be made, and nobody is bothered with that', () => {
    const file = join(tempFolder(), 'codex-oauth', 'a.code')
    keepCode(
      file,
      () => {
        throw new RangeError('no room')
      },
      UID,
    )
    expect(readdirSync(join(file, '..'))).toEqual([])
  })

  test('is left as it is where nothing can be written, and nothing is said', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    keepCode(join(folder, 'file', 'codex-oauth', 'a.code'), () => CODE, UID)
    mkdirSync(join(folder, 'a.code'))
    keepCode(join(folder, 'a.code'), () => CODE, UID)
    expect(readdirSync(folder).sort()).toEqual(['a.code', 'file'])
  })
})

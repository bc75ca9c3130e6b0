import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
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
    keepCode(file, CODE)
    expect(readCode(file, UID)).toEqual(CODE)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(file, '..'))).toEqual(['a.code'])
  })

  test('is not used once a byte of it, or its length, is another', () => {
    const file = join(tempFolder(), 'a.code')
    keepCode(file, CODE)
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
    keepCode(file, CODE)
    chmodSync(file, mode)
    expect(readCode(file, uid)).toBeUndefined()
  })

  test('is not used if others can put files into its folder', () => {
    const folder = join(tempFolder(), 'shared')
    const file = join(folder, 'a.code')
    keepCode(file, CODE)
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

  test('does not grow: the newest four stay', () => {
    const folder = tempFolder()
    for (let at = 1; at <= 9; at += 1) {
      const old = join(folder, `${at}.code${at === 9 ? '.123' : ''}`)
      writeFileSync(old, 'old')
      utimesSync(old, at, at)
    }
    keepCode(join(folder, 'new.code'), CODE)
    expect(readdirSync(folder).sort()).toEqual(['7.code', '8.code', '9.code.123', 'new.code'])
  })

  test('is left as it is where nothing can be written, and nothing is said', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'file'), '')
    keepCode(join(folder, 'file', 'codex-oauth', 'a.code'), CODE)
    mkdirSync(join(folder, 'a.code'))
    keepCode(join(folder, 'a.code'), CODE)
    expect(readdirSync(folder).sort()).toEqual(['a.code', 'file'])
  })
})

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { systemClock } from '../../../src/infrastructure/clock.ts'
import { thisPlace } from '../../../src/infrastructure/process-identity.ts'
import { createSignInLease } from '../../../src/services/sign-in/sign-in-lease.ts'
import { plainUser, startChild } from '../../support/child.ts'
import { inWords, seal, startDoctorBench } from '../../support/doctor-bench.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const SUBJECT = '0123456789abcdef0123'
const posix = test.runIf(process.platform !== 'win32')

describe('the credentials file', () => {
  const FILE = '~/.claude/auth.json'

  test('is not there yet', async () => {
    const bench = await startDoctorBench()
    expect(await bench.lines('credentials file')).toEqual([`ok: ${FILE} does not exist; a sign-in makes it.`])
  })

  posix('holds a sign-in, or something else', async () => {
    const bench = await startDoctorBench()
    bench.signIn()
    expect(await bench.lines('credentials file')).toEqual([`ok: ${FILE} holds a sign-in (mode 600).`])
    writeFileSync(bench.file, '{"other": 1}')
    expect(await bench.lines('credentials file')).toEqual([`ok: ${FILE} holds no sign-in (mode 600).`])
  })

  posix.each([0o644, 0o660, 0o604])('can be read by others (%o)', async (mode) => {
    const bench = await startDoctorBench()
    bench.signIn()
    chmodSync(bench.file, mode)
    expect((await bench.lines('credentials file'))[0]).toBe(
      `warning: ${FILE} can be read or changed by other users (mode ${mode.toString(8)}); it is tightened at the next write. → Run: chmod 600 ${FILE}`,
    )
  })

  posix('belongs to another user', async () => {
    const bench = await startDoctorBench()
    bench.signIn()
    const read = bench.deps.storage.read
    const warnings = [`${bench.file} belongs to another user of this machine.`]
    bench.deps.storage = { ...bench.deps.storage, read: () => ({ ...read(), warnings }) }
    expect((await bench.lines('credentials file'))[0]).toBe(
      `warning: ${FILE} belongs to another user of this machine. → Let the file belong to you, or sign in again.`,
    )
  })

  test('holds a sign-in that cannot be opened', async () => {
    const bench = await startDoctorBench()
    await seal(bench)
    const words = 'The stored sign-in is encrypted with a passphrase, and CODEX_OAUTH_PASSPHRASE is not set here.'
    const remedy = 'Set it and restart, or sign in again.'
    expect(await bench.lines('credentials file')).toEqual([`warning: ${words} → ${remedy}`])
    chmodSync(bench.file, 0o644)
    expect((await bench.lines('credentials file'))[0]).toMatch(
      /^warning: .*is not set here\. .*\(mode 644\).* → Run: chmod 600 \S+ Set it/,
    )
  })

  test.each<[string, (file: string) => void, RegExp]>([
    ['is damaged', (file) => writeFileSync(file, '{"codex": '), /^problem: .*\[STORAGE_CORRUPT\] → /],
    ['is a folder', (file) => mkdirSync(file), /^problem: .*it is not a file\. \[STORAGE_FAILED\] → Move it away/],
    [
      'is a circle of links',
      (file) => symlinkSync(file, file),
      /^problem: .*links lead in a circle\. \[STORAGE_FAILED\] → /,
    ],
  ])('%s', async (_, spoil, words) => {
    const bench = await startDoctorBench()
    spoil(bench.file)
    expect((await bench.lines('credentials file'))[0]).toMatch(words)
    expect((await bench.run()).find(({ name }) => name === 'sign-in')?.state).toBe('skipped')
  })
})

describe('the folder', () => {
  test('can be written to, and nothing is left in it', async () => {
    const bench = await startDoctorBench()
    expect(await bench.lines('folder')).toEqual(['ok: ~/.claude can be written to.'])
    expect(readdirSync(dirname(bench.file))).toEqual([])
  })

  test('is yet to be made, in one that can be written to', async () => {
    const bench = await startDoctorBench()
    rmSync(dirname(bench.file), { recursive: true })
    expect(await bench.lines('folder')).toEqual(['ok: ~ can be written to.'])
    expect(readdirSync(bench.home)).toEqual([])
  })

  posix('lets others replace what is in it', async () => {
    const bench = await startDoctorBench()
    chmodSync(dirname(bench.file), 0o775)
    expect(await bench.lines('folder')).toEqual([
      'warning: Other users of this machine can replace files in ~/.claude (mode 775). → Run: chmod go-w ~/.claude',
    ])
  })

  posix('cannot be written to', async () => {
    const folder = tempFolder()
    chmodSync(folder, 0o555)
    const [line] = (await startChild('inspects', [join(folder, 'auth.json')], { uid: plainUser }).next()) as string[]
    expect(line).toMatch(/^problem: Nothing can be written into .* \(EACCES\)\. → Check its owner.*CODEX_OAUTH_FILE/)
  })

  test('is a file', async () => {
    const file = join(tempFolder(), 'file')
    writeFileSync(file, '')
    const bench = await startDoctorBench()
    const deps = { ...bench.deps.storage, file: () => join(file, 'auth.json') }
    bench.deps.storage = deps
    expect((await bench.lines('folder'))[0]).toMatch(/^problem: Nothing can be written into .*\(ENOTDIR\)/)
  })
})

describe('the lock', () => {
  const found = async (make: (lock: string) => void) => {
    const bench = await startDoctorBench()
    make(`${bench.file}.lock`)
    return (await bench.lines('lock'))[0]
  }

  test('is free', async () => {
    expect(await found(() => {})).toBe('ok: Nobody holds the lock.')
  })

  test('is held by somebody who stores', async () => {
    expect(await found((lock) => mkdirSync(lock))).toMatch(/^ok: A process holds the lock right now/)
  })

  test('was left behind', async () => {
    const line = await found((lock) => {
      mkdirSync(lock)
      utimesSync(lock, Date.now() / 1000 - 7205, Date.now() / 1000 - 7205)
    })
    expect(line).toBe(
      'warning: ~/.claude/auth.json.lock was left behind 2 hours ago; the next who stores takes it over. → ' +
        'Nothing needs to be done. If no other copy of this program is running, remove ~/.claude/auth.json.lock.',
    )
  })

  test.each<[string, (lock: string) => void]>([
    ['a file', (lock) => writeFileSync(lock, '')],
    ['a folder with something in it', (lock) => mkdirSync(join(lock, 'x'), { recursive: true })],
  ])('is %s, which nobody would ever take over', async (_, make) => {
    expect(await found(make)).toMatch(/^problem: .*auth\.json\.lock is not a lock of this program\. → .*remove/)
  })
})

describe('claims', () => {
  test('are none', async () => {
    expect(await (await startDoctorBench()).lines('claims')).toEqual(['ok: No renewal is under way.'])
  })

  test('are counted, and those whose owners live', async () => {
    const bench = await startDoctorBench()
    const dead = { pid: spawnSync(process.execPath, ['-e', '']).pid, place: thisPlace() }
    const as = (identity?: typeof dead) =>
      createClaimStore({ base: () => bench.file, now: Date.now, ...(identity && { identity }) })
    as(dead).take(SUBJECT, 1)
    expect(await bench.lines('claims')).toEqual(['ok: 1 claim on a renewal, 0 at work.'])
    as().take(SUBJECT, 2)
    expect(await bench.lines('claims')).toEqual(['ok: 2 claims on a renewal, 1 at work.'])
  })

  test('make the next renewal wait', async () => {
    const bench = await startDoctorBench()
    const claims = createClaimStore({ base: () => bench.file, now: Date.now })
    claims.take(SUBJECT, 1)
    claims.finish(SUBJECT, 1, { untilMs: Date.now() + 30_000, fails: 5 })
    expect((await bench.lines('claims'))[0]).toMatch(
      /^warning: 1 claim on a renewal, 0 at work\. After 5 failures the next renewal waits for (?:29|30) seconds\. → Wait/,
    )
    claims.finish(SUBJECT, 1, { untilMs: Date.now() - 1, fails: 5 })
    expect((await bench.lines('claims'))[0]).toMatch(/^ok: /)
  })

  test('of a sign-in that is open are none on a renewal', async () => {
    const bench = await startDoctorBench()
    const claims = createClaimStore({ base: () => bench.file, now: Date.now })
    createSignInLease({ claims, clock: systemClock }).take(Date.now() + 840_000, false)
    expect(await bench.lines('claims')).toEqual(['ok: No renewal is under way.'])
  })

  test('cannot be seen', async () => {
    const bench = await startDoctorBench()
    writeFileSync(join(bench.home, 'file'), '')
    const claims = createClaimStore({ base: () => join(bench.home, 'file', 'auth.json'), now: Date.now })
    bench.deps.claims = claims
    const check = (await bench.run()).find(({ name }) => name === 'claims')
    expect(check && inWords(check)).toMatch(/^problem: .*a part of its path is not a folder\. \[STORAGE_FAILED\] → /)
  })
})

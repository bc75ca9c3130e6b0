import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { writeTemp } from '../../src/infrastructure/atomic-file.ts'
import { createTokenStorage, type TokenRecord } from '../../src/infrastructure/token-storage.ts'
import { plainUser, startChild, startChildren } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { aRecord } from '../support/token-records.ts'
import { aVault } from '../support/vaults.ts'

const NOW = 1_790_000_000_000
const storageOf = (file: string, more: { uid?: number; lockWaitMs?: number } = {}) =>
  createTokenStorage({ file, vault: aVault(), now: () => NOW, ...more })
const textOf = (file: string) => fs.readFileSync(file, 'utf8')
const modeOf = (path: string) => (fs.statSync(path).mode & 0o777).toString(8)
const newFile = (text?: string | Uint8Array) => {
  const file = join(tempFolder(), 'auth.json')
  if (text !== undefined) fs.writeFileSync(file, text, { mode: 0o600 })
  return file
}
const signedIn = JSON.stringify({ codex: { access_token: 'access-1', refresh_token: 'refresh-1' } })

test('without a file nobody is signed in, and reading makes none', () => {
  const file = join(tempFolder(), 'folder', 'auth.json')
  expect(storageOf(file).read()).toEqual({ record: undefined, needsUnlock: false, warnings: [] })
  expect(fs.existsSync(join(file, '..'))).toBe(false)
})

test('what is stored is read again, by this storage and by another one', async () => {
  const file = newFile()
  const record = aRecord({ expiresAt: NOW + 3_600_000, savedAt: NOW })
  expect(await storageOf(file).update(() => record)).toEqual(record)
  expect(storageOf(file).read()).toEqual({ record, form: 'plain', needsUnlock: false, warnings: [] })
  expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
})

test('the change gets what the file holds now, and the result is what it holds then', async () => {
  const file = newFile(signedIn)
  const seen: unknown[] = []
  const stored = await storageOf(file).update((current) => {
    seen.push(current?.refreshToken)
    return current && { ...current, expiresAt: NOW + 1999 }
  })
  expect(seen).toEqual(['refresh-1'])
  expect(stored?.expiresAt).toBe(NOW + 1000)
})

test('the same object back writes nothing', async () => {
  const file = newFile(signedIn)
  const { ino, mtimeMs } = fs.statSync(file)
  expect((await storageOf(file).update((current) => current))?.accessToken).toBe('access-1')
  expect(fs.statSync(file)).toMatchObject({ ino, mtimeMs })
})

test('undefined signs out and leaves the file to the others', async () => {
  const file = newFile('{"a":1,"codex":{"access_token":"x"},"openai_codex":{"access_token":"y"}}')
  expect(await storageOf(file).update(() => undefined)).toBeUndefined()
  expect(textOf(file)).toBe('{"a":1}')
  expect(storageOf(file).read().record).toBeUndefined()
})

test('signing out where nobody is signed in makes no file', async () => {
  const file = newFile()
  await storageOf(file).update(() => undefined)
  expect(fs.existsSync(file)).toBe(false)
})

test('an error of the change passes, and nothing is written', async () => {
  const file = newFile(signedIn)
  const fail = () => {
    throw new RangeError('of the caller')
  }
  await expect(storageOf(file).update(fail)).rejects.toThrow(new RangeError('of the caller'))
  expect(textOf(file)).toBe(signedIn)
})

test('keys and fields of others survive thirty writes letter by letter', async () => {
  const others = '"n": 12345678901234567890, "f": 1.0, "e": 1e5, "__proto__": {"x": [1 , 2]}, "ü": "\\u00fc"'
  const file = newFile(`{${others},"codex":{"scope":"a b","access_token":"0","big":1.50},"last":null}`)
  const storage = storageOf(file)
  for (let n = 1; n <= 30; n++) await storage.update((current) => current && { ...current, accessToken: String(n) })
  expect(textOf(file)).toBe(`{${others},"codex":{"scope":"a b","access_token":"30","big":1.50},"last":null}`)
})

const BOM = String.fromCharCode(0xfeff)
const damaged: readonly [string, string | Uint8Array][] = [
  ['empty', ''],
  ['only blanks', ' \n '],
  ['cut', signedIn.slice(0, 40)],
  ['followed by more', `${signedIn}}`],
  ['with a byte order mark', `${BOM}${signedIn}`],
  ['with a NUL at the end', `${signedIn}\0`],
  ['all NUL', new Uint8Array(200)],
  ['no text at all', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)],
  ['UTF-16', Buffer.from(signedIn, 'utf16le')],
  ['a list', `[${signedIn}]`],
  ['null', 'null'],
  ['a number', '17'],
  ['a text', '"SECRET"'],
  ['with comments', `// SECRET\n${signedIn}`],
  ['with a comma too many', '{"codex":{"access_token":"SECRET"},}'],
  ['a bare token', 'SECRET-SECRET-SECRET'],
  ['larger than 1 MB', `{"codex":{"access_token":"SECRET"},"x":"${'x'.repeat(1_048_576)}"}`],
  ['with a record that is a list', '{"codex":["SECRET"]}'],
  ['with a record without access_token', '{"codex":{"refresh_token":"SECRET"}}'],
  ['with a legacy record that is a text', '{"openai_codex":"SECRET"}'],
  ['with a line break in a token', '{"codex":{"access_token":"SECRET\\nSECRET"}}'],
]

test.each(damaged)('a file that is %s is reported, and never written', async (_name, content) => {
  const file = newFile(content)
  const before = fs.readFileSync(file)
  const storage = storageOf(file)
  const errors = [
    await storage.update(() => aRecord()).catch(String),
    await storage.update(() => undefined).catch(String),
  ]
  expect(() => storage.read()).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
  for (const error of errors) expect(error).toContain(`${file} is damaged: `)
  expect(errors.join()).not.toContain('SECRET')
  expect(before.equals(fs.readFileSync(file))).toBe(true)
  expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
})

test('a file that cannot be edited safely is left, although it can be read', async () => {
  const text = '{"codex":{"access_token":"a"},"codex":{"access_token":"b"}}'
  const file = newFile(text)
  await expect(storageOf(file).update(() => aRecord())).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(textOf(file)).toBe(text)
})

test('a record that could never be read back is not written', async () => {
  const file = newFile(signedIn)
  const update = storageOf(file).update(() => aRecord({ accessToken: 'two\nlines' }))
  await expect(update).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(textOf(file)).toBe(signedIn)
})

test('a file that would grow too large to be read again is not written', async () => {
  const text = `{"x":"${'x'.repeat(1_048_500)}"}`
  const file = newFile(text)
  await expect(storageOf(file).update(() => aRecord())).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(textOf(file)).toBe(text)
})

test('a folder in the place of the file is a failure, not a sign-out', async () => {
  const file = newFile()
  fs.mkdirSync(file)
  expect(() => storageOf(file).read()).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
  await expect(storageOf(file).update(() => aRecord())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})

test.runIf(process.platform !== 'win32')('a file where the folder should be is a failure too', async () => {
  const inTheWay = newFile('text')
  const storage = storageOf(join(inTheWay, 'auth.json'))
  expect(() => storage.read()).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }))
  await expect(storage.rehearse()).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})

test('a folder that is missing is made when something is stored or rehearsed', async () => {
  const folder = tempFolder()
  await storageOf(join(folder, 'a', 'auth.json')).update(() => aRecord())
  await storageOf(join(folder, 'b', 'auth.json')).rehearse()
  expect([modeOf(join(folder, 'a')), modeOf(join(folder, 'b'))]).toEqual(['700', '700'])
  expect(fs.readdirSync(join(folder, 'b'))).toEqual([])
})

test('a folder that exists keeps its mode', async () => {
  const file = newFile()
  fs.chmodSync(join(file, '..'), 0o755)
  await storageOf(file).update(() => aRecord())
  expect(modeOf(join(file, '..'))).toBe('755')
})

test.runIf(process.platform !== 'win32')('a lax mode is a warning until the next write', async () => {
  const file = newFile(signedIn)
  fs.chmodSync(file, 0o644)
  const storage = storageOf(file)
  expect(storage.read().warnings).toEqual([
    `${file} can be read or changed by other users (mode 644); it is tightened at the next write.`,
  ])
  await storage.update((current) => current && { ...current })
  expect(storage.read().warnings).toEqual([])
  expect(modeOf(file)).toBe('600')
})

test.runIf(process.platform !== 'win32')("another user's file is a warning", () => {
  const file = newFile(signedIn)
  expect(storageOf(file, { uid: 4321 }).read().warnings).toEqual([`${file} belongs to another user of this machine.`])
})

test.runIf(process.platform !== 'win32')('the modes are private under every umask', async () => {
  const folder = tempFolder()
  if (plainUser !== undefined) fs.chownSync(folder, plainUser, plainUser)
  const child = startChild('writes-with-umask', [folder, '0', '22', '77', '777'], { uid: plainUser })
  const modes = ['600', '700', '700']
  expect(await child.next()).toEqual({ '0': modes, '22': modes, '77': modes, '777': modes })
})

test('a linked file stays a link, its target is updated, and both names share one lock', async () => {
  const folder = tempFolder()
  const [link, target] = [join(folder, 'link'), join(folder, 'target')]
  fs.writeFileSync(target, signedIn)
  fs.symlinkSync('target', link)
  expect(storageOf(link).file()).toBe(target)
  await storageOf(link).update((current) => current && { ...current, accessToken: 'new' })
  expect(fs.readlinkSync(link)).toBe('target')
  expect(storageOf(target).read().record?.accessToken).toBe('new')

  fs.mkdirSync(`${target}.lock`)
  const update = storageOf(link, { lockWaitMs: 50 }).update(() => undefined)
  await expect(update).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
})

test('a file in a linked folder is updated there', async () => {
  const folder = tempFolder()
  fs.mkdirSync(join(folder, 'real'))
  fs.symlinkSync('real', join(folder, 'link'))
  await storageOf(join(folder, 'link', 'auth.json')).update(() => aRecord())
  expect(fs.lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true)
  expect(storageOf(join(folder, 'real', 'auth.json')).read().record).toEqual(aRecord())
})

test('a link to a file that does not exist yet gets one', async () => {
  const folder = tempFolder()
  const link = join(folder, 'link')
  fs.symlinkSync('later/target', link)
  expect(storageOf(link).read().record).toBeUndefined()
  await storageOf(link).update(() => aRecord())
  expect(fs.readlinkSync(link)).toBe('later/target')
  expect(storageOf(join(folder, 'later', 'target')).read().record).toEqual(aRecord())
})

test('what a dead writer left is gone after the next write', async () => {
  const file = newFile(signedIn)
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const temp = writeTemp(file, 'left by a dead process')
  fs.renameSync(temp, temp.replace(`.tmp.${process.pid}.`, `.tmp.${pid}.`))
  await storageOf(file).update(() => aRecord())
  expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
})

test('no update of several processes is lost', async () => {
  const file = newFile('{"codex":{"access_token":"a","account_id":"0"},"other":1.0}')
  const children = await startChildren('counter', Array(8).fill([file, '25']))
  for (const child of children) child.tell('go')
  await Promise.all(children.map((child) => child.ended))
  expect(textOf(file)).toBe('{"codex":{"access_token":"a","account_id":"200"},"other":1.0}')
})

test('no update within one process is lost', async () => {
  const file = newFile('{"codex":{"access_token":"a","account_id":"0"}}')
  const storage = storageOf(file)
  const addOne = (current: TokenRecord | undefined) =>
    current && { ...current, accountId: String(Number(current.accountId) + 1) }
  await Promise.all(Array.from({ length: 10 }, () => storage.update(addOne)))
  expect(storage.read().record?.accountId).toBe('10')
})

test.runIf(process.platform !== 'win32')('where no large file may be written, the old one stays whole', async () => {
  const text = `{"other":"${'x'.repeat(60_000)}",${signedIn.slice(1)}`
  const file = newFile(text)
  const outcomes = await startChild('stores', [file], { fileBlocks: 32 }).next()
  const sentence = `STORAGE_FAILED ${file} could not be written: the system limits how large a file may be.`
  expect(outcomes).toEqual([sentence, sentence, sentence])
  expect(textOf(file)).toBe(text)
  expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
})

test.runIf(process.platform !== 'win32')('in a folder that is read-only the old file stays whole', async () => {
  const file = newFile(signedIn)
  fs.chmodSync(file, 0o644)
  fs.chmodSync(join(file, '..'), 0o555)
  const outcomes = await startChild('stores', [file], { uid: plainUser }).next()
  expect(outcomes).toEqual([
    `STORAGE_FAILED ${file} could not be written: permission denied.`,
    `STORAGE_FAILED ${file} could not be locked: permission denied.`,
    `STORAGE_FAILED ${file} could not be locked: permission denied.`,
  ])
  expect(textOf(file)).toBe(signedIn)
})

test.runIf(process.platform !== 'win32')('a file that may not be read is a failure, not a sign-out', async () => {
  const file = newFile(signedIn)
  fs.chmodSync(file, 0o000)
  fs.chmodSync(join(file, '..'), 0o777)
  const [, stored] = (await startChild('stores', [file], { uid: plainUser }).next()) as string[]
  expect(stored).toBe(`STORAGE_FAILED ${file} could not be read: permission denied.`)
})

describe('a rehearsal finds what would keep a record from being stored, and changes nothing', () => {
  const good = '{"other": 1, "codex": {"access_token": "FAKE-at", "refresh_token": "FAKE-rt"}}'

  test('nothing is in the way', async () => {
    const file = newFile(good)
    await storageOf(file).rehearse()
    expect(fs.readFileSync(file, 'utf8')).toBe(good)
    expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
  })

  test.each([
    ['our key twice', '{"codex": {"access_token": "FAKE-a"}, "codex": {"access_token": "FAKE-b"}}'],
    ['one of our fields twice', '{"codex": {"access_token": "FAKE-a", "access_token": "FAKE-b"}}'],
    ['no room under the size limit', `{"pad": "${'x'.repeat(1_040_000)}", "codex": {"access_token": "FAKE-a"}}`],
  ])('%s', async (_name, text) => {
    const file = newFile(text)
    await expect(storageOf(file).rehearse()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(fs.readFileSync(file, 'utf8')).toBe(text)
  })

  test('a file in the place of the lock', async () => {
    const file = newFile(good)
    fs.writeFileSync(`${file}.lock`, '')
    await expect(storageOf(file, { lockWaitMs: 100 }).rehearse()).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
  })

  test('what another process stores while it waits for the lock is not undone', async () => {
    const file = newFile(good)
    fs.mkdirSync(`${file}.lock`)
    const rehearsal = storageOf(file).rehearse()
    while (!fs.readdirSync(join(file, '..')).some((name) => name.includes('.tmp.'))) await setImmediate()
    const stored = good.replace('FAKE-rt', 'FAKE-next')
    fs.writeFileSync(file, stored)
    fs.rmdirSync(`${file}.lock`)
    await rehearsal
    expect(fs.readFileSync(file, 'utf8')).toBe(stored)
    expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json'])
  })

  test('where the lock cannot be had, nothing is left behind', async () => {
    const file = newFile(good)
    fs.mkdirSync(`${file}.lock`)
    await expect(storageOf(file, { lockWaitMs: 50 }).rehearse()).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
    expect(fs.readdirSync(join(file, '..'))).toEqual(['auth.json', 'auth.json.lock'])
  })
})

test('what is given is left as it is', async () => {
  const storage = storageOf(newFile())
  const record = Object.freeze(aRecord({ expiresAt: NOW + 999 }))
  expect(await storage.update(() => record)).toMatchObject({ expiresAt: NOW })
  expect(record.expiresAt).toBe(NOW + 999)
  expect(await storage.update((current) => Object.freeze(current))).toEqual(storage.read().record)
})

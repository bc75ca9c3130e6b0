import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { createTokenStorage, type TokenRecord, type TokenStorage } from '../../src/infrastructure/token-storage.ts'
import type { RecordForm, VaultDeps } from '../../src/infrastructure/vault.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { aRecord } from '../support/token-records.ts'
import { aVault, createFakeKeychain, type FakeKeychain } from '../support/vaults.ts'

const NOW = 1_790_000_000_000
const PASSPHRASE = 'FAKE correct horse'
const SECRETS = ['FAKE-access', 'FAKE-refresh', 'FAKE-id', PASSPHRASE, 'FAKE machine']
const record = aRecord({ accessToken: 'FAKE-access', refreshToken: 'FAKE-refresh', idToken: 'FAKE-id', savedAt: NOW })

const FORMS: readonly RecordForm[] = ['plain', 'passphrase', 'machine', 'keychain']
const settings: Record<RecordForm, Partial<VaultDeps>> = {
  plain: { store: 'file', passphrase: PASSPHRASE },
  passphrase: { store: 'encrypted', passphrase: PASSPHRASE },
  machine: { store: 'encrypted', passphrase: undefined },
  keychain: { store: 'keychain', passphrase: PASSPHRASE },
}

interface Place {
  file: string
  keychain: FakeKeychain
  text(): string
  /** A process of its own: nothing is remembered from another one. */
  start(form: RecordForm, deps?: Partial<VaultDeps> & { lockWaitMs?: number }): TokenStorage
  /** The form of the record in the file, from the file alone. */
  form(): string | undefined
}

function newPlace(text?: string): Place {
  const file = join(tempFolder(), 'auth.json')
  if (text !== undefined) fs.writeFileSync(file, text, { mode: 0o600 })
  const keychain = createFakeKeychain()
  const place: Place = {
    file,
    keychain,
    text: () => fs.readFileSync(file, 'utf8'),
    start: (form, { lockWaitMs = 5000, ...deps } = {}) =>
      createTokenStorage({ file, vault: aVault({ ...settings[form], keychain, ...deps }), now: () => NOW, lockWaitMs }),
    form() {
      const { codex } = JSON.parse(place.text())
      return codex === undefined ? undefined : 'access_token' in codex ? 'plain' : codex.sealed.key
    },
  }
  return place
}

async function load(storage: TokenStorage) {
  await storage.unlock()
  return storage.read()
}

const others = '"n": 12345678901234567890, "f": 1.0, "__proto__": {"x": [1 , 2]}, "ü": "\\u00fc"'

describe.each(FORMS)('the store %s', (form) => {
  test('gives back what it was given, to another process too', async () => {
    const place = newPlace()
    expect(await place.start(form).update(() => record)).toEqual(record)
    expect(await load(place.start(form))).toEqual({ record, form, needsUnlock: false, warnings: [] })
    expect(place.form()).toBe(form)
    expect(fs.readdirSync(dirname(place.file))).toEqual(['auth.json'])
    expect(fs.statSync(place.file).mode & 0o777).toBe(0o600)
  })

  test.runIf(form !== 'plain')('keeps every token out of the file', async () => {
    const place = newPlace()
    await place.start(form).update(() => record)
    for (const secret of SECRETS) expect(place.text()).not.toContain(secret)
    for (const key of place.keychain.entries.values()) expect(place.text()).not.toContain(key)
  })

  test('leaves what belongs to others as it is, through many writes', async () => {
    const place = newPlace(`{${others},"codex":{"access_token":"0"},"last":null}`)
    for (const storage of [place.start(form), place.start(form)]) {
      for (let n = 0; n < 3; n++) await storage.update((current) => current && { ...current, accessToken: `a${n}` })
    }
    const value = JSON.stringify(JSON.parse(place.text()).codex)
    expect(place.text()).toBe(`{${others},"codex":${value},"last":null}`)
    expect((await load(place.start(form))).record?.accessToken).toBe('a2')
  })

  test('signs out and leaves nothing behind', async () => {
    const place = newPlace(`{"a":1.50}`)
    await place.start(form).update(() => record)
    expect(await place.start(form).update(() => undefined)).toBeUndefined()
    expect(place.text()).toBe('{"a":1.50}')
    expect(place.keychain.entries.size).toBe(0)
    expect(fs.readdirSync(dirname(place.file))).toEqual(['auth.json'])
  })

  test('rehearses without a trace, with a record and without', async () => {
    const place = newPlace()
    await place.start(form).rehearse()
    expect(fs.readdirSync(dirname(place.file))).toEqual([])
    expect(place.keychain.entries.size).toBe(0)
    await place.start(form).update(() => record)
    const [text, keys] = [place.text(), [...place.keychain.entries]]
    await place.start(form).rehearse()
    expect(place.text()).toBe(text)
    expect([...place.keychain.entries]).toEqual(keys)
    expect(fs.readdirSync(dirname(place.file))).toEqual(['auth.json'])
  })

  test('finds while rehearsing that there is no room under the size limit', async () => {
    const place = newPlace(`{"pad": "${'x'.repeat(1_035_000)}", "codex": {"access_token": "a"}}`)
    await expect(place.start(form).rehearse()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(place.keychain.entries.size).toBe(0)
  })

  test('loses no update of two processes, whatever form the other one has', async () => {
    const place = newPlace('{"codex":{"access_token":"a","account_id":"0"},"other":1.0}')
    // Without the passphrase nobody can open its record.
    const closed = form === 'machine' ? 'passphrase' : 'machine'
    const storages = FORMS.filter((other) => other !== closed).map((other) => place.start(other))
    const addOne = (current: TokenRecord | undefined) =>
      current && { ...current, accountId: String(Number(current.accountId) + 1) }
    for (let round = 0; round < 4; round++) {
      await Promise.all([...storages, place.start(form)].map((storage) => storage.update(addOne)))
    }
    expect((await load(place.start(form))).record?.accountId).toBe(String(4 * (storages.length + 1)))
    expect(place.text()).toContain('"other":1.0')
    expect(place.keychain.entries.size).toBe(place.form() === 'keychain' ? 1 : 0)
  })

  test('takes over the record of the Python plugin', async () => {
    const place = newPlace('{"openai_codex":{"access_token":"FAKE-access","refresh_token":"FAKE-refresh"},"a":1}')
    expect((await load(place.start(form))).record?.refreshToken).toBe('FAKE-refresh')
    await place.start(form).update((current) => current && { ...current, accountId: 'me' })
    expect(Object.keys(JSON.parse(place.text()))).toEqual(['codex', 'a'])
    expect(place.form()).toBe(form)
  })

  test('does not write what could never be read again', async () => {
    const place = newPlace('{"a":1}')
    const update = place.start(form).update(() => aRecord({ accessToken: 'FAKE\nFAKE' }))
    await expect(update).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(place.text()).toBe('{"a":1}')
    expect(place.keychain.entries.size).toBe(0)
  })

  test('passes an error of the change and writes nothing', async () => {
    const place = newPlace('{"codex":{"access_token":"a"}}')
    const fail = () => {
      throw new RangeError('of the caller')
    }
    await expect(place.start(form).update(fail)).rejects.toThrow(new RangeError('of the caller'))
    expect(place.text()).toBe('{"codex":{"access_token":"a"}}')
    expect(place.keychain.entries.size).toBe(0)
  })
})

const moves = FORMS.flatMap((from) => FORMS.filter((to) => to !== from).map((to) => [from, to] as const))

describe('from one store to another:', () => {
  // Without the passphrase its record is closed: that way leads through another store.
  test.each(moves.filter(([from, to]) => from !== 'passphrase' || to !== 'machine'))('%s to %s', async (from, to) => {
    const inner = '"scope":"a  b","big":1.50'
    const place = newPlace(`{${others},"codex":{"access_token":"old",${inner}},"last":null}`)
    await place.start(from).update((current) => current && { ...record, refreshFailed: '0123' })
    const before = await load(place.start(from))
    expect(place.form()).toBe(from)

    const moved = place.start(to)
    expect(await load(moved)).toEqual({ ...before, form: to })
    expect(place.form()).toBe(to)
    expect(await load(place.start(to))).toEqual({ ...before, form: to })
    expect(fs.readdirSync(dirname(place.file))).toEqual(['auth.json'])
    expect(fs.statSync(place.file).mode & 0o777).toBe(0o600)
    expect(place.keychain.entries.size).toBe(to === 'keychain' ? 1 : 0)
    if (to !== 'plain') for (const secret of SECRETS) expect(place.text()).not.toContain(secret)

    await load(place.start('plain'))
    expect(place.text()).toContain(`{${others},"codex":{"access_token":"FAKE-access",${inner},`)
    expect(place.text()).toMatch(/\},"last":null\}$/)
    expect(place.keychain.entries.size).toBe(0)
  })

  test('passphrase to machine is closed, and says so', async () => {
    const place = newPlace()
    await place.start('passphrase').update(() => record)
    const text = place.text()
    const { record: read, unopened, warnings } = await load(place.start('machine'))
    expect(read).toBeUndefined()
    expect(unopened?.reason).toContain('CODEX_OAUTH_PASSPHRASE is not set here')
    expect(warnings).toEqual([`${unopened?.reason} ${unopened?.remedy}`])
    expect(place.text()).toBe(text)
  })

  test('a record laid out for people comes back in its layout', async () => {
    const place = newPlace()
    await place.start('plain').update(() => record)
    const text = place.text()
    for (const form of ['keychain', 'passphrase', 'plain'] as const) await place.start(form).unlock()
    expect(place.text()).toBe(text)
  })

  test('a lock that somebody else holds leaves the record where it is, and it can be read', async () => {
    const place = newPlace()
    await place.start('plain').update(() => record)
    const text = place.text()
    fs.mkdirSync(`${place.file}.lock`)
    const storage = place.start('passphrase', { lockWaitMs: 50 })
    expect(await load(storage)).toMatchObject({ record, form: 'plain' })
    expect(storage.read().warnings).toEqual([expect.stringMatching(/^The sign-in is still stored as it was\. Another/)])
    expect(place.text()).toBe(text)
    fs.rmdirSync(`${place.file}.lock`)
    await storage.update((current) => current && { ...current })
    expect(storage.read()).toMatchObject({ form: 'passphrase', warnings: [] })
  })

  test('the key leaves the keychain only after the record has left it', async () => {
    const place = newPlace()
    await place.start('keychain').update(() => record)
    const keychain = createFakeKeychain()
    const seen: unknown[] = []
    await place
      .start('plain', {
        keychain: {
          ...keychain,
          get: (account) => place.keychain.get(account),
          async remove(account) {
            seen.push(place.form())
            await place.keychain.remove(account)
          },
        },
      })
      .unlock()
    expect(seen).toEqual(['plain'])
  })

  test('a key that cannot be removed is told, and the record has moved all the same', async () => {
    const place = newPlace()
    await place.start('keychain').update(() => record)
    const storage = place.start('plain', {
      keychain: { ...place.keychain, remove: () => Promise.reject(new CodexError('STORAGE_FAILED', 'No.')) },
    })
    expect(await load(storage)).toMatchObject({ record, form: 'plain' })
    expect(storage.read().warnings).toEqual([expect.stringContaining('still in the keychain')])
  })
})

describe('a keychain that cannot be used', () => {
  const refuse = (place: Place) =>
    place.keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.', { hint: 'Unlock it.' }))

  test('lets a record be read that is not in it yet, and says why it is not', async () => {
    const place = newPlace()
    await place.start('plain').update(() => record)
    refuse(place)
    const storage = place.start('keychain')
    expect(await load(storage)).toEqual({
      record,
      form: 'plain',
      needsUnlock: false,
      warnings: ['The sign-in is still stored as it was. The keychain is locked. Unlock it.'],
    })
  })

  test('keeps everything from being stored: never is plain text written instead', async () => {
    const place = newPlace()
    refuse(place)
    const refused = { code: 'STORAGE_FAILED', message: 'The keychain is locked.', hint: 'Unlock it.' }
    await expect(place.start('keychain').rehearse()).rejects.toMatchObject(refused)
    await expect(place.start('keychain').update(() => record)).rejects.toMatchObject(refused)
    expect(fs.existsSync(place.file)).toBe(false)
    await place.start('plain').update(() => record)
    const text = place.text()
    await expect(place.start('keychain').rehearse()).rejects.toMatchObject(refused)
    await expect(place.start('keychain').update(() => aRecord())).rejects.toMatchObject(refused)
    expect(place.text()).toBe(text)
  })

  test('does not keep anybody from signing out', async () => {
    const place = newPlace()
    await place.start('keychain').update(() => record)
    refuse(place)
    const storage = place.start('keychain')
    await storage.update(() => undefined)
    expect(place.form()).toBeUndefined()
    expect(storage.read().warnings).toEqual([expect.stringContaining('still in the keychain')])
  })

  test('and is asked for a move once in a process, not with every look', async () => {
    const place = newPlace()
    await place.start('plain').update(() => record)
    refuse(place)
    const storage = place.start('keychain')
    for (let n = 0; n < 3; n++) await storage.unlock()
    expect(place.keychain.asked).toEqual(['put'])
  })
})

const stored = JSON.stringify({ codex: { access_token: 'FAKE-access', refresh_token: 'FAKE-refresh' }, other: 1.5 })
const damages: [string, (sealed: Record<string, unknown>) => unknown][] = [
  ['cut content', (sealed) => ({ ...sealed, data: String(sealed.data).slice(0, -8) })],
  ['changed content', (sealed) => ({ ...sealed, data: `AAAA${String(sealed.data).slice(4)}` })],
  ['empty content', (sealed) => ({ ...sealed, data: '' })],
  ['content that is a list', (sealed) => ({ ...sealed, data: [sealed.data] })],
  ['content of a megabyte', (sealed) => ({ ...sealed, data: 'A'.repeat(1_000_000) })],
  ['a NUL in the content', (sealed) => ({ ...sealed, data: `${sealed.data}\0` })],
  ['a changed tag', (sealed) => ({ ...sealed, tag: `AAAA${String(sealed.tag).slice(4)}` })],
  ['a short tag', (sealed) => ({ ...sealed, tag: String(sealed.tag).slice(0, 8) })],
  ['no tag', ({ tag, ...sealed }) => sealed],
  ['a changed iv', (sealed) => ({ ...sealed, iv: `AAAA${String(sealed.iv).slice(4)}` })],
  ['a changed salt', (sealed) => ({ ...sealed, salt: `AAAA${String(sealed.salt).slice(4)}` })],
  ['another kind', (sealed) => ({ ...sealed, key: sealed.key === 'machine' ? 'passphrase' : 'machine' })],
  ['an unknown kind', (sealed) => ({ ...sealed, key: '__proto__' })],
  ['a later version', (sealed) => ({ ...sealed, v: 2 })],
  ['a subject of another record', (sealed) => ({ ...sealed, of: 'f'.repeat(20) })],
  ['everything in a prototype', (sealed) => JSON.parse(`{"__proto__":${JSON.stringify(sealed)}}`)],
  ['nothing', () => ({})],
  ['null', () => null],
  ['a text', () => 'FAKE-access'],
  ['a list', (sealed) => [sealed]],
]

describe.each(['passphrase', 'machine', 'keychain'] as const)('a record of the store %s with', (form) => {
  test.each(damages)('%s reads as signed out, and the next sign-in replaces it', async (_, damage) => {
    const place = newPlace(stored)
    await place.start(form).unlock()
    const { codex, other } = JSON.parse(place.text())
    const damaged = JSON.stringify({ codex: { sealed: damage(codex.sealed) }, other })
    fs.writeFileSync(place.file, damaged)

    const storage = place.start(form)
    const { record: read, unopened, warnings } = await load(storage)
    expect(read).toBeUndefined()
    expect(unopened?.remedy).toMatch(/sign in again\.$/i)
    expect(warnings[0]).toBe(`${unopened?.reason} ${unopened?.remedy}`)
    for (const secret of SECRETS) expect(warnings.join()).not.toContain(secret)
    expect(await storage.update((current) => current)).toMatchObject({ accessToken: '', unopened })
    expect(place.text()).toBe(damaged)

    expect(await storage.update(() => record)).toEqual(record)
    expect(JSON.parse(place.text()).other).toBe(1.5)
    expect(await load(place.start(form))).toMatchObject({ record, form })
    expect(({} as { data?: string }).data).toBeUndefined()
  })

  test.each([
    ['half of the file', (text: string) => text.slice(0, text.length / 2)],
    ['a NUL at the end', (text: string) => `${text}\0`],
    ['nothing left', () => ''],
  ])('%s is a damaged file, which is left as it is', async (_, damage) => {
    const place = newPlace(stored)
    await place.start(form).unlock()
    const damaged = damage(place.text())
    fs.writeFileSync(place.file, damaged)
    const storage = place.start(form)
    await storage.unlock()
    expect(() => storage.read()).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
    await expect(storage.update(() => record)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    await expect(storage.rehearse()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(place.text()).toBe(damaged)
  })

  test('a record inside that no version of ours has written is damage too, not a sign-out', async () => {
    const place = newPlace()
    const vault = aVault({ ...settings[form], keychain: place.keychain })
    const fresh = await vault.newKey()
    for (const inside of ['{"refresh_token":"FAKE-refresh"}', '{"sealed":{}}', '[]', 'null', 'FAKE-refresh']) {
      const sealed = vault.seal(inside, '', { replaced: undefined, fresh })
      fs.writeFileSync(place.file, JSON.stringify({ codex: { sealed } }))
      const storage = place.start(form)
      await storage.unlock()
      const error = await storage.update(() => record).catch(String)
      expect(error).toMatch(/ is damaged: its record /)
      for (const secret of SECRETS) expect(error).not.toContain(secret)
      expect(() => storage.read()).toThrow(expect.objectContaining({ code: 'STORAGE_CORRUPT' }))
    }
  })
})

test('beside something of others in our record nothing is sealed, and nothing of theirs is lost', async () => {
  const place = newPlace('{"codex":{"sealed":{"v":1},"note":"of somebody else"}}')
  const storage = place.start('passphrase')
  await storage.unlock()
  await expect(storage.update(() => record)).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(place.text()).toContain('of somebody else')
})

test('another passphrase is a sign-out that says why, and signing in under it leaves one record', async () => {
  const place = newPlace('{"other":1.0}')
  await place.start('passphrase').update(() => record)
  const other = { passphrase: 'FAKE other' }
  const storage = place.start('passphrase', other)
  const { unopened } = await load(storage)
  expect(unopened?.reason).toContain('another passphrase')
  await storage.update(() => record)
  expect((await load(place.start('passphrase', other))).record).toEqual(record)
  expect((await load(place.start('passphrase'))).unopened?.reason).toContain('another passphrase')
  expect(Object.keys(JSON.parse(place.text()))).toEqual(['other', 'codex'])
})

test('a record that cannot be opened says which refresh token it is about', async () => {
  const place = newPlace()
  await place.start('passphrase').update(() => record)
  const { unopened } = await load(place.start('machine'))
  // First 20 hex digits of the SHA-256 of FAKE-refresh, as in the names of claims.
  expect(unopened?.of).toBe('7c2daebf6ae424aa3808')
})

test('one file is written under one key, so that the iv alone changes', async () => {
  const place = newPlace()
  await place.start('passphrase').update(() => record)
  const boxes = []
  for (let n = 0; n < 5; n++) {
    await place.start('passphrase').update((current) => current && { ...current })
    boxes.push(JSON.parse(place.text()).codex.sealed)
  }
  expect(new Set(boxes.map(({ salt }) => salt)).size).toBe(1)
  expect(new Set(boxes.map(({ iv }) => iv)).size).toBe(5)
})

test('a record that is sealed anew between the look and the lock is opened all the same', async () => {
  const place = newPlace()
  await place.start('keychain').update(() => record)
  let interfere = async () => {
    interfere = async () => {}
    // Signed out and in again by another process: another key.
    await place.start('keychain').update(() => undefined)
    await place.start('keychain').update(() => aRecord({ refreshToken: 'FAKE-next' }))
  }
  const vault = aVault({ ...settings.keychain, keychain: place.keychain })
  const unlock = vault.unlock
  vault.unlock = async (sealed) => {
    await unlock(sealed)
    await interfere()
  }
  const storage = createTokenStorage({ file: place.file, vault, now: () => NOW })
  const seen: unknown[] = []
  await storage.update((current) => {
    seen.push(current?.refreshToken)
    return current && { ...current, accountId: 'mine' }
  })
  expect(seen).toEqual(['FAKE-next'])
  expect((await load(place.start('keychain'))).record).toMatchObject({ refreshToken: 'FAKE-next', accountId: 'mine' })
  expect(place.keychain.entries.size).toBe(1)
})

test('many who bring a record into the keychain at once end with one key', async () => {
  const place = newPlace()
  await place.start('plain').update(() => record)
  const storages = Array.from({ length: 8 }, () => place.start('keychain'))
  expect((await Promise.all(storages.map(load))).map((loaded) => loaded.record)).toEqual(Array(8).fill(record))
  expect(place.form()).toBe('keychain')
  expect([...place.keychain.entries.keys()]).toEqual([JSON.parse(place.text()).codex.sealed.salt])
})

test('one process with many writes at once in the keychain ends with one key', async () => {
  const place = newPlace()
  const storage = place.start('keychain')
  await Promise.all([
    storage.update(() => record),
    storage.rehearse(),
    storage.update(() => aRecord({ refreshToken: 'FAKE-next' })),
    storage.rehearse(),
    storage.update((current) => current && { ...current, accountId: 'mine' }),
  ])
  expect([...place.keychain.entries.keys()]).toEqual([JSON.parse(place.text()).codex.sealed.salt])
  expect((await load(place.start('keychain'))).unopened).toBeUndefined()
})

test('with the store file and a plain record neither key nor keychain is asked for', async () => {
  const place = newPlace(stored)
  const machine = () => Promise.reject(new Error('asked'))
  const storage = place.start('plain', { machine, randomBytes: () => Buffer.from('asked') })
  place.keychain.fail(new Error('asked'))
  expect((await load(storage)).record?.refreshToken).toBe('FAKE-refresh')
  await storage.update((current) => current && { ...current, accountId: 'me' })
  await storage.rehearse()
  expect(place.keychain.asked).toEqual([])
})

test('a record that fits a file only as it is stays as it is', async () => {
  const place = newPlace(`{"codex":{"access_token":"FAKE-access","pad":"${'x'.repeat(900_000)}"}}`)
  const text = place.text()
  const storage = place.start('passphrase')
  expect((await load(storage)).warnings).toEqual([expect.stringContaining('larger than 1 MB')])
  expect(storage.read().record?.accessToken).toBe('FAKE-access')
  expect(place.text()).toBe(text)
})

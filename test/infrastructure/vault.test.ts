import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { deriveKey } from '../../src/infrastructure/derived-key.ts'
import { openBox, readBox, type SealedBox } from '../../src/infrastructure/sealed-box.ts'
import type { Opened, Vault, VaultDeps } from '../../src/infrastructure/vault.ts'
import { aVault, createFakeKeychain } from '../support/vaults.ts'

const TEXT = '{"access_token":"FAKE-at"}'
const OF = '0123456789abcdef0123'
const PASSPHRASE = 'FAKE correct horse'

const encrypted = (deps: Partial<VaultDeps> = {}) => aVault({ store: 'encrypted', ...deps })
const withPassphrase = (passphrase = PASSPHRASE) => encrypted({ passphrase })

/** Seals as a first record is sealed. */
async function seal(vault: Vault, replaced: unknown = undefined): Promise<Record<string, unknown>> {
  const fresh = await vault.newKey()
  return JSON.parse(JSON.stringify(vault.seal(TEXT, OF, { replaced, fresh })))
}

/** What a vault that sees a record for the first time makes of it. */
async function openWith(vault: Vault, sealed: unknown): Promise<Opened> {
  await vault.unlock(sealed)
  return vault.open(sealed)
}

const reasonOf = (opened: Opened) => ('unopened' in opened ? `${opened.unopened.reason} ${opened.unopened.remedy}` : '')

test.each([
  ['file', undefined, 'plain'],
  ['file', PASSPHRASE, 'plain'],
  ['encrypted', undefined, 'machine'],
  ['encrypted', PASSPHRASE, 'passphrase'],
  ['keychain', undefined, 'keychain'],
  ['keychain', PASSPHRASE, 'keychain'],
] as const)('the store %s with passphrase %s seals as %s', (store, passphrase, form) => {
  expect(aVault({ store, passphrase }).form).toBe(form)
})

test('what is sealed with a passphrase opens with it elsewhere, whatever the store there', async () => {
  const sealed = await seal(withPassphrase())
  expect(sealed).toMatchObject({ v: 1, key: 'passphrase', of: OF })
  for (const store of ['file', 'encrypted', 'keychain'] as const) {
    expect(await openWith(aVault({ store, passphrase: PASSPHRASE }), sealed)).toEqual({ text: TEXT })
  }
})

test('the key of a passphrase is the one that scrypt gives', async () => {
  const usual = { passphrase: PASSPHRASE, derive: undefined as never }
  const sealed = await seal(encrypted(usual))
  const box = readBox(sealed) as SealedBox
  expect(openBox(box, await deriveKey(PASSPHRASE, box.salt))).toBe(TEXT)
})

test('what is sealed with a machine opens there, also where a passphrase is set now', async () => {
  const sealed = await seal(encrypted())
  expect(sealed.key).toBe('machine')
  expect(await openWith(withPassphrase(), sealed)).toEqual({ text: TEXT })
})

test('what is sealed with a key of the keychain opens with that keychain', async () => {
  const keychain = createFakeKeychain()
  const sealed = await seal(aVault({ store: 'keychain', keychain }))
  expect(sealed).not.toHaveProperty('kdf')
  expect([...keychain.entries.keys()]).toEqual([sealed.salt])
  expect([...keychain.entries.values()].map((key) => Buffer.from(key, 'base64url').length)).toEqual([32])
  expect(await openWith(aVault({ keychain }), sealed)).toEqual({ text: TEXT })
})

describe('a record that cannot be opened says why, what to do, and what it is about:', () => {
  const cases: [string, () => Promise<[Vault, unknown]>, RegExp][] = [
    [
      'another passphrase',
      async () => [withPassphrase('FAKE other'), await seal(withPassphrase())],
      /another passphrase than the one in CODEX_OAUTH_PASSPHRASE\. Set the right one and restart, or sign in again\.$/,
    ],
    [
      'no passphrase',
      async () => [encrypted(), await seal(withPassphrase())],
      /with a passphrase, and CODEX_OAUTH_PASSPHRASE is not set here\. Set it and restart, or sign in again\.$/,
    ],
    [
      'another machine',
      async () => [encrypted({ machine: async () => 'FAKE another' }), await seal(encrypted())],
      /on another machine or by another user\. Sign in again\.$/,
    ],
    [
      'a machine without an id',
      async () => [encrypted({ machine: async () => undefined }), await seal(encrypted())],
      /no id that a key could be made from\. Set a passphrase in CODEX_OAUTH_PASSPHRASE and restart\.$/,
    ],
    [
      'another keychain',
      async () => [aVault({ store: 'keychain' }), await seal(aVault({ store: 'keychain' }))],
      /is not in the keychain of this system\. Sign in again\.$/,
    ],
    [
      'a keychain with something else under that name',
      async () => {
        const keychain = createFakeKeychain()
        const sealed = await seal(aVault({ store: 'keychain', keychain }))
        keychain.entries.set(String(sealed.salt), Buffer.alloc(32).toString('base64url'))
        return [aVault({ keychain }), sealed]
      },
      /does not fit its key in the keychain\. Sign in again\.$/,
    ],
    [
      'a keychain with nonsense under that name',
      async () => {
        const keychain = createFakeKeychain()
        const sealed = await seal(aVault({ store: 'keychain', keychain }))
        keychain.entries.set(String(sealed.salt), 'FAKE nonsense')
        return [aVault({ keychain }), sealed]
      },
      /is not in the keychain/,
    ],
    [
      'a keychain that refuses',
      async () => {
        const keychain = createFakeKeychain()
        const sealed = await seal(aVault({ store: 'keychain', keychain }))
        keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.', { hint: 'Unlock it.' }))
        return [aVault({ keychain }), sealed]
      },
      /^The keychain is locked\. Unlock it\.$/,
    ],
    [
      'a keychain with a fault',
      async () => {
        const keychain = createFakeKeychain()
        const sealed = await seal(aVault({ store: 'keychain', keychain }))
        keychain.fail(new Error('FAKE-at in a text of somebody else'))
        return [aVault({ keychain }), sealed]
      },
      /^The key of the stored sign-in could not be had\. Try again\.$/,
    ],
  ]
  test.each(cases)('%s', async (_, prepare, words) => {
    const [vault, sealed] = await prepare()
    const opened = await openWith(vault, sealed)
    expect(reasonOf(opened)).toMatch(words)
    expect(reasonOf(opened)).not.toContain('FAKE')
    expect(opened).toMatchObject({ unopened: { of: OF } })
  })

  test('something that is no box', async () => {
    const opened = await openWith(withPassphrase(), { v: 2, data: 'FAKE' })
    expect(reasonOf(opened)).toMatch(/^The stored sign-in is damaged, or was encrypted by another version/)
    expect(opened).toMatchObject({ unopened: { of: undefined } })
  })

  test('one that nobody has unlocked yet', async () => {
    const sealed = await seal(withPassphrase())
    const vault = withPassphrase()
    expect(vault.isUntried(sealed)).toBe(true)
    expect(reasonOf(vault.open(sealed))).toMatch(/Try again\.$/)
    await vault.unlock(sealed)
    expect(vault.isUntried(sealed)).toBe(false)
  })
})

test('a record is sealed under the key of the one it replaces, each time with another iv', async () => {
  const vault = withPassphrase()
  const first = await seal(vault)
  const second = vault.seal(TEXT, OF, { replaced: first, fresh: undefined }) as Record<string, unknown>
  expect(second.salt).toBe(first.salt)
  expect(second.iv).not.toBe(first.iv)
  expect(second.data).not.toBe(first.data)
})

test('under a key that does not open the record, nothing is sealed', async () => {
  const others = await seal(withPassphrase('FAKE other'))
  const vault = withPassphrase()
  await vault.unlock(others)
  expect(vault.seal(TEXT, OF, { replaced: others, fresh: undefined })).toBeUndefined()
  expect((await seal(vault, others)).salt).not.toBe(others.salt)
})

test('a record of another form gives no key', async () => {
  const machine = await seal(encrypted())
  const vault = withPassphrase()
  await vault.unlock(machine)
  expect(vault.seal(TEXT, OF, { replaced: machine, fresh: undefined })).toBeUndefined()
})

test('a key is fetched once, by many who ask at the same time too', async () => {
  const keychain = createFakeKeychain()
  const sealed = await seal(aVault({ store: 'keychain', keychain }))
  const vault = aVault({ keychain })
  await Promise.all([vault.unlock(sealed), vault.unlock(sealed)])
  await vault.unlock(sealed)
  expect(keychain.asked).toEqual(['put', 'get'])
})

test('a refusal stands for three seconds, then the keychain is asked again', async () => {
  const keychain = createFakeKeychain()
  const sealed = await seal(aVault({ store: 'keychain', keychain }))
  keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.'))
  let now = 1000
  const vault = aVault({ keychain, now: () => now })
  await openWith(vault, sealed)
  keychain.fail(undefined)
  now += 2999
  expect(await openWith(vault, sealed)).toHaveProperty('unopened')
  now += 1
  expect(await openWith(vault, sealed)).toEqual({ text: TEXT })
})

test('where no key can be kept, none is made', async () => {
  const keychain = createFakeKeychain()
  keychain.fail(new CodexError('STORAGE_FAILED', 'There is no keychain.', { hint: 'Use another store.' }))
  await expect(aVault({ store: 'keychain', keychain }).newKey()).rejects.toMatchObject({ hint: 'Use another store.' })
  const nowhere = encrypted({ machine: async () => undefined })
  await expect(nowhere.newKey()).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: expect.stringContaining('CODEX_OAUTH_PASSPHRASE'),
  })
})

describe('tidying up', () => {
  test('takes the key of a record that has gone, and one that was made in vain', async () => {
    const keychain = createFakeKeychain()
    const vault = aVault({ store: 'keychain', keychain })
    const gone = await seal(vault)
    const fresh = await vault.newKey()
    await vault.tidy({ gone, kept: undefined, fresh })
    expect(keychain.entries.size).toBe(0)
    expect(vault.warnings()).toEqual([])
  })

  test('leaves the key of the record that is there', async () => {
    const keychain = createFakeKeychain()
    const vault = aVault({ store: 'keychain', keychain })
    const fresh = await vault.newKey()
    const kept = vault.seal(TEXT, OF, { replaced: undefined, fresh })
    await vault.tidy({ gone: kept, kept, fresh })
    expect([...keychain.entries.keys()]).toEqual([fresh.name.id])
  })

  test('asks no keychain about keys that were never in one', async () => {
    const keychain = createFakeKeychain()
    const vault = encrypted({ keychain })
    await vault.tidy({ gone: await seal(vault), kept: undefined, fresh: await vault.newKey() })
    expect(keychain.asked).toEqual([])
  })

  test('says what it could not take, and takes it the next time', async () => {
    const keychain = createFakeKeychain()
    const vault = aVault({ store: 'keychain', keychain })
    const gone = await seal(vault)
    keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.'))
    await vault.tidy({ gone, kept: undefined, fresh: undefined })
    expect(vault.warnings()).toEqual([expect.stringContaining('still in the keychain')])
    keychain.fail(undefined)
    await vault.tidy({ gone: undefined, kept: undefined, fresh: undefined })
    expect([vault.warnings(), keychain.entries.size]).toEqual([[], 0])
  })
})

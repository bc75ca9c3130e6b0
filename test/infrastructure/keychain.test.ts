import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createKeychain } from '../../src/infrastructure/keychain.ts'
import { installFakeKeyring, type KeyringMood } from '../support/fake-keyring.ts'
import { tempFolder } from '../support/temp-folder.ts'

const SECRET = 'FAKE-secret-of-the-keychain'

function start({ mood = 'well', limitMs = 20_000 }: { mood?: KeyringMood; limitMs?: number } = {}) {
  const keyring = installFakeKeyring(tempFolder())
  keyring.be(mood)
  return { keyring, keychain: createKeychain({ service: 'codex-oauth', folder: keyring.folder, limitMs }) }
}

test('what is put there is found there, and gone when it is removed', async () => {
  const { keyring, keychain } = start()
  expect(await keychain.get('one')).toBeUndefined()
  await keychain.put('one', SECRET)
  await keychain.put('two', 'FAKE-2')
  expect(await keychain.get('one')).toBe(SECRET)
  expect(keyring.entries()).toEqual({ 'codex-oauth one': SECRET, 'codex-oauth two': 'FAKE-2' })
  await keychain.remove('one')
  await keychain.remove('one')
  expect(Object.keys(keyring.entries())).toEqual(['codex-oauth two'])
})

const remedies = {
  install: (folder: string) => `Install it: npm install --prefix ${folder} @napi-rs/keyring@2`,
  unlock: () => expect.stringContaining('Unlock it'),
  other: () => expect.stringContaining('Use another store'),
}

describe('each request says what is in its way:', () => {
  test.each<[KeyringMood, RegExp, keyof typeof remedies]>([
    ['absent', /^There is no keychain on this machine/, 'other'],
    ['refuses', /^The keychain refused: it is locked, or access was denied\.$/, 'unlock'],
    ['broken', /^The package @napi-rs\/keyring does not work on this machine\.$/, 'install'],
  ])('%s', async (mood, words, remedy) => {
    const { keyring, keychain } = start({ mood })
    const error = {
      code: 'STORAGE_FAILED',
      message: expect.stringMatching(words),
      hint: remedies[remedy](keyring.folder),
    }
    await expect(keychain.get('one')).rejects.toMatchObject(error)
    await expect(keychain.put('one', SECRET)).rejects.toMatchObject(error)
    await expect(keychain.remove('one')).rejects.toMatchObject(error)
  })

  test('the package is not installed', async () => {
    const folder = join(tempFolder(), 'not', 'there yet')
    const error = {
      code: 'STORAGE_FAILED',
      message: 'The keychain needs the package @napi-rs/keyring, which is not installed.',
      hint: `Install it: npm install --prefix "${folder}" @napi-rs/keyring@2`,
    }
    await expect(createKeychain({ service: 'codex-oauth', folder }).get('one')).rejects.toMatchObject(error)
    expect(existsSync(folder)).toBe(false)
  })

  test('the package is older than the option that keeps it from a store that forgets', async () => {
    const { folder } = installFakeKeyring(tempFolder(), { version: '2.0.9' })
    const error = { message: expect.stringContaining('needs version 2.1 or later'), hint: remedies.install(folder) }
    await expect(createKeychain({ service: 'codex-oauth', folder }).get('one')).rejects.toMatchObject(error)
  })

  test('it takes a secret and does not keep it', async () => {
    const { keychain } = start({ mood: 'forgets' })
    await expect(keychain.put('one', SECRET)).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  })
})

test.each(['hangs', 'blocks'] as const)(
  'one that %s is given up at the limit, and its process is gone',
  async (mood) => {
    const { keyring, keychain } = start({ mood, limitMs: 700 })
    const before = childrenOfThis()
    const from = performance.now()
    const late = { code: 'STORAGE_FAILED', message: 'The keychain did not answer in time.', hint: remedies.unlock() }
    await expect(keychain.put('one', SECRET)).rejects.toMatchObject(late)
    expect(performance.now() - from).toBeLessThan(3000)
    expect(childrenOfThis()).toEqual(before)
    expect(keyring.entries()).toEqual({})
  },
)

test('no secret stands in arguments or environment, and none in an error', async () => {
  const { keychain } = start({ mood: 'hangs', limitMs: 1500 })
  const before = childrenOfThis()
  const outcome = keychain
    .put('one', SECRET)
    .catch((error: Error & { hint?: string }) => `${error.stack} ${error.hint}`)
  while (childrenOfThis().length === before.length) await new Promise(setImmediate)
  const [child] = childrenOfThis().filter((pid) => !before.includes(pid))
  for (const file of ['cmdline', 'environ']) expect(readQuietly(`/proc/${child}/${file}`)).not.toContain(SECRET)
  expect(await outcome).not.toContain(SECRET)
})

test('a package in the folder that somebody works in is not looked at', async () => {
  const { folder } = installFakeKeyring(tempFolder())
  const here = process.cwd()
  process.chdir(folder)
  try {
    const keychain = createKeychain({ service: 'codex-oauth', folder: tempFolder() })
    await expect(keychain.get('one')).rejects.toMatchObject({ message: expect.stringContaining('not installed') })
  } finally {
    process.chdir(here)
  }
})

test.each<[string, (keyring: string) => { folder: string; modules?: string }]>([
  ['above the folder named', (keyring) => ({ folder: join(keyring, 'below') })],
  ['that NODE_PATH names', (keyring) => ({ folder: tempFolder(), modules: join(keyring, 'node_modules') })],
])('a package %s is not looked at', async (_, place) => {
  const { folder, modules = '' } = place(installFakeKeyring(tempFolder()).folder)
  process.env.NODE_PATH = modules
  try {
    const keychain = createKeychain({ service: 'codex-oauth', folder })
    await expect(keychain.get('one')).rejects.toMatchObject({ message: expect.stringContaining('not installed') })
  } finally {
    delete process.env.NODE_PATH
  }
})

test('options for this process do not reach the other one', async () => {
  const { keychain } = start()
  process.env.NODE_OPTIONS = '--this-is-no-option'
  try {
    await keychain.put('one', SECRET)
  } finally {
    delete process.env.NODE_OPTIONS
  }
  expect(await keychain.get('one')).toBe(SECRET)
})

test('a library that talks does not talk us into a secret', async () => {
  const { keychain } = start({ mood: 'talks' })
  await expect(keychain.get('one')).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
})

/** The processes this one has started and that have not ended. */
function childrenOfThis(): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => / \(.*\) [^Z] (\d+)/s.exec(readQuietly(`/proc/${name}/stat`))?.[1] === String(process.pid))
    .map(Number)
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

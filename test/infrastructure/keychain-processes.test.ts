import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createKeychain } from '../../src/infrastructure/keychain.ts'
import { lifeOf, thisPlace } from '../../src/infrastructure/process-identity.ts'
import { createTokenStorage } from '../../src/infrastructure/token-storage.ts'
import { startChild, startChildren } from '../support/child.ts'
import { installFakeKeyring } from '../support/fake-keyring.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { aVault } from '../support/vaults.ts'

const PROCESSES = 6

/** Lets processes loose on one file at the same moment; gives what each of them could read, and what is left. */
async function race(deed: 'unlock' | 'store', text?: string) {
  const folder = tempFolder()
  const file = join(folder, 'auth.json')
  if (text !== undefined) writeFileSync(file, text, { mode: 0o600 })
  const keyring = installFakeKeyring(join(folder, 'codex-oauth'))
  const children = await startChildren('keeps', Array(PROCESSES).fill([file, keyring.folder, deed]))
  for (const child of children) child.tell('go')
  const seen = await Promise.all(children.map((child) => child.next()))
  await Promise.all(children.map((child) => child.ended))

  const keychain = createKeychain({ service: 'codex-oauth', folder: keyring.folder, limitMs: 20_000 })
  const storage = createTokenStorage({ file, vault: aVault({ store: 'keychain', keychain }), now: Date.now })
  await storage.unlock()
  const key = JSON.parse(readFileSync(file, 'utf8')).codex.sealed.salt
  return { seen, entries: Object.keys(keyring.entries()), key, record: storage.read().record }
}

test('processes that bring a login into the keychain at the same moment end with one key, and none loses it', async () => {
  const { seen, entries, key, record } = await race(
    'unlock',
    '{"codex":{"access_token":"a","refresh_token":"FAKE-rt"}}',
  )
  expect(seen).toEqual(Array(PROCESSES).fill({ refreshToken: 'FAKE-rt', form: 'keychain' }))
  expect(entries).toEqual([`codex-oauth ${key}`])
  expect(record?.refreshToken).toBe('FAKE-rt')
})

test('processes that sign in at the same moment end with one key, and with the login of one of them', async () => {
  const { seen, entries, key, record } = await race('store')
  const stored = seen.map((each) => (each as { refreshToken?: string }).refreshToken)
  expect(stored).toContain(record?.refreshToken)
  expect(record?.refreshToken).toMatch(/^FAKE-\d+$/)
  expect(entries).toEqual([`codex-oauth ${key}`])
})

test('a request that stands still in native code ends by itself when its server was killed', async () => {
  const limitMs = 3_000
  const keyring = installFakeKeyring(tempFolder())
  keyring.be('blocks')
  const server = startChild('asks-keychain', [keyring.folder, String(limitMs)])
  await expect.poll(keyring.blocked, { timeout: 20_000, interval: 10 }).toHaveLength(1)
  const [pid = 0] = keyring.blocked()
  const life = () => lifeOf({ pid, place: thisPlace() })
  onTestFinished(() => {
    if (life() === 'alive') process.kill(pid, 'SIGKILL')
  })
  server.kill()
  await server.ended
  expect(life()).toBe('alive')
  await expect.poll(life, { timeout: limitMs + 2_000 + 3_000 }).toBe('dead')
})

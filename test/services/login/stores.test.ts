import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { machineSecret } from '../../../src/infrastructure/machine-secret.ts'
import type { TokenRecord } from '../../../src/infrastructure/token-storage.ts'
import type { VaultDeps } from '../../../src/infrastructure/vault.ts'
import { startFakeOpenAI } from '../../support/fake-openai.ts'
import { gate, late } from '../../support/fake-script.ts'
import { type Bench, type Instance, recordIn, startBench, subjectOf } from '../../support/refresh-bench.ts'
import { recordOf, startApp } from '../../support/start-app.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { aVault, createFakeKeychain, type FakeKeychain } from '../../support/vaults.ts'

const TOKEN = '/oauth/token'
const PASSPHRASE = 'FAKE correct horse'

const settings = {
  plain: { store: 'file' },
  passphrase: { store: 'encrypted', passphrase: PASSPHRASE },
  machine: { store: 'encrypted' },
  keychain: { store: 'keychain' },
} satisfies Record<string, Partial<VaultDeps>>
type Form = keyof typeof settings

interface Stores extends Bench {
  keychain: FakeKeychain
  window(form: Form): Instance
  /** Brings the record into this form, as a window does that is opened with it. */
  move(form: Form): Promise<void>
  form(): string | undefined
}

async function startStores(): Promise<Stores> {
  const bench = await startBench()
  const keychain = createFakeKeychain()
  const window = (form: Form) => bench.start({ lockWaitMs: 2000, vault: aVault({ keychain, ...settings[form] }) })
  return {
    ...bench,
    keychain,
    window,
    move: (form) => window(form).storage.unlock(),
    form() {
      const codex = bench.stored()
      return codex === undefined ? undefined : 'access_token' in codex ? 'plain' : (codex.sealed as { key: string }).key
    },
  }
}

async function signedIn(instance: Instance): Promise<TokenRecord> {
  await instance.storage.unlock()
  return recordIn(instance)
}

/** Holds the issuer's answer to a refresh of this window; the token has rotated when this resolves. */
async function heldRefresh(bench: Bench, instance: Instance) {
  const answer = gate()
  const held = bench.refreshes() + 1
  bench.fake.script.token.push(late(answer.promise))
  const renewal = instance.refresher.renew(await signedIn(instance), 'proactive_expiry')
  renewal.catch(() => {})
  await bench.fake.arrival(TOKEN, held)
  return { renewal, answer }
}

describe.each(['plain', 'passphrase', 'machine', 'keychain'] as const)('in the store %s', (form) => {
  test('many windows with an expired token make one request, and all go on', async () => {
    const bench = await startStores()
    bench.signIn()
    const windows = Array.from({ length: 4 }, () => bench.window(form))
    const got = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => (await windows[n % 4]?.tokens.getTokens())?.accessToken),
    )
    expect(new Set(got).size).toBe(1)
    expect([bench.refreshes(), bench.fake.seen.reuses, bench.form()]).toEqual([1, 0, form])
    expect((await signedIn(bench.window(form))).accessToken).toBe(got[0])
    expect(bench.beside()).toEqual([])
  })

  test('a token the API refused is renewed once', async () => {
    const bench = await startStores()
    bench.signIn({ leftSeconds: 3600 })
    const windows = [bench.window(form), bench.window(form)]
    const rejected = await signedIn(bench.window(form))
    await Promise.all(windows.map((window) => window.tokens.replaceRejected(rejected)))
    expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
  })

  test('a dead token is written down for all', async () => {
    const bench = await startStores()
    bench.signIn()
    bench.fake.expireRefreshTokens()
    for (const window of [bench.window(form), bench.window(form)]) {
      await expect(window.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    }
    expect(bench.refreshes()).toBe(1)
    expect(bench.form()).toBe(form)
  })

  test('signing out revokes and leaves neither record nor key', async () => {
    const bench = await startStores()
    const { refresh_token } = bench.signIn()
    await bench.move(form)
    expect(await bench.window(form).tokens.clear()).toEqual({
      removed: 'account',
      revoked: true,
      problem: undefined,
    })
    expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual([refresh_token])
    expect(JSON.parse(bench.text())).toEqual({})
    expect(bench.keychain.entries.size).toBe(0)
  })
})

describe('a refresh during which another window brings the record into a form that this one cannot open', () => {
  test('stores what it got, and revokes nothing', async () => {
    const bench = await startStores()
    bench.signIn()
    const one = bench.window('plain')
    const { renewal, answer } = await heldRefresh(bench, one)
    await bench.move('passphrase')
    expect(bench.form()).toBe('passphrase')
    answer.open()
    const { accessToken } = await renewal
    expect(bench.stored()).toMatchObject({ access_token: accessToken, refresh_token: 'rt_FAKE_f1_2' })
    expect((await bench.window('passphrase').tokens.getTokens()).accessToken).toBe(accessToken)
    expect([bench.refreshes(), bench.fake.seen.reuses, bench.fake.seen.revocations]).toEqual([1, 0, []])
  })

  test('gives way to another login in it, and revokes its own', async () => {
    const bench = await startStores()
    bench.signIn()
    const one = bench.window('plain')
    const { renewal, answer } = await heldRefresh(bench, one)
    const tokens = bench.signIn({ leftSeconds: 3600 })
    await bench.move('passphrase')
    answer.open()
    await expect(renewal).rejects.toMatchObject({
      code: 'STORAGE_SEALED',
      message: expect.stringContaining('is not set here'),
    })
    expect((await signedIn(bench.window('passphrase'))).refreshToken).toBe(tokens.refresh_token)
    expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
  })

  test('keeps what it got in memory where the record does not even say what it is about', async () => {
    const bench = await startStores()
    bench.signIn()
    const before = bench.text()
    const one = bench.window('plain')
    const { renewal, answer } = await heldRefresh(bench, one)
    writeFileSync(bench.file, '{"codex":{"sealed":{"v":2,"of":"a later version"}}}')
    answer.open()
    const { accessToken } = await renewal
    expect(bench.fake.seen.revocations).toEqual([])
    expect(bench.text()).toContain('a later version')
    writeFileSync(bench.file, before)
    expect((await one.tokens.getTokens()).accessToken).toBe(accessToken)
    expect(bench.stored()?.access_token).toBe(accessToken)
    expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
  })

  test('sends nothing if that happens just before, and leaves the claim to the others', async () => {
    const bench = await startStores()
    const { refresh_token } = bench.signIn()
    const one = bench.start({
      storage: (real) => ({
        ...real,
        async rehearse() {
          await real.rehearse()
          await bench.move('passphrase')
          await real.unlock()
        },
      }),
    })
    await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'STORAGE_SEALED' })
    expect(bench.refreshes()).toBe(0)
    expect(one.claims.top(subjectOf(refresh_token))).toMatchObject({ number: 1, done: true })
    await bench.window('passphrase').tokens.getTokens()
    expect([bench.refreshes(), bench.fake.seen.reuses, bench.clock.sleptMs]).toEqual([1, 0, 0])
  })
})

test('windows with different settings hand the login to each other and never lose it', async () => {
  const bench = await startStores()
  bench.signIn()
  const windows = [bench.window('plain'), bench.window('keychain'), bench.window('machine')]
  for (let round = 0; round < 4; round++) {
    bench.fake.expireAccessTokens()
    bench.clock.advance(3_600_000)
    const got = await Promise.all(windows.map((window) => window.tokens.getTokens()))
    expect(new Set(got.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([round + 1, 0])
  }
  expect(bench.keychain.entries.size).toBe(bench.form() === 'keychain' ? 1 : 0)
})

test('where no keychain can be used, no token is spent that could not be stored', async () => {
  const bench = await startStores()
  bench.signIn()
  const before = bench.text()
  bench.keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.', { hint: 'Unlock it.' }))
  const one = bench.window('keychain')
  await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'STORAGE_FAILED', hint: 'Unlock it.' })
  expect([bench.refreshes(), bench.text()]).toEqual([0, before])
  bench.keychain.fail(undefined)
  bench.clock.advance(5000)
  await one.tokens.getTokens()
  expect([bench.refreshes(), bench.form()]).toEqual([1, 'keychain'])
})

test('a refresh in the keychain needs it only once, so a keychain that is locked meanwhile is no matter', async () => {
  const bench = await startStores()
  bench.signIn()
  await bench.move('keychain')
  const one = bench.window('keychain')
  const { renewal, answer } = await heldRefresh(bench, one)
  bench.keychain.fail(new CodexError('STORAGE_FAILED', 'The keychain is locked.'))
  answer.open()
  const { accessToken } = await renewal
  expect((await one.tokens.getTokens()).accessToken).toBe(accessToken)
  bench.keychain.fail(undefined)
  expect((await signedIn(bench.window('keychain'))).accessToken).toBe(accessToken)
})

describe('a login that cannot be opened', () => {
  async function closed() {
    const bench = await startStores()
    bench.signIn({ leftSeconds: 3600 })
    await bench.move('passphrase')
    return { bench, one: bench.window('plain') }
  }

  test('answers no question, and says the reason and what to do', async () => {
    const { one } = await closed()
    const refused = {
      code: 'STORAGE_SEALED',
      message: 'The stored sign-in is encrypted with a passphrase, and CODEX_OAUTH_PASSPHRASE is not set here.',
      hint: 'Set it and restart, or sign in again.',
    }
    await expect(one.tokens.getTokens()).rejects.toMatchObject(refused)
    await expect(one.tokens.replaceRejected({} as TokenRecord)).rejects.toMatchObject(refused)
  })

  test('can be removed, and that it was not revoked is said', async () => {
    const { bench, one } = await closed()
    expect(await one.tokens.clear()).toEqual({
      removed: 'account',
      revoked: false,
      problem: expect.stringMatching(/^It could not be revoked at OpenAI\. The stored sign-in is encrypted/),
    })
    expect(bench.fake.seen.revocations).toEqual([])
    expect(JSON.parse(bench.text())).toEqual({})
  })

  test('is told from nobody being signed in', async () => {
    const { bench, one } = await closed()
    rmSync(bench.file)
    expect(await one.tokens.clear()).toEqual({ removed: undefined, revoked: false })
    await expect(one.tokens.getTokens()).rejects.toMatchObject({ message: 'You are not signed in.' })
  })
})

const hasMachineId = (await machineSecret()) !== undefined

describe('the status', () => {
  async function statusIn(env: Record<string, string>) {
    const fake = await startFakeOpenAI()
    onTestFinished(() => fake.close())
    const home = tempFolder()
    const passphrase = { CODEX_OAUTH_STORE: 'encrypted', CODEX_OAUTH_PASSPHRASE: PASSPHRASE }
    const before = await startApp(fake, { home, env: env.CODEX_OAUTH_PASSPHRASE === undefined ? {} : passphrase })
    before.seed(recordOf(fake.issueTokens()))
    await before.call('codex_status')
    return (await (await startApp(fake, { home, env })).call('codex_status')).data
  }

  test.each([
    [{}, 'plain'],
    [{ CODEX_OAUTH_STORE: 'encrypted', CODEX_OAUTH_PASSPHRASE: PASSPHRASE }, 'passphrase'],
  ])('with %j names the form and no problem', async (env, form) => {
    const { status, storage, message } = await statusIn(env as Record<string, string>)
    expect([status, storage.form, storage.problem]).toEqual(['authenticated', form, undefined])
    expect(message).not.toContain('encrypted')
  })

  test.runIf(hasMachineId)('says plainly what a key made from the machine is good for', async () => {
    const { status, storage, message } = await statusIn({ CODEX_OAUTH_STORE: 'encrypted' })
    expect([status, storage.form]).toEqual(['authenticated', 'machine'])
    expect(message).toContain('which protects only copies of the file taken off this machine.')
  })

  test('says why a record cannot be opened, and that nobody is signed in', async () => {
    const { status, authenticated, storage, message } = await statusIn({
      CODEX_OAUTH_STORE: 'encrypted',
      CODEX_OAUTH_PASSPHRASE: 'FAKE other',
    })
    expect([status, authenticated, storage.form]).toEqual(['not_authenticated', false, 'passphrase'])
    expect(storage.problem).toMatch(/^The stored sign-in is damaged, or encrypted with another passphrase/)
    expect(message).toBe(storage.problem)
  })
})

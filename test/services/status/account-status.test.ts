import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { CodexError } from '../../../src/errors.ts'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { API_ASKING } from '../../../src/services/codex/asking-route.ts'
import { createCredentials } from '../../../src/services/login/credentials.ts'
import type { LoginView } from '../../../src/services/sign-in/sign-in-view.ts'
import { createStatusReader } from '../../../src/services/status/account-status.ts'
import { jwtOf } from '../../support/jwt-of.ts'
import { type Bench, startBench, subjectOf } from '../../support/refresh-bench.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { aVault } from '../../support/vaults.ts'

const KEY = 'sk-FAKE-0001'
const SIGN_IN = 'Sign in again with codex_login.'
const WHO = 'as p…n@example.com (pro)'
const URL = 'https://auth.example/x'

interface Situation {
  env?: Record<string, string>
  login?: LoginView
  configProblem?: CodexError
  /** Another credentials file than the bench's. */
  file?: string
  bench?: Bench
}

function accessTokenOf(claims: object): string {
  return jwtOf({ email: 'person@example.com', 'https://api.openai.com/auth': { chatgpt_plan_type: 'plus' }, ...claims })
}

/** The state of a window: what it would say of its credentials file. */
async function setUp({ env = {}, login, configProblem, file, bench: given }: Situation = {}) {
  const bench = given ?? (await startBench())
  const { config } = loadConfig({ CODEX_OAUTH_FILE: bench.file, ...env }, () => dirname(bench.file))
  const storage = createTokenStorage({ file: file ?? bench.file, vault: aVault(), now: bench.clock.now })
  const { tokens } = bench.start()
  const credentials = createCredentials({ config, storage, tokens, userAgent: 'test', now: bench.clock.now })
  // Only its view is asked for; a status that began a sign-in would be a fault.
  const never = () => Promise.reject(new Error('asked for more than a view'))
  const signIn = { login: never, cancel: never, view: () => login }
  const read = createStatusReader({ storage, signIn, credentials, configProblem, clock: bench.clock })
  return { bench, read }
}

describe('the status of', () => {
  test('nobody', async () => {
    const { bench, read } = await setUp()
    expect(await read()).toEqual({
      status: 'not_authenticated',
      authenticated: false,
      account: undefined,
      method: 'none',
      source: undefined,
      cost: undefined,
      createdAt: undefined,
      refreshedAt: undefined,
      expiresInMs: 0,
      hasRefreshToken: false,
      login: undefined,
      storagePath: bench.file,
      storageProblem: undefined,
      message: 'Nobody is signed in. Sign in with codex_login.',
    })
  })

  test('nobody with a key', async () => {
    const { read } = await setUp({ env: { OPENAI_API_KEY: KEY, CODEX_ACCESS_TOKEN: 'at-FAKE' } })
    expect(await read()).toMatchObject({
      status: 'authenticated',
      authenticated: true,
      account: undefined,
      method: 'api_key',
      source: 'OPENAI_API_KEY',
      cost: 'billed per token',
      expiresInMs: undefined,
      hasRefreshToken: false,
      message: 'Nobody is signed in; questions are asked with the API key from OPENAI_API_KEY, billed per token.',
    })
  })

  test('nobody with a key that is not usable', async () => {
    const { read } = await setUp({ env: { OPENAI_API_KEY: 's3cret key', CODEX_ACCESS_TOKEN: 'at-FAKE' } })
    const status = await read()
    expect(status).toMatchObject({
      status: 'not_authenticated',
      authenticated: false,
      method: 'api_key',
      source: 'OPENAI_API_KEY',
      message: expect.stringContaining('OPENAI_API_KEY is not an API key'),
    })
    expect(JSON.stringify(status)).not.toContain('s3cret')
  })

  test('a stored key', async () => {
    const { bench, read } = await setUp({ env: { OPENAI_API_KEY: KEY } })
    const record = { access_token: 'sk-FAKE-stored', saved_at: 1_790_000_000, method: 'api_key' }
    fs.writeFileSync(bench.file, JSON.stringify({ codex: record }), { mode: 0o600 })
    const status = await read()
    expect(status).toEqual({
      status: 'authenticated',
      authenticated: true,
      account: undefined,
      method: 'api_key',
      source: 'stored_api_key',
      cost: 'billed per token',
      asking: API_ASKING,
      createdAt: 1_790_000_000_000,
      refreshedAt: undefined,
      expiresInMs: undefined,
      hasRefreshToken: false,
      login: undefined,
      storageForm: 'plain',
      storagePath: bench.file,
      storageProblem: undefined,
      message: 'Questions are asked with the stored API key, billed per token.',
    })
    expect(JSON.stringify(status)).not.toContain('sk-FAKE')
  })

  test('a stored key whose address is not usable', async () => {
    const { bench, read } = await setUp({ env: { OPENAI_BASE_URL: 's3cret' } })
    fs.writeFileSync(bench.file, JSON.stringify({ codex: { access_token: KEY, method: 'api_key' } }), { mode: 0o600 })
    expect(await read()).toMatchObject({
      authenticated: false,
      method: 'api_key',
      message: expect.stringContaining('OPENAI_BASE_URL is not a URL'),
    })
  })

  test('an access token from outside, until it has expired', async () => {
    const bench = await startBench()
    const leftMs = 7_200_000
    const token = accessTokenOf({ exp: (bench.clock.now() + leftMs) / 1000 })
    const { read } = await setUp({ env: { CODEX_ACCESS_TOKEN: token }, bench })
    expect(await read()).toMatchObject({
      status: 'authenticated',
      authenticated: true,
      account: { email: 'person@example.com', plan: 'plus' },
      method: 'access_token',
      source: 'CODEX_ACCESS_TOKEN',
      cost: 'ChatGPT plus plan',
      expiresInMs: leftMs,
      hasRefreshToken: false,
      message:
        'Nobody is signed in; questions are asked with the access token from CODEX_ACCESS_TOKEN, ChatGPT plus plan, for another 2 hours.',
    })
    bench.clock.advance(leftMs)
    const status = await read()
    expect(status).toMatchObject({
      status: 'expired',
      authenticated: false,
      method: 'access_token',
      expiresInMs: 0,
      message:
        'The access token from CODEX_ACCESS_TOKEN has expired. Replace it there and restart the server, or sign in with codex_login.',
    })
    expect(JSON.stringify(status)).not.toContain(token)
  })

  test('a good login', async () => {
    const { bench, read } = await setUp({ env: { OPENAI_API_KEY: KEY } })
    bench.signIn({ leftSeconds: 3600, fields: { refreshed_at: 1_790_003_600 } })
    expect(await read()).toMatchObject({
      status: 'authenticated',
      authenticated: true,
      source: 'account',
      cost: 'ChatGPT pro plan',
      createdAt: 1_790_000_000_000,
      refreshedAt: 1_790_003_600_000,
      account: { accountId: 'acct-fake-0001', email: 'person@example.com', plan: 'pro', fedramp: false },
      method: 'chatgpt',
      expiresInMs: 3_600_000,
      hasRefreshToken: true,
      storageProblem: undefined,
      message: `Signed in ${WHO}; the access token is good for 60 minutes and is renewed by itself.`,
    })
  })

  test('a login that is soon renewed', async () => {
    const { bench, read } = await setUp()
    bench.signIn({ leftSeconds: 300 })
    expect((await read()).status).toBe('authenticated')
    bench.clock.advance(1)
    expect(await read()).toMatchObject({
      status: 'needs_refresh',
      authenticated: true,
      expiresInMs: 299_999,
      message: `Signed in ${WHO}; the access token is about to be renewed by itself.`,
    })
  })

  test('a login whose access token has expired', async () => {
    const { bench, read } = await setUp()
    bench.signIn({ leftSeconds: -60 })
    expect(await read()).toMatchObject({
      status: 'expired',
      authenticated: true,
      expiresInMs: 0,
      message: `Signed in ${WHO}; the access token has expired and is renewed with the next question.`,
    })
  })

  test('a login that has expired and has nothing to renew it with', async () => {
    const { bench, read } = await setUp()
    bench.signIn({ leftSeconds: -60, fields: { refresh_token: undefined } })
    expect(await read()).toMatchObject({
      status: 'expired',
      authenticated: false,
      hasRefreshToken: false,
      message: `The sign-in ${WHO} can no longer be renewed. ${SIGN_IN}`,
    })
  })

  test('a login the service has ended, while its access token lasts and after', async () => {
    const { bench, read } = await setUp()
    const { refresh_token: token } = bench.signIn({ leftSeconds: 3600 })
    bench.signIn({ leftSeconds: 3600, fields: { refresh_token: token, refresh_failed: subjectOf(token) } })
    expect(await read()).toMatchObject({
      status: 'needs_refresh',
      authenticated: true,
      message: `The sign-in ${WHO} works for another 60 minutes and can no longer be renewed. ${SIGN_IN}`,
    })
    bench.clock.advance(3_600_000)
    expect(await read()).toMatchObject({
      status: 'expired',
      authenticated: false,
      message: `The sign-in ${WHO} can no longer be renewed. ${SIGN_IN}`,
    })
  })

  test('a login whose end nobody knows', async () => {
    const { bench, read } = await setUp()
    bench.signIn({ fields: { expires_at: undefined, access_token: 'opaque', id_token: undefined } })
    expect(await read()).toMatchObject({
      status: 'expired',
      authenticated: true,
      expiresInMs: 0,
      message: expect.stringMatching(/^Signed in with an account without e-mail; the access token has expired/),
    })
  })

  test('a login of the original plugin', async () => {
    const { bench, read } = await setUp()
    const { access_token, refresh_token } = bench.fake.issueTokens({ expiresInSeconds: 3600 })
    const record = { access_token, refresh_token, expires_at: bench.clock.now() / 1000 + 3600 }
    fs.writeFileSync(bench.file, JSON.stringify({ openai_codex: record }), { mode: 0o600 })
    expect(await read()).toMatchObject({ status: 'authenticated', method: 'chatgpt', account: { plan: 'pro' } })
  })
})

test.each([
  [10, '10 seconds'],
  [119, '119 seconds'],
  [120, '2 minutes'],
  [7199, '119 minutes'],
  [7200, '2 hours'],
  [172_799, '47 hours'],
  [172_800, '2 days'],
  [864_000, '10 days'],
])('%i seconds are called %s', async (leftSeconds, words) => {
  const { bench, read } = await setUp()
  bench.signIn({ leftSeconds, fields: { refresh_token: undefined } })
  expect((await read()).message).toContain(`works for another ${words} and can no longer be renewed.`)
})

describe('what is wrong with the file is said, not thrown:', () => {
  test.each([
    ['empty', ''],
    ['cut', '{"codex":{"access_token":"s3cret'],
    ['a list', '["s3cret"]'],
    ['a record that is none', '{"codex":"s3cret"}'],
    ['a record without a token', '{"codex":{"refresh_token":"s3cret"}}'],
    ['a token that is none', '{"codex":{"access_token":{"s3cret":1}}}'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['too large', `{"x":"${'s3cret'.repeat(200_000)}"}`],
  ])('%s', async (_name, content) => {
    // A key is no way out: who is signed in is not known.
    const { bench, read } = await setUp({ env: { OPENAI_API_KEY: KEY } })
    fs.writeFileSync(bench.file, content, { mode: 0o600 })
    const status = await read()
    expect(status).toMatchObject({ status: 'not_authenticated', authenticated: false, method: 'none' })
    expect(status.storagePath).toBe(bench.file)
    expect(status.storageProblem).toMatch(/ is damaged: .+\. Repair it, or move it away and sign in again\.$/)
    expect(status.message).toBe(status.storageProblem)
    expect(JSON.stringify(status)).not.toContain('s3cret')
  })

  test('a folder in its place', async () => {
    const { bench, read } = await setUp()
    fs.mkdirSync(bench.file)
    expect(await read()).toMatchObject({
      status: 'not_authenticated',
      storageProblem: expect.stringContaining(bench.file),
    })
  })

  test('links in a circle', async () => {
    const file = join(tempFolder(), 'auth.json')
    fs.symlinkSync(file, file)
    const { read } = await setUp({ file })
    expect(await read()).toMatchObject({
      status: 'not_authenticated',
      storagePath: '',
      storageProblem: expect.stringContaining(`${file} could not be read`),
    })
  })

  test('others who can read it', async () => {
    const { bench, read } = await setUp()
    bench.signIn({ leftSeconds: 3600 })
    fs.chmodSync(bench.file, 0o644)
    const status = await read()
    expect(status).toMatchObject({ status: 'authenticated', authenticated: true })
    expect(status.storageProblem).toBe(
      `${bench.file} can be read or changed by other users (mode 644); it is tightened at the next write.`,
    )
    expect(status.message).toContain(`${status.storageProblem} Signed in ${WHO};`)
    expect(fs.statSync(bench.file).mode & 0o777).toBe(0o644)
  })
})

describe('beside that it says', () => {
  const view = (state: LoginView['state'], openedAt = 1): LoginView => ({
    state,
    method: 'browser',
    url: URL,
    userCode: undefined,
    openedAt,
    expiresAt: openedAt + 300_000,
    endedAt: undefined,
    error:
      state === 'failed'
        ? new CodexError('LOGIN_DENIED', 'The sign-in was refused in the browser.', { hint: 'Start again.' })
        : undefined,
  })

  test('what is wrong with the settings, first', async () => {
    const { problem } = loadConfig({ CODEX_OAUTH_PORTS: 'none' }, () => '/home/x')
    const { bench, read } = await setUp(problem === undefined ? {} : { configProblem: problem })
    expect((await read()).message).toBe(`${problem?.message} ${problem?.hint}`)
    bench.signIn({ leftSeconds: 3600 })
    expect((await read()).message).toMatch(
      /^A setting of codex-oauth is not usable: CODEX_OAUTH_PORTS .+ Signed in as /,
    )
  })

  test('that a sign-in is open', async () => {
    const login = view('pending')
    const { read } = await setUp({ login })
    expect(await read()).toMatchObject({
      login,
      message: `Nobody is signed in. Sign in with codex_login. A sign-in waits in the browser: ${URL}`,
    })
  })

  test('why the last sign-in failed', async () => {
    const { read } = await setUp({ login: view('failed') })
    expect((await read()).message).toMatch(
      /The last sign-in failed: The sign-in was refused in the browser\. Start again\.$/,
    )
  })

  test.each(['succeeded', 'cancelled'] as const)('nothing of a sign-in that has %s', async (state) => {
    const { read } = await setUp({ login: view(state) })
    expect((await read()).message).toBe('Nobody is signed in. Sign in with codex_login.')
  })

  test('nothing of a sign-in that another window has overtaken', async () => {
    const openedAt = 1_789_999_999_000
    const { bench, read } = await setUp({ login: view('failed', openedAt) })
    bench.signIn({ leftSeconds: 3600, fields: { saved_at: openedAt / 1000 } })
    expect((await read()).message).toContain('The last sign-in failed')
    bench.signIn({ leftSeconds: 3600, fields: { saved_at: openedAt / 1000 + 1 } })
    expect((await read()).message).not.toContain('The last sign-in failed')
  })
})

test('nobody is asked, and no token is in it', async () => {
  const { bench, read } = await setUp()
  bench.signIn({ leftSeconds: 10 })
  const text = JSON.stringify(await read())
  for (const secret of bench.fake.secrets()) expect(text).not.toContain(secret)
  expect(bench.fake.seen.requests).toEqual([])
})

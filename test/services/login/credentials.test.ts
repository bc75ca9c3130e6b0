import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { type Credentials, createCredentials } from '../../../src/services/login/credentials.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { jwtOf } from '../../support/jwt-of.ts'
import { type Bench, recordIn, startBench } from '../../support/refresh-bench.ts'

const USER_AGENT = 'codex-oauth/1.2.3 (linux; x64)'
const BACKEND = 'https://chatgpt.com/backend-api/codex'
const API = 'https://api.openai.com/v1'
const KEY = 'sk-FAKE-0001'
const AUTH = 'https://api.openai.com/auth'

async function setUp(env: Record<string, string> = {}) {
  const bench = await startBench()
  const { config } = loadConfig({ CODEX_OAUTH_FILE: bench.file, ...env }, () => dirname(bench.file))
  const instance = bench.start()
  const credentials = createCredentials({ config, ...instance, userAgent: USER_AGENT, now: bench.clock.now })
  return { bench, instance, credentials }
}

function storeKey(bench: Bench, key = KEY): void {
  writeFileSync(bench.file, JSON.stringify({ codex: { access_token: key, method: 'api_key' } }), { mode: 0o600 })
}

const identity = { originator: 'codex-oauth', 'user-agent': USER_AGENT, version: '0.169.0' }

describe('of a signed-in account', () => {
  test('the headers are these, in this order', async () => {
    const { bench, credentials } = await setUp()
    const { access_token: token } = bench.signIn({ leftSeconds: 3600 })
    const credential = await credentials.current()
    expect(Object.entries(credential.headers)).toEqual([
      ...Object.entries(identity),
      ['authorization', `Bearer ${token}`],
      ['chatgpt-account-id', 'acct-fake-0001'],
    ])
    expect(credential).toMatchObject({
      kind: 'chatgpt',
      baseUrl: BACKEND,
      accountId: 'acct-fake-0001',
      plan: 'pro',
      source: 'account',
      what: 'sign-in',
      cost: 'ChatGPT pro plan',
      label: 'ChatGPT pro plan',
      renew: expect.any(Function),
    })
  })

  test('the stored account id counts before the one the token names, which fills in', async () => {
    const { bench, credentials } = await setUp()
    bench.signIn({ leftSeconds: 3600, fields: { account_id: 'acct-stored' } })
    expect((await credentials.current()).headers['chatgpt-account-id']).toBe('acct-stored')
    bench.signIn({ leftSeconds: 3600, fields: { account_id: undefined } })
    expect((await credentials.current()).headers['chatgpt-account-id']).toBe('acct-fake-0001')
  })

  test('that nobody names there is no header for it, and no plan', async () => {
    const { bench, credentials } = await setUp()
    const fields = { account_id: undefined, id_token: undefined, access_token: 'opaque' }
    bench.signIn({ leftSeconds: 3600, fields })
    const credential = await credentials.current()
    expect(Object.keys(credential.headers)).toEqual([...Object.keys(identity), 'authorization'])
    expect(credential).toMatchObject({ accountId: undefined, plan: undefined, label: 'ChatGPT unknown plan' })
  })

  test('in the government cloud a header says so', async () => {
    const { bench, credentials } = await setUp()
    const id_token = jwtOf({ [AUTH]: { chatgpt_account_id: 'acct-gov', chatgpt_account_is_fedramp: true } })
    bench.signIn({ leftSeconds: 3600, fields: { account_id: 'acct-gov', id_token } })
    expect((await credentials.current()).headers).toMatchObject({
      'chatgpt-account-id': 'acct-gov',
      'x-openai-fedramp': 'true',
    })
  })

  test('the names we give ourselves can be changed', async () => {
    const { bench, credentials } = await setUp({
      CODEX_OAUTH_ORIGINATOR: 'my-editor',
      CODEX_OAUTH_CLIENT_VERSION: '0.200.1',
    })
    bench.signIn({ leftSeconds: 3600 })
    expect((await credentials.current()).headers).toMatchObject({ originator: 'my-editor', version: '0.200.1' })
  })

  test('a refused token is renewed once, and the new one is another credential of the same account', async () => {
    const { bench, credentials } = await setUp()
    const { access_token: old } = bench.signIn({ leftSeconds: 3600 })
    const renewed = await (await credentials.current()).renew?.()
    expect(renewed).toMatchObject({ kind: 'chatgpt', baseUrl: BACKEND, accountId: 'acct-fake-0001' })
    expect(renewed?.headers.authorization).toBe(`Bearer ${bench.stored()?.access_token}`)
    expect(renewed?.headers.authorization).not.toBe(`Bearer ${old}`)
    expect(bench.fake.seen.refreshReasons).toEqual(['unauthorized_recovery'])
  })

  test('it is used although a key is set, and the key goes nowhere', async () => {
    const { bench, credentials } = await setUp({ CODEX_API_KEY: KEY, OPENAI_API_KEY: KEY, CODEX_ACCESS_TOKEN: 'x' })
    bench.signIn({ leftSeconds: 3600 })
    const credential = await credentials.current()
    expect(credential.kind).toBe('chatgpt')
    expect(JSON.stringify(credential)).not.toContain(KEY)
  })

  test('a login that cannot be renewed is an error, not a reason to spend money on the key', async () => {
    const { bench, credentials } = await setUp({ OPENAI_API_KEY: KEY })
    bench.signIn({ leftSeconds: -1, fields: { refresh_token: undefined } })
    expect((await errorOf(credentials.current())).code).toBe('NOT_AUTHENTICATED')
  })

  test('a login that cannot be opened is an error too, not a reason to spend money on the key', async () => {
    const { bench, credentials } = await setUp({ OPENAI_API_KEY: KEY, CODEX_ACCESS_TOKEN: 'at-FAKE' })
    writeFileSync(bench.file, '{"codex":{"sealed":{}}}', { mode: 0o600 })
    const error = await errorOf(credentials.current())
    expect(error).toMatchObject({ code: 'STORAGE_SEALED', hint: expect.stringMatching(/sign in again\.$/i) })
    expect(error.message).not.toBe('You are not signed in.')
  })

  test('a damaged file is an error too', async () => {
    const { bench, credentials } = await setUp({ OPENAI_API_KEY: KEY })
    writeFileSync(bench.file, '{"codex":', { mode: 0o600 })
    expect((await errorOf(credentials.current())).code).toBe('STORAGE_CORRUPT')
  })
})

describe('of an API key', () => {
  test('the headers are these, in this order, and nothing can be renewed', async () => {
    const { credentials } = await setUp({ OPENAI_API_KEY: KEY })
    const credential = await credentials.current()
    expect(Object.entries(credential.headers)).toEqual([
      ...Object.entries(identity),
      ['authorization', `Bearer ${KEY}`],
    ])
    expect(credential).toMatchObject({
      kind: 'api_key',
      baseUrl: API,
      accountId: undefined,
      plan: undefined,
      source: 'OPENAI_API_KEY',
      what: 'API key from OPENAI_API_KEY',
      cost: 'billed per token',
      label: 'API key from OPENAI_API_KEY, billed per token',
      renew: undefined,
    })
  })

  test('CODEX_API_KEY comes first', async () => {
    const { credentials } = await setUp({ CODEX_API_KEY: KEY, OPENAI_API_KEY: 'sk-FAKE-other' })
    expect((await credentials.current()).headers.authorization).toBe(`Bearer ${KEY}`)
  })

  test.each([
    ['a key that no header may carry', { OPENAI_API_KEY: 'sk FAKE s3cret' }, 'OPENAI_API_KEY is not an API key'],
    [
      'an address that is none',
      { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'http://proxy.example/s3cret' },
      'OPENAI_BASE_URL must be an https URL (http only for localhost)',
    ],
  ])('%s is said when the key is needed, not before', async (_name, env, words) => {
    const { bench, credentials } = await setUp(env)
    const error = await errorOf(credentials.current())
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(words) })
    expect(shown(error)).not.toContain('s3cret')
    bench.signIn({ leftSeconds: 3600 })
    expect((await credentials.current()).kind).toBe('chatgpt')
  })
})

describe('of a key that is stored', () => {
  test('the headers are these, in this order, and nothing can be renewed', async () => {
    const { bench, credentials } = await setUp()
    storeKey(bench)
    const credential = await credentials.current()
    expect(Object.entries(credential.headers)).toEqual([
      ...Object.entries(identity),
      ['authorization', `Bearer ${KEY}`],
    ])
    expect(credential).toMatchObject({
      kind: 'api_key',
      source: 'stored_api_key',
      baseUrl: API,
      cost: 'billed per token',
      label: 'stored API key, billed per token',
      renew: undefined,
    })
  })

  test('it comes before everything in the environment, and so does its problem', async () => {
    const { bench, credentials } = await setUp({ CODEX_API_KEY: 'sk-FAKE-other', CODEX_ACCESS_TOKEN: 'at-FAKE' })
    storeKey(bench)
    expect((await credentials.current()).headers.authorization).toBe(`Bearer ${KEY}`)
    const bad = await setUp({ OPENAI_BASE_URL: 'ftp://s3cret.example' })
    storeKey(bad.bench)
    const error = await errorOf(bad.credentials.current())
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('OPENAI_BASE_URL') })
    expect(shown(error)).not.toContain('s3cret')
  })

  test('a bad key in the environment is not its problem', async () => {
    const { bench, credentials } = await setUp({ OPENAI_API_KEY: 'no key' })
    storeKey(bench)
    expect((await credentials.current()).headers.authorization).toBe(`Bearer ${KEY}`)
  })

  test('one that is only tried has the same', async () => {
    const { bench, credentials } = await setUp()
    const tried = credentials.ofKey(KEY)
    storeKey(bench)
    expect(await credentials.current()).toEqual(tried)
  })
})

describe('of an access token from outside', () => {
  const tokenFor = (claims: object) =>
    jwtOf({ [AUTH]: { chatgpt_account_id: 'acct-1', chatgpt_plan_type: 'plus' }, ...claims })

  test('the headers are those of an account, and nothing can be renewed', async () => {
    const token = tokenFor({})
    const { credentials } = await setUp({ CODEX_ACCESS_TOKEN: token })
    const credential = await credentials.current()
    expect(Object.entries(credential.headers)).toEqual([
      ...Object.entries(identity),
      ['authorization', `Bearer ${token}`],
      ['chatgpt-account-id', 'acct-1'],
    ])
    expect(credential).toMatchObject({
      kind: 'access_token',
      source: 'CODEX_ACCESS_TOKEN',
      baseUrl: BACKEND,
      accountId: 'acct-1',
      plan: 'plus',
      cost: 'ChatGPT plus plan',
      label: 'access token from CODEX_ACCESS_TOKEN, ChatGPT plus plan',
      renew: undefined,
    })
  })

  test('one that says nothing about its owner is sent all the same', async () => {
    const { credentials } = await setUp({ CODEX_ACCESS_TOKEN: 'opaque' })
    const credential = await credentials.current()
    expect(Object.keys(credential.headers)).toEqual([...Object.keys(identity), 'authorization'])
    expect(credential.label).toBe('access token from CODEX_ACCESS_TOKEN, ChatGPT unknown plan')
  })

  test('it comes after the keys, also after one that is not usable', async () => {
    const env = { CODEX_ACCESS_TOKEN: tokenFor({}) }
    expect((await (await setUp({ ...env, OPENAI_API_KEY: KEY })).credentials.current()).kind).toBe('api_key')
    const { credentials } = await setUp({ ...env, OPENAI_API_KEY: 'no key' })
    expect((await errorOf(credentials.current())).code).toBe('CONFIG_INVALID')
  })

  test('it has ended when its time is over, to the millisecond', async () => {
    const bench = await startBench()
    const token = tokenFor({ exp: bench.clock.now() / 1000 + 60 })
    const { config } = loadConfig({ CODEX_OAUTH_FILE: bench.file, CODEX_ACCESS_TOKEN: token }, () => '/home/x')
    const credentials = createCredentials({ config, ...bench.start(), userAgent: USER_AGENT, now: bench.clock.now })
    bench.clock.advance(59_999)
    expect((await credentials.current()).kind).toBe('access_token')
    bench.clock.advance(1)
    const error = await errorOf(credentials.current())
    expect(error).toMatchObject({
      code: 'NOT_AUTHENTICATED',
      message: 'The access token from CODEX_ACCESS_TOKEN has expired.',
      hint: 'Replace it there and restart the server, or sign in with codex_login.',
    })
    expect(shown(error)).not.toContain(token)
  })

  test('what no header may carry is said, not sent', async () => {
    const { credentials } = await setUp({ CODEX_ACCESS_TOKEN: 's3cret token' })
    const error = await errorOf(credentials.current())
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('CODEX_ACCESS_TOKEN') })
    expect(shown(error)).not.toContain('s3cret')
  })
})

describe('as the status shows it', () => {
  test('it is the one that applies, without its secret', async () => {
    const env = { CODEX_API_KEY: KEY, CODEX_ACCESS_TOKEN: jwtOf({ exp: 2_000_000_000 }) }
    const { bench, instance, credentials } = await setUp(env)
    bench.signIn({ leftSeconds: 3600 })
    const login = credentials.view(recordIn(instance))
    expect(login).toMatchObject({ kind: 'chatgpt', source: 'account', account: { email: 'person@example.com' } })
    storeKey(bench)
    const key = credentials.view(recordIn(instance))
    expect(key).toMatchObject({ kind: 'api_key', source: 'stored_api_key', account: undefined, problem: undefined })
    const environment = credentials.view(undefined)
    expect(environment).toMatchObject({ kind: 'api_key', source: 'CODEX_API_KEY' })
    const token = (await setUp({ CODEX_ACCESS_TOKEN: env.CODEX_ACCESS_TOKEN })).credentials.view(undefined)
    expect(token).toMatchObject({ kind: 'access_token', expiresAt: 2_000_000_000_000 })
    const shownAtAll = JSON.stringify([login, key, environment, token])
    for (const secret of [...bench.fake.secrets(), ...Object.values(env)]) expect(shownAtAll).not.toContain(secret)
  })

  test('nobody has none', async () => {
    expect((await setUp()).credentials.view(undefined)).toBeUndefined()
  })
})

test('where there is nothing at all the error names every way', async () => {
  const { credentials } = await setUp()
  const error = await errorOf(credentials.current())
  expect(error.code).toBe('NOT_AUTHENTICATED')
  const ways = ['codex_login', 'device', 'CODEX_API_KEY', 'OPENAI_API_KEY', 'codex-oauth-mcp login --with-api-key']
  for (const way of ways) expect(error.hint).toContain(way)
})

test('each credential leaves for its own address, whichever is changed', async () => {
  const env = { CODEX_OAUTH_BASE_URL: 'https://backend.example/codex', OPENAI_BASE_URL: 'https://api.example/v1' }
  const goes = async ({ credentials }: { credentials: Credentials }) => {
    const { baseUrl, headers } = await credentials.current()
    return `${headers.authorization} to ${baseUrl}`
  }
  const { bench, credentials } = await setUp({ ...env, OPENAI_API_KEY: KEY })
  expect(await goes({ credentials })).toBe(`Bearer ${KEY} to https://api.example/v1`)
  storeKey(bench, 'sk-FAKE-stored')
  expect(await goes({ credentials })).toBe('Bearer sk-FAKE-stored to https://api.example/v1')
  const { access_token: token } = bench.signIn({ leftSeconds: 3600 })
  expect(await goes({ credentials })).toBe(`Bearer ${token} to https://backend.example/codex`)
  expect(await goes(await setUp({ ...env, CODEX_ACCESS_TOKEN: 'at-FAKE' }))).toBe(
    'Bearer at-FAKE to https://backend.example/codex',
  )
})

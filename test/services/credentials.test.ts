import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { createCredentials } from '../../src/services/credentials.ts'
import { errorOf, shown } from '../support/error-of.ts'
import { jwtOf } from '../support/jwt-of.ts'
import { startBench } from '../support/refresh-bench.ts'

const USER_AGENT = 'codex-oauth/1.2.3 (linux; x64)'
const BACKEND = 'https://chatgpt.com/backend-api/codex'
const API = 'https://api.openai.com/v1'
const KEY = 'sk-FAKE-0001'
const AUTH = 'https://api.openai.com/auth'

async function setUp(env: Record<string, string> = {}) {
  const bench = await startBench()
  const { config } = loadConfig({ CODEX_OAUTH_FILE: bench.file, ...env }, () => dirname(bench.file))
  const { tokens } = bench.start()
  return { bench, credentials: createCredentials({ config, tokens, userAgent: USER_AGENT }) }
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
    const { bench, credentials } = await setUp({ CODEX_API_KEY: KEY, OPENAI_API_KEY: KEY })
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
      label: 'API key from OPENAI_API_KEY, billed per token',
      renew: undefined,
    })
    expect(credentials.environmentKey()).toBe('OPENAI_API_KEY')
  })

  test('CODEX_API_KEY comes first', async () => {
    const { credentials } = await setUp({ CODEX_API_KEY: KEY, OPENAI_API_KEY: 'sk-FAKE-other' })
    expect((await credentials.current()).headers.authorization).toBe(`Bearer ${KEY}`)
    expect(credentials.environmentKey()).toBe('CODEX_API_KEY')
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

test('without a login and without a key nobody is signed in', async () => {
  const { credentials } = await setUp()
  expect(await errorOf(credentials.current())).toMatchObject({
    code: 'NOT_AUTHENTICATED',
    hint: 'Sign in with codex_login, then ask again.',
  })
  expect(credentials.environmentKey()).toBeUndefined()
})

test('each credential leaves for its own address, whichever is changed', async () => {
  const env = { CODEX_OAUTH_BASE_URL: 'https://backend.example/codex', OPENAI_BASE_URL: 'https://api.example/v1' }
  const { bench, credentials } = await setUp({ ...env, OPENAI_API_KEY: KEY })
  expect((await credentials.current()).baseUrl).toBe('https://api.example/v1')
  const { access_token: token } = bench.signIn({ leftSeconds: 3600 })
  const credential = await credentials.current()
  expect([credential.baseUrl, credential.headers.authorization]).toEqual([
    'https://backend.example/codex',
    `Bearer ${token}`,
  ])
})

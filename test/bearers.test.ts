import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { bearerOf } from './support/fake-request.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'

/** Every secret a program can have at once, each with a name to call it by. */
const KEYS = { CODEX_API_KEY: 'sk-FAKE-codex', OPENAI_API_KEY: 'sk-FAKE-openai' }
const STORED_KEY = 'sk-FAKE-stored'

interface Hosts {
  /** Issuer and ChatGPT backend; the key is one that it would take too, so that nothing but the address tells the two apart. */
  chatgpt: FakeOpenAI
  api: FakeOpenAI
  accessToken: string
}

async function startHosts(apiKey: string): Promise<Hosts> {
  const [chatgpt, api] = await Promise.all([startFakeOpenAI({ apiKey }), startFakeOpenAI({ apiKey })])
  onTestFinished(async () => void (await Promise.all([chatgpt.close(), api.close()])))
  return { chatgpt, api, accessToken: chatgpt.issueTokens().access_token }
}

function startBetween({ chatgpt, api, accessToken }: Hosts, env: Record<string, string>): Promise<StartedApp> {
  const given = 'CODEX_ACCESS_TOKEN' in env ? { ...env, CODEX_ACCESS_TOKEN: accessToken } : env
  return startApp(chatgpt, { env: { OPENAI_BASE_URL: api.apiBaseUrl, ...given } })
}

/** All that a program sends without a person: a question, the models, a refusal, the status, the end. */
async function useAll(app: StartedApp, { chatgpt, api }: Hosts): Promise<void> {
  const refusal = { status: 401, json: { detail: 'Unauthorized' } }
  await app.call('codex_query', { prompt: 'Hello?', temperature: 0.5 })
  for (const fake of [chatgpt, api]) {
    fake.script.responses.push(refusal)
    fake.plan.script.responses.push(refusal)
  }
  await app.call('codex_query', { prompt: 'Hello?' })
  for (const name of ['codex_models', 'codex_status', 'codex_clear']) await app.call(name)
}

/** What came where: host, path, and whose bearer it was. */
function traffic({ chatgpt, api, accessToken }: Hosts): string[] {
  const names = new Map([
    [accessToken, 'the token from outside'],
    [STORED_KEY, 'the stored key'],
    ...Object.entries(KEYS).map(([name, key]): [string, string] => [key, name]),
  ])
  const isLogin = (bearer: string) => chatgpt.secrets().includes(bearer)
  const nameOf = (bearer: string) => names.get(bearer) ?? (isLogin(bearer) ? 'the login' : 'a stranger')
  const lines = Object.entries({ chatgpt, api }).flatMap(([host, { seen }]) =>
    seen.requests.map(({ path, headers }) => {
      const bearer = bearerOf(headers.authorization)
      return `${bearer === undefined ? 'nothing' : nameOf(bearer)} to ${host} ${path}`
    }),
  )
  return [...new Set(lines)].sort()
}

const everything = { ...KEYS, CODEX_ACCESS_TOKEN: '' }
const issuer = ['nothing to chatgpt /oauth/revoke', 'nothing to chatgpt /oauth/token']
const backend = (who: string) => [
  `${who} to chatgpt /backend-api/codex/models`,
  `${who} to chatgpt /backend-api/codex/responses`,
]
const publicApi = (who: string) => [`${who} to api /v1/models`, `${who} to api /v1/responses`]

const ofPlan = [
  'nothing to chatgpt /.well-known/jwks.json',
  'nothing to chatgpt /.well-known/openid-configuration',
  'nothing to chatgpt /api/accounts/oauth/revoke',
  'nothing to chatgpt /api/accounts/oauth/token',
  'the login to chatgpt /v1/models',
  'the login to chatgpt /v1/responses',
]

const situations: [string, string, Record<string, string>, 'login' | 'plan' | 'key' | undefined, string[]][] = [
  ['a login', 'sk-FAKE-none', everything, 'login', [...issuer, ...backend('the login')]],
  ['a login for plan usage', 'sk-FAKE-none', everything, 'plan', ofPlan],
  ['a stored key', STORED_KEY, everything, 'key', publicApi('the stored key')],
  ['both keys', KEYS.CODEX_API_KEY, everything, undefined, publicApi('CODEX_API_KEY')],
  [
    'the second key',
    KEYS.OPENAI_API_KEY,
    { OPENAI_API_KEY: KEYS.OPENAI_API_KEY, CODEX_ACCESS_TOKEN: '' },
    undefined,
    publicApi('OPENAI_API_KEY'),
  ],
  ['a token', 'sk-FAKE-none', { CODEX_ACCESS_TOKEN: '' }, undefined, backend('the token from outside')],
]

test.each(situations)(
  'with %s, this and nothing else goes to each host',
  async (_name, apiKey, env, stored, expected) => {
    const hosts = await startHosts(apiKey)
    const app = await startBetween(hosts, env)
    if (stored === 'login') app.seed(recordOf(hosts.chatgpt.issueTokens()))
    if (stored === 'plan') seedLogins(app, { codex_plan: planRecordOf(hosts.chatgpt.plan.issueTokens()) })
    if (stored === 'key') app.seed({ access_token: STORED_KEY, method: 'api_key' })
    await useAll(app, hosts)
    expect(traffic(hosts)).toEqual([...expected].sort())
    for (const { seen } of [hosts.chatgpt, hosts.api]) {
      expect(
        seen.requests.filter(({ headers, path }) => path.startsWith('/v1/') && 'chatgpt-account-id' in headers),
      ).toEqual([])
      for (const key of [STORED_KEY, ...Object.values(KEYS)])
        expect(seen.requests.map(({ text }) => text).join()).not.toContain(key)
    }
  },
)

test('a login that is over, or a file nobody can read, sends nothing with any other credential', async () => {
  const hosts = await startHosts(KEYS.CODEX_API_KEY)
  const app = await startBetween(hosts, everything)
  app.seed({ ...recordOf(hosts.chatgpt.issueTokens(), -1), refresh_token: undefined })
  const dead = await app.call('codex_query', { prompt: 'Hello?' })
  expect(dead.text).toContain('[NOT_AUTHENTICATED]')
  await app.call('codex_models')
  writeFileSync(app.credentialsFile, '{"codex":')
  expect((await app.call('codex_query', { prompt: 'Hello?' })).text).toContain('[STORAGE_CORRUPT]')
  await app.call('codex_models')
  expect(traffic(hosts)).toEqual([])
})

test('a key that takes the place of a login during a question is not sent where the login was', async () => {
  const hosts = await startHosts(STORED_KEY)
  const app = await startBetween(hosts, {})
  app.seed({ ...recordOf(hosts.chatgpt.issueTokens()), account_id: undefined })
  hosts.chatgpt.script.responses.push(() => {
    app.seed({ access_token: STORED_KEY, method: 'api_key' })
    return { status: 401, json: { detail: 'Unauthorized' } }
  })
  expect((await app.call('codex_query', { prompt: 'Hello?' })).text).toContain('[ACCOUNT_CHANGED]')
  expect((await app.call('codex_query', { prompt: 'Hello?' })).text).toContain('stored API key, billed per token')
  expect(traffic(hosts)).toEqual([...backend('the login'), ...publicApi('the stored key')].sort())
})

test('a stored key is sent to no other place than the one it was stored for', async () => {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const app = await startApp(fake)
  app.seed({ access_token: STORED_KEY, method: 'api_key', base_url: 'https://api.openai.com/v1' })
  expect((await app.call('codex_query', { prompt: 'x' })).text).toMatch(
    /for https:.*OPENAI_BASE_URL.*\[CONFIG_INVALID\]$/,
  )
  expect((await app.call('codex_status')).data).toMatchObject({ authenticated: false, method: 'api_key' })
  expect(fake.seen.requests).toEqual([])
})

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type BuiltServer, startBuiltServer } from '../support/built-server.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { freePorts } from '../support/free-ports.ts'
import { jwtOf } from '../support/jwt-of.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const OTHER_KEY = 'sk-FAKE-0002'

interface Place {
  fake: FakeOpenAI
  /** Starts the built server with these variables beside those that point it at the fake. */
  start(extra?: Record<string, string>): BuiltServer
  /** Puts a record where an earlier sign-in would have left it. */
  store(record: Record<string, unknown>): void
}

async function place(): Promise<Place> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const file = join(home, '.claude', 'auth.json')
  const env = {
    ...fake.env({ CODEX_OAUTH_PORTS: (await freePorts(2)).join(',') }),
    HOME: home,
    PATH: process.env.PATH ?? '',
  }
  return {
    fake,
    start: (extra = {}) => startBuiltServer({ ...env, ...extra }),
    store(record) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, JSON.stringify({ codex: record }), { mode: 0o600 })
    },
  }
}

/** What a user sees of the credential in use: under an answer, in the status, with the models. */
async function look(server: BuiltServer) {
  const { text } = await server.call('codex_query', { prompt: 'Hello?' })
  const { method, source, cost, authenticated, status } = (await server.call('codex_status')).data
  const models = (await server.call('codex_models')).data
  return {
    footer: text.split('\n')[1]?.split(' · ').at(-2),
    status: { status, authenticated, method, source, cost },
    models: { source: models.credential_source, cost: models.cost, live: models.source !== 'built-in' },
  }
}

function view(method: string, source: string, cost: string, footer: string) {
  return {
    footer,
    status: { status: 'authenticated', authenticated: true, method, source, cost },
    models: { source, cost, live: true },
  }
}

const ACCOUNT = view('chatgpt', 'account', 'ChatGPT pro plan', 'ChatGPT pro plan')
const STORED_KEY = view('api_key', 'stored_api_key', 'billed per token', 'stored API key, billed per token')
const keyFrom = (name: string) => view('api_key', name, 'billed per token', `API key from ${name}, billed per token`)
const ACCESS_TOKEN = view(
  'access_token',
  'CODEX_ACCESS_TOKEN',
  'ChatGPT pro plan',
  'access token from CODEX_ACCESS_TOKEN, ChatGPT pro plan',
)

/** Everything at once; only the first that applies is one that the fake takes. */
const everything = (here: Place, good: Record<string, string>) => ({
  CODEX_API_KEY: OTHER_KEY,
  OPENAI_API_KEY: OTHER_KEY,
  CODEX_ACCESS_TOKEN: here.fake.issueTokens().access_token,
  ...good,
})

test('the account that is signed in comes before everything', async () => {
  const here = await place()
  here.store(recordOf(here.fake.issueTokens()))
  expect(await look(here.start(everything(here, {})))).toEqual(ACCOUNT)
})

test('a stored key comes before the environment', async () => {
  const here = await place()
  here.store({ access_token: here.fake.apiKey, saved_at: 1_790_000_000, method: 'api_key' })
  const server = here.start(everything(here, {}))
  expect(await look(server)).toEqual(STORED_KEY)
  expect((await server.call('codex_status')).data).toMatchObject({ created_at: '2026-09-21T14:13:20.000Z' })
  const cleared = await server.call('codex_clear')
  expect(cleared.data.message).toMatch(/^The stored API key is removed .+ with the API key from CODEX_API_KEY/)
})

test('CODEX_API_KEY comes before OPENAI_API_KEY', async () => {
  const here = await place()
  const server = here.start(everything(here, { CODEX_API_KEY: here.fake.apiKey }))
  expect(await look(server)).toEqual(keyFrom('CODEX_API_KEY'))
})

test('OPENAI_API_KEY comes before CODEX_ACCESS_TOKEN', async () => {
  const here = await place()
  const server = here.start(everything(here, { CODEX_API_KEY: '', OPENAI_API_KEY: here.fake.apiKey }))
  expect(await look(server)).toEqual(keyFrom('OPENAI_API_KEY'))
})

test('a variable that is named for the key comes in the place of the two', async () => {
  const here = await place()
  const env = everything(here, { CODEX_OAUTH_API_KEY_VARIABLE: 'TEAM_KEY', TEAM_KEY: here.fake.apiKey })
  expect(await look(here.start(env))).toEqual(keyFrom('TEAM_KEY'))
})

test('CODEX_ACCESS_TOKEN is the last, and no longer than it lasts', async () => {
  const here = await place()
  const server = here.start(everything(here, { CODEX_API_KEY: '', OPENAI_API_KEY: '' }))
  expect(await look(server)).toEqual(ACCESS_TOKEN)
  const old = here.start({ CODEX_ACCESS_TOKEN: jwtOf({ exp: 1_700_000_000 }) })
  const { text } = await old.call('codex_query', { prompt: 'Hello?' })
  expect(text).toMatch(
    /^The access token from CODEX_ACCESS_TOKEN has expired\. Replace it there .+\[NOT_AUTHENTICATED\]$/,
  )
  expect((await old.call('codex_status')).data).toMatchObject({ status: 'expired', authenticated: false })
})

test('without any, the question is answered with every way to get one', async () => {
  const { text } = await (await place()).start().call('codex_query', { prompt: 'Hello?' })
  expect(text).toMatch(/codex_login .+ CODEX_API_KEY .+ --with-api-key.+\[NOT_AUTHENTICATED\]$/)
})

test('a temperature the model does not take is left out and said', async () => {
  const here = await place()
  const server = here.start({ OPENAI_API_KEY: here.fake.apiKey })
  here.fake.script.responses.push({ status: 400, json: { error: { message: 'No.', param: 'temperature' } } })
  const { text } = await server.call('codex_query', { prompt: 'Hello?', temperature: 0.2 })
  expect(text).toMatch(
    /^Hello from the fake Codex\.\n.+\nNote: temperature was not accepted by gpt-6\.1-sol and left out\.$/,
  )
})

test.runIf(process.platform === 'linux')('a browser that is started inherits no secret', async () => {
  const here = await place()
  const bin = tempFolder()
  const dump = join(bin, 'environment')
  // The opener of the system hands the address to $BROWSER, as the real one does.
  writeFileSync(join(bin, 'xdg-open'), '#!/bin/sh\nexec "$BROWSER" "$1"\n', { mode: 0o755 })
  writeFileSync(join(bin, 'browser'), `#!/bin/sh\nenv > "${dump}"\n`, { mode: 0o755 })
  const secrets = {
    CODEX_API_KEY: 'sk-FAKE-codex',
    OPENAI_API_KEY: 'sk-FAKE-openai',
    CODEX_ACCESS_TOKEN: 'at-FAKE-outside',
    CODEX_OAUTH_PASSPHRASE: 'FAKE passphrase',
    TEAM_KEY: 'sk-FAKE-team',
  }
  const server = here.start({
    ...secrets,
    CODEX_OAUTH_API_KEY_VARIABLE: 'TEAM_KEY',
    CODEX_OAUTH_NO_BROWSER: '',
    DISPLAY: ':99',
    BROWSER: join(bin, 'browser'),
    PATH: `${bin}:${process.env.PATH}`,
    HARMLESS: 'inherited',
  })
  void server.call('codex_login', {}, { id: 'login', onProgress: () => {} }).catch(() => {})
  await server.first((frame) => frame.params?.progressToken === 'login')
  expect(existsSync(dump)).toBe(true)
  const environment = readFileSync(dump, 'utf8')
  expect(environment).toContain('HARMLESS=inherited')
  for (const [name, secret] of Object.entries(secrets)) {
    expect(environment).not.toMatch(new RegExp(`^${name}=`, 'm'))
    expect(environment).not.toContain(secret)
  }
})

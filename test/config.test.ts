import { describe, expect, test } from 'vitest'
import { type Config, loadConfig } from '../src/config.ts'
import { SETTINGS } from '../src/settings.ts'
import { shown } from './support/error-of.ts'

const HOME = '/home/person'
const load = (env: Record<string, string | undefined> = {}) => loadConfig(env, () => HOME)

const DEFAULTS: Config = {
  issuer: 'https://auth.openai.com',
  clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
  ports: [1455, 1457],
  redirectHost: 'localhost',
  baseUrl: 'https://chatgpt.com/backend-api/codex',
  planBaseUrl: 'https://api.openai.com/v1',
  planPort: undefined,
  route: undefined,
  api: {
    key: undefined,
    source: undefined,
    baseUrl: 'https://api.openai.com/v1',
    baseUrlProblem: undefined,
    problem: undefined,
  },
  accessToken: { token: undefined, problem: undefined },
  network: undefined,
  insecureTls: false,
  store: 'file',
  passphrase: undefined,
  credentialsFile: '/home/person/.claude/auth.json',
  stateDir: '/home/person/.claude/codex-oauth',
  model: undefined,
  effort: undefined,
  originator: 'codex-oauth',
  clientVersion: '0.169.0',
  loginTimeoutMs: 300_000,
  loginWaitMs: 45_000,
  headerTimeoutMs: 60_000,
  firstEventTimeoutMs: 120_000,
  idleTimeoutMs: 300_000,
  openBrowser: true,
  keepAnswers: true,
  debug: false,
}

test('nothing set is a whole configuration', () => {
  expect(load()).toEqual({ config: DEFAULTS, problem: undefined })
})

test.each(SETTINGS.map(({ name }) => name))('%s counts as not set when it is empty or blank', (name) => {
  expect(load({ [name]: '' })).toEqual(load())
  expect(load({ [name]: ' \t\n' })).toEqual(load())
  expect(load({ [name]: undefined })).toEqual(load())
})

describe('a good value is taken', () => {
  test.each<[name: string, value: string, expected: Partial<Config>]>([
    ['CODEX_OAUTH_ISSUER', 'https://id.example/tenant/', { issuer: 'https://id.example/tenant' }],
    ['CODEX_OAUTH_ISSUER', 'http://localhost:8080', { issuer: 'http://localhost:8080' }],
    ['CODEX_OAUTH_ISSUER', 'http://127.0.0.1:8080/', { issuer: 'http://127.0.0.1:8080' }],
    ['CODEX_OAUTH_ISSUER', 'http://[::1]:8080', { issuer: 'http://[::1]:8080' }],
    ['CODEX_OAUTH_ISSUER', ' https://id.example ', { issuer: 'https://id.example' }],
    ['CODEX_OAUTH_CLIENT_ID', 'app_x-1', { clientId: 'app_x-1' }],
    ['CODEX_OAUTH_PORTS', '8085', { ports: [8085] }],
    ['CODEX_OAUTH_PORTS', ' 1457 , 1455 ', { ports: [1457, 1455] }],
    ['CODEX_OAUTH_PORTS', '1,65535', { ports: [1, 65_535] }],
    ['CODEX_OAUTH_REDIRECT_HOST', '127.0.0.1', { redirectHost: '127.0.0.1' }],
    ['CODEX_OAUTH_BASE_URL', 'https://proxy.example/codex///', { baseUrl: 'https://proxy.example/codex' }],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com/v1/', { planBaseUrl: 'https://api.openai.com/v1' }],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'HTTPS://API.OPENAI.COM:443/v2', { planBaseUrl: 'https://api.openai.com/v2' }],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'http://127.0.0.1:8080/v1', { planBaseUrl: 'http://127.0.0.1:8080/v1' }],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'http://localhost:8080', { planBaseUrl: 'http://localhost:8080' }],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'http://[::1]:8080', { planBaseUrl: 'http://[::1]:8080' }],
    ['CODEX_OAUTH_MODEL', 'gpt-6.1-sol', { model: 'gpt-6.1-sol' }],
    ['CODEX_OAUTH_MODEL', 'org/model:latest@2', { model: 'org/model:latest@2' }],
    ['CODEX_OAUTH_EFFORT', 'xhigh', { effort: 'xhigh' }],
    ['CODEX_OAUTH_ORIGINATOR', 'my_editor', { originator: 'my_editor' }],
    ['CODEX_OAUTH_CLIENT_VERSION', '0.200.1-alpha.2', { clientVersion: '0.200.1-alpha.2' }],
    ['CODEX_OAUTH_LOGIN_TIMEOUT_MS', '1', { loginTimeoutMs: 1 }],
    ['CODEX_OAUTH_LOGIN_TIMEOUT_MS', '2147483647', { loginTimeoutMs: 2_147_483_647 }],
    ['CODEX_OAUTH_LOGIN_WAIT_MS', '1000', { loginWaitMs: 1000 }],
    ['CODEX_OAUTH_IDLE_TIMEOUT_MS', '60000', { idleTimeoutMs: 60_000 }],
    ['CODEX_OAUTH_NO_BROWSER', '1', { openBrowser: false }],
    ['CODEX_OAUTH_NO_BROWSER', 'true', { openBrowser: false }],
    ['CODEX_OAUTH_NO_BROWSER', '0', { openBrowser: true }],
    ['CODEX_OAUTH_NO_BROWSER', 'False', { openBrowser: true }],
    ['CODEX_OAUTH_NO_BROWSER', 'no', { openBrowser: true }],
    ['CODEX_OAUTH_KEEP_ANSWERS', '0', { keepAnswers: false }],
    ['CODEX_OAUTH_KEEP_ANSWERS', 'Off', { keepAnswers: false }],
    ['CODEX_OAUTH_KEEP_ANSWERS', '1', { keepAnswers: true }],
    ['CODEX_DEBUG', '1', { debug: true }],
    ['CODEX_DEBUG', '0', { debug: false }],
    ['CODEX_DEBUG', 'verbose', { debug: false }],
  ])('%s=%s', (name, value, expected) => {
    expect(load({ [name]: value })).toEqual({ config: { ...DEFAULTS, ...expected }, problem: undefined })
  })
})

describe('a bad value is named, and replaced by the default meanwhile', () => {
  const url = /must be an https URL \(http only for localhost\)/
  const clean = /must not carry credentials, a query or a fragment/
  const plan = /must be at api\.openai\.com/
  const words = /may hold only letters, digits and/
  const ms = /must be a whole number of milliseconds/
  const onePort = /must be one port number/
  const ports = /must be port numbers separated by commas, like 1455,1457/

  test.each<[name: string, value: string, words: RegExp]>([
    ['CODEX_OAUTH_KEEP_ANSWERS', 'maybe', /must be 1 or 0/],
    ['CODEX_OAUTH_ISSUER', 'auth.openai.com', /is not a URL/],
    ['CODEX_OAUTH_ISSUER', 'http://auth.openai.com', url],
    ['CODEX_OAUTH_ISSUER', 'http://localhost.example', url],
    ['CODEX_OAUTH_ISSUER', 'http://127.0.0.1.example', url],
    ['CODEX_OAUTH_ISSUER', 'http://192.168.0.1', url],
    ['CODEX_OAUTH_ISSUER', 'file:///etc/passwd', url],
    ['CODEX_OAUTH_ISSUER', 'javascript:alert(1)', url],
    ['CODEX_OAUTH_ISSUER', 'https://id.example/?tenant=1', clean],
    ['CODEX_OAUTH_ISSUER', 'https://id.example/#top', clean],
    ['CODEX_OAUTH_ISSUER', 'https://person@id.example', clean],
    ['CODEX_OAUTH_BASE_URL', 'http://proxy.example/codex', url],
    ['CODEX_OAUTH_BASE_URL', 'https://', /is not a URL/],
    ['CODEX_OAUTH_BASE_URL', 'https://api.openai.com/v1', /must not be at api\.openai\.com/],
    ['CODEX_OAUTH_BASE_URL', 'https://API.openai.com:8443/v1', /must not be at api\.openai\.com/],
    ['CODEX_OAUTH_BASE_URL', 'https://api.openai.com./v1', /must not be at api\.openai\.com/],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'api.openai.com/v1', /is not a URL/],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'http://api.openai.com/v1', url],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'http://127.0.0.1.example/v1', url],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://chatgpt.com/backend-api/codex', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com.example/v1', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com./v1', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com:8443/v1', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://xn--pi-7ka.openai.com/v1', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://gateway.example/v1', plan],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com@gateway.example/v1', clean],
    ['CODEX_OAUTH_PLAN_BASE_URL', 'https://api.openai.com/v1?to=x', clean],
    ['CODEX_OAUTH_CLIENT_ID', 'app x', words],
    ['CODEX_OAUTH_PORTS', '1455;1457', ports],
    ['CODEX_OAUTH_PORTS', '1455,', ports],
    ['CODEX_OAUTH_PORTS', '0', ports],
    ['CODEX_OAUTH_PORTS', '65536', ports],
    ['CODEX_OAUTH_PORTS', '-1', ports],
    ['CODEX_OAUTH_PORTS', '80.5', ports],
    ['CODEX_OAUTH_PORTS', 'http', ports],
    ['CODEX_OAUTH_PLAN_PORT', '1455,1457', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '1455,', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '1e3', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '0x50', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '80.0', onePort],
    ['CODEX_OAUTH_PLAN_PORT', 'any', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '0', onePort],
    ['CODEX_OAUTH_PLAN_PORT', '65536', onePort],
    ['CODEX_OAUTH_REDIRECT_HOST', '::1', /must be localhost or 127\.0\.0\.1/],
    ['CODEX_OAUTH_REDIRECT_HOST', 'evil.example', /must be localhost or 127\.0\.0\.1/],
    ['CODEX_OAUTH_FILE', 'auth.json', /must be an absolute path/],
    ['CODEX_OAUTH_FILE', '~/auth.json', /must be an absolute path/],
    ['CLAUDE_CONFIG_DIR', 'conf', /must be an absolute path/],
    ['CODEX_OAUTH_MODEL', 'gpt 6', words],
    ['CODEX_OAUTH_MODEL', 'x'.repeat(201), words],
    ['CODEX_OAUTH_EFFORT', 'very\nhigh', words],
    ['CODEX_OAUTH_ORIGINATOR', 'codex\r\nx-evil: 1', words],
    ['CODEX_OAUTH_ORIGINATOR', 'cödex', words],
    ['CODEX_OAUTH_CLIENT_VERSION', '1.2', /must be a version like 0\.169\.0/],
    ['CODEX_OAUTH_CLIENT_VERSION', '0.169.0&x=1', /must be a version like 0\.169\.0/],
    ['CODEX_OAUTH_CLIENT_VERSION', 'latest', /must be a version like 0\.169\.0/],
    ['CODEX_OAUTH_LOGIN_TIMEOUT_MS', '0', ms],
    ['CODEX_OAUTH_LOGIN_TIMEOUT_MS', '-1', ms],
    ['CODEX_OAUTH_LOGIN_TIMEOUT_MS', '2147483648', ms],
    ['CODEX_OAUTH_LOGIN_WAIT_MS', '1.5', ms],
    ['CODEX_OAUTH_LOGIN_WAIT_MS', '45s', ms],
    ['CODEX_OAUTH_IDLE_TIMEOUT_MS', 'Infinity', ms],
    ['CODEX_OAUTH_IDLE_TIMEOUT_MS', 'five', ms],
  ])('%s=%s', (name, value, said) => {
    const { config, problem } = load({ [name]: value })
    expect(config).toEqual(DEFAULTS)
    expect(problem).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^A setting of codex-oauth is not usable: .+\.$/),
      hint: 'Correct or remove it in the environment of the server and restart the server.',
    })
    expect(problem?.message).toContain(name)
    expect(problem?.message).toMatch(said)
  })

  test('several in one error, in the order of the settings', () => {
    const { problem } = load({
      CODEX_OAUTH_IDLE_TIMEOUT_MS: 'five',
      CODEX_OAUTH_ISSUER: 'nowhere',
      CODEX_OAUTH_PORTS: 'any',
    })
    expect(problem?.message).toMatch(
      /: CODEX_OAUTH_ISSUER is not a URL; CODEX_OAUTH_PORTS must be .+; CODEX_OAUTH_IDLE_TIMEOUT_MS must be .+\.$/,
    )
  })

  test('without repeating it: a mistyped address may hold a password', () => {
    for (const value of [
      'https://person:s3cret@id.example',
      'https//person:s3cret@id.example',
      's3cret',
      'http://s3cret',
    ]) {
      const { problem } = load({ CODEX_OAUTH_ISSUER: value, CODEX_OAUTH_BASE_URL: value, CODEX_OAUTH_PORTS: value })
      expect(problem && shown(problem)).toContain('CODEX_OAUTH_BASE_URL')
      expect(problem && shown(problem)).not.toMatch(/s3cret|person/)
    }
  })

  test('whatever it is: nothing is ever thrown', () => {
    const odd = ['\0', '𝒳'.repeat(1000), '__proto__', '%', '[', 'http://[', '\u2028', '{}', '-0', '1e999', '0x', 'null']
    for (const value of odd) {
      const env = Object.fromEntries(SETTINGS.map(({ name }) => [name, value]))
      expect(() => load(env)).not.toThrow()
    }
  })
})

describe('the credentials file', () => {
  const fileOf = (env: Record<string, string>) => {
    const { config, problem } = load(env)
    expect(problem).toBeUndefined()
    return [config.credentialsFile, config.stateDir]
  }

  test("lies in Claude Code's folder, wherever that is", () => {
    expect(fileOf({ CLAUDE_CONFIG_DIR: '/srv/claude' })).toEqual(['/srv/claude/auth.json', '/srv/claude/codex-oauth'])
  })

  test('lies where it is set to lie, and what may be lost beside it', () => {
    expect(fileOf({ CODEX_OAUTH_FILE: '/srv/a.json', CLAUDE_CONFIG_DIR: '/srv/claude' })).toEqual([
      '/srv/a.json',
      '/srv/codex-oauth',
    ])
  })

  const homeless = () => {
    throw new Error('ENOENT: no home')
  }

  test.each<[string, () => string]>([
    ['that is unknown', homeless],
    ['that is empty', () => ''],
    ['that is relative', () => 'somewhere'],
  ])('has no place in a home %s, least of all where the server happens to run', (_name, homedir) => {
    const { config, problem } = loadConfig({}, homedir)
    expect(config.credentialsFile).not.toContain(process.cwd())
    expect(config.stateDir).not.toContain(process.cwd())
    expect(problem).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/HOME is not set, .+ there is no place for credentials: set CODEX_OAUTH_FILE\.$/),
    })
  })

  test('needs no home when its place is set', () => {
    expect(loadConfig({ CODEX_OAUTH_FILE: '/srv/a.json' }, homeless).problem).toBeUndefined()
    expect(loadConfig({ CLAUDE_CONFIG_DIR: '/srv/claude' }, homeless).problem).toBeUndefined()
  })
})

describe('the API key', () => {
  test.each(['MY-KEY', 'sk-proj-s3cret', '7'])(
    'whose variable has a name that is none (%s) is not passed over',
    (name) => {
      const { config, problem } = load({ CODEX_OAUTH_API_KEY_VARIABLE: name, OPENAI_API_KEY: 'sk-OTHER' })
      expect(problem).toBeUndefined()
      expect(config.api).toMatchObject({ key: undefined, source: 'CODEX_OAUTH_API_KEY_VARIABLE' })
      expect(config.api.problem && shown(config.api.problem)).toMatch(/must be the name of an environment variable/)
      expect(config.api.problem && shown(config.api.problem)).not.toContain('s3cret')
    },
  )

  test('is taken with the variable it came from', () => {
    expect(load({ OPENAI_API_KEY: ' sk-2 ' }).config.api).toMatchObject({ key: 'sk-2', source: 'OPENAI_API_KEY' })
    expect(load({ CODEX_API_KEY: 'sk-1', OPENAI_API_KEY: 'sk-2' }).config.api).toMatchObject({
      key: 'sk-1',
      source: 'CODEX_API_KEY',
    })
    expect(load({ OPENAI_BASE_URL: 'https://api.example/v1/' }).config.api.baseUrl).toBe('https://api.example/v1')
  })

  test.each([
    ['OPENAI_API_KEY', 's3cret s3cret', /OPENAI_API_KEY is not an API key/],
    ['OPENAI_API_KEY', 's3crét', /OPENAI_API_KEY is not an API key/],
    ['CODEX_API_KEY', 's3cret'.repeat(1000), /CODEX_API_KEY is not an API key/],
    ['OPENAI_BASE_URL', 'http://s3cret.example', /OPENAI_BASE_URL must be an https URL/],
    ['OPENAI_BASE_URL', 's3cret', /OPENAI_BASE_URL is not a URL/],
  ])('a bad %s (%s) is a problem of the key, not of the settings', (name, value, words) => {
    const { config, problem } = load({ [name]: value })
    expect(problem).toBeUndefined()
    expect(config.api.problem).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(words) })
    expect(config.api.problem && shown(config.api.problem)).not.toMatch(/s3cr/)
  })

  test('that is bad is not skipped for the other one: it was meant', () => {
    const { api } = load({ CODEX_API_KEY: 'bad key', OPENAI_API_KEY: 'sk-2' }).config
    expect(api).toMatchObject({ key: undefined, source: 'CODEX_API_KEY', problem: { code: 'CONFIG_INVALID' } })
  })
})

describe('the way to the network', () => {
  const network = (env: Record<string, string>) => load(env).config.network

  test('either case counts, the lower one first; ALL_PROXY stands in', () => {
    expect(network({ https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:1' })?.httpsProxy).toBe('http://a:1/')
    expect(network({ ALL_PROXY: 'http://c:1', HTTP_PROXY: 'd:2' })).toMatchObject({
      httpsProxy: 'http://c:1/',
      httpProxy: 'http://d:2/',
    })
    expect(network({ HTTPS_PROXY: 'http://a:1', no_proxy: 'x.example' })?.noProxy).toBe('x.example')
  })

  test('ALL_PROXY may be of a kind for other programs where HTTPS_PROXY is set', () => {
    const settings = network({ ALL_PROXY: 'socks5://h:1', HTTPS_PROXY: 'http://a:1' })
    expect(settings?.httpsProxy).toBe('http://a:1/')
    expect(network({ ALL_PROXY: 'http://a:1', HTTPS_PROXY: 'socks5://h:1' })).toMatchObject({
      httpsProxy: undefined,
      problem: { code: 'CONFIG_INVALID' },
    })
    expect(network({ all_proxy: 'socks5://h:1' })?.problem?.message.match(/all_proxy/g)).toHaveLength(1)
  })

  test('certificates alone are something to set up', () => {
    expect(network({ SSL_CERT_FILE: '/etc/own.pem' })).toMatchObject({
      httpsProxy: undefined,
      caFiles: [{ variable: 'SSL_CERT_FILE', path: '/etc/own.pem' }],
    })
  })

  test('NO_PROXY alone is nothing to set up', () => {
    expect(network({ NO_PROXY: '*' })).toBeUndefined()
  })

  test.each([
    ['socks5://h:1', /HTTPS_PROXY must be an http or https proxy \(SOCKS is not supported\)/],
    ['http://us er:s3cret@[', /HTTPS_PROXY is not the address of a proxy/],
    ['http://me:s3cret%@h:1', /HTTPS_PROXY has a user name or password with a bare % sign \(write it as %25\)/],
  ])('a proxy that makes no sense (%s) is a problem of the network, not of the settings', (value, words) => {
    const { config, problem } = load({ HTTPS_PROXY: value })
    expect(problem).toBeUndefined()
    expect(config.network?.problem).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(words) })
    expect(config.network?.problem?.message).not.toContain('s3cret')
  })
})

describe('other credentials and where they lie', () => {
  test('the key can come from a variable of any name', () => {
    const env = { CODEX_OAUTH_API_KEY_VARIABLE: 'WORK_KEY', WORK_KEY: ' sk-FAKE ', OPENAI_API_KEY: 'sk-OTHER' }
    expect(load(env).config.api).toMatchObject({ key: 'sk-FAKE', source: 'WORK_KEY' })
    expect(load({ CODEX_OAUTH_API_KEY_VARIABLE: 'constructor' }).config.api.source).toBeUndefined()
  })

  test('a secret of the other kind is none: it would go to a service it is not for', () => {
    expect(load({ CODEX_API_KEY: 'eyJFAKE.e30.x' }).config.api.problem?.message).toMatch(
      /CODEX_API_KEY is not an API key/,
    )
    const { accessToken } = load({ CODEX_ACCESS_TOKEN: 'sk-FAKE' }).config
    expect(accessToken.problem?.message).toMatch(/CODEX_ACCESS_TOKEN is not an access token/)
  })

  test('an access token is taken, and a bad one is its own problem', () => {
    expect(load({ CODEX_ACCESS_TOKEN: ' eyFAKE ' }).config.accessToken.token).toBe('eyFAKE')
    const { config, problem } = load({ CODEX_ACCESS_TOKEN: 's3cret s3cret' })
    expect(problem).toBeUndefined()
    expect(config.accessToken.problem?.message).toMatch(/CODEX_ACCESS_TOKEN is not an access token/)
  })

  test('a store is one of three', () => {
    expect(load({ CODEX_OAUTH_STORE: 'encrypted', CODEX_OAUTH_PASSPHRASE: 'FAKE words' }).config).toMatchObject({
      store: 'encrypted',
      passphrase: 'FAKE words',
    })
    expect(load({ CODEX_OAUTH_STORE: 'vault' }).problem?.message).toMatch(/must be file, encrypted or keychain/)
  })
})

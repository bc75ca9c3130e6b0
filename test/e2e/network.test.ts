import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBuiltServer } from '../support/built-server.ts'
import { createAuthority } from '../support/certificates.ts'
import { type ConnectProxyOptions, startConnectProxy, startTlsFront } from '../support/connect-proxy.ts'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { freePorts } from '../support/free-ports.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ISSUER = 'https://auth.openai.com'
const HOSTS = ['auth.openai.com', 'chatgpt.com']

/**
 * A company network: the real addresses are reached only through its proxy, which reads along with certificates of
 * the company. `env` knows nothing of it yet.
 */
async function companyNetwork(options: ConnectProxyOptions = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const company = createAuthority('Example Corp')
  const front = await startTlsFront(fake.issuer, company.issue(HOSTS))
  const routes = Object.fromEntries(HOSTS.map((host) => [`${host}:443`, front]))
  const proxy = await startConnectProxy({ routes, ...options })
  const home = tempFolder()
  const caFile = join(home, 'example-corp.pem')
  writeFileSync(caFile, company.certificate)
  const ports = await freePorts(2)
  const env = {
    HOME: home,
    PATH: process.env.PATH ?? '',
    CODEX_OAUTH_NO_BROWSER: '1',
    CODEX_OAUTH_PORTS: ports.join(','),
  }
  const credentialsFile = join(home, '.claude', 'auth.json')
  const seed = (expiresInSeconds = 3600) => {
    mkdirSync(join(home, '.claude'))
    const record = recordOf(fake.issueTokens({ expiresInSeconds }), expiresInSeconds)
    writeFileSync(credentialsFile, JSON.stringify({ codex: record }), { mode: 0o600 })
  }
  const stored = () => JSON.parse(readFileSync(credentialsFile, 'utf8')).codex
  return { fake, proxy, caFile, env, seed, stored, proxyUrl: `http://${proxy.address}` }
}

test('sign-in, models, question, renewal and sign-out all take the way through the proxy', async () => {
  const { fake, proxy, proxyUrl, caFile, env, stored } = await companyNetwork()
  const server = startBuiltServer({ ...env, HTTPS_PROXY: proxyUrl, CODEX_CA_CERTIFICATE: caFile })
  const { text } = await server.call('codex_login', { method: 'browser' })
  const url = /https:\S+\/oauth\/authorize\?\S+/.exec(text)?.[0] ?? ''
  expect(url).toContain(`${ISSUER}/oauth/authorize?`)
  // The browser has its own way to the outside; here it goes straight to the fake.
  expect((await fake.browser(url.replace(ISSUER, fake.issuer))).status).toBe(200)
  expect((await server.call('codex_login')).data).toMatchObject({ status: 'authenticated' })
  expect((await server.call('codex_models')).data).toMatchObject({ source: 'live' })
  expect((await server.call('codex_query', { prompt: 'x' })).text).toContain('Hello from the fake Codex.')
  const before = stored().refresh_token
  fake.expireAccessTokens()
  expect((await server.call('codex_query', { prompt: 'x' })).isError).toBe(false)
  expect(stored().refresh_token).not.toBe(before)
  expect((await server.call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
  expect(fake.seen.grants).toEqual(['authorization_code', 'refresh_token'])
  expect(fake.seen.revocations).toHaveLength(1)
  expect(new Set(proxy.targets)).toEqual(new Set(HOSTS.map((host) => `${host}:443`)))
  expect([proxy.others, server.stderr(), server.strays]).toEqual([[], '', []])
})

test.each([
  ['HTTPS_PROXY', 'CODEX_CA_CERTIFICATE'],
  ['https_proxy', 'SSL_CERT_FILE'],
  ['ALL_PROXY', 'NODE_EXTRA_CA_CERTS'],
  ['HTTP_PROXY', 'CODEX_CA_CERTIFICATE'],
])('%s and %s: a login that has run out is renewed and the question answered', async (proxyName, caName) => {
  const { fake, proxy, proxyUrl, caFile, env, seed } = await companyNetwork({ login: 'me:s3cret' })
  seed(-1)
  const server = startBuiltServer({
    ...env,
    [proxyName]: proxyUrl.replace('http://', 'http://me:s3cret@'),
    [caName]: caFile,
    CODEX_DEBUG: '1',
  })
  expect((await server.call('codex_query', { prompt: 'x' })).text).toContain('Hello from the fake Codex.')
  expect(fake.seen.grants).toEqual(['refresh_token'])
  expect(new Set(proxy.targets)).toEqual(new Set(HOSTS.map((host) => `${host}:443`)))
  expect(server.stderr()).not.toContain('s3cret')
})

describe('what is wrong is said', () => {
  async function ask(extra: (network: Awaited<ReturnType<typeof companyNetwork>>) => Record<string, string>) {
    const network = await companyNetwork()
    network.seed()
    const server = startBuiltServer({ ...network.env, ...extra(network) })
    const { text, isError } = await server.call('codex_query', { prompt: 'x' })
    expect(isError).toBe(true)
    expect(network.fake.seen.requests).toEqual([])
    return { ...network, text }
  }

  test('without the certificate of the company', async () => {
    const { text } = await ask(({ proxyUrl }) => ({ HTTPS_PROXY: proxyUrl }))
    expect(text).toMatch(
      /^The certificate of chatgpt\.com comes from an issuer this machine does not know .*CODEX_CA_CERTIFICATE.*\[NETWORK\]$/,
    )
  })

  test('with a file that is not there', async () => {
    const { text } = await ask(({ proxyUrl }) => ({ HTTPS_PROXY: proxyUrl, SSL_CERT_FILE: '/nowhere/ca.pem' }))
    expect(text).toMatch(
      /^SSL_CERT_FILE names a file that cannot be read \(ENOENT\): \/nowhere\/ca\.pem\..*\[CONFIG_INVALID\]$/,
    )
  })

  test('where the host is an exception from the proxy', async () => {
    const { text, proxy } = await ask(({ proxyUrl, caFile }) => ({
      HTTPS_PROXY: proxyUrl,
      CODEX_CA_CERTIFICATE: caFile,
      CODEX_OAUTH_BASE_URL: 'https://codex.corp.invalid/codex',
      no_proxy: 'localhost,.corp.invalid',
    }))
    expect(text).toMatch(/^The name of codex\.corp\.invalid could not be resolved\..*\[NETWORK\]$/)
    expect(proxy.targets).toEqual([])
  })

  test('with certificates not checked', async () => {
    const { text, proxy } = await ask(({ proxyUrl }) => ({ HTTPS_PROXY: proxyUrl, NODE_TLS_REJECT_UNAUTHORIZED: '0' }))
    expect(text).toMatch(/^NODE_TLS_REJECT_UNAUTHORIZED=0 is set: .*chatgpt\.com.*\[CONFIG_INVALID\]$/)
    expect(proxy.targets).toEqual([])
  })

  test('with a proxy of another kind', async () => {
    const { text } = await ask(() => ({ ALL_PROXY: 'socks5://me:s3cret@127.0.0.1:1080' }))
    expect(text).toMatch(/ALL_PROXY must be an http or https proxy \(SOCKS is not supported\).*\[CONFIG_INVALID\]$/)
    expect(text).not.toContain('s3cret')
  })
})

test('hosts of this machine are never asked of the proxy', async () => {
  const { fake, proxy, proxyUrl, caFile, env, seed } = await companyNetwork()
  seed(-1)
  const settings = { HTTPS_PROXY: proxyUrl, HTTP_PROXY: proxyUrl, ALL_PROXY: proxyUrl, CODEX_CA_CERTIFICATE: caFile }
  const server = startBuiltServer({ ...env, ...settings, ...fake.env(), NODE_USE_ENV_PROXY: '1' })
  expect((await server.call('codex_query', { prompt: 'x' })).isError).toBe(false)
  expect(fake.seen.grants).toEqual(['refresh_token'])
  expect([proxy.targets, proxy.others]).toEqual([[], []])
})

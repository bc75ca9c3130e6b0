import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { NetworkSettings } from '../../../src/config.ts'
import { startDoctorBench } from '../../support/doctor-bench.ts'
import { freePorts } from '../../support/free-ports.ts'
import { startServer } from '../../support/start-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const NETWORK: NetworkSettings = {
  httpsProxy: undefined,
  httpProxy: undefined,
  noProxy: undefined,
  caFiles: [],
  problem: undefined,
}

const HTML = { 'content-type': 'text/html' }

describe('hosts', () => {
  test('that answer, whatever they say, can be reached; nobody’s credential is sent', async () => {
    const bench = await startDoctorBench({ env: { CODEX_API_KEY: 'sk-FAKE-0001' } })
    bench.signIn()
    const host = new URL(bench.fake.issuer).host
    const checks = await bench.run()
    const found = checks.filter(({ name }) => ['sign-in service', 'model service', 'API'].includes(name))
    expect(found.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok'])
    expect(found.map(({ finding }) => finding.replace(/\d+ ms/, 'N ms'))).toEqual([
      `${host} answers (200, N ms).`,
      `${host} answers (401, N ms).`,
      `${host} answers (401, N ms).`,
    ])
    const asked = bench.fake.seen.requests.filter(({ path }) => path !== '/backend-api/codex/models')
    expect(asked.map(({ path }) => path).sort()).toEqual(['/.well-known/openid-configuration', '/v1/models'])
    expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })

  test('that nobody stands behind are a problem each', async () => {
    const [port] = await freePorts(1)
    const env = {
      CODEX_OAUTH_ISSUER: `http://127.0.0.1:${port}`,
      CODEX_OAUTH_BASE_URL: `http://127.0.0.1:${port}/codex`,
    }
    const checks = await (await startDoctorBench({ env })).run()
    const found = checks.filter(({ name }) => ['sign-in service', 'model service'].includes(name))
    for (const { state, finding, remedy } of found) {
      expect(state).toBe('problem')
      expect(finding).toMatch(/127\.0\.0\.1:\d+ .*\[NETWORK\]$/)
      expect(remedy).toMatch(/network|proxy/)
    }
    expect(checks.find(({ name }) => name === 'clock')).toMatchObject({ state: 'skipped' })
  })

  test.each<[string, number, RegExp, Record<string, string>?]>([
    ['a service in trouble', 503, /^warning: .*in trouble\. → Try again later/],
    ['a redirect of a network', 302, /^warning: .*A redirect came back.* → Open any web page/],
    [
      'the sign-in page of a network',
      200,
      /^warning: .*A web page came back.*captive portal.* → Open any web page/,
      HTML,
    ],
    ['a network that refuses', 511, /^warning: .*sign in to it first\. → Open any web page/],
    [
      'Cloudflare, which blocks',
      403,
      /^warning: .*Cloudflare.*blocked.* → Try without VPN/,
      { 'cf-mitigated': 'challenge' },
    ],
    ['a refusal', 403, /^ok: .*answers \(403, \d+ ms\)\.$/],
  ])('that turn out to be %s', async (_, status, words, headers = {}) => {
    const server = await startServer((_request, response) => response.writeHead(status, headers).end('<html>'))
    const bench = await startDoctorBench({ env: { CODEX_OAUTH_ISSUER: server.origin } })
    expect((await bench.lines('sign-in service'))[0]).toMatch(words)
  })

  test('of the API matter to a stored key, too', async () => {
    const bench = await startDoctorBench()
    expect(await bench.lines('API')).toEqual(['skipped: No API key is set, so the API is not used.'])
    bench.signIn(3600, { method: 'api_key' })
    expect((await bench.lines('API'))[0]).toMatch(/^ok: /)
  })
})

describe('the clock', () => {
  async function clockLine(listener: RequestListener): Promise<string> {
    const server = await startServer(listener)
    const bench = await startDoctorBench({ env: { CODEX_OAUTH_ISSUER: server.origin } })
    return (await bench.lines('clock'))[0] ?? ''
  }
  const dated =
    (offsetS: number, headers: Record<string, string> = {}): RequestListener =>
    (_, response) => {
      const date = new Date(Date.now() + offsetS * 1000).toUTCString()
      response.writeHead(200, { date, ...headers }).end()
    }

  test.each<[number, RegExp]>([
    [0, /^ok: The clock agrees/],
    [50, /^ok: /],
    [-50, /^ok: /],
    [75, /^warning: The clock is 7\d seconds behind the one of the sign-in service\. → Have the time set/],
    [-150, /^warning: The clock is 2 minutes ahead of the one/],
    [310, /^problem: The clock is 5 minutes behind/],
    [-86_400, /^problem: The clock is 2[34] hours ahead of/],
  ])('of the service is %i s ahead of ours', async (offsetS, words) => {
    expect(await clockLine(dated(offsetS))).toMatch(words)
  })

  test('is compared with an answer out of a cache by its age', async () => {
    expect(await clockLine(dated(-3600, { age: '3600' }))).toMatch(/^ok: /)
  })

  test.each<[string, RequestListener]>([
    ['no time', (_, response) => Object.assign(response, { sendDate: false }).end()],
    ['nonsense', (_, response) => response.writeHead(200, { date: 'soon' }).end()],
  ])('is not judged by an answer with %s', async (_, listener) => {
    expect(await clockLine(listener)).toMatch(/^skipped: .*does not tell the time/)
  })
})

describe('the proxy', () => {
  const proxyLine = async (network: NetworkSettings | undefined) => {
    const bench = await startDoctorBench()
    bench.deps.config.network = network
    return (await bench.lines('proxy'))[0]
  }

  test('is none', async () => {
    expect(await proxyLine(undefined)).toBe('ok: No proxy is set.')
    expect(await proxyLine({ ...NETWORK, caFiles: [] })).toBe('ok: No proxy is set.')
  })

  test('is named by its host alone', async () => {
    const httpsProxy = 'http://jane:FAKE-password@proxy.example:3128/'
    const httpProxy = 'http://other.example/'
    expect(await proxyLine({ ...NETWORK, httpsProxy, httpProxy, noProxy: 'localhost, .corp.example' })).toBe(
      'ok: Requests go through a proxy: https through proxy.example:3128, http through other.example, but for 2 of NO_PROXY.',
    )
  })

  test('makes no sense', async () => {
    const bench = await startDoctorBench({ env: { HTTPS_PROXY: 'socks5://jane:FAKE-password@proxy.example' } })
    const [line = ''] = await bench.lines('proxy')
    expect(line).toMatch(/^problem: .*HTTPS_PROXY must be an http or https proxy.* → Correct or remove/)
    expect(line).not.toMatch(/jane|FAKE|proxy\.example/)
  })
})

describe('certificates', () => {
  const certificateLines = async (path: string, env: Record<string, string> = {}) => {
    const bench = await startDoctorBench()
    const caFiles = [
      { variable: 'NODE_EXTRA_CA_CERTS', path },
      ...Object.entries(env).map(([variable, file]) => ({ variable, path: file })),
    ]
    bench.deps.config.network = { ...NETWORK, caFiles }
    return bench.lines('certificates')
  }
  const pem = () => {
    const file = join(tempFolder(), 'ca.pem')
    writeFileSync(file, `${rootCertificates[0]}\n`)
    return file
  }

  test('are those of Node alone', async () => {
    const bench = await startDoctorBench()
    expect(await bench.lines('certificates')).toEqual(['ok: No certificates are trusted beside those of Node.'])
  })

  test('are added from every file named', async () => {
    const file = pem()
    expect(await certificateLines(file, { SSL_CERT_FILE: file })).toEqual([
      `ok: NODE_EXTRA_CA_CERTS adds 1 of ${file}.`,
      `ok: SSL_CERT_FILE adds 1 of ${file}.`,
    ])
  })

  test('cannot be read', async () => {
    const file = join(tempFolder(), 'none.pem')
    expect((await certificateLines(file))[0]).toMatch(/^problem: NODE_EXTRA_CA_CERTS .*cannot be read \(ENOENT\).* → /)
    expect((await certificateLines(tempFolder()))[0]).toContain('cannot be read (EISDIR)')
  })

  test('are none in the file', async () => {
    const file = join(tempFolder(), 'ca.pem')
    writeFileSync(file, 'not a certificate')
    expect((await certificateLines(file))[0]).toMatch(/^problem: .*without a certificate.* → /)
  })

  test('are of kinds that are not known, beside others', async () => {
    const file = pem()
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', { flag: 'a' })
    expect((await certificateLines(file))[0]).toMatch(/^ok: .*adds 1 of /)
  })

  test('are not checked at all', async () => {
    expect(await (await startDoctorBench()).lines('tls')).toEqual(['ok: Certificates are checked.'])
    const bench = await startDoctorBench({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } })
    expect((await bench.lines('tls'))[0]).toMatch(
      /^problem: NODE_TLS_REJECT_UNAUTHORIZED=0 is set.* → Remove it.*CODEX_CA_CERTIFICATE/,
    )
  })
})

import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { createHttpClient } from '../../src/infrastructure/http-client.ts'
import { createFetch } from '../../src/infrastructure/network.ts'
import {
  failureCode,
  isDistrust,
  networkFailure,
  proxyFailure,
  proxyRefused,
} from '../../src/infrastructure/network-failure.ts'
import { createAuthority, type ServerIdentity, selfSigned } from '../support/certificates.ts'
import { startConnectProxy, startTlsFront } from '../support/connect-proxy.ts'
import { errorOf, shown } from '../support/error-of.ts'
import { freePorts } from '../support/free-ports.ts'
import { startServer } from '../support/start-server.ts'

const FIREWALL = /where a firewall lets only a proxy out, name it in HTTPS_PROXY/

/** What fetch throws: its own words outside, the system's error inside. */
function failed(...codes: string[]): Error {
  const inner = codes.reduceRight<Error | undefined>(
    (cause, code) => Object.assign(new Error(`inner ${code}`, { cause }), { code }),
    undefined,
  )
  return new TypeError('fetch failed', { cause: inner })
}

/** The way to one host: straight to a port of this machine, or through a proxy that leads there. */
const WAYS: [string, (port: number) => Promise<{ url: string; httpsProxy: string | undefined }>][] = [
  ['straight', async (port) => ({ url: `https://localhost:${port}/path?code=s3cret`, httpsProxy: undefined })],
  [
    'through a proxy',
    async (port) => {
      const proxy = await startConnectProxy({ routes: { 'auth.example.com:443': port } })
      return { url: 'https://auth.example.com/path?code=s3cret', httpsProxy: `http://${proxy.address}/` }
    },
  ],
]

describe.each(WAYS)('%s', (_way, to) => {
  async function failureAt(port: number) {
    const { url, httpsProxy } = await to(port)
    const network = { httpsProxy, httpProxy: undefined, noProxy: undefined, caFiles: [], problem: undefined }
    const edge = createFetch({ fetch: (...request) => fetch(...request), network, insecureTls: false })
    const logged: string[] = []
    const http = createHttpClient({ fetch: edge, log: { event: (_, fields) => void logged.push(`${fields?.reason}`) } })
    const error = await errorOf(http.send({ method: 'GET', url, headerTimeoutMs: 20_000 }))
    expect(shown(error)).not.toMatch(/s3cret|path/)
    expect(error.code).toBe('NETWORK')
    return { ...error, message: error.message.replace(new URL(url).host, 'HOST'), logged }
  }

  const company = createAuthority()
  const names = ['localhost', 'auth.example.com']
  const behind = async (identity: ServerIdentity) => startTlsFront((await startServer()).origin, identity)

  test.each<[string, () => Promise<number>, RegExp, RegExp]>([
    [
      'a connection that somebody reads',
      () => behind(company.issue(names)),
      /^The certificate of HOST comes from an issuer this machine does not know \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\): somebody on the way may be reading along/,
      /name the PEM file of its certificate authority in CODEX_CA_CERTIFICATE/,
    ],
    [
      'a certificate that speaks for itself',
      () => behind(selfSigned(names)),
      /^The certificate of HOST comes from an issuer this machine does not know \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
      /CODEX_CA_CERTIFICATE/,
    ],
    [
      'no TLS at all',
      async () => Number(new URL((await startServer()).origin).port),
      /^What answers in place of HOST does not speak TLS \((ERR_SSL_\w+|EPROTO)\)\.$/,
      /^Mostly that is the sign-in page of a network/,
    ],
  ])('%s', async (_, port, message, hint) => {
    expect(await failureAt(await port())).toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      retryable: false,
    })
  })
})

describe('a certificate that is trusted, but', () => {
  const company = createAuthority()

  async function failureOf(identity: ServerIdentity) {
    const port = await startTlsFront((await startServer()).origin, identity)
    // What Node has at hand for a certificate of one's own, without a file.
    const { Agent } = await import('undici')
    const dispatcher = new Agent({ connect: { ca: company.certificate } })
    const edge: typeof fetch = (input, init) => fetch(input, Object.assign({}, init, { dispatcher }))
    const http = createHttpClient({ fetch: edge, log: { event: () => {} } })
    return errorOf(http.send({ method: 'GET', url: `https://localhost:${port}/`, headerTimeoutMs: 20_000 }))
  }

  test.each<[string, ServerIdentity, RegExp, RegExp]>([
    [
      'has expired',
      company.issue(['localhost'], { fromDay: -9, toDay: -1 }),
      /^The certificate of localhost:\d+ is not valid today \(CERT_HAS_EXPIRED\)\.$/,
      /^Check the date and the time/,
    ],
    [
      'is not valid yet',
      company.issue(['localhost'], { fromDay: 1 }),
      /^The certificate of localhost:\d+ is not valid today \(CERT_NOT_YET_VALID\)\.$/,
      /^Check the date and the time/,
    ],
    [
      'is for another name',
      company.issue(['portal.example']),
      /^The certificate that came is not one of localhost:\d+, but for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)\.$/,
      /^Mostly that is the sign-in page of a network/,
    ],
  ])('%s', async (_, identity, message, hint) => {
    expect(await failureOf(identity)).toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      retryable: false,
    })
  })
})

test('a port that refuses', async () => {
  const [port] = await freePorts(1)
  const error = await errorOf(
    fetch(`http://127.0.0.1:${port}/`).catch((cause) => Promise.reject(networkFailure('h', cause))),
  )
  expect(error).toMatchObject({
    message: 'The connection was refused by h (ECONNREFUSED).',
    hint: expect.stringMatching(FIREWALL),
    retryable: true,
  })
})

test('a name that nobody knows', async () => {
  const error = await errorOf(
    fetch('http://nobody.invalid/').catch((cause) => Promise.reject(networkFailure('h', cause))),
  )
  expect(error).toMatchObject({
    message: 'The name of h could not be resolved.',
    hint: expect.stringMatching(FIREWALL),
    retryable: true,
  })
})

test.each<[string, string, boolean]>([
  ['EAI_AGAIN', 'The name of FAR could not be resolved.', true],
  ['EHOSTUNREACH', 'There is no way from this machine to FAR (EHOSTUNREACH).', true],
  ['ENETUNREACH', 'There is no way from this machine to FAR (ENETUNREACH).', true],
  ['ETIMEDOUT', 'No connection to FAR came about in time (ETIMEDOUT).', true],
  ['UND_ERR_CONNECT_TIMEOUT', 'No connection to FAR came about in time (UND_ERR_CONNECT_TIMEOUT).', true],
  ['EACCES', 'This machine does not let this program connect to FAR (EACCES).', false],
  ['EPERM', 'This machine does not let this program connect to FAR (EPERM).', false],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'The certificate of FAR comes from an issuer this machine does not know', false],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'The certificate of FAR comes from an issuer this machine does not', false],
  ['CERT_REVOKED', 'The certificate of FAR was not accepted (CERT_REVOKED).', false],
  ['UNABLE_TO_GET_CRL', 'The certificate of FAR was not accepted (UNABLE_TO_GET_CRL).', false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'What answers in place of FAR does not speak TLS', false],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'What answers in place of FAR does not speak TLS', false],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'No secure connection to FAR came about', false],
  ['HPE_INVALID_CONSTANT', 'What answers in place of FAR does not speak HTTP', false],
  ['ECONNRESET', 'The connection to FAR failed (ECONNRESET).', true],
])('%s has a sentence for the host and one for the proxy', (code, message, retryable) => {
  const ends = { 'h.example:8443': networkFailure, 'the proxy h.example:8443': proxyFailure }
  for (const [far, failure] of Object.entries(ends)) {
    const error = failure('h.example:8443', failed(code))
    expect(error).toMatchObject({ code: 'NETWORK', retryable })
    expect(error.message).toContain(message.replace('FAR', far))
    expect(`${error.message} ${error.hint}`).toMatch(/^[A-Z].*\.$/)
  }
})

test('an error of ours further in stands as it is, and its reason is found behind it', () => {
  const own = proxyFailure('proxy.example', failed('ECONNREFUSED'))
  const outer = new TypeError('fetch failed', { cause: own })
  expect(networkFailure('h', outer)).toBe(own)
  expect(failureCode(outer)).toBe('ECONNREFUSED')
  const refused = proxyRefused({ proxy: 'p', target: 'h:443', status: 407, hasLogin: false })
  expect(failureCode(new TypeError('fetch failed', { cause: refused }))).toBe('NETWORK')
  expect(refused).toBeInstanceOf(CodexError)
})

test('the target of a refusing proxy is named with its port where that is unusual', () => {
  const { message } = proxyRefused({ proxy: 'p:3128', target: 'h:8443', status: 403, hasLogin: false })
  expect(message).toBe('The proxy p:3128 does not allow connections to h:8443 (403).')
})

test('several addresses that all refuse, and things without a code', () => {
  const all = new TypeError('fetch failed', { cause: new AggregateError([failed('ECONNREFUSED'), failed('EPERM')]) })
  expect(networkFailure('h', all).message).toBe('The connection was refused by h (ECONNREFUSED).')
  for (const thing of ['a text', undefined, new Error('x'), Object.assign(new Error('x'), { code: 'a b' })]) {
    expect(networkFailure('h', thing).message).toBe('The connection to h failed (UNKNOWN).')
  }
})

test('distrust is told from other trouble with certificates', () => {
  expect(
    ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'].map((code) => isDistrust(failed(code))),
  ).toEqual([true, true])
  expect(['CERT_HAS_EXPIRED', 'ECONNREFUSED'].map((code) => isDistrust(failed(code)))).toEqual([false, false])
})

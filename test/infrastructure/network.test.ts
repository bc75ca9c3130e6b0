import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { createHttpClient, type HttpRequest, readChunks, readText } from '../../src/infrastructure/http-client.ts'
import { createFetch, type NetworkOptions } from '../../src/infrastructure/network.ts'
import { createAuthority } from '../support/certificates.ts'
import { type ConnectProxyOptions, startConnectProxy, startTlsFront } from '../support/connect-proxy.ts'
import { errorOf, shown } from '../support/error-of.ts'
import { gate } from '../support/fake-script.ts'
import { freePorts } from '../support/free-ports.ts'
import { startServer } from '../support/start-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

const HOST = 'auth.example.com'
const TARGET = `${HOST}:443`
const company = createAuthority()

function clientFor(network: Partial<NetworkOptions>, insecureTls = false) {
  const nothing = { httpsProxy: undefined, httpProxy: undefined, noProxy: undefined, caFiles: [], problem: undefined }
  const edge = createFetch({
    fetch: (...request) => fetch(...request),
    network: { ...nothing, ...network },
    insecureTls,
  })
  const http = createHttpClient({ fetch: edge, log: { event: () => {} } })
  return (url: string, request: Partial<HttpRequest> = {}) =>
    http.send({ method: 'GET', url, headerTimeoutMs: 20_000, ...request })
}

function fileWith(content: string | Buffer, variable = 'CODEX_CA_CERTIFICATE') {
  const path = join(tempFolder(), 'ca.pem')
  writeFileSync(path, content)
  return { variable, path }
}

/** A service of the outside behind a proxy, and a client that knows both the proxy and the authority. */
async function outside(listener?: Parameters<typeof startServer>[0], options: ConnectProxyOptions = {}) {
  const service = await startServer(listener)
  const front = await startTlsFront(service.origin, company.issue([HOST]))
  const proxy = await startConnectProxy({ routes: { [TARGET]: front }, ...options })
  const httpsProxy = `http://${proxy.address}/`
  const caFiles = [fileWith(company.certificate)]
  return { service, proxy, front, httpsProxy, caFiles, send: clientFor({ httpsProxy, caFiles }) }
}

describe('through a proxy', () => {
  test('question and answer arrive whole, and all the proxy learns is the host', async () => {
    const { send, proxy } = await outside(async (request, response) => {
      let size = 0
      for await (const chunk of request) size += chunk.length
      const { host, authorization } = request.headers
      response.writeHead(201, { 'content-encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify({ method: request.method, url: request.url, host, authorization, size })))
    })
    const headers = { authorization: 'Bearer FAKE' }
    const answer = await send(`https://${HOST}/a?b=c`, { method: 'POST', headers, body: 'x'.repeat(3_000_000) })
    expect(answer.status).toBe(201)
    expect(JSON.parse(await readText(answer.body))).toEqual({
      method: 'POST',
      url: '/a?b=c',
      host: HOST,
      authorization: 'Bearer FAKE',
      size: 3_000_000,
    })
    expect([proxy.targets, proxy.others]).toEqual([[TARGET], []])
  })

  test('a stream comes piece by piece, and leaving it ends the connection', async () => {
    const more = gate()
    const left = gate()
    const { send } = await outside(async (_, response) => {
      response.on('close', left.open)
      response.write('one')
      await more.promise
      response.write('two')
    })
    const { body } = await send(`https://${HOST}/`)
    const chunks = readChunks(body, { idleTimeoutMs: 20_000 })
    expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('one')
    more.open()
    expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('two')
    await chunks.return(undefined)
    await left.promise
  })

  test('a cancel ends the connection', async () => {
    const arrived = gate()
    const left = gate()
    const { send } = await outside((_, response) => {
      response.on('close', left.open)
      arrived.open()
    })
    const controller = new AbortController()
    const sent = errorOf(send(`https://${HOST}/`, { signal: controller.signal }))
    await arrived.promise
    controller.abort()
    expect((await sent).code).toBe('CANCELLED')
    await left.promise
  })

  test('no redirect is followed', async () => {
    const { send, service } = await outside((_, response) => void response.writeHead(307, { location: '/x' }).end())
    expect((await send(`https://${HOST}/`, { method: 'POST', body: 'x' })).status).toBe(307)
    expect(service.hits).toBe(1)
  })

  test('many at once are answered', async () => {
    const { send, service } = await outside()
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(`https://${HOST}/`)))
    expect(await Promise.all(answers.map(({ body }) => readText(body)))).toEqual(Array(20).fill('{}'))
    expect(service.hits).toBe(20)
  })

  test('its user name and password are sent as they were meant', async () => {
    const { proxy, caFiles } = await outside(undefined, { login: 'me@corp:p:w' })
    const send = clientFor({ httpsProxy: `http://me%40corp:p%3Aw@${proxy.address}/`, caFiles })
    expect((await send(`https://${HOST}/`)).status).toBe(200)
  })

  test('it may be spoken to by TLS, with a certificate of the company', async () => {
    const { proxy, caFiles } = await outside(undefined, { identity: company.issue(['localhost']) })
    const send = clientFor({ httpsProxy: `https://${proxy.address.replace('127.0.0.1', 'localhost')}/`, caFiles })
    expect((await send(`https://${HOST}/`)).status).toBe(200)
    expect(proxy.targets).toEqual([TARGET])
  })

  test('one that is set for http alone is used for https too', async () => {
    const { httpsProxy: httpProxy, caFiles, proxy } = await outside()
    expect((await clientFor({ httpProxy, caFiles })(`https://${HOST}/`)).status).toBe(200)
    expect(proxy.targets).toEqual([TARGET])
  })

  test('this machine is never reached, whatever is set', async () => {
    const near = await startServer()
    const { httpsProxy, caFiles, proxy } = await outside()
    const send = clientFor({ httpsProxy, httpProxy: httpsProxy, noProxy: 'example.org', caFiles })
    const { port } = new URL(near.origin)
    for (const host of ['127.0.0.1', 'localhost', '127.1']) {
      expect((await send(`http://${host}:${port}/`)).status).toBe(200)
    }
    const secure = await startTlsFront(near.origin, company.issue(['localhost', '127.0.0.1']))
    for (const host of ['127.0.0.1', 'localhost']) expect((await send(`https://${host}:${secure}/`)).status).toBe(200)
    for (const host of ['127.8.8.8', '[::1]'])
      await errorOf(send(`http://${host}:${secure}/`, { headerTimeoutMs: 200 }))
    expect([proxy.targets, proxy.others, near.hits]).toEqual([[], [], 5])
  })
})

describe('NO_PROXY', () => {
  const host = 'a.corp.invalid'

  test.each([
    host,
    'corp.invalid',
    '.corp.invalid',
    '*.corp.invalid',
    'CORP.Invalid',
    'x.example, corp.invalid',
    'x.example corp.invalid',
    'x.example,,corp.invalid,',
    'corp.invalid:443',
    '*',
    'x.example, *',
  ])('"%s" leaves the proxy out', async (noProxy) => {
    const { httpsProxy, proxy } = await outside()
    const error = await errorOf(clientFor({ httpsProxy, noProxy })(`https://${host}/`))
    expect(error.message).toBe(`The name of ${host} could not be resolved.`)
    expect(proxy.targets).toEqual([])
  })

  test.each(['', 'orp.invalid', 'b.corp.invalid', 'corp.invalid:8443', 'a.corp', 'example.com'])(
    '"%s" does not',
    async (noProxy) => {
      const { httpsProxy, proxy } = await outside()
      await errorOf(clientFor({ httpsProxy, noProxy })(`https://${host}/`))
      expect(proxy.targets).toEqual([`${host}:443`])
    },
  )
})

describe('a proxy that makes no sense', () => {
  const problem = new CodexError('CONFIG_INVALID', 'HTTPS_PROXY must be another one.')

  test('is said to whom would need it, and to nobody else', async () => {
    const near = await startServer()
    const send = clientFor({ problem, noProxy: 'corp.invalid' })
    expect(await errorOf(send(`https://${HOST}/`))).toBe(problem)
    expect((await send(near.origin)).status).toBe(200)
    expect((await errorOf(send('https://corp.invalid/'))).message).toMatch(/^The name of corp\.invalid/)
  })

  test('does not matter where it is not the one that is needed', async () => {
    const { httpsProxy, caFiles, proxy } = await outside()
    expect((await clientFor({ httpsProxy, caFiles, problem })(`https://${HOST}/`)).status).toBe(200)
    expect(proxy.targets).toEqual([TARGET])
  })
})

describe('what a proxy does wrong has a sentence that names it, never its password', () => {
  async function failing(httpsProxy: string) {
    const url = new URL(httpsProxy)
    url.username = 'me'
    url.password = 's3cret'
    const error = await errorOf(clientFor({ httpsProxy: url.href })(`https://${HOST}/path?code=s3cret`))
    expect(shown(error)).not.toMatch(/s3cret|path/)
    expect(error.code).toBe('NETWORK')
    return error
  }

  test('it refuses the connection', async () => {
    const [port] = await freePorts(1)
    const error = await failing(`http://127.0.0.1:${port}/`)
    expect(error.message).toBe(`The connection was refused by the proxy 127.0.0.1:${port} (ECONNREFUSED).`)
    expect(error).toMatchObject({ retryable: true, hint: expect.stringContaining('HTTPS_PROXY') })
  })

  test('its name is unknown', async () => {
    const error = await failing('http://proxy.invalid:3128/')
    expect(error.message).toBe('The name of the proxy proxy.invalid:3128 could not be resolved.')
  })

  test.each<[number, string, boolean]>([
    [403, `The proxy PROXY does not allow connections to ${HOST} (403).`, false],
    [451, `The proxy PROXY does not allow connections to ${HOST} (451).`, false],
    [405, `What answers at PROXY is not a proxy that can reach ${HOST} (405).`, false],
    [502, `The proxy PROXY could not reach ${HOST} (502).`, true],
    [504, `The proxy PROXY could not reach ${HOST} (504).`, true],
  ])('it answers %i', async (status, message, retryable) => {
    const proxy = await startConnectProxy({ status, login: 'me:s3cret' })
    const error = await failing(`http://${proxy.address}/`)
    expect(error).toMatchObject({ message: message.replace('PROXY', proxy.address), retryable })
    expect(proxy.targets).toEqual([TARGET])
  })

  test('it wants a login, or another one', async () => {
    const { proxy, httpsProxy } = await outside(undefined, { login: 'you:other' })
    expect(await failing(httpsProxy)).toMatchObject({
      message: `The proxy ${proxy.address} does not accept the user name and password in its address (407).`,
      retryable: false,
    })
    const error = await errorOf(clientFor({ httpsProxy })(`https://${HOST}/`))
    expect(error.message).toBe(`The proxy ${proxy.address} wants a user name and a password (407).`)
    expect(error.hint).toContain('http://name:password@host:port')
  })

  test('it speaks no TLS, although its address says so', async () => {
    const { proxy } = await outside()
    const error = await failing(`https://${proxy.address}/`)
    expect(error.message).toMatch(/^What answers in place of the proxy 127\.0\.0\.1:\d+ does not speak TLS \(E\w+\)\.$/)
    expect(error).toMatchObject({ retryable: false, hint: expect.stringMatching(/http:\/\/ instead of https:\/\//) })
  })

  test('its certificate is of an unknown issuer', async () => {
    const { proxy } = await outside(undefined, { identity: company.issue(['127.0.0.1']) })
    const error = await failing(`https://${proxy.address}/`)
    expect(error.message).toMatch(/^The certificate of the proxy 127\.0\.0\.1:\d+ comes from an issuer this machine/)
  })

  test.each<[string, string, RegExp]>([
    ['it speaks something else', 'SSH-2.0-OpenSSH_9.9\r\n', /does not speak HTTP \(HPE_\w+\)\.$/],
    ['it hangs up', '', /^The connection to the proxy 127\.0\.0\.1:\d+ failed \(UND_ERR_SOCKET\)\.$/],
  ])('%s', async (_, words, message) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => void socket.end(words))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const error = await failing(`http://127.0.0.1:${(server.address() as { port: number }).port}/`)
    expect(error.message).toMatch(message)
  })

  test('it never answers: the limit on the wait holds, and what comes after is not held up', async () => {
    const { proxy, httpsProxy, caFiles } = await outside(undefined, { silent: true })
    const send = clientFor({ httpsProxy, caFiles })
    const waits = Array.from({ length: 3 }, () => errorOf(send(`https://${HOST}/`, { headerTimeoutMs: 100 })))
    for (const error of await Promise.all(waits)) expect(error.code).toBe('TIMEOUT')
    proxy.silent = false
    expect((await send(`https://${HOST}/`)).status).toBe(200)
  })
})

describe('certificates', () => {
  async function near(identity = company.issue(['localhost'])) {
    const service = await startServer()
    return `https://localhost:${await startTlsFront(service.origin, identity)}/`
  }

  test.each<[string, string | Buffer]>([
    ['as PEM', company.certificate],
    ['with lines ended as on Windows', company.certificate.replace(/\n/g, '\r\n')],
    ['with words around', `# Example Corp\n${company.certificate}\n# end\n`],
    ['as DER', Buffer.from(company.certificate.replace(/-----.*-----|\n/g, ''), 'base64')],
    ['in a bundle', `${createAuthority('another').certificate}${company.certificate}`],
    [
      'beside one that cannot be read',
      `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${company.certificate}`,
    ],
  ])('in a file %s are trusted', async (_, content) => {
    const send = clientFor({ caFiles: [fileWith(content, 'SSL_CERT_FILE')] })
    expect((await send(await near())).status).toBe(200)
  })

  test('of all files are trusted, and the usual ones stay so', async () => {
    const other = createAuthority('other')
    const send = clientFor({ caFiles: [fileWith(other.certificate, 'SSL_CERT_FILE'), fileWith(company.certificate)] })
    expect((await send(await near())).status).toBe(200)
    expect((await send(await near(other.issue(['localhost'])))).status).toBe(200)
  })

  test.each<[string, () => { variable: string; path: string }, RegExp]>([
    [
      'is missing',
      () => ({ ...fileWith(''), path: '/nowhere/ca.pem' }),
      /cannot be read \(ENOENT\): \/nowhere\/ca\.pem\.$/,
    ],
    [
      'is a folder',
      () => {
        const path = join(tempFolder(), 'folder')
        mkdirSync(path)
        return { variable: 'CODEX_CA_CERTIFICATE', path }
      },
      /cannot be read \(EISDIR\): .*folder\.$/,
    ],
    ['is empty', () => fileWith(''), /a file without a certificate: .*ca\.pem\.$/],
    ['holds a key', () => fileWith(company.issue(['x']).key), /a file without a certificate: .*ca\.pem\.$/],
  ])('in a file that %s: the error names variable and file', async (_, file, words) => {
    const send = clientFor({ caFiles: [file()] })
    const error = await errorOf(send(await near()))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(words) })
    expect(error.message).toMatch(/^CODEX_CA_CERTIFICATE names a file/)
  })

  test('in a file that is corrected meanwhile are trusted then', async () => {
    const file = fileWith('')
    const send = clientFor({ caFiles: [file] })
    const url = await near()
    expect((await errorOf(send(url))).code).toBe('CONFIG_INVALID')
    writeFileSync(file.path, company.certificate)
    expect((await send(url)).status).toBe(200)
  })

  describe('that Node reads by itself', () => {
    const missing = { variable: 'NODE_EXTRA_CA_CERTS', path: '/nowhere/extra.pem' }

    test('may be missing where nothing needs them', async () => {
      const plain = await startServer()
      expect((await clientFor({ caFiles: [missing] })(plain.origin)).status).toBe(200)
      const send = clientFor({ caFiles: [missing, fileWith(company.certificate)] })
      expect((await send(await near())).status).toBe(200)
    })

    test('are asked for where one is missing', async () => {
      const error = await errorOf(clientFor({ caFiles: [missing] })(await near()))
      expect(error).toMatchObject({
        code: 'CONFIG_INVALID',
        message: 'NODE_EXTRA_CA_CERTS names a file that cannot be read (ENOENT): /nowhere/extra.pem.',
      })
    })

    test('are not to blame where they can be read', async () => {
      const file = fileWith(createAuthority('other').certificate, 'NODE_EXTRA_CA_CERTS')
      const error = await errorOf(clientFor({ caFiles: [file] })(await near()))
      expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('an issuer this machine') })
    })
  })
})

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  test('refuses every host but this machine before anything is sent', async () => {
    const { httpsProxy, caFiles, proxy, service } = await outside()
    const error = await errorOf(clientFor({ httpsProxy, caFiles }, true)(`https://${HOST}/path?code=s3cret`))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(error.message).toMatch(/^NODE_TLS_REJECT_UNAUTHORIZED=0 is set: .*auth\.example\.com.* refused\.$/)
    expect(shown(error)).not.toMatch(/path|s3cret/)
    expect([proxy.targets, service.hits]).toEqual([[], 0])
  })

  test('also where nothing else is set, and not this machine', async () => {
    const asked: unknown[] = []
    const edge: typeof fetch = async (...request) => {
      asked.push(request)
      return new Response('{}')
    }
    const send = createFetch({ fetch: edge, network: undefined, insecureTls: true })
    expect((await errorOf(send('https://auth.openai.com/'))).code).toBe('CONFIG_INVALID')
    for (const host of ['localhost', '127.0.0.1', '[::1]']) await send(`https://${host}/`)
    expect(asked).toHaveLength(3)
  })
})

test.each<[string, NetworkOptions | undefined]>([
  ['nothing', undefined],
  [
    'only what Node reads by itself',
    {
      httpsProxy: undefined,
      httpProxy: undefined,
      noProxy: '*',
      caFiles: [{ variable: 'NODE_EXTRA_CA_CERTS', path: '/x' }],
      problem: undefined,
    },
  ],
])('where %s is set, fetch gets what it was given and no more', async (_, network) => {
  const asked: unknown[] = []
  const edge: typeof fetch = async (...request) => {
    asked.push(request)
    return new Response('{}')
  }
  const init = { method: 'GET' }
  await createFetch({ fetch: edge, network, insecureTls: false })('https://auth.openai.com/', init)
  expect(asked).toEqual([['https://auth.openai.com/', init]])
  expect((asked as [string, unknown][])[0]?.[1]).toBe(init)
})

import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CodexError, isCodexError } from '../../src/errors.ts'
import type { CallbackReply } from '../../src/infrastructure/callback-request.ts'
import {
  type LoopbackServer,
  type LoopbackServerOptions,
  openLoopbackServer,
} from '../../src/infrastructure/loopback-server.ts'

const PATH = '/auth/callback'
const GOOD_QUERY = 'code=good&state=good'
const PAGE = '<!doctype html><title>Signed in</title><p>Grüße'
/** Sent in every hostile request, never to be seen in an answer. */
const MARK = 'M4RKER'
const FAMILIES = ['127.0.0.1', '::1']

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

describe('a callback', () => {
  test.each(FAMILIES)('is answered on %s', async (host) => {
    const { server, seen } = await open()
    const reply = await callback(server.port, { host })
    expect(statusOf(reply)).toBe(200)
    expect(bodyOf(reply)).toBe(PAGE)
    expect(seen).toEqual([GOOD_QUERY])
  })

  // Where 127.0.0.1 alone is listened on, Linux refuses its neighbour; where every address is, it does not.
  test.runIf(process.platform === 'linux')('is not taken on any other address, not even 127.0.0.2', async () => {
    const { server, seen } = await open()
    await expect(callback(server.port, { host: '127.0.0.2' })).rejects.toThrow('ECONNREFUSED')
    expect(seen).toEqual([])
  })

  test.each(['localhost', '127.0.0.1', '[::1]'])('may call this machine %s', async (name) => {
    const { server } = await open()
    expect(statusOf(await exchange(server.port, `${get(PATH)}Host: ${name}:${server.port}\r\n\r\n`))).toBe(200)
  })

  test.each([
    ['', ''],
    ['?', ''],
    ['?code=%2B+%00&state=%ff', 'code=%2B+%00&state=%ff'],
    ['?a=1?b=2', 'a=1?b=2'],
    ['?state=1&state=2', 'state=1&state=2'],
    ['?__proto__=1&', '__proto__=1&'],
    ['?<script>alert(1)</script>', '<script>alert(1)</script>'],
    [`?code=${'c'.repeat(12_000)}`, `code=${'c'.repeat(12_000)}`],
  ])('hands on its query as it came: %s', async (suffix, query) => {
    const { server, seen } = await open()
    await callback(server.port, { target: PATH + suffix })
    expect(seen).toEqual([query])
  })

  test.each<[string, (host: string) => string]>([
    ['in HTTP/1.0', (host) => `GET ${PATH}?x HTTP/1.0\r\n${host}\r\n`],
    ['with a body', (host) => `${get(`${PATH}?x`)}${host}Content-Length: 3\r\n\r\nabc`],
    ['with a body that never comes', (host) => `${get(`${PATH}?x`)}${host}Content-Length: 9999999\r\n\r\na`],
    ['with a chunked body that is garbage', (host) => `${get(`${PATH}?x`)}${host}Transfer-Encoding: chunked\r\n\r\nzz`],
    ['that expects to be told to go on', (host) => `${get(`${PATH}?x`)}${host}Expect: 100-continue\r\n\r\n`],
    ['that expects the impossible', (host) => `${get(`${PATH}?x`)}${host}Expect: tea\r\n\r\n`],
    [
      'that wants a web socket',
      (host) => `${get(`${PATH}?x`)}${host}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ],
    ['that wants to be kept alive', (host) => `${get(`${PATH}?x`)}${host}Connection: keep-alive\r\n\r\n`],
    ['followed by garbage', (host) => `${get(`${PATH}?x`)}${host}\r\n\0\0\0\0${MARK}\r\n\r\n`],
    ['followed by a second one', (host) => `${get(`${PATH}?x`)}${host}\r\n${get(`${PATH}?y`)}${host}\r\n`],
    ['followed by a second one in HTTP/1.0', (host) => `GET ${PATH}?x HTTP/1.0\r\n${host}\r\n`.repeat(2)],
  ])('%s gets one answer and nothing else', async (_, request) => {
    // Slower than the parser reads on, so that whatever follows is seen first.
    const { server, seen } = await open({ answer: () => later({ status: 200, html: PAGE }) })
    const reply = await exchange(server.port, request(hostLine(server.port)))
    expectOneSafeAnswer(reply)
    expect(bodyOf(reply)).toBe(PAGE)
    expect(seen).toEqual(['x'])
  })

  test('whose sender has gone is survived', async () => {
    const gone = deferred<CallbackReply>()
    const { server, seen } = await open({
      answer: (query) => (query === 'gone' ? gone.promise : Promise.resolve({ status: 200, html: PAGE })),
    })
    const socket = await halfOpen(server.port, `${get(`${PATH}?gone`)}${hostLine(server.port)}\r\n`)
    await expect.poll(() => seen).toEqual(['gone'])
    socket.resetAndDestroy()
    gone.resolve({ status: 200, html: PAGE })
    expect(statusOf(await callback(server.port))).toBe(200)
  })

  test.each<[string, LoopbackServerOptions['answer']]>([
    ['rejects', () => Promise.reject(new Error(MARK))],
    [
      'throws',
      () => {
        throw new Error(MARK)
      },
    ],
    ['gives an impossible status', () => Promise.resolve({ status: 1, html: MARK })],
  ])('whose answer %s gets a page that says nothing', async (_, answer) => {
    const { server } = await open({ answer })
    const reply = await callback(server.port)
    expect(statusOf(reply)).toBe(500)
    expectOneSafeAnswer(reply)
  })
})

/** What is sent, and the status it gets: 0 when nothing, a list when either will do. */
type Probe = [name: string, request: (port: number) => string | Buffer, status: number | number[]]

const DROPPED = 0
const marked = (target: string) => `${target}?code=${MARK}&state=${MARK}`
const targetProbe = (name: string, target: string): Probe => [
  name,
  (port) => `${get(target)}${hostLine(port)}\r\n`,
  404,
]
const methodProbe = (method: string): Probe => [
  `the method ${method}`,
  (port) => `${method} ${marked(PATH)} HTTP/1.1\r\n${hostLine(port)}\r\n`,
  405,
]
const hostProbe = (name: string, lines: (port: number) => string, status: number): Probe => [
  name,
  (port) => `${get(marked(PATH))}${lines(port)}\r\n`,
  status,
]
const rawProbe = (name: string, bytes: string | Buffer, status: Probe[2]): Probe => [name, () => bytes, status]

const PROBES: Probe[] = [
  targetProbe('the path of the documentation of old', marked('/callback')),
  targetProbe('the root', marked('/')),
  targetProbe('a favicon', '/favicon.ico'),
  targetProbe('the cancel of other programs', '/cancel'),
  targetProbe('the success page of other programs', `/success?id_token=${MARK}`),
  targetProbe('a host in the path', marked(`//${MARK}${PATH}`)),
  targetProbe('an absolute target on this machine', marked(`http://localhost${PATH}`)),
  targetProbe('an absolute target elsewhere', marked(`https://${MARK}${PATH}`)),
  targetProbe('an encoded slash', marked('/auth%2fcallback')),
  targetProbe('an encoded letter', marked('/%61uth/callback')),
  targetProbe('dots that lead back', marked('/auth/../auth/callback')),
  targetProbe('a dot', marked('/auth/./callback')),
  targetProbe('a slash at the end', marked(`${PATH}/`)),
  targetProbe('two slashes inside', marked('/auth//callback')),
  targetProbe('backslashes', marked('/auth\\callback')),
  rawProbe('a target without slash', `GET ${marked('auth/callback')} HTTP/1.1\r\n\r\n`, 400),
  targetProbe('another case', marked('/Auth/Callback')),
  targetProbe('a fragment', `${PATH}#?code=${MARK}`),
  targetProbe('a path parameter', `${PATH};${MARK}?code=${MARK}`),
  targetProbe('markup in the path', `/<script>${MARK}</script>`),
  targetProbe('a NUL in encoded form', marked(`${PATH}%00`)),
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY'].map(methodProbe),
  ['a POST with a body', (port) => `${post(port)}Content-Length: 6\r\n\r\n${MARK}`, 405],
  ['a POST whose body never comes', (port) => `${post(port)}Content-Length: 99999999\r\n\r\n`, 405],
  [
    'a POST with a large body',
    (port) => `${post(port)}Content-Length: 2000000\r\n\r\n${'b'.repeat(2e6)}`,
    [405, DROPPED],
  ],
  [
    'a preflight of a foreign page',
    (port) =>
      `OPTIONS ${PATH} HTTP/1.1\r\n${hostLine(port)}Origin: https://${MARK}\r\nAccess-Control-Request-Private-Network: true\r\n\r\n`,
    405,
  ],
  ['a tunnel', (port) => `CONNECT ${MARK}:443 HTTP/1.1\r\n${hostLine(port)}\r\n`, DROPPED],
  [
    'a web socket elsewhere',
    (port) => `${get(`/${MARK}`)}${hostLine(port)}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
    404,
  ],
  hostProbe('no Host', () => '', 400),
  hostProbe('two foreign Hosts', () => `Host: ${MARK}\r\nHost: ${MARK}\r\n`, 400),
  hostProbe('our Host before a foreign one', (port) => `${hostLine(port)}Host: ${MARK}\r\n`, 400),
  hostProbe('our Host twice, in two spellings', (port) => `${hostLine(port)}hOST: localhost:${port}\r\n`, 400),
  hostProbe(
    'our Host, 3 000 headers, a foreign one',
    (port) => `${hostLine(port)}${'X:\r\n'.repeat(3_000)}Host: ${MARK}\r\n`,
    400,
  ),
  hostProbe('our Host as the value of another header', (port) => `X: host\r\nY: localhost:${port}\r\n`, 400),
  hostProbe('a foreign Host', (port) => `Host: ${MARK}:${port}\r\n`, 403),
  hostProbe('a Host that begins like ours', (port) => `Host: localhost.${MARK}:${port}\r\n`, 403),
  hostProbe('a Host that ends like ours', (port) => `Host: ${MARK}.localhost:${port}\r\n`, 403),
  hostProbe('a Host with a user before ours', (port) => `Host: ${MARK}@localhost:${port}\r\n`, 403),
  hostProbe('a list of Hosts', (port) => `Host: localhost:${port}, ${MARK}\r\n`, 403),
  hostProbe('a Host without port', () => 'Host: localhost\r\n', 403),
  hostProbe('a Host with another port', (port) => `Host: localhost:${port + 1}\r\n`, 403),
  hostProbe('a Host with a port that goes on', (port) => `Host: localhost:${port}0\r\n`, 403),
  hostProbe('an empty Host', () => 'Host:\r\n', 403),
  hostProbe('the wildcard address as Host', (port) => `Host: 0.0.0.0:${port}\r\n`, 403),
  hostProbe('another loopback address as Host', (port) => `Host: 127.0.0.2:${port}\r\n`, 403),
  hostProbe('a short form of the address as Host', (port) => `Host: 127.1:${port}\r\n`, 403),
  hostProbe('a space before the colon of Host', (port) => `Host : localhost:${port}\r\n`, 400),
  hostProbe('a folded Host', (port) => `Host: localhost\r\n :${port}\r\n`, 400),
  ['HTTP/1.0 without Host', () => `GET ${marked(PATH)} HTTP/1.0\r\n\r\n`, 400],
  [
    'a wrong path with a callback behind it',
    (port) => `${get('/')}${hostLine(port)}\r\n${get(marked(PATH))}${hostLine(port)}\r\n`,
    404,
  ],
  [
    'a body length and a chunked body',
    (port) => `${post(port)}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two body lengths', (port) => `${post(port)}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
  ['a header without colon', (port) => `${get(marked(PATH))}${hostLine(port)}${MARK}\r\n\r\n`, 400],
  ['a header with a NUL', (port) => `${get(marked(PATH))}${hostLine(port)}X: \0${MARK}\r\n\r\n`, 400],
  [
    'a header above 16 kB',
    (port) => `${get(marked(PATH))}${hostLine(port)}X: ${MARK.repeat(3_000)}\r\n\r\n`,
    [431, DROPPED],
  ],
  [
    'a header that does not end',
    (port) => `${get(marked(PATH))}${hostLine(port)}X: ${MARK.repeat(300_000)}`,
    [431, DROPPED],
  ],
  ['20 000 headers', (port) => `${get(marked(PATH))}${hostLine(port)}${'X: y\r\n'.repeat(20_000)}\r\n`, [431, DROPPED]],
  ['a target above 16 kB', (port) => `${get(`${PATH}?${MARK.repeat(3_000)}`)}${hostLine(port)}\r\n`, [431, DROPPED]],
  rawProbe('HTTP/0.9', `GET ${marked(PATH)}\r\n\r\n`, 400),
  rawProbe('HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400),
  rawProbe('an unknown method', `${MARK} ${PATH} HTTP/1.1\r\n\r\n`, 400),
  rawProbe(
    'a raw byte above ASCII in the target',
    Buffer.from(`${get(`/auth/callback\xff?${MARK}`)}\r\n`, 'latin1'),
    400,
  ),
  rawProbe('garbage', Buffer.from(`\x00\x01\xfe\xff${MARK}\r\n\r\n`, 'latin1'), 400),
  rawProbe('a TLS hello', Buffer.from('160301002f0100002b0303', 'hex'), 400),
  rawProbe('another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 400),
  rawProbe('a JSON-RPC message', `{"jsonrpc":"2.0","id":1,"method":"${MARK}"}\n`, 400),
  rawProbe('half a request line', `GET ${PATH}?code=${MARK}`, 408),
  rawProbe('half the headers', `${get(marked(PATH))}Host: loc`, 408),
  rawProbe('a single byte', 'G', 408),
  rawProbe('empty lines', '\r\n\r\n\r\n', 408),
  rawProbe('nothing at all', '', 408),
]

describe('a hostile request is turned away and the next callback served', () => {
  const seen: string[] = []
  let server: LoopbackServer
  beforeAll(async () => {
    const answer = async (query: string) => {
      seen.push(query)
      return { status: 200, html: PAGE }
    }
    server = await openLoopbackServer({ ports: await freePorts(3), path: PATH, answer, headersTimeoutMs: 100 })
  })
  afterAll(() => server.close())
  beforeEach(() => {
    seen.length = 0
  })

  test.each(PROBES)('%s', async (_, request, status) => {
    const reply = await exchange(server.port, request(server.port))
    expect([status].flat()).toContain(statusOf(reply))
    if (reply !== '') expectOneSafeAnswer(reply)
    expect(seen).toEqual([])
    await expectServed()
  })

  test('half a request, then the end', async () => {
    const socket = await halfOpen(server.port, `${get(PATH)}Host: loc`)
    socket.end()
    await closed(socket)
    await expectServed()
  })

  test('half a request, then a reset', async () => {
    const socket = await halfOpen(server.port, `${get(PATH)}Host: loc`)
    socket.resetAndDestroy()
    await closed(socket)
    await expectServed()
  })

  test('a header that comes byte by byte is not waited for', async () => {
    const socket = await halfOpen(server.port, get(PATH))
    const drip = setInterval(() => socket.write('x'), 20)
    await closed(socket)
    clearInterval(drip)
    await expectServed()
  })

  test('1 000 wrong requests', async () => {
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => callback(server.port, { target: marked('/callback') })))
    }
    await expectServed()
  })

  async function expectServed(): Promise<void> {
    for (const host of FAMILIES) expect(bodyOf(await callback(server.port, { host }))).toBe(PAGE)
    expect(seen.splice(0)).toEqual([GOOD_QUERY, GOOD_QUERY])
  }
})

describe('many connections', () => {
  test('200 half requests do not lock the browser out: the oldest make room', async () => {
    const { server } = await open()
    const sockets: Socket[] = []
    for (let index = 0; index < 200; index += 1) {
      sockets.push(await halfOpen(server.port, get(PATH), FAMILIES[index % 2]))
    }
    expect(bodyOf(await callback(server.port))).toBe(PAGE)
    const closedCount = () => sockets.filter((socket) => socket.closed).length
    await expect.poll(closedCount).toBeGreaterThanOrEqual(136)
    expect(sockets.findLastIndex((socket) => socket.closed)).toBe(closedCount() - 1)
    expect(bodyOf(await callback(server.port))).toBe(PAGE)
  })

  test('an answer in progress does not make room for them', async () => {
    const slow = deferred<CallbackReply>()
    const { server, seen } = await open({ answer: () => slow.promise })
    const reply = callback(server.port)
    await expect.poll(() => seen.length).toBe(1)
    for (let index = 0; index < 100; index += 1) await halfOpen(server.port, get(PATH))
    slow.resolve({ status: 200, html: PAGE })
    expect(bodyOf(await reply)).toBe(PAGE)
  })

  test('100 answers in progress do not lock the next one out', async () => {
    const slow = deferred<CallbackReply>()
    const { server, seen } = await open({ answer: () => slow.promise })
    const replies = Array.from({ length: 101 }, () => callback(server.port))
    await expect.poll(() => seen.length).toBe(101)
    slow.resolve({ status: 200, html: PAGE })
    expect((await Promise.all(replies)).filter((reply) => bodyOf(reply) !== PAGE)).toEqual([])
  })
})

describe('closing', () => {
  test('frees the port at once, again and again', async () => {
    const ports = await freePorts(1)
    for (let round = 0; round < 20; round += 1) {
      const { server } = await open({ ports })
      expect(server.port).toBe(ports[0])
      await callback(server.port, { host: FAMILIES[round % 2] })
      await server.close()
    }
  })

  test('may be asked for twice', async () => {
    const { server } = await open()
    await Promise.all([server.close(), server.close()])
    await server.close()
    for (const host of FAMILIES) {
      await expect(halfOpen(server.port, '', host)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    }
  })

  test('does not wait for half requests and silent connections', async () => {
    const { server } = await open()
    const sockets = [await halfOpen(server.port, get(PATH)), await halfOpen(server.port, '', '::1')]
    expect(await msOf(server.close())).toBeLessThan(200)
    await Promise.all(sockets.map(closed))
  })

  test('lets an answer in progress be written', async () => {
    const slow = deferred<CallbackReply>()
    const { server, seen } = await open({ answer: () => slow.promise })
    const reply = callback(server.port)
    await expect.poll(() => seen.length).toBe(1)
    const closing = server.close()
    const { server: next } = await open({ ports: [server.port] })
    slow.resolve({ status: 200, html: PAGE })
    await closing
    expect(bodyOf(await reply)).toBe(PAGE)
    expect(next.port).toBe(server.port)
  })

  test('waits 300 ms for an answer that does not come', async () => {
    const { server, seen } = await open({ answer: () => new Promise(() => {}) })
    const reply = callback(server.port)
    await expect.poll(() => seen.length).toBe(1)
    const elapsedMs = await msOf(server.close())
    expect(elapsedMs).toBeGreaterThan(250)
    expect(elapsedMs).toBeLessThan(1_000)
    expect(await reply).toBe('')
  })

  test('leaves nothing that keeps the process alive', async () => {
    const { stdout } = await runScript(`
      import { connect } from 'node:net'
      const server = await openLoopbackServer({ ports, path: '/', answer: () => new Promise(() => {}) })
      connect(server.port, '127.0.0.1').on('error', () => {})
      const busy = connect(server.port, '127.0.0.1').on('error', () => {})
      busy.write('GET / HTTP/1.1\\r\\nHost: localhost:' + server.port + '\\r\\n\\r\\n', async () => {
        await server.close()
        const start = performance.now()
        process.on('exit', () => console.log(performance.now() - start < 100 ? 'left at once' : 'hung on'))
      })
    `)
    expect(stdout.trim()).toBe('left at once')
  })
})

describe('a port that is taken', () => {
  test.each(['127.0.0.1', '::1', '0.0.0.0', '::'])('on %s only is left alone, and the next one used', async (host) => {
    const [taken = 0, free = 0] = await freePorts(2)
    const holder = await hold(taken, host)
    const { server } = await open({ ports: [taken, free] })
    expect(server.port).toBe(free)
    expect(statusOf(await callback(free))).toBe(200)
    expect(holder.visitors).toBe(0)
    const other = FAMILIES.find(
      (family) => family !== host && host !== '::' && !(host === '0.0.0.0' && family === '127.0.0.1'),
    )
    if (other !== undefined) await hold(taken, other)
  })

  test('ends in a clear error when there is no other', async () => {
    const ports = await freePorts(2)
    const holders = [await hold(ports[0] ?? 0, '127.0.0.1'), await hold(ports[1] ?? 0, '::1')]
    const start = performance.now()
    const error = await failure(open({ ports }))
    expect(performance.now() - start).toBeLessThan(1_000)
    expect(error.message).toBe(
      `No port is free to receive the browser's answer: ${ports[0]} (in use), ${ports[1]} (in use).`,
    )
    expect(error.hint).toBe('Finish or stop the other sign-in, or the program that holds the port, then try again.')
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE', port: ports[1] })
    expect(holders.map(({ visitors }) => visitors)).toEqual([0, 0])
  })

  test('by a sign-in of ours ends in the same error, and that sign-in goes on', async () => {
    const { server } = await open()
    await failure(open({ ports: [server.port] }))
    expect(bodyOf(await callback(server.port))).toBe(PAGE)
  })
})

/** A network of its own, in which addresses can be taken away and low ports are not for everybody. */
const NAMESPACE = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c']
const [unshare = '', ...inNamespace] = NAMESPACE
const hasNamespaces = spawnSync(unshare, [...inNamespace, 'ip link set lo up'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasNamespaces)('on a machine', () => {
  const OPEN = `
    const answer = async () => ({ status: 200, html: 'served' })
    const server = await openLoopbackServer({ ports, path: '/', answer }).catch((error) => error)
  `
  const ASK = `
    const get = (host) => fetch('http://' + host + ':' + server.port + '/').then((reply) => reply.text(), (error) => error.cause.code)
    console.log(await get('127.0.0.1'), await get('[::1]'))
    await server.close()
  `
  const TELL =
    'await server.close?.()\nconsole.log(JSON.stringify({ code: server.code, message: server.message, hint: server.hint }))'

  test('without IPv6, 127.0.0.1 is enough', async () => {
    const { stdout } = await runScript(OPEN + ASK, [
      ...NAMESPACE,
      'ip link set lo up && ip addr del ::1/128 dev lo && exec "$@"',
    ])
    expect(stdout).toMatch(/^served (?!served)/)
  })

  test('without IPv4, ::1 is enough', async () => {
    const { stdout } = await runScript(OPEN + ASK, [
      ...NAMESPACE,
      'ip link set lo up && ip addr del 127.0.0.1/8 dev lo && exec "$@"',
    ])
    expect(stdout).toMatch(/^(?!served).* served$/m)
  })

  test('without any address, the error says so', async () => {
    const { stdout } = await runScript(OPEN + TELL, [
      ...NAMESPACE,
      'ip link set lo up && ip addr flush dev lo && exec "$@"',
    ])
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'CALLBACK_PORT_IN_USE',
      message: expect.stringContaining('(cannot be opened, EADDRNOTAVAIL)'),
    })
  })

  test('that reserves the ports, the error says so', async () => {
    const drop = 'ip link set lo up && exec setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service "$@"'
    const { stdout } = await runScript(`ports = [80, 443]\n${OPEN}${TELL}`, [...NAMESPACE, drop])
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'CALLBACK_PORT_IN_USE',
      message: expect.stringMatching(/80 \(.*reserved.*EACCES\), 443 \(.*reserved.*EACCES\)\.$/),
      hint: expect.stringMatching(/^Finish or stop .*excludedportrange/),
    })
  })
})

interface Opened {
  server: LoopbackServer
  seen: string[]
}

async function open(options: Partial<LoopbackServerOptions> = {}): Promise<Opened> {
  const seen: string[] = []
  const { answer = async () => ({ status: 200, html: PAGE }), ports = await freePorts(3), ...others } = options
  const remember = (query: string) => {
    seen.push(query)
    return answer(query)
  }
  const server = await openLoopbackServer({ path: PATH, ports, answer: remember, ...others })
  cleanups.push(() => server.close())
  return { server, seen }
}

async function failure(opened: Promise<unknown>): Promise<CodexError> {
  const error = await opened.catch((cause: unknown) => cause)
  if (!isCodexError(error, 'CALLBACK_PORT_IN_USE')) throw new Error('expected CALLBACK_PORT_IN_USE', { cause: error })
  return error
}

/** Sends bytes and gives everything that comes back until the connection ends, however it ends. */
async function exchange(port: number, bytes: string | Buffer, host?: string): Promise<string> {
  const socket = await halfOpen(port, bytes, host)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await closed(socket)
  return Buffer.concat(chunks).toString()
}

function callback(port: number, { target = `${PATH}?${GOOD_QUERY}`, host = '127.0.0.1' } = {}): Promise<string> {
  return exchange(port, `${get(target)}${hostLine(port)}\r\n`, host)
}

async function halfOpen(port: number, bytes: string | Buffer, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host })
  cleanups.push(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.on('data', () => {})
  socket.write(bytes)
  return socket
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\n`
}

function post(port: number): string {
  return `POST ${marked(PATH)} HTTP/1.1\r\n${hostLine(port)}`
}

function hostLine(port: number): string {
  return `Host: localhost:${port}\r\n`
}

function statusOf(reply: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(reply)?.[1] ?? DROPPED)
}

function bodyOf(reply: string): string {
  return reply.slice(reply.indexOf('\r\n\r\n') + 4)
}

function expectOneSafeAnswer(reply: string): void {
  expect(reply.match(/HTTP\/1\./g)).toHaveLength(1)
  expect(reply).not.toContain(MARK)
  const head = reply.slice(0, reply.indexOf('\r\n\r\n')).split('\r\n')
  expect(head).toEqual(expect.arrayContaining(SAFE_HEADERS))
  expect(head.filter((line) => /^(?:location|set-cookie|access-control-|server|x-powered-by)/i.test(line))).toEqual([])
}

const SAFE_HEADERS = [
  'Connection: close',
  'Content-Type: text/html; charset=utf-8',
  'Cache-Control: no-store',
  "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Referrer-Policy: no-referrer',
  'X-Content-Type-Options: nosniff',
  'X-Frame-Options: DENY',
]

/** Ports free on both families a moment ago. Servers that may choose get several: another test may be faster. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0, '::')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Another program on that port, which counts who knocks. */
async function hold(port: number, host: string): Promise<{ visitors: number }> {
  const holder = { visitors: 0 }
  const server = await listen(port, host)
  server.on('connection', () => {
    holder.visitors += 1
  })
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
  return holder
}

async function listen(port: number, host: string): Promise<Server> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return server
}

/** Runs a script in a process of its own. It knows `openLoopbackServer` and has `ports` to use. */
async function runScript(script: string, prefix: string[] = []): Promise<{ stdout: string }> {
  const source = new URL('../../src/infrastructure/loopback-server.ts', import.meta.url)
  const setup = `import { openLoopbackServer } from ${JSON.stringify(source.href)}\nlet ports = ${JSON.stringify(await freePorts(3))}\n`
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', setup + script]
  // The word after `sh -c command` is its name, not an argument.
  const [command = '', ...args] = prefix.length === 0 ? node : [...prefix, 'sh', ...node]
  return await promisify(execFile)(command, args, { timeout: 10_000 })
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** After everything that has already arrived has been read. */
async function later<T>(value: T): Promise<T> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return value
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work
  return performance.now() - start
}

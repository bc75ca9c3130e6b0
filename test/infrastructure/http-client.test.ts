import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import { createHttpClient, type HttpRequest, readChunks, readText } from '../../src/infrastructure/http-client.ts'
import { createLog } from '../../src/infrastructure/log.ts'
import { startChild } from '../support/child.ts'
import { errorOf, shown } from '../support/error-of.ts'
import { gate } from '../support/fake-script.ts'
import { freePorts } from '../support/free-ports.ts'
import { startServer } from '../support/start-server.ts'

const LIMIT_MS = 20_000

function createClient(edge: typeof fetch = (...request) => fetch(...request)) {
  const logged: string[] = []
  const http = createHttpClient({
    fetch: edge,
    log: createLog({ write: (line) => void logged.push(line), enabled: true }),
  })
  const send = (url: string, request: Partial<HttpRequest> = {}) =>
    http.send({ method: 'GET', url, headerTimeoutMs: LIMIT_MS, ...request })
  return { send, logged }
}

function bodyOf(...chunks: (string | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) {
        if (chunk instanceof Error) return controller.error(chunk)
        controller.enqueue(Buffer.from(chunk))
      }
      controller.close()
    },
  })
}

test('a request arrives as it was meant, and nothing of its address but the path is logged', async () => {
  const { promise, open } = gate()
  let line: unknown
  const server = await startServer(async ({ method, url, headers }, response) => {
    line = { method, url, custom: headers['x-custom'], type: headers['content-type'] }
    response.writeHead(201, { 'x-answer': 'yes' }).end('body')
    open()
  })
  const { send, logged } = createClient()
  const headers = { 'x-custom': 'one', 'content-type': 'text/plain' }
  const answer = await send(`${server.origin}/a/path?code=s3cret`, { method: 'POST', headers, body: 'question' })
  await promise
  expect(line).toEqual({ method: 'POST', url: '/a/path?code=s3cret', custom: 'one', type: 'text/plain' })
  expect([answer.status, answer.headers.get('x-answer'), await readText(answer.body)]).toEqual([201, 'yes', 'body'])
  const host = new URL(server.origin).host
  expect(logged).toEqual([`codex-oauth http method="POST" host="${host}" path="/a/path" status=201`])
})

test.each([200, 204, 304, 400, 401, 404, 429, 500, 503])('status %i is an answer, not an error', async (status) => {
  const server = await startServer((_, response) => void response.writeHead(status).end())
  const answer = await createClient().send(server.origin)
  expect(answer.status).toBe(status)
  expect(await readText(answer.body)).toBe('')
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) is an answer too: nothing follows it', async (status) => {
  const stranger = await startServer()
  const server = await startServer((_, response) => {
    response.writeHead(status, { location: `${stranger.origin}/taken` }).end()
  })
  const { send } = createClient()
  const headers = { authorization: 'Bearer FAKE', 'chatgpt-account-id': 'acct' }
  expect((await send(server.origin, { headers })).status).toBe(status)
  expect((await send(server.origin, { method: 'POST', headers, body: 'refresh_token=FAKE' })).status).toBe(status)
  expect([server.hits, stranger.hits]).toEqual([2, 0])
})

describe('when there is no answer, one sentence says why', () => {
  test('the sentence of its failure, and the reason in the log', async () => {
    const [port] = await freePorts(1)
    const { send, logged } = createClient()
    const error = await errorOf(send(`http://127.0.0.1:${port}/path`))
    expect(error).toMatchObject({ code: 'NETWORK', retryable: true })
    expect(error.message).toBe(`The connection was refused by 127.0.0.1:${port} (ECONNREFUSED).`)
    expect(logged).toEqual([`codex-oauth http_failed method="GET" host="127.0.0.1:${port}" reason="ECONNREFUSED"`])
  })

  test('a server that hangs up', async () => {
    const server = await startServer((request) => void request.socket.destroy())
    const error = await errorOf(createClient().send(server.origin))
    expect(error).toMatchObject({ code: 'NETWORK', retryable: true, hint: 'Try again.' })
    expect(error.message).toMatch(/^The connection to 127\.0\.0\.1:\d+ failed \((UND_ERR_SOCKET|ECONNRESET)\)\.$/)
  })

  test('what fetch itself has to say in our words', async () => {
    const own = new CodexError('CONFIG_INVALID', 'A sentence of ours.')
    const edge = async () => {
      throw own
    }
    expect(await errorOf(createClient(edge).send('https://codex.example/'))).toBe(own)
  })

  test('and never a header, a query or the words of a library', async () => {
    const url = 'http://127.0.0.1:9/path?code=s3cret'
    const { send, logged } = createClient()
    const error = await errorOf(send(url, { headers: { authorization: 'Bearer s3cret\nx' } }))
    expect(error.code).toBe('NETWORK')
    expect(String(error.cause)).toContain('s3cret')
    expect([shown(error), ...logged].join()).not.toMatch(/s3cret|path|Bearer|header/)
  })
})

describe('a limit on the wait for the headers', () => {
  test('ends it, and the server notices', async () => {
    const left = gate()
    const server = await startServer((_, response) => void response.on('close', left.open))
    const error = await errorOf(createClient().send(server.origin, { headerTimeoutMs: 60 }))
    expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true })
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+ did not answer within 60 ms\.$/)
    await left.promise
  })

  test('is over with the headers: the body may take longer', async () => {
    const rest = gate()
    const server = await startServer(async (_, response) => {
      response.write('one ')
      await rest.promise
      response.end('two')
    })
    const { body } = await createClient().send(server.origin, { headerTimeoutMs: 100 })
    await setTimeout(250)
    rest.open()
    expect(await readText(body)).toBe('one two')
  })

  test('says whole seconds from one second on', async () => {
    const edge: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
      })
    const error = await errorOf(createClient(edge).send('https://codex.example/', { headerTimeoutMs: 1000 }))
    expect(error.message).toBe('codex.example did not answer within 1 s.')
  })

  test('does not count the time in which this machine slept', async () => {
    const frozenMs = 1500
    const arrived = gate()
    const answer = gate()
    const server = await startServer(async (_, response) => {
      arrived.open()
      await answer.promise
      response.end('in time')
    })
    const child = startChild('asks', [server.origin, '1000'])
    await arrived.promise
    child.kill('SIGSTOP')
    answer.open()
    await setTimeout(frozenMs)
    child.kill('SIGCONT')
    expect(await child.next()).toBe(200)
  })
})

describe('a cancel', () => {
  test('before the start sends nothing', async () => {
    const server = await startServer()
    const error = await errorOf(createClient().send(server.origin, { signal: AbortSignal.abort() }))
    expect([error.code, server.hits]).toEqual(['CANCELLED', 0])
  })

  test('during the wait for headers ends the connection', async () => {
    const arrived = gate()
    const left = gate()
    const server = await startServer((_, response) => {
      response.on('close', left.open)
      arrived.open()
    })
    const controller = new AbortController()
    const sent = createClient().send(server.origin, { signal: controller.signal })
    await arrived.promise
    controller.abort()
    expect((await errorOf(sent)).code).toBe('CANCELLED')
    await left.promise
  })

  test('during the body ends the connection', async () => {
    const left = gate()
    const server = await startServer((_, response) => {
      response.on('close', left.open)
      response.write('one ')
    })
    const controller = new AbortController()
    const { signal } = controller
    const { body } = await createClient().send(server.origin, { signal })
    const chunks = readChunks(body, { idleTimeoutMs: LIMIT_MS, signal })
    await chunks.next()
    const next = chunks.next()
    controller.abort()
    expect((await errorOf(next)).code).toBe('CANCELLED')
    await left.promise
  })

  test('wins over whatever else went wrong at that moment', async () => {
    const controller = new AbortController()
    const edge = async () => {
      controller.abort()
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })
    }
    const error = await errorOf(createClient(edge).send('https://codex.example/', { signal: controller.signal }))
    expect(error.code).toBe('CANCELLED')
  })
})

describe('the text of a body', () => {
  test('is decoded as a whole, without a mark at its start', async () => {
    expect(await readText(bodyOf('\ufeffZo', 'ë 汉'))).toBe('Zoë 汉')
    expect(await readText(undefined)).toBe('')
  })

  test('may be as large as was said, and no larger', async () => {
    expect(await readText(bodyOf('12', '345'), { maxBytes: 5 })).toBe('12345')
    const error = await errorOf(readText(bodyOf('12', '345', '6'), { maxBytes: 5 }))
    expect(error).toMatchObject({
      code: 'RESPONSE_INVALID',
      message: 'The answer of the service is larger than expected.',
    })
  })

  test('has to be there in time, also when it never stops dripping', async () => {
    const left = gate()
    const server = await startServer(async (_, response) => {
      response.on('close', left.open)
      while (!response.closed) {
        response.write('.')
        await setTimeout(10)
      }
    })
    const { body } = await createClient().send(server.origin)
    expect(await errorOf(readText(body, { limitMs: 100 }))).toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer of the service was not complete after 100 ms.',
      retryable: true,
    })
    await left.promise
  })

  test('is no longer waited for when the caller cancels', async () => {
    const server = await startServer((_, response) => void response.write('one'))
    const controller = new AbortController()
    const { signal } = controller
    const { body } = await createClient().send(server.origin, { signal })
    const text = errorOf(readText(body, { signal }))
    controller.abort()
    expect((await text).code).toBe('CANCELLED')
  })

  test('is counted unpacked: 300 kB that would become 300 MB are refused in passing', async () => {
    const megabyte = gzipSync(Buffer.alloc(1_048_576))
    const left = gate()
    const server = await startServer((_, response) => {
      response.on('close', left.open)
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(Buffer.concat(Array<Buffer>(300).fill(megabyte)))
    })
    const { body } = await createClient().send(server.origin)
    const before = process.memoryUsage()
    const error = await errorOf(readText(body))
    const after = process.memoryUsage()
    expect(error.code).toBe('RESPONSE_INVALID')
    expect(after.external - before.external + (after.heapUsed - before.heapUsed)).toBeLessThan(32 * 1_048_576)
    await left.promise
  })
})

describe('the chunks of a body', () => {
  test('are none where there is no body', async () => {
    expect(await readChunks(undefined, { idleTimeoutMs: 10 }).next()).toEqual({ done: true, value: undefined })
  })

  test('stop with a sentence when nothing comes for too long', async () => {
    const left = gate()
    const server = await startServer((_, response) => {
      response.on('close', left.open)
      response.write('one')
    })
    const { body } = await createClient().send(server.origin)
    const chunks = readChunks(body, { idleTimeoutMs: 60 })
    await chunks.next()
    expect(await errorOf(chunks.next())).toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer stopped arriving: nothing came for 60 ms.',
      retryable: true,
    })
    await left.promise
  })

  test('may take as long as they like while they come', async () => {
    const server = await startServer(async (_, response) => {
      for (let n = 0; n < 8; n += 1) {
        response.write('.')
        await setTimeout(50)
      }
      response.end()
    })
    const { body } = await createClient().send(server.origin)
    let text = ''
    for await (const chunk of readChunks(body, { idleTimeoutMs: 300 })) text += Buffer.from(chunk).toString()
    expect(text).toBe('........')
  })

  test("are broken off with our sentence, the system's stays inside", async () => {
    const server = await startServer((_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half')
      setImmediate(() => response.destroy())
    })
    const { body } = await createClient().send(server.origin)
    const error = await errorOf(readText(body))
    expect(error).toMatchObject({
      code: 'NETWORK',
      message: 'The connection to the service broke off.',
      retryable: true,
    })
  })

  test('are a silence, not a fault, when the limit of fetch itself strikes first', async () => {
    const cause = Object.assign(new Error('Body Timeout Error'), { code: 'UND_ERR_BODY_TIMEOUT' })
    const error = await errorOf(readText(bodyOf('one', new TypeError('terminated', { cause }))))
    expect(error).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('nothing came for 300 s') })
  })

  test('let go of the connection when the reader has enough', async () => {
    const left = gate()
    const server = await startServer((_, response) => {
      response.on('close', left.open)
      response.write('one')
    })
    const { body } = await createClient().send(server.origin)
    for await (const chunk of readChunks(body, { idleTimeoutMs: LIMIT_MS })) {
      expect(Buffer.from(chunk).toString()).toBe('one')
      break
    }
    await left.promise
  })
})

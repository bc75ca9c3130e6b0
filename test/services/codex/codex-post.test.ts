import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import type { HttpAnswer, HttpRequest } from '../../../src/infrastructure/http-client.ts'
import { CODEX_ASKING } from '../../../src/services/codex/asking-route.ts'
import { createPost } from '../../../src/services/codex/codex-post.ts'
import type { CodexRequest } from '../../../src/services/codex/codex-request.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { bodyOf } from '../../support/bytes.ts'
import { errorOf } from '../../support/error-of.ts'
import { createTestClock } from '../../support/test-clock.ts'

const NO_CONNECTION = new CodexError('NETWORK', 'No connection.', { retryable: true })
const REQUEST = { body: { model: 'gpt-x' }, headers: { 'x-of-request': '1' } } as unknown as CodexRequest

type Step = CodexError | { status: number; headers?: Record<string, string>; body?: string }

/** A post to a service that answers like this, in order; waiting takes no time and is written down. */
function startPost(...steps: Step[]) {
  const clock = createTestClock()
  const seen: HttpRequest[] = []
  const naps: number[] = []
  const logged: string[] = []
  const post = createPost({
    config: { headerTimeoutMs: 7000 },
    http: {
      async send(request) {
        seen.push(request)
        const step = steps.shift()
        if (step === undefined || step instanceof CodexError) throw step ?? new Error('nothing more was expected')
        const { status, headers = { 'content-type': 'application/json' }, body = '' } = step
        return { status, headers: new Headers(headers), body: bodyOf([Buffer.from(body)]) } satisfies HttpAnswer
      },
    },
    clock: {
      now: clock.now,
      async sleep(ms, signal) {
        if (signal?.aborted) throw signal.reason
        naps.push(ms)
      },
    },
    random: () => 0.5,
    log: { event: (name, fields) => void logged.push(`${name} ${JSON.stringify(fields)}`) },
  })
  const send = (more: Partial<Credential> = {}, signal?: AbortSignal) => post(aCredential(more), REQUEST, signal)
  return { send, seen, naps, logged }
}

function aCredential(more: Partial<Credential> = {}): Credential {
  return {
    ...({ kind: 'account', label: 'ChatGPT plan', asking: CODEX_ASKING } as unknown as Credential),
    baseUrl: 'https://codex.example/api',
    headers: { authorization: 'Bearer first' },
    accountId: undefined,
    plan: undefined,
    renew: undefined,
    ...more,
  }
}

const OK: Step = { status: 200, headers: { 'content-type': 'text/event-stream' }, body: 'data: {}\n\n' }
const refused = (status: number, body: object = {}, headers: Record<string, string> = {}): Step => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

test('a request goes out with the headers of both, and its answer is not read', async () => {
  const { send, seen } = startPost(OK)
  const { status, body, json } = await send()
  expect([status, json]).toEqual([200, undefined])
  expect(await new Response(body ?? null).text()).toBe('data: {}\n\n')
  expect(seen).toMatchObject([
    {
      method: 'POST',
      url: 'https://codex.example/api/responses',
      headers: { authorization: 'Bearer first', 'x-of-request': '1' },
      body: '{"model":"gpt-x"}',
      headerTimeoutMs: 7000,
    },
  ])
})

describe('is repeated', () => {
  test.each<[string, Step[], number[]]>([
    ['without a connection, later each time', [NO_CONNECTION, NO_CONNECTION, NO_CONNECTION, OK], [400, 800, 1600]],
    ['by a service in trouble', [refused(503), OK], [400]],
    ['by one that says when', [refused(503, {}, { 'retry-after': '7' }), OK], [7000]],
    ['after too many requests, when it is said when', [refused(429, {}, { 'retry-after': '3' }), OK], [3000]],
  ])('what was refused %s', async (_name, steps, expected) => {
    const { send, seen, naps } = startPost(...steps)
    expect((await send()).status).toBe(200)
    expect([seen.length, naps]).toEqual([expected.length + 1, expected])
  })
})

describe('is not repeated', () => {
  test.each<[string, Step, number]>([
    ['what is wrong with the request', refused(400), 400],
    ['too many requests, when nothing is said', refused(429), 429],
    ['a wait longer than half a minute', refused(503, {}, { 'retry-after': '31' }), 503],
    ['a quota that is used up', refused(429, { error: { type: 'usage_limit_reached' } }, { 'retry-after': '3' }), 429],
    ['what cannot be renewed', refused(401), 401],
  ])('%s', async (_name, step, expected) => {
    const { send, seen, naps } = startPost(step)
    expect((await send()).status).toBe(expected)
    expect([seen.length, naps]).toEqual([1, []])
  })

  test('a fourth time', async () => {
    const { send, seen } = startPost(...Array.from({ length: 4 }, () => refused(500, { detail: 'x' })))
    expect(await send()).toMatchObject({ status: 500, json: { detail: 'x' } })
    expect(seen).toHaveLength(4)
    const broken = startPost(...Array.from({ length: 4 }, () => NO_CONNECTION))
    expect(await errorOf(broken.send())).toBe(NO_CONNECTION)
  })

  test('what took too long, which may be worked on; the error names the setting', async () => {
    const cause = new Error('no headers')
    const late = new CodexError('TIMEOUT', 'Too late.', { hint: 'Try again.', retryable: true, cause })
    const { send, seen } = startPost(late)
    expect(await errorOf(send())).toMatchObject({
      code: 'TIMEOUT',
      message: 'Too late.',
      hint: 'Try again. CODEX_OAUTH_HEADER_TIMEOUT_MS sets how long it may take.',
      retryable: true,
      cause,
    })
    expect(seen).toHaveLength(1)
  })

  test('a connection that will not come by waiting', async () => {
    const never = new CodexError('NETWORK', 'No such host.')
    const { send, seen } = startPost(never)
    expect(await errorOf(send())).toBe(never)
    expect(seen).toHaveLength(1)
  })

  test('what somebody else than the service has answered', async () => {
    const { send } = startPost({ status: 403, headers: { 'content-type': 'text/html' }, body: '<p>No.' })
    expect((await errorOf(send())).code).not.toBe('NOT_AUTHENTICATED')
  })
})

describe('a 401', () => {
  const renewed = aCredential({ headers: { authorization: 'Bearer second' } })

  test('is asked once more with a renewed credential', async () => {
    const { send, seen } = startPost(refused(401), OK)
    expect((await send({ renew: async () => renewed })).status).toBe(200)
    expect(seen.map(({ headers }) => headers?.authorization)).toEqual(['Bearer first', 'Bearer second'])
  })

  test('for the second time is the answer', async () => {
    const { send, seen } = startPost(refused(401), refused(401))
    expect((await send({ renew: async () => renewed })).status).toBe(401)
    expect(seen).toHaveLength(2)
  })
})

test('a cancel between two tries ends it, and one who has left gets no token renewed', async () => {
  const cancel = new AbortController()
  const between = startPost(NO_CONNECTION, OK)
  cancel.abort()
  expect((await errorOf(between.send({}, cancel.signal))).code).toBe('CANCELLED')
  expect(between.seen).toHaveLength(1)
  const refusal = startPost(refused(401))
  const renew = () => Promise.reject(new Error('renewed'))
  expect((await errorOf(refusal.send({ renew }, cancel.signal))).code).toBe('CANCELLED')
})

test('the log has how often, and nothing of the question', async () => {
  const { send, logged } = startPost(NO_CONNECTION, refused(503), OK)
  await send()
  expect(logged).toEqual(['query_retry {"retry":1}', 'query_retry {"retry":2}'])
})

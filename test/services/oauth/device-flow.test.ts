import { getEventListeners } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createLog } from '../../../src/infrastructure/log.ts'
import { createDeviceFlow, type DeviceCode } from '../../../src/services/oauth/device-flow.ts'
import { createOAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { failure, pending, tooMany } from '../../support/fake-device.ts'
import { type FakeOpenAIOptions, startFakeOpenAI } from '../../support/fake-openai.ts'
import { type Answer, changed, gate, late, parts, type Step } from '../../support/fake-script.ts'
import { freePorts } from '../../support/free-ports.ts'
import { ownHeaders } from '../../support/own-headers.ts'
import { createTestClock } from '../../support/test-clock.ts'

const CODE_PATH = '/api/accounts/deviceauth/usercode'
const POLL_PATH = '/api/accounts/deviceauth/token'
const CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann'
const MINUTE_MS = 60_000
const never = new AbortController().signal
const html = '<html><body>Sign in to the network</body></html>'

async function setUp(options: FakeOpenAIOptions = {}) {
  const clock = createTestClock()
  clock.hurry()
  const fake = await startFakeOpenAI({ now: clock.now, ...options })
  onTestFinished(() => fake.close())
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const config = { issuer: fake.issuer, clientId: CLIENT_ID, originator: 'codex-oauth' }
  const flow = createDeviceFlow({ config, http, clock })
  const oauth = createOAuthFlow({ config, http, userAgent: 'codex-oauth/test', now: clock.now })
  /** Seconds from the first poll to each. */
  const polls = () => {
    const times = fake.seen.requests.filter(({ path }) => path === POLL_PATH).map(({ at }) => at)
    return times.map((at) => (at - (times[0] ?? 0)) / 1000)
  }
  return { fake, flow, oauth, clock, logged, polls, log }
}

/** The user says yes just before this poll is answered. */
function approving(approve: () => void): Step {
  return (usual) => {
    approve()
    return usual()
  }
}

/** Sends these answers, one for each poll, and then the proof. */
async function waitThrough(steps: Step[], options?: FakeOpenAIOptions) {
  const world = await setUp(options)
  const device = await world.flow.begin()
  world.fake.script.deviceToken.push(...steps, approving(world.fake.approveDevice))
  const proof = await world.flow.wait(device, never)
  return { ...world, proof }
}

describe('the first step', () => {
  test('asks as the official client does and gives what to show', async () => {
    const { fake, flow, clock } = await setUp()
    expect(await flow.begin()).toEqual({
      userCode: 'FAKE-00001',
      verificationUrl: `${fake.issuer}/codex/device`,
      deviceAuthId: 'deviceauth_FAKE_1',
      intervalMs: 5000,
      expiresAt: clock.now() + 15 * MINUTE_MS,
    })
    const [request] = fake.seen.requests
    expect([request?.method, request?.path, request?.text]).toEqual(['POST', CODE_PATH, `{"client_id":"${CLIENT_ID}"}`])
    expect(request?.headers['content-type']).toBe('application/json')
    // The user agent is fetch's own word: the official client sends none here.
    expect(ownHeaders(request)).toEqual(['accept', 'content-type', 'user-agent'])
    expect(fake.seen.refusals).toEqual([])
  })

  test.each<[string, unknown, number]>([
    ['a string', '7', 7000],
    ['a number', 2, 2000],
    ['a fraction', '1.5', 1500],
    ['absent', undefined, 5000],
    ['null', null, 5000],
    ['empty', ' ', 5000],
    ['a word', 'soon', 5000],
    ['no number', 'NaN', 5000],
    ['endless', 'Infinity', 5000],
    ['an object', { seconds: 3 }, 5000],
    ['zero', '0', 1000],
    ['negative', -30, 1000],
    ['a day', '86400', 60_000],
  ])('takes an interval that is %s', async (_, interval, intervalMs) => {
    const { fake, flow } = await setUp()
    fake.script.deviceCode.push(changed({ interval }))
    expect((await flow.begin()).intervalMs).toBe(intervalMs)
  })

  test('takes the older name of the code', async () => {
    const { fake, flow } = await setUp()
    fake.script.deviceCode.push(changed({ user_code: undefined, usercode: 'abcd-1234' }))
    expect((await flow.begin()).userCode).toBe('abcd-1234')
  })

  test.each<[string, Record<string, unknown>]>([
    ['no code', { user_code: undefined }],
    ['a number for a code', { user_code: 12345678 }],
    ['a code with markup', { user_code: 'AB<b>12' }],
    ['a code with a line break', { user_code: 'ABCD\n1234' }],
    ['a code with a link', { user_code: 'http://evil.example' }],
    ['a code that begins with a dash', { user_code: '-BCD-1234' }],
    ['a code too long', { user_code: 'A'.repeat(21) }],
    ['a code too short', { user_code: 'ABC' }],
    ['no device', { device_auth_id: undefined }],
    ['a device that is no text', { device_auth_id: 7 }],
    ['a device with a line break', { device_auth_id: 'a\nb' }],
  ])('does not believe an answer with %s', async (_, fields) => {
    const { fake, flow } = await setUp()
    fake.script.deviceCode.push(changed(fields))
    const error = await errorOf(flow.begin())
    expect(error.code).toBe('RESPONSE_INVALID')
    expect(shown(error)).not.toMatch(/ABCD|BCD|evil|AAAA|FAKE/)
  })

  test('names the other ways when device sign-in is switched off', async () => {
    const { flow } = await setUp({ deviceSignIn: false })
    const error = await errorOf(flow.begin())
    expect([error.code, error.retryable]).toEqual(['LOGIN_DENIED', false])
    expect(error.message).toBe('Device sign-in is switched off for this account or service.')
    expect(error.hint).toMatch(/security settings.*method "browser".*paste the address.*API key/)
  })

  test.each<[string, Answer, string, boolean]>([
    ['too many requests', { status: 429, json: {} }, 'TOKEN_REQUEST_FAILED', true],
    ['trouble', { status: 500, json: {} }, 'TOKEN_REQUEST_FAILED', true],
    ['a gateway that is down', { status: 503, html }, 'TOKEN_REQUEST_FAILED', true],
    ['a refusal', { status: 400, json: { error: 'invalid_client' } }, 'TOKEN_REQUEST_FAILED', false],
    ['a forbidden page', { status: 403, html }, 'RESPONSE_INVALID', false],
    ['a page', { html }, 'RESPONSE_INVALID', false],
    [
      'a page with the type of JSON',
      { html, headers: { 'content-type': 'application/json' } },
      'RESPONSE_INVALID',
      false,
    ],
    ['a list', { json: [] }, 'RESPONSE_INVALID', false],
    ['a redirect', { status: 302, headers: { location: 'http://portal.example/' } }, 'RESPONSE_INVALID', false],
    ['a body without end', { bytes: 'x'.repeat(2_000_000) }, 'RESPONSE_INVALID', false],
    ['a connection that is reset', { reset: true }, 'NETWORK', true],
  ])('meets %s', async (_, answer, code, retryable) => {
    const { fake, flow } = await setUp()
    fake.script.deviceCode.push(answer)
    const error = await errorOf(flow.begin())
    expect([error.code, error.retryable]).toEqual([code, retryable])
    expect(shown(error)).not.toMatch(/invalid_client|portal\.example|html/)
    expect(fake.seen.counts[CODE_PATH]).toBe(1)
  })

  test('meets nobody', async () => {
    const [port] = await freePorts(1)
    const http = createHttpClient({ fetch: (...request) => fetch(...request), log: { event: () => {} } })
    const config = { issuer: `http://127.0.0.1:${port}`, clientId: CLIENT_ID }
    const error = await errorOf(createDeviceFlow({ config, http, clock: createTestClock() }).begin())
    expect(error.code).toBe('NETWORK')
  })
})

describe('waiting', () => {
  test('polls at once and gives what the issuer takes for tokens', async () => {
    const { fake, flow, oauth, polls } = await setUp()
    fake.signInAs({ email: 'other@example.com' })
    const device = await flow.begin()
    fake.approveDevice(device.userCode)
    const proof = await flow.wait(device, never)
    expect(proof.redirectUri).toBe(`${fake.issuer}/deviceauth/callback`)
    expect(polls()).toEqual([0])
    const [, poll] = fake.seen.requests
    expect([poll?.method, poll?.path]).toEqual(['POST', POLL_PATH])
    expect(poll?.text).toBe('{"device_auth_id":"deviceauth_FAKE_1","user_code":"FAKE-00001"}')
    expect(ownHeaders(poll)).toEqual(['accept', 'content-type', 'user-agent'])
    expect((await oauth.exchangeCode(proof)).refreshToken).toBe('rt_FAKE_f1_1')
    expect(fake.seen.refusals).toEqual([])
  })

  test.each<[string, Answer]>([
    ['403', pending(403)],
    ['404', pending(404)],
    ['403 that does not know the code', failure(403, 'deviceauth_authorization_unknown')],
    ['403 with a page', { status: 403, html }],
    ['404 with nothing', { status: 404 }],
    ['400 and authorization_pending in error', failure(400, 'authorization_pending', 'error')],
    ['400 and deviceauth_authorization_pending', failure(400, 'deviceauth_authorization_pending')],
    ['400 and authorization_pending in code', failure(400, 'authorization_pending', 'code')],
    ['200 and authorization_pending', failure(200, 'authorization_pending', 'error')],
    ['428 and authorization_pending', failure(428, 'authorization_pending', 'error')],
    ['500 and authorization_pending', failure(500, 'authorization_pending', 'error')],
  ])('goes on after %s', async (_, answer) => {
    const { polls } = await waitThrough([answer, answer, answer], { deviceInterval: 3 })
    expect(polls()).toEqual([0, 3, 6, 9])
  })

  test('slows down for good', async () => {
    const slow = failure(400, 'slow_down', 'error')
    const { polls } = await waitThrough([pending(), slow, pending(), failure(429, 'slow_down'), pending()])
    expect(polls()).toEqual([0, 5, 15, 25, 40, 55])
  })

  test.each<[string, Answer, number]>([
    ['with a pause in seconds', tooMany('30'), 30],
    ['with a pause shorter than the interval', tooMany('1'), 5],
    ['without one', tooMany(), 10],
    ['with one that makes no sense', tooMany('soon'), 10],
  ])('waits when it asked too often, %s', async (_, answer, pauseS) => {
    const { polls } = await waitThrough([answer, pending()])
    expect(polls()).toEqual([0, pauseS, pauseS + 5])
  })

  test.each<[string, Answer]>([
    ['the service is in trouble', { status: 500, json: { detail: 'x' } }],
    ['the gateway is down', { status: 502, html }],
    ['a network asks for a sign-in with its page', { html }],
    ['a network asks for a sign-in elsewhere', { status: 307, headers: { location: 'http://portal.example/' } }],
    ['a proxy refuses with a page', { status: 407, html }],
    ['a page has no end', { bytes: 'x'.repeat(2_000_000), headers: { 'content-type': 'text/html' } }],
    ['the connection is reset', { reset: true }],
    ['the body breaks off', { ...pending(), cutAfter: 5 }],
  ])('backs off to a minute while %s, and comes back', async (_, answer) => {
    const trouble = Array.from({ length: 6 }, () => answer)
    const { polls } = await waitThrough([pending(), ...trouble, pending(), answer])
    expect(polls()).toEqual([0, 5, 15, 35, 75, 135, 195, 255, 260, 270])
  })

  test('keeps to the pause of a service in trouble', async () => {
    const { polls } = await waitThrough([{ status: 503, headers: { 'retry-after': '45' }, html }])
    expect(polls()).toEqual([0, 45])
  })

  test('never asks more often than its interval, however long that is', async () => {
    const { polls } = await waitThrough([failure(400, 'slow_down'), { status: 500 }, { status: 500 }], {
      deviceInterval: '60',
    })
    expect(polls()).toEqual([0, 65, 130, 195])
  })

  test('takes an answer that broke off when it comes again', async () => {
    const { fake, flow, polls } = await setUp()
    const device = await flow.begin()
    fake.approveDevice()
    fake.script.deviceToken.push((usual) => ({ ...usual(), cutAfter: 20 }))
    expect((await flow.wait(device, never)).code).toBe('ac_FAKE_1')
    expect(polls()).toEqual([0, 10])
  })

  test('does not pile up listeners on the signal of its caller', async () => {
    const { fake, flow } = await setUp()
    const { signal } = new AbortController()
    let most = 0
    const look: Step = (usual) => {
      most = Math.max(most, getEventListeners(signal, 'abort').length)
      return usual()
    }
    fake.script.deviceToken.push(...Array.from({ length: 30 }, () => look), approving(fake.approveDevice))
    await flow.wait(await flow.begin(), signal)
    expect(most).toBe(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each<[string, Answer, string]>([
    ['access_denied', failure(400, 'access_denied', 'error'), 'LOGIN_DENIED'],
    ['access_denied with 403', failure(403, 'access_denied'), 'LOGIN_DENIED'],
    ['deviceauth_access_denied', failure(400, 'deviceauth_access_denied', 'code'), 'LOGIN_DENIED'],
    ['authorization_declined', failure(400, 'authorization_declined'), 'LOGIN_DENIED'],
    ['expired_token', failure(400, 'expired_token', 'error'), 'LOGIN_TIMEOUT'],
    ['deviceauth_code_expired', failure(403, 'deviceauth_code_expired'), 'LOGIN_TIMEOUT'],
    ['400', failure(400, 'invalid_request'), 'TOKEN_REQUEST_FAILED'],
    ['401', failure(401, 'invalid_client', 'error'), 'TOKEN_REQUEST_FAILED'],
    ['410 with nothing', { status: 410 }, 'TOKEN_REQUEST_FAILED'],
    ['an empty object', { json: {} }, 'RESPONSE_INVALID'],
    ['202 with nothing', { status: 202 }, 'RESPONSE_INVALID'],
  ])('ends after %s', async (_, answer, code) => {
    const { fake, flow, polls } = await setUp()
    fake.script.deviceToken.push(pending(), answer)
    const error = await errorOf(flow.wait(await flow.begin(), never))
    expect(error.code).toBe(code)
    expect(shown(error)).not.toMatch(/Please try again|invalid_|portal|html|FAKE/)
    expect(polls()).toEqual([0, 5])
  })

  test('ends when the user says no', async () => {
    const { fake, flow } = await setUp()
    const device = await flow.begin()
    fake.denyDevice()
    expect((await errorOf(flow.wait(device, never))).code).toBe('LOGIN_DENIED')
  })

  test.each<[string, Record<string, unknown>]>([
    ['no code', { authorization_code: undefined }],
    ['an empty code', { authorization_code: '' }],
    ['a code with a line break', { authorization_code: 'ac_FAKE\r\n1' }],
    ['no verifier', { code_verifier: undefined }],
    ['a verifier too short', { code_verifier: 'FAKE'.padEnd(42, 'v') }],
    ['a verifier too long', { code_verifier: 'FAKE'.padEnd(129, 'v') }],
    ['a verifier with other characters', { code_verifier: 'FAKE+'.padEnd(43, 'v') }],
  ])('does not believe a proof with %s', async (_, fields) => {
    const { fake, flow } = await setUp()
    const device = await flow.begin()
    fake.approveDevice()
    fake.script.deviceToken.push(changed(fields))
    const error = await errorOf(flow.wait(device, never))
    expect([error.code, shown(error).includes('FAKE')]).toEqual(['RESPONSE_INVALID', false])
  })

  test.each([43, 128])('takes a verifier of %i characters', async (length) => {
    const { fake, flow } = await setUp()
    const device = await flow.begin()
    fake.approveDevice()
    const verifier = 'FAKE-._~'.padEnd(length, 'v')
    fake.script.deviceToken.push(changed({ code_verifier: verifier }))
    expect((await flow.wait(device, never)).verifier).toBe(verifier)
  })
})

describe('the life of a code', () => {
  test.each([
    [5, '5'],
    [1, 1],
    [60, '60'],
  ])('ends after 15 minutes, with one poll every %i s', async (intervalS, interval) => {
    const { fake, flow, clock } = await setUp({ deviceInterval: interval })
    const device = await flow.begin()
    const from = clock.now()
    const error = await errorOf(flow.wait(device, never))
    expect([error.code, error.hint]).toEqual(['LOGIN_TIMEOUT', expect.stringContaining('method "device"')])
    expect(clock.now() - from).toBe(15 * MINUTE_MS)
    expect(Math.abs((fake.seen.counts[POLL_PATH] ?? 0) - (15 * 60) / intervalS)).toBeLessThanOrEqual(1)
  })

  test('ends after 15 minutes of trouble, too', async () => {
    const { fake, flow, clock } = await setUp()
    fake.script.deviceToken.always({ status: 500 })
    const device = await flow.begin()
    const from = clock.now()
    expect((await errorOf(flow.wait(device, never))).code).toBe('LOGIN_TIMEOUT')
    expect(clock.now() - from).toBe(15 * MINUTE_MS)
  })

  test('is not outlived by the pause the service asks for', async () => {
    const { fake, flow, clock } = await setUp()
    fake.script.deviceToken.push(tooMany('3600'))
    const device = await flow.begin()
    const from = clock.now()
    expect((await errorOf(flow.wait(device, never))).code).toBe('LOGIN_TIMEOUT')
    expect(clock.now() - from).toBe(15 * MINUTE_MS)
  })

  test('is over when the machine wakes up later than that', async () => {
    const { fake, flow, clock } = await setUp()
    fake.script.deviceToken.push((usual) => {
      const answer = usual()
      clock.advance(60 * MINUTE_MS)
      return answer
    })
    expect((await errorOf(flow.wait(await flow.begin(), never))).code).toBe('LOGIN_TIMEOUT')
    expect(fake.seen.counts[POLL_PATH]).toBe(1)
  })
})

describe('a cancel', () => {
  const abort = new AbortController()
  abort.abort()

  test('that came first asks nothing', async () => {
    const { fake, flow } = await setUp()
    const device: DeviceCode = { ...(await flow.begin()) }
    expect((await errorOf(flow.begin(abort.signal))).code).toBe('CANCELLED')
    expect((await errorOf(flow.wait(device, abort.signal))).code).toBe('CANCELLED')
    expect([fake.seen.counts[CODE_PATH], fake.seen.counts[POLL_PATH]]).toEqual([1, undefined])
  })

  test.each(['deviceCode', 'deviceToken'] as const)('ends %s while no answer comes', async (step) => {
    const { fake, flow } = await setUp()
    const device = await flow.begin()
    const { promise, open } = gate()
    onTestFinished(open)
    fake.script[step].push(late(promise))
    const cancel = new AbortController()
    const ended = errorOf(step === 'deviceCode' ? flow.begin(cancel.signal) : flow.wait(device, cancel.signal))
    await fake.arrival(step === 'deviceCode' ? CODE_PATH : POLL_PATH, step === 'deviceCode' ? 2 : 1)
    cancel.abort()
    expect((await ended).code).toBe('CANCELLED')
    await fake.clientGone()
  })

  test('ends it while a body is on its way', async () => {
    const { fake, flow } = await setUp()
    const device = await flow.begin()
    const { promise, open } = gate()
    const begun = gate()
    onTestFinished(open)
    const reached: PromiseLike<void> = {
      // biome-ignore lint/suspicious/noThenProperty: the body asks for what comes after its first piece
      then: (...next) => {
        begun.open()
        return promise.then(...next)
      },
    }
    fake.script.deviceToken.push({ bytes: parts('{"authorization', reached) })
    const cancel = new AbortController()
    const ended = errorOf(flow.wait(device, cancel.signal))
    await begun.promise
    cancel.abort()
    expect((await ended).code).toBe('CANCELLED')
  })

  test('ends it between two polls', async () => {
    const world = await setUp()
    const clock = createTestClock()
    const http = createHttpClient({ fetch: (...request) => fetch(...request), log: world.log })
    const flow = createDeviceFlow({ config: { issuer: world.fake.issuer, clientId: CLIENT_ID }, http, clock })
    const device = await flow.begin()
    const cancel = new AbortController()
    const asleep = clock.naps(1)
    const ended = errorOf(flow.wait(device, cancel.signal))
    await asleep
    cancel.abort()
    expect((await ended).code).toBe('CANCELLED')
    expect(world.fake.seen.counts[POLL_PATH]).toBe(1)
  })
})

test('no code, device or verifier stands in an error or in the log', async () => {
  const { fake, flow, logged } = await setUp()
  const device = await flow.begin()
  const echo: Step = (_, { text }) => ({ status: 400, json: { error: 'nope', error_description: text } })
  const errors = []
  fake.script.deviceToken.push(echo)
  errors.push(await errorOf(flow.wait(device, never)))
  fake.approveDevice()
  fake.script.deviceToken.push(changed({ code_verifier: 'FAKE' }), echo)
  errors.push(await errorOf(flow.wait(device, never)), await errorOf(flow.wait(device, never)))
  await flow.wait(device, never)
  const texts = [...errors.map((error) => `${shown(error)} ${error.stack}`), ...logged].join('\n')
  for (const secret of [...fake.secrets(), device.userCode]) expect(texts).not.toContain(secret)
  expect(fake.secrets()).toEqual(expect.arrayContaining(['deviceauth_FAKE_1', 'ac_FAKE_1']))
  expect(logged).toHaveLength(5)
})

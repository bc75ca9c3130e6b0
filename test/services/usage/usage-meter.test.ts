import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createJsonFile } from '../../../src/infrastructure/json-file.ts'
import { createLog } from '../../../src/infrastructure/log.ts'
import { readEvents } from '../../../src/infrastructure/sse.ts'
import { parseJson } from '../../../src/services/codex/remote-text.ts'
import { accountName, apiKeyName, planName } from '../../../src/services/login/credential-name.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { limitsFromHeaders } from '../../../src/services/usage/usage-headers.ts'
import { createUsageMeter } from '../../../src/services/usage/usage-meter.ts'
import { limitsFromEvent } from '../../../src/services/usage/usage-report.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import type { FakeLimits } from '../../support/fake-limits.ts'
import { startFakeOpenAI } from '../../support/fake-openai.ts'
import { type Answer, changed, gate, late } from '../../support/fake-script.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { createTestClock } from '../../support/test-clock.ts'

const USAGE = '/backend-api/wham/usage'
const HOUR = 3_600_000
const MESSAGES = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] }]
const REST = { store: false, stream: true, include: ['reasoning.encrypted_content'], reasoning: { effort: 'low' } }

async function setUp(limits?: FakeLimits) {
  const clock = createTestClock()
  const fake = await startFakeOpenAI({ now: clock.now, ...(limits === undefined ? {} : { limits }) })
  onTestFinished(() => fake.close())
  const path = join(tempFolder(), 'codex-oauth', 'usage.json')
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })
  const file = createJsonFile(path)
  let writes = 0

  const credentialOf = (accountId: string | undefined = 'acct-fake-0001', token?: string): Credential => ({
    ...accountName('pro'),
    baseUrl: fake.baseUrl,
    headers: {
      authorization: `Bearer ${token ?? fake.issueTokens(accountId === undefined ? {} : { accountId }).access_token}`,
      ...(accountId === undefined ? {} : { 'chatgpt-account-id': accountId }),
      'user-agent': 'codex-oauth/0.0.0-test (linux; x64)',
    },
    accountId,
    plan: 'pro',
    renew: undefined,
  })

  const cache = {
    read: file.read,
    write(value: unknown) {
      writes += 1
      file.write(value)
    },
  }
  return {
    clock,
    fake,
    path,
    logged,
    credentialOf,
    credential: credentialOf(),
    /** Another window over the same file. */
    open: (baseUrl = fake.baseUrl) => createUsageMeter({ config: { baseUrl }, http, cache, clock, log }),
    text: () => fs.readFileSync(path, 'utf8'),
    writes: () => writes,
    asked: () => fake.seen.requests.filter((request) => request.path === USAGE),
  }
}

const window = (usedPercent: number, resetsAt?: number) => ({
  usedPercent,
  windowMinutes: 300,
  ...(resetsAt === undefined ? {} : { resetsAt }),
})

describe('what answers have said', () => {
  test('is known at once, with its time, and in every other window', async () => {
    const { open, credential, clock } = await setUp()
    const meter = open()
    expect(meter.last(credential)).toBeUndefined()
    meter.note(credential, { primary: window(12) })
    const known = { snapshot: { primary: window(12) }, at: clock.now() }
    clock.advance(HOUR)
    expect(meter.last(credential)).toEqual(known)
    expect(open().last({ accountId: 'acct-fake-0001' })).toEqual(known)
  })

  test('is merged, whichever window has heard it', async () => {
    const { open, credential, clock } = await setUp()
    const [one, other] = [open(), open()]
    one.note(credential, { primary: window(12), plan: 'pro' })
    clock.advance(1000)
    other.note(credential, { secondary: window(40) })
    clock.advance(1000)
    one.note(credential, { primary: window(13) })
    const all = { plan: 'pro', primary: window(13), secondary: window(40) }
    expect([one, other, open()].map((meter) => meter.last(credential))).toEqual(
      Array(3).fill({ snapshot: all, at: clock.now() }),
    )
  })

  test('is kept apart by account and by service, under names that tell nobody whose it is', async () => {
    const { open, credential, credentialOf, text } = await setUp()
    const meter = open()
    meter.note(credential, { primary: window(12) })
    meter.note(credentialOf('acct-fake-0002'), { primary: window(70) })
    expect(meter.last(credential)?.snapshot).toEqual({ primary: window(12) })
    expect(meter.last({ accountId: 'acct-fake-0002' })?.snapshot).toEqual({ primary: window(70) })
    expect(open('https://other.example/codex').last(credential)).toBeUndefined()
    expect(text()).not.toMatch(/acct-fake|eyJ|127\.0\.0\.1/)
  })

  test('is written when something has changed, or nobody has said so for a while', async () => {
    const { open, credential, clock, writes } = await setUp()
    const meter = open()
    for (let turn = 0; turn < 5; turn += 1) {
      meter.note(credential, { primary: window(12) })
      meter.note(credential, { plan: 'pro' })
      clock.advance(1000)
    }
    expect(writes()).toBe(2)
    clock.advance(300_000)
    meter.note(credential, { primary: window(12) })
    expect(writes()).toBe(3)
    meter.note(credential, { primary: window(12.5) })
    expect(writes()).toBe(4)
  })

  test('is nothing where there is nothing, nobody, or no plan that answers tell of', async () => {
    const { open, credential, fake, path } = await setUp()
    const meter = open()
    meter.note(credential, undefined)
    meter.note({ ...credential, accountId: undefined }, { primary: window(1) })
    meter.note({ ...credential, ...planName() }, { primary: window(1) })
    meter.note({ ...credential, ...apiKeyName('OPENAI_API_KEY') }, { primary: window(1) })
    expect(meter.last(credential)).toBeUndefined()
    expect(meter.last({ accountId: undefined })).toBeUndefined()
    expect(fs.existsSync(path)).toBe(false)
    expect(fake.seen.requests).toEqual([])
  })

  test('is readable by its owner alone', async () => {
    const { open, credential, path } = await setUp()
    open().note(credential, { primary: window(1) })
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
    expect(fs.statSync(dirname(path)).mode & 0o777).toBe(0o700)
  })

  test('stays known where it cannot be written', async () => {
    const { open, credential, path } = await setUp()
    fs.writeFileSync(dirname(path), 'a file where the folder belongs')
    const meter = open()
    meter.note(credential, { primary: window(12) })
    expect(meter.last(credential)?.snapshot).toEqual({ primary: window(12) })
  })

  test('of twenty accounts is kept, those that were heard of last', async () => {
    const { open, credentialOf, clock, text } = await setUp()
    const meter = open()
    for (let index = 0; index < 25; index += 1) {
      meter.note(credentialOf(`acct-${index}`), { primary: window(index) })
      clock.advance(1000)
    }
    expect(Object.keys(JSON.parse(text()).owners)).toHaveLength(20)
    expect(open().last({ accountId: 'acct-4' })).toBeUndefined()
    expect(open().last({ accountId: 'acct-5' })?.snapshot).toEqual({ primary: window(5) })
  })
})

describe('what comes with an answer over HTTP', () => {
  async function askQuestion(limits: FakeLimits | undefined) {
    const set = await setUp(limits)
    const { fake, credential, clock } = set
    const body = { model: 'gpt-5.5', instructions: 'Answer.', input: MESSAGES, ...REST }
    const answer = await fetch(`${fake.baseUrl}/responses`, {
      method: 'POST',
      headers: { ...credential.headers, 'content-type': 'application/json', version: '0.169.0' },
      body: JSON.stringify(body),
    })
    expect(answer.status).toBe(200)
    const meter = set.open()
    meter.note(credential, limitsFromHeaders(answer.headers, clock.now()))
    const limitsOfStream = { idleTimeoutMs: 5000, maxEventBytes: 100_000, maxTotalBytes: 1_000_000 }
    for await (const events of readEvents(answer.body ?? undefined, limitsOfStream, undefined)) {
      for (const { data } of events) meter.note(credential, limitsFromEvent(parseJson(data), clock.now()))
    }
    return meter.last(credential)?.snapshot
  }

  test('in its headers is known', async () => {
    expect(await askQuestion({ headers: { primary: 81, secondary: 3, balance: '5' } })).toMatchObject({
      plan: 'pro',
      primary: { usedPercent: 81, windowMinutes: 300 },
      secondary: { usedPercent: 3, windowMinutes: 10_080 },
      credits: { balance: 5 },
    })
  })

  test('in its stream is newer', async () => {
    expect(await askQuestion({ headers: { primary: 81 }, event: { primary: 82, secondary: 4 } })).toMatchObject({
      primary: { usedPercent: 82 },
      secondary: { usedPercent: 4 },
    })
  })

  test('is nothing where it says nothing', async () => {
    expect(await askQuestion(undefined)).toBeUndefined()
  })
})

describe('a file that makes no sense', () => {
  test.each<[string, (entry: { at: number; snapshot: unknown }) => unknown]>([
    ['of another time', (entry) => ({ ...entry, at: entry.at + 61_000 })],
    ['without a time', ({ snapshot }) => ({ snapshot })],
    ['of a time that is none', (entry) => ({ ...entry, at: '1' })],
    ['before all time', (entry) => ({ ...entry, at: -1 })],
    ['without a snapshot', ({ at }) => ({ at })],
    [
      'full of nonsense',
      ({ at }) => ({ at, snapshot: { plan: '<b>', primary: { usedPercent: 1e99 }, credits: 1, others: 'ab' } }),
    ],
    ['that is a list', () => [1]],
    ['that is a text', () => 'text'],
  ])('%s is nothing known', async (_name, change) => {
    const { open, credential, path } = await setUp()
    open().note(credential, { primary: window(12) })
    const { owners } = JSON.parse(fs.readFileSync(path, 'utf8'))
    const [[owner, entry]] = Object.entries(owners) as [[string, { at: number; snapshot: unknown }]]
    fs.writeFileSync(path, JSON.stringify({ owners: { [owner]: change(entry) } }))
    expect(open().last(credential)).toBeUndefined()
  })

  test.each(['', '{', '[]', '7', 'null', '{"owners":7}', '{"owners":null}'])('%j is replaced', async (text) => {
    const { open, credential, path } = await setUp()
    fs.mkdirSync(dirname(path), { recursive: true })
    fs.writeFileSync(path, text)
    expect(open().last(credential)).toBeUndefined()
    open().note(credential, { primary: window(12) })
    expect(open().last(credential)?.snapshot).toEqual({ primary: window(12) })
  })

  test('gives what makes sense of it', async () => {
    const { open, credential, path, clock } = await setUp()
    const full = {
      plan: 'pro',
      primary: window(12, clock.now() + HOUR),
      credits: { has: true, unlimited: false, balance: 9.99 },
      others: { 'gpt-x': { secondary: window(3) } },
    }
    open().note(credential, full)
    expect(open().last(credential)?.snapshot).toEqual(full)
    const file = JSON.parse(fs.readFileSync(path, 'utf8'))
    const [entry] = Object.values(file.owners) as { snapshot: Record<string, unknown> }[]
    Object.assign(entry?.snapshot ?? {}, { secondary: { usedPercent: 'full' }, plan: 'a b', extra: 1 })
    fs.writeFileSync(path, JSON.stringify(file))
    const { plan: _, ...rest } = full
    expect(open().last(credential)?.snapshot).toEqual(rest)
  })
})

describe('the service is asked', () => {
  test('beside the place for questions, as the credential asks everything', async () => {
    const { open, credential, asked, clock, fake } = await setUp()
    const known = await open().ask(credential)
    expect(known).toEqual({
      at: clock.now(),
      snapshot: {
        plan: 'pro',
        primary: { usedPercent: 12, windowMinutes: 300, resetsAt: clock.now() + 600_000 },
        secondary: { usedPercent: 34, windowMinutes: 10_080, resetsAt: clock.now() + 6_000_000 },
        credits: { has: true, unlimited: false, balance: 9.5 },
      },
    })
    expect(asked()).toHaveLength(1)
    expect(asked()[0]).toMatchObject({ method: 'GET', path: USAGE })
    expect(asked()[0]?.headers).toMatchObject({ ...credential.headers, accept: 'application/json' })
    expect(fake.seen.refusals).toEqual([])
  })

  test('and what it says is known to all windows, in place of all that was', async () => {
    const { open, credential } = await setUp({ report: { primary: 82, secondary: 100 } })
    const meter = open()
    meter.note(credential, { others: { 'gpt-x': { primary: window(99) } } })
    const known = await meter.ask(credential)
    expect(known?.snapshot).toMatchObject({ primary: { usedPercent: 82 }, secondary: { usedPercent: 100 } })
    expect(known?.snapshot).not.toHaveProperty('others')
    expect(meter.last(credential)).toEqual(known)
    expect(open().last(credential)).toEqual(known)
  })

  test('also where nobody knows which account it is, and then nothing is kept', async () => {
    const { open, credential, path } = await setUp()
    expect((await open().ask({ ...credential, accountId: undefined }))?.snapshot.plan).toBe('pro')
    expect(fs.existsSync(path)).toBe(false)
  })

  test('nowhere where there is no place for it: for plan usage, a key, another address', async () => {
    const { open, credential, fake } = await setUp()
    const meter = open()
    const others = [
      { ...credential, ...planName(), baseUrl: `${fake.issuer}/v1` },
      // Whatever address such a token is sent to.
      { ...credential, ...planName() },
      { ...credential, ...apiKeyName('OPENAI_API_KEY'), baseUrl: fake.apiBaseUrl },
      { ...credential, baseUrl: `${fake.issuer}/proxy` },
      { ...credential, baseUrl: `${fake.issuer}/notcodex` },
    ]
    for (const other of others) expect(await meter.ask(other)).toBeUndefined()
    expect(fake.seen.requests).toEqual([])
  })

  test('again, once, with a renewed credential when it does not take the first one', async () => {
    const { open, credentialOf, asked, fake } = await setUp()
    const old = credentialOf()
    fake.expireAccessTokens()
    const renewed = credentialOf()
    let renewals = 0
    const renew = async () => {
      renewals += 1
      return renewed
    }
    expect((await open().ask({ ...old, renew }))?.snapshot.plan).toBe('pro')
    expect(renewals).toBe(1)
    expect(asked().map(({ headers }) => headers.authorization)).toEqual([
      old.headers.authorization,
      renewed.headers.authorization,
    ])
    fake.expireAccessTokens()
    const error = await errorOf(open().ask({ ...old, renew }))
    expect(shown(error)).toBe(
      'The service does not accept this sign-in. Sign in again: codex_login with force: true. [NOT_AUTHENTICATED]',
    )
    expect(asked()).toHaveLength(4)
  })

  test('in vain where a renewal fails: that error is told', async () => {
    const { open, credentialOf, fake } = await setUp()
    const credential = credentialOf()
    fake.expireAccessTokens()
    const renew = () => Promise.reject(new Error('gone'))
    await expect(open().ask({ ...credential, renew })).rejects.toThrow('gone')
  })

  const refusals: [string, Answer, RegExp][] = [
    [
      '401 without anything to renew',
      { status: 401 },
      /^The service does not accept this sign-in\..*\[NOT_AUTHENTICATED\]$/,
    ],
    [
      '403',
      { status: 403, json: { detail: 'Not for you' } },
      /forbids this request \(403\): “Not for you”\..*\[CODEX_FAILED\]$/,
    ],
    [
      '404',
      { status: 404, json: { detail: 'Not Found' } },
      /did not report plan usage \(404\): “Not Found”.*settings\/usage.*\[CODEX_FAILED\]$/,
    ],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, /asked for too often.*Wait 7 s.*\[RATE_LIMITED\]$/],
    ['429 without a time', { status: 429 }, /Wait a moment.*\[RATE_LIMITED\]$/],
    ['500', { status: 500, html: '<h1>Oops</h1>' }, /in trouble.*\(500\).*\[CODEX_FAILED\]$/],
    ['500 that breaks off', { status: 500, json: { detail: 'Oops' }, cutAfter: 3 }, /\(500\)\..*\[CODEX_FAILED\]$/],
    ['503', { status: 503, json: {} }, /in trouble.*\(503\).*\[CODEX_FAILED\]$/],
    ['418', { status: 418, json: { error: { message: 'Teapot' } } }, /\(418\): “Teapot”.*\[CODEX_FAILED\]$/],
    [
      'a web page',
      { html: '<h1>Sign in to the network</h1>' },
      /^A web page came back instead of the usage of the plan.*\[RESPONSE_INVALID\]$/,
    ],
    [
      'Cloudflare',
      { status: 403, html: '<h1>No</h1>', headers: { 'cf-ray': '1' } },
      /^A page of Cloudflare.*\[RESPONSE_INVALID\]$/,
    ],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://evil.example/' } },
      /^A redirect came back.*\[RESPONSE_INVALID\]$/,
    ],
    ['no JSON', { bytes: '{"rate_limit":' }, /says nothing about plan usage.*\[RESPONSE_INVALID\]$/],
    ['nothing', { bytes: '' }, /says nothing about plan usage.*\[RESPONSE_INVALID\]$/],
    ['JSON of something else', { json: { data: [] } }, /says nothing about plan usage.*\[RESPONSE_INVALID\]$/],
    ['204', { status: 204 }, /\(204\).*\[CODEX_FAILED\]$/],
    ['far too much', { bytes: `{"a":"${'x'.repeat(300_000)}"}` }, /larger than expected.*\[RESPONSE_INVALID\]$/],
    ['a broken connection', { reset: true }, /\[NETWORK\]$/],
    ['half an answer', { json: { rate_limit: {} }, cutAfter: 5 }, /broke off.*\[NETWORK\]$/],
  ]
  test.each(refusals)('and answers %s', async (_name, answer, words) => {
    const { open, credential, fake, logged } = await setUp()
    const meter = open()
    meter.note(credential, { primary: window(12) })
    fake.script.usage.always(answer)
    const text = shown(await errorOf(meter.ask(credential)))
    expect(text).toMatch(words)
    expect(text).not.toMatch(/eyJ|<h1>|evil/)
    // What was known stays known.
    expect(meter.last(credential)?.snapshot).toEqual({ primary: window(12) })
    expect(logged.join('\n')).toContain('usage_failed')
    expect(logged.join('\n')).not.toMatch(/eyJ|acct-fake/)
  })

  test('with what it repeats of a credential taken out', async () => {
    const { open, credential, fake } = await setUp()
    fake.script.usage.push({ status: 400, json: { detail: `You sent ${credential.headers.authorization}` } })
    expect(shown(await errorOf(open().ask(credential)))).not.toContain('eyJ')
  })

  test('for ten seconds in all, however it spends them', async () => {
    const { open, credential, fake, clock } = await setUp()
    fake.script.usage.push((usual) => {
      clock.advance(9_950)
      return { ...usual(), dripMs: 1 }
    })
    expect((await errorOf(open().ask(credential))).code).toBe('TIMEOUT')
  })

  test('until the caller cancels', async () => {
    const { open, credential, fake } = await setUp()
    const { promise, open: release } = gate()
    fake.script.usage.push(late(promise))
    const cancel = new AbortController()
    const asking = errorOf(open().ask(credential, cancel.signal))
    await fake.arrival(USAGE)
    cancel.abort()
    expect((await asking).code).toBe('CANCELLED')
    release()
  })

  test('and a limit that has other windows is read as it is', async () => {
    const { open, credential, fake } = await setUp()
    const rate_limit = { primary_window: { used_percent: 5, limit_window_seconds: 2_592_000 }, secondary_window: null }
    fake.script.usage.push(changed({ rate_limit, credits: null }))
    expect((await open().ask(credential))?.snapshot).toEqual({
      plan: 'pro',
      primary: { usedPercent: 5, windowMinutes: 43_200 },
    })
  })
})

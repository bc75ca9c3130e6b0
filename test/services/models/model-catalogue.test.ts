import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createJsonFile } from '../../../src/infrastructure/json-file.ts'
import { createLog } from '../../../src/infrastructure/log.ts'
import { accessTokenName, accountName, apiKeyName } from '../../../src/services/login/credential-name.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { BUILTIN_MODELS, type Model } from '../../../src/services/models/builtin-models.ts'
import { createModelCatalogue, defaultModel } from '../../../src/services/models/model-catalogue.ts'
import { errorOf } from '../../support/error-of.ts'
import { plainCatalogue, wireCatalogue } from '../../support/fake-catalogue.ts'
import { startFakeOpenAI } from '../../support/fake-openai.ts'
import { type Answer, gate, late } from '../../support/fake-script.ts'
import { startServer } from '../../support/start-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { createTestClock } from '../../support/test-clock.ts'

const MODELS = '/backend-api/codex/models'
const API_MODELS = '/v1/models'
const FRESH_MS = 300_000
const DAY_MS = 86_400_000
const BUILT_IN = { models: BUILTIN_MODELS, source: 'built-in' }

async function setUp() {
  const clock = createTestClock()
  const models = wireCatalogue()
  const fake = await startFakeOpenAI({ now: clock.now, models })
  onTestFinished(() => fake.close())
  const path = join(tempFolder(), 'codex-oauth', 'models.json')
  const logged: string[] = []
  const log = createLog({ write: (line) => void logged.push(line), enabled: true })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log })

  const credentialOf = (accountId = 'acct-fake-0001'): Credential => ({
    ...accountName('pro'),
    baseUrl: fake.baseUrl,
    headers: {
      authorization: `Bearer ${fake.issueTokens({ accountId }).access_token}`,
      'chatgpt-account-id': accountId,
    },
    accountId,
    plan: 'pro',
    renew: undefined,
  })

  const keyed = (key = fake.apiKey): Credential => ({
    ...apiKeyName('OPENAI_API_KEY'),
    baseUrl: fake.apiBaseUrl,
    headers: { authorization: `Bearer ${key}` },
    accountId: undefined,
    plan: undefined,
    renew: undefined,
  })

  return {
    clock,
    fake,
    keyed,
    /** What the service lists; a test may change it. */
    models,
    path,
    logged,
    credentialOf,
    credential: credentialOf(),
    /** Another window over the same cache. */
    open: (clientVersion = '0.169.0') =>
      createModelCatalogue({ config: { clientVersion }, http, cache: createJsonFile(path), clock, log }),
    asked: () => fake.seen.counts[MODELS] ?? 0,
  }
}

describe('the list comes', () => {
  test('from the service, hidden models too, best first', async () => {
    const { open, credential, fake } = await setUp()
    const { models, source } = await open().list(credential)
    expect(source).toBe('live')
    const shown = BUILTIN_MODELS.map((model) => ({ ...model, minVersion: expect.stringMatching(/^\d+\.\d+\.0$/) }))
    expect(models.filter((model) => !model.hidden)).toEqual(shown)
    expect(models.filter((model) => model.hidden).map(({ id }) => id)).toEqual([
      'gpt-daybreak-blue-latest',
      'gpt-daybreak-red-latest',
      'codex-auto-review',
    ])
    const [request] = fake.seen.requests
    expect(request).toMatchObject({ method: 'GET', path: MODELS })
    expect([...(request?.query ?? [])]).toEqual([['client_version', '0.169.0']])
    expect(request?.headers).toMatchObject({ accept: 'application/json', ...credential.headers })
    expect(request?.headers['if-none-match']).toBeUndefined()
    expect(fake.seen.refusals).toEqual([])
  })

  test('from memory for five minutes', async () => {
    const { open, credential, clock, asked } = await setUp()
    const catalogue = open()
    const { models } = await catalogue.list(credential)
    clock.advance(FRESH_MS - 1)
    expect(await catalogue.list(credential)).toEqual({ models, source: 'cached' })
    expect(asked()).toBe(1)
  })

  test('after that from the service, which may say that nothing has changed', async () => {
    const { open, credential, clock, fake, asked } = await setUp()
    const catalogue = open()
    const { models } = await catalogue.list(credential)
    clock.advance(FRESH_MS)
    expect(await catalogue.list(credential)).toEqual({ models, source: 'live' })
    expect(fake.seen.requests[1]?.headers['if-none-match']).toMatch(/^"[\w-]{16}"$/)
    clock.advance(FRESH_MS - 1)
    expect(await catalogue.list(credential)).toEqual({ models, source: 'cached' })
    expect(asked()).toBe(2)
  })

  test('anew when it has changed', async () => {
    const { open, credential, clock, models } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    models.splice(0, models.length - 1)
    clock.advance(FRESH_MS)
    expect(await catalogue.list(credential)).toMatchObject({ models: [{ id: models[0]?.slug }], source: 'live' })
  })

  test('anew when the clock has jumped back: its age is unknown then', async () => {
    const { open, credential, clock, asked } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    clock.advance(-1)
    await catalogue.list(credential)
    expect(asked()).toBe(2)
  })

  test('without an ETag when the service gave none', async () => {
    const { open, credential, clock, fake } = await setUp()
    fake.script.models.push({ json: { models: wireCatalogue() } })
    const catalogue = open()
    await catalogue.list(credential)
    clock.advance(FRESH_MS)
    expect((await catalogue.list(credential)).source).toBe('live')
    expect(fake.seen.requests[1]?.headers['if-none-match']).toBeUndefined()
  })

  test('with effort levels of both forms alike', async () => {
    const { open, credential, fake, clock } = await setUp()
    const catalogue = open()
    const { models } = await catalogue.list(credential)
    fake.script.models.push({ json: { models: plainCatalogue() } })
    clock.advance(FRESH_MS)
    expect(await catalogue.list(credential)).toEqual({ models, source: 'live' })
  })

  test('from the built-in list for nobody', async () => {
    const { open, fake } = await setUp()
    expect(await open().list(undefined)).toEqual(BUILT_IN)
    expect(fake.seen.requests).toEqual([])
  })

  test("from the API for a key, in the API's own form and without a query", async () => {
    const { open, keyed, fake } = await setUp()
    const { models, source } = await open().list(keyed())
    expect(source).toBe('live')
    expect(models.slice(0, BUILTIN_MODELS.length)).toEqual(BUILTIN_MODELS)
    expect(models.slice(BUILTIN_MODELS.length).map(({ id }) => id)).toEqual([
      'codex-auto-review',
      'gpt-daybreak-blue-latest',
      'gpt-daybreak-red-latest',
      'gpt-4.1',
      'gpt-4o-mini',
    ])
    expect(fake.seen.requests.map(({ method, path, query }) => [method, path, `${query}`])).toEqual([
      ['GET', API_MODELS, ''],
    ])
    expect(fake.seen.refusals).toEqual([])
  })

  test('for a key as for an account: from memory, from disk, and the stale copy when the API fails', async () => {
    const { open, keyed, fake, clock } = await setUp()
    const catalogue = open()
    const { models } = await catalogue.list(keyed())
    clock.advance(FRESH_MS - 1)
    expect(await catalogue.list(keyed())).toEqual({ models, source: 'cached' })
    expect(await open().forQuery(keyed())).toEqual({ models, source: 'cached' })
    expect(fake.seen.counts[API_MODELS]).toBe(1)
    clock.advance(1)
    fake.script.models.push({ status: 503 })
    expect(await catalogue.list(keyed())).toEqual({ models, source: 'cached' })
    expect(await catalogue.list(keyed())).toEqual({ models, source: 'live' })
  })
})

describe('when the service fails', () => {
  const failures: [string, Answer][] = [
    ['with 500', { status: 500, json: { models: wireCatalogue() } }],
    ['with 401', { status: 401, json: { detail: 'Unauthorized' } }],
    ['with a page', { html: '<h1>Sign in</h1>' }],
    ['with an empty list, as it does for clients too old', { json: { models: [] } }],
    ['with no list', { json: {} }],
    ['with a list of nothing that is a model', { json: { models: [null, 5, 'gpt', {}, { slug: '' }] } }],
    ['with 304 for a list it never gave', { status: 304 }],
    ['with a redirect', { status: 302, headers: { location: '/elsewhere' } }],
    ['with half of an answer', { json: { models: wireCatalogue() }, cutAfter: 100 }],
    ['by hanging up', { reset: true }],
  ]

  test.each(failures)('%s, the list is the built-in one', async (_name, answer) => {
    const { open, credential, fake, logged } = await setUp()
    fake.script.models.push(answer)
    expect(await open().list(credential)).toEqual(BUILT_IN)
    expect(logged.join()).toContain('models_failed')
  })

  test.each(failures.filter(([, { status }]) => status !== 304))('%s, an old copy is better', async (_name, answer) => {
    const { open, credential, credentialOf, fake, clock, models } = await setUp()
    models.splice(0, models.length - 3)
    const catalogue = open()
    const { models: old } = await catalogue.list(credential)
    clock.advance(7 * DAY_MS)
    fake.script.models.push(answer)
    expect(await catalogue.list(credentialOf())).toEqual({ models: old, source: 'cached' })
    expect(old).toHaveLength(3)
  })

  test('it is asked again the next time', async () => {
    const { open, credential, fake, asked } = await setUp()
    fake.script.models.push({ status: 500 })
    const catalogue = open()
    await catalogue.list(credential)
    expect((await catalogue.list(credential)).source).toBe('live')
    expect(asked()).toBe(2)
  })
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) leads the token nowhere', async (status) => {
  const { open, credential, fake } = await setUp()
  const stranger = await startServer()
  fake.script.models.push({ status, headers: { location: `${stranger.origin}/models` } })
  expect(await open().list(credential)).toEqual(BUILT_IN)
  expect(stranger.hits).toBe(0)
})

describe('the cache on disk', () => {
  test('serves the next window, which asks nothing', async () => {
    const { open, credential, clock, asked } = await setUp()
    const { models } = await open().list(credential)
    clock.advance(FRESH_MS - 1)
    expect(await open().list(credential)).toEqual({ models, source: 'cached' })
    expect(asked()).toBe(1)
  })

  test('gives the next window the ETag too', async () => {
    const { open, credential, clock, fake } = await setUp()
    const { models } = await open().list(credential)
    clock.advance(FRESH_MS)
    expect(await open().list(credential)).toEqual({ models, source: 'live' })
    expect(fake.seen.requests[1]?.headers['if-none-match']).toBeDefined()
  })

  test('of a version that kept no windows is fetched whole, not confirmed as unchanged', async () => {
    const { open, credential, clock, path, fake } = await setUp()
    const { models } = await open().list(credential)
    const cached = JSON.parse(fs.readFileSync(path, 'utf8'))
    const old = cached.models.map(({ contextWindow: _window, inputs: _inputs, ...rest }: Model) => rest)
    fs.writeFileSync(path, JSON.stringify({ ...cached, models: old }))
    clock.advance(FRESH_MS)
    expect(await open().list(credential)).toEqual({ models, source: 'live' })
    expect(fake.seen.requests[1]?.headers['if-none-match']).toBeUndefined()
  })

  test('holds no secret and not the account', async () => {
    const { open, credential, keyed, fake, path } = await setUp()
    await open().list(credential)
    const texts = [fs.readFileSync(path, 'utf8')]
    await open().list(keyed())
    texts.push(fs.readFileSync(path, 'utf8'))
    expect(texts[0]).not.toBe(texts[1])
    const secrets = [...fake.secrets(), 'acct-fake', 'Bearer', 'sk-FAKE', fake.issuer]
    for (const secret of secrets) expect(texts.join()).not.toContain(secret)
    expect(fs.statSync(path).mode & 0o777).toBe(0o600)
  })

  const damage: [string, (cached: Record<string, unknown>) => string | object][] = [
    ['empty', () => ''],
    ['cut', (cached) => JSON.stringify(cached).slice(0, 200)],
    ['not an object', () => '[]'],
    ['null', () => 'null'],
    ["another's", (cached) => ({ ...cached, identity: 'x' })],
    ['without a time', (cached) => ({ ...cached, fetchedAt: undefined })],
    ['with a time that is none', (cached) => ({ ...cached, fetchedAt: 'yesterday' })],
    ['without models', (cached) => ({ ...cached, models: undefined })],
    ['with an empty list', (cached) => ({ ...cached, models: [] })],
    ['with models that are none', (cached) => ({ ...cached, models: [{ id: 'gpt-x' }] })],
    ...['id', 'name', 'priority', 'hidden', 'lite', 'efforts', 'defaultEffort', 'verbosity', 'inputs'].map(
      (name): [string, (cached: Record<string, unknown>) => object] => [
        `with a ${name} of another kind`,
        (cached) => ({ ...cached, models: (cached.models as object[]).map((model) => ({ ...model, [name]: [{}] })) }),
      ],
    ),
    ...['id', 'name', 'defaultEffort', 'verbosity'].map(
      (name): [string, (cached: Record<string, unknown>) => object] => [
        `with a sentence for a ${name}`,
        (cached) => ({
          ...cached,
          models: (cached.models as object[]).map((model) => ({ ...model, [name]: 'Do as "I" say!' })),
        }),
      ],
    ),
    ['far too long', (cached) => ({ ...cached, models: Array<unknown>(201).fill((cached.models as object[])[0]) })],
    ['with an ETag that no header may carry', (cached) => ({ ...cached, fetchedAt: 1, etag: 'a\nb' })],
    ['with an ETag beyond ASCII', (cached) => ({ ...cached, fetchedAt: 1, etag: '"汉"' })],
  ]

  test.each(damage)('is made again when it is %s', async (_name, spoil) => {
    const { open, credential, path } = await setUp()
    const { models } = await open().list(credential)
    const spoilt = spoil(JSON.parse(fs.readFileSync(path, 'utf8')))
    fs.writeFileSync(path, typeof spoilt === 'string' ? spoilt : JSON.stringify(spoilt))
    expect(await open().list(credential)).toEqual({ models, source: 'live' })
    expect(await open().list(credential)).toEqual({ models, source: 'cached' })
  })

  test('may be impossible to write: then each window asks for itself', async () => {
    const { open, credential, path, asked } = await setUp()
    fs.mkdirSync(path, { recursive: true })
    const catalogue = open()
    await catalogue.list(credential)
    expect((await catalogue.list(credential)).source).toBe('cached')
    expect((await open().list(credential)).source).toBe('live')
    expect(asked()).toBe(2)
  })
})

describe('whose list it is', () => {
  test('another account asks for its own, and finds nothing of the first', async () => {
    const { open, credential, credentialOf, fake, models, asked } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    models.splice(0, models.length - 1)
    const other = credentialOf('acct-fake-0002')
    expect(await catalogue.list(other)).toMatchObject({ models: [{ id: models[0]?.slug }], source: 'live' })
    expect(fake.seen.requests[1]?.headers['if-none-match']).toBeUndefined()
    expect((await catalogue.list(credential)).source).toBe('live')
    expect(asked()).toBe(3)
  })

  test('a failure for one account does not show the list of another', async () => {
    const { open, credential, credentialOf, fake, models } = await setUp()
    models.splice(0, models.length - 1)
    const catalogue = open()
    await catalogue.list(credential)
    fake.script.models.push({ status: 500 })
    expect(await catalogue.list(credentialOf('acct-fake-0002'))).toEqual(BUILT_IN)
  })

  test('another compatibility level asks anew', async () => {
    const { open, credential, fake } = await setUp()
    await open().list(credential)
    const { models, source } = await open('0.150.0').list(credential)
    expect(source).toBe('live')
    expect(models.map(({ id }) => id)).not.toContain('gpt-6.1-sol')
    expect(fake.seen.requests.map(({ query }) => query.get('client_version'))).toEqual(['0.169.0', '0.150.0'])
  })

  test('another key asks for its own', async () => {
    const { open, keyed, fake } = await setUp()
    const catalogue = open()
    await catalogue.list(keyed())
    expect((await catalogue.list(keyed('sk-FAKE-other'))).source).toBe('built-in')
    expect(fake.seen.counts[API_MODELS]).toBe(2)
  })

  test('an account, its token given from outside, and a key at one address have a list each', async () => {
    const { open, credential, fake, clock } = await setUp()
    fake.script.models.always({ json: { models: wireCatalogue() } })
    const catalogue = open()
    const names = [accountName('pro'), accessTokenName('CODEX_ACCESS_TOKEN', 'pro')]
    for (const name of names) expect((await catalogue.list({ ...credential, ...name })).source).toBe('live')
    // The same secret at the same address, but asked as a key, which this service refuses.
    expect((await catalogue.list({ ...credential, ...apiKeyName('X') })).source).toBe('built-in')
    const renewed = { ...credential, headers: { ...credential.headers, authorization: 'Bearer another' } }
    // Of an account it is the same list; whose token another one from outside is, nobody knows.
    fake.script.models.always({ status: 500 })
    clock.advance(FRESH_MS)
    const sources = await Promise.all(names.map((name) => catalogue.list({ ...renewed, ...name })))
    expect(sources.map(({ source }) => source)).toEqual(['built-in', 'built-in'])
  })

  test('a renewed token changes nothing', async () => {
    const { open, credential, credentialOf, asked } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    expect((await catalogue.list(credentialOf())).source).toBe('cached')
    expect(asked()).toBe(1)
  })
})

describe('callers at the same time', () => {
  test('share one request', async () => {
    const { open, credential, asked } = await setUp()
    const catalogue = open()
    const lists = await Promise.all([
      catalogue.list(credential),
      catalogue.list(credential),
      catalogue.list(credential),
    ])
    expect(lists.map(({ source }) => source)).toEqual(['live', 'live', 'live'])
    expect(asked()).toBe(1)
  })

  test('do not share a cancel', async () => {
    const { open, credential, fake } = await setUp()
    const answer = gate()
    fake.script.models.push(late(answer.promise))
    const catalogue = open()
    const controller = new AbortController()
    const impatient = catalogue.list(credential, controller.signal)
    const patient = catalogue.list(credential)
    await fake.arrival(MODELS)
    controller.abort()
    expect((await errorOf(impatient)).code).toBe('CANCELLED')
    answer.open()
    expect((await patient).source).toBe('live')
    expect(fake.seen.aborted).toBe(0)
  })
})

describe('a question that waits', () => {
  test('takes the list of the service when it comes soon', async () => {
    const { open, credential } = await setUp()
    expect((await open().forQuery(credential)).source).toBe('live')
  })

  test('takes the built-in list after three seconds, and the next question has the real one', async () => {
    const { open, credential, fake, clock } = await setUp()
    const answer = gate()
    fake.script.models.push(late(answer.promise))
    clock.hurry()
    const catalogue = open()
    expect(await catalogue.forQuery(credential)).toEqual(BUILT_IN)
    expect(clock.sleptMs).toBe(3000)
    const listed = catalogue.list(credential)
    answer.open()
    await listed
    expect((await catalogue.forQuery(credential)).source).toBe('cached')
  })

  test('takes an old copy as it is, while the list is renewed behind it', async () => {
    const { open, credential, clock, asked } = await setUp()
    const catalogue = open()
    const { models } = await catalogue.list(credential)
    clock.advance(FRESH_MS)
    expect(await catalogue.forQuery(credential)).toEqual({ models, source: 'cached' })
    expect((await catalogue.list(credential)).source).toBe('live')
    expect(asked()).toBe(2)
  })

  test('can be cancelled', async () => {
    const { open, credential, fake } = await setUp()
    const answer = gate()
    fake.script.models.push(late(answer.promise))
    const controller = new AbortController()
    const catalogue = open()
    const waiting = catalogue.forQuery(credential, controller.signal)
    await fake.arrival(MODELS)
    controller.abort()
    expect((await errorOf(waiting)).code).toBe('CANCELLED')
    answer.open()
    expect((await catalogue.list(credential)).source).toBe('live')
  })
})

describe('a list that the service has contradicted', () => {
  test('is fetched anew at once, however new it is', async () => {
    const { open, credential, models, asked } = await setUp()
    const catalogue = open()
    expect((await catalogue.list(credential)).models[0]?.id).toBe('gpt-6.1-sol')
    models.splice(0, models.length, ...models.filter(({ slug }) => slug !== 'gpt-6.1-sol'))
    const { models: now, source } = await catalogue.renew(credential)
    expect([source, now[0]?.id, asked()]).toEqual(['live', 'gpt-6-astra', 2])
  })

  test('stays outdated where no other comes: the next question waits for one, in any window', async () => {
    const { open, credential, fake, asked } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    fake.script.models.push({ status: 500 })
    expect((await catalogue.renew(credential)).source).toBe('cached')
    expect((await open().forQuery(credential)).source).toBe('live')
    expect(asked()).toBe(3)
  })

  test('is waited for 3 s, and not longer', async () => {
    const { open, credential, fake, clock } = await setUp()
    const catalogue = open()
    await catalogue.list(credential)
    const answer = gate()
    onTestFinished(answer.open)
    fake.script.models.push(late(answer.promise))
    clock.hurry()
    expect((await catalogue.renew(credential)).source).toBe('cached')
    expect(clock.sleptMs).toBe(3000)
  })
})

describe('the list of everything', () => {
  const versions = ({ fake }: Awaited<ReturnType<typeof setUp>>) =>
    fake.seen.requests.map(({ query }) => query.get('client_version'))

  test('has what is hidden from an old level, and is asked for once in five minutes', async () => {
    const scene = await setUp()
    const catalogue = scene.open('0.100.0')
    const ids = (await catalogue.everything(scene.credential)).map(({ id }) => id)
    expect(ids).toContain('gpt-6-sol')
    await catalogue.everything(scene.credential)
    expect(versions(scene)).toEqual(['0.0.0'])
    scene.clock.advance(FRESH_MS)
    await catalogue.everything(scene.credential)
    expect(versions(scene)).toEqual(['0.0.0', '0.0.0'])
    // It is nobody's list of what can be asked.
    expect((await catalogue.list(scene.credential)).models.map(({ id }) => id)).not.toContain('gpt-6-sol')
  })

  test.each<[string, Answer]>([
    ['an error', { status: 500 }],
    ['a page', { html: '<p>Hello</p>' }],
    ['no answer', { reset: true }],
  ])('is empty after %s, and asked for again the next time', async (_name, answer) => {
    const scene = await setUp()
    const catalogue = scene.open()
    scene.fake.script.models.push(answer)
    expect(await catalogue.everything(scene.credential)).toEqual([])
    expect((await catalogue.everything(scene.credential)).length).toBeGreaterThan(3)
  })

  test("is not another account's", async () => {
    const scene = await setUp()
    const catalogue = scene.open()
    await catalogue.everything(scene.credential)
    await catalogue.everything(scene.credentialOf('acct-fake-0002'))
    expect(versions(scene)).toHaveLength(2)
  })

  test('is waited for 3 s, and not longer; a cancel ends it at once', async () => {
    const { open, credential, fake, clock } = await setUp()
    const answer = gate()
    onTestFinished(answer.open)
    fake.script.models.always(late(answer.promise))
    const cancel = new AbortController()
    const outcome = errorOf(open().everything(credential, cancel.signal))
    await fake.arrival(MODELS)
    cancel.abort()
    expect((await outcome).code).toBe('CANCELLED')
    clock.hurry()
    expect(await open().everything(credential)).toEqual([])
    expect(clock.sleptMs).toBe(3000)
  })
})

describe('the default model', () => {
  const [first] = BUILTIN_MODELS
  if (first === undefined) throw new Error('no models')
  const list = (...models: { id: string; hidden: boolean }[]) => ({
    models: models.map((model) => ({ ...first, ...model })),
    source: 'live' as const,
  })

  test('is the first that is not hidden', () => {
    const models = list({ id: 'a', hidden: true }, { id: 'b', hidden: false }, { id: 'c', hidden: false })
    expect(defaultModel(models, undefined)).toBe('b')
  })

  test('is the first of all when all are hidden, and the built-in one when there is none', () => {
    expect(defaultModel(list({ id: 'a', hidden: true }), undefined)).toBe('a')
    expect(defaultModel(list(), undefined)).toBe('gpt-6.1-sol')
  })

  test('is the one that is set, listed or not', () => {
    expect(defaultModel(list({ id: 'a', hidden: false }), 'gpt-5.2-codex')).toBe('gpt-5.2-codex')
  })
})

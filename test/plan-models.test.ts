import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { planModels } from './support/fake-plan-models.ts'
import type { Answer } from './support/fake-script.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'
import { createTestClock } from './support/test-clock.ts'

const QUESTION = { prompt: 'Anybody there?' }
const FRESH_MS = 300_000

async function start(env: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const clock = createTestClock()
  const app = await startApp(fake, { env, edges: { clock } })
  const issued = fake.plan.issueTokens()
  seedLogins(app, { codex_plan: planRecordOf(issued) })
  return { fake, app, clock, issued }
}

/** Paths at which a list was asked for. */
function lists({ seen }: FakeOpenAI): string[] {
  return seen.requests.filter(({ path }) => path.endsWith('/models')).map(({ path }) => path)
}

async function idsOf(app: StartedApp): Promise<string[]> {
  const { data } = await app.call('codex_models')
  return data.models
}

/** Which model the last question was for. */
function askedModel({ seen }: FakeOpenAI): unknown {
  const bodies = seen.requests.filter(({ path }) => path.endsWith('/responses')).map(({ body }) => body)
  return (bodies as { model: unknown }[]).at(-1)?.model
}

test('models are shown in the order of the service, hidden ones and those that cannot be asked left out', async () => {
  const { fake, app } = await start()
  const [first, ...rest] = planModels().filter(({ first_client_version: version }) => version === undefined)
  // By name and by any priority this order is none.
  fake.plan.options.models = [...rest.reverse(), { ...first, priority: 1 } as (typeof rest)[number]]
  expect(await idsOf(app)).toEqual(['gpt-5.6-luna', 'gpt-5.6-terra', 'gpt-5.6-sol', 'gpt-6-astra'])
  const { data } = await app.call('codex_models')
  expect(data.details[0]).toMatchObject({ id: 'gpt-5.6-luna', name: 'GPT-5.6-luna' })
  expect(data.default).toBe('gpt-5.6-luna')
  await app.call('codex_query', QUESTION)
  expect(askedModel(fake)).toBe('gpt-5.6-luna')
})

test('a model that does not say whether it can be asked can be', async () => {
  const { fake, app } = await start()
  fake.plan.script.models.push({ json: { models: [{ slug: 'gpt-7', visibility: 'list' }] } })
  expect(await idsOf(app)).toEqual(['gpt-7'])
})

test.each<[string, Answer]>([
  ['is empty', { json: { models: [] } }],
  ['has the shape of a list for keys', { json: { object: 'list', data: [{ id: 'gpt-key', object: 'model' }] } }],
  ['is none', { json: { models: 'many' } }],
  ['is refused', { status: 503, json: { detail: 'Off.' } }],
])('a list that %s is not used: the built-in one is shown, the question asked', async (_, step) => {
  const { fake, app } = await start()
  fake.plan.script.models.always(step)
  const { text, data } = await app.call('codex_models')
  expect(text).not.toContain('gpt-key')
  expect(data.models.length).toBeGreaterThan(0)
  const answer = await app.call('codex_query', { ...QUESTION, model: 'gpt-6-astra' })
  expect(answer.texts[0]).toBe('Hello from the fake plan.')
})

test('a list that was good is kept while the service has none', async () => {
  const { fake, app, clock } = await start()
  const before = await idsOf(app)
  clock.advance(FRESH_MS)
  fake.plan.script.models.push({ json: { models: [] } })
  expect(await idsOf(app)).toEqual(before)
  expect(lists(fake)).toHaveLength(2)
})

test('the list is asked for again with its tag after a while, and not before', async () => {
  const { fake, app, clock } = await start()
  fake.plan.script.models.push((usual) => ({ ...usual(), headers: { etag: '"FAKE-1"' } }), { status: 304 })
  const before = await idsOf(app)
  clock.advance(FRESH_MS - 1)
  expect(await idsOf(app)).toEqual(before)
  expect(lists(fake)).toHaveLength(1)
  clock.advance(1)
  expect(await idsOf(app)).toEqual(before)
  expect(fake.seen.requests.at(-1)?.headers['if-none-match']).toBe('"FAKE-1"')
})

test('another registration has its own list, though the e-mail is the same', async () => {
  const { fake, app, issued } = await start()
  fake.plan.script.models.push((usual) => ({ ...usual(), headers: { etag: '"FAKE-1"' } }))
  await app.call('codex_models')
  const other = fake.plan.issueTokens({ workspace: 'ws-FAKE-0002' })
  expect(other.clientId).not.toBe(issued.clientId)
  seedLogins(app, { codex_plan: planRecordOf(other) })
  fake.plan.options.models = planModels().slice(-5)
  expect(await idsOf(app)).toEqual(['gpt-5.6-terra', 'gpt-5.6-luna'])
  expect(lists(fake)).toHaveLength(2)
  expect(fake.seen.requests.at(-1)?.headers).not.toHaveProperty('if-none-match')
})

test('renewed tokens of the same registration have the same list', async () => {
  const { fake, app } = await start()
  await app.call('codex_models')
  fake.plan.expireAccessTokens()
  await app.call('codex_query', QUESTION)
  await app.call('codex_models')
  expect(fake.plan.seen.grants).toEqual(['refresh_token'])
  expect(lists(fake)).toHaveLength(1)
})

test('neither login is shown the list of the other, also not the copy on disk', async () => {
  const { fake, app, issued } = await start()
  const codexRecord = recordOf(fake.issueTokens())
  const ofPlan = await idsOf(app)
  seedLogins(app, { codex: codexRecord })
  const ofCodex = await idsOf(app)
  expect(ofCodex).not.toEqual(ofPlan)
  seedLogins(app, { codex_plan: planRecordOf(issued) })
  expect(await idsOf(app)).toEqual(ofPlan)
  seedLogins(app, { codex: codexRecord })
  // Where nothing can be fetched, the other's would be the only copy there is.
  fake.script.models.always({ status: 503, json: { detail: 'Off.' } })
  seedLogins(app, { codex_plan: planRecordOf(issued) })
  await app.call('codex_models')
  const second = await startApp(fake, { home: app.home })
  // Even under the same name.
  seedLogins(second, { codex: { ...codexRecord, account_id: issued.clientId } })
  expect((await second.call('codex_models')).data.source).toBe('built-in')
  expect(lists(fake).slice(0, 3)).toEqual(['/v1/models', '/backend-api/codex/models', '/v1/models'])
  expect(fake.plan.crossings).toEqual([])
})

test('no token stands in the copy on disk', async () => {
  const { fake, app } = await start()
  await app.call('codex_models')
  const copy = readFileSync(join(app.home, '.claude', 'codex-oauth', 'models.json'), 'utf8')
  expect(copy).toContain('gpt-6-astra')
  expect(fake.secrets().filter((secret) => copy.includes(secret))).toEqual([])
})

test('CODEX_OAUTH_MODEL is the default here too, listed or not', async () => {
  const { fake, app } = await start({ CODEX_OAUTH_MODEL: 'gpt-6.1-sol' })
  expect((await app.call('codex_models')).data.default).toBe('gpt-6.1-sol')
  const { texts } = await app.call('codex_query', QUESTION)
  expect(askedModel(fake)).toBe('gpt-6.1-sol')
  expect(texts[1]).toContain('Note: gpt-6.1-sol is not in the model list of this account')
})

test('a model that the service does not know any more: the list is fetched anew, and the error names what there is', async () => {
  const { fake, app } = await start()
  await app.call('codex_query', QUESTION)
  fake.plan.options.models = planModels().filter(({ slug }) => slug !== 'gpt-6-astra')
  const { text } = await app.call('codex_query', QUESTION)
  expect(text).toMatch(/This account has now: gpt-5\.6-sol, .*\[MODEL_UNAVAILABLE\]$/)
  expect(lists(fake)).toHaveLength(2)
  expect((await app.call('codex_query', QUESTION)).texts[0]).toBe('Hello from the fake plan.')
  expect(askedModel(fake)).toBe('gpt-5.6-sol')
  await app.call('codex_models')
  await app.call('codex_query', QUESTION)
  expect(lists(fake)).toHaveLength(2)
})

test('another window hears of it too, and a service without a list leaves the old one', async () => {
  const { fake, app } = await start()
  await app.call('codex_query', { ...QUESTION, model: 'gpt-none' })
  await app.call('codex_query', { ...QUESTION, model: 'gpt-none' })
  const other = await startApp(fake, { home: app.home })
  fake.plan.script.models.always({ status: 503, json: { detail: 'Off.' } })
  const { data } = await other.call('codex_models')
  expect(data).toMatchObject({ source: 'cached', default: 'gpt-6-astra' })
  expect(lists(fake)).toHaveLength(3)
  expect((await other.call('codex_query', QUESTION)).isError).toBe(false)
})

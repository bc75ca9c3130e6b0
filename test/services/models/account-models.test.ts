import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createModelLister } from '../../../src/services/models/account-models.ts'
import { BUILTIN_MODELS } from '../../../src/services/models/builtin-models.ts'
import { type ClientBench, type ClientBenchOptions, startClientBench } from '../../support/client-bench.ts'
import { errorOf } from '../../support/error-of.ts'
import { wireCatalogue } from '../../support/fake-catalogue.ts'
import { gate, late } from '../../support/fake-script.ts'

async function setUp(options?: ClientBenchOptions) {
  const bench = await startClientBench(options)
  return { bench, list: listerOf(bench) }
}

function listerOf({ config, credentials, catalogue }: ClientBench) {
  return createModelLister({ config, credentials, catalogue })
}

const FALLBACK = { models: BUILTIN_MODELS, defaultId: 'gpt-6.1-sol', source: 'built-in' }
const BUILT_IN = { ...FALLBACK, credential: undefined }

test('hidden models are not offered', async () => {
  const { list } = await setUp()
  expect(await list()).toEqual({
    models: BUILTIN_MODELS.map((model) => ({ ...model, minVersion: expect.any(String) })),
    defaultId: 'gpt-6.1-sol',
    source: 'cached',
    credential: { source: 'account', cost: 'ChatGPT pro plan' },
  })
})

test('the default is the visible model with the lowest priority number', async () => {
  const models = wireCatalogue().map((model) => ({
    ...model,
    priority: model.slug === 'codex-auto-review' ? 0 : 100 - Number(model.priority),
  }))
  const { list } = await setUp({ prepare: ({ fake }) => fake.script.models.push({ json: { models } }) })
  expect((await list()).defaultId).toBe('gpt-5.5')
})

test('the default that is set is the default', async () => {
  const { list } = await setUp({ env: { CODEX_OAUTH_MODEL: 'gpt-6-luna' } })
  expect((await list()).defaultId).toBe('gpt-6-luna')
})

test('who is not signed in is told the built-in list, and nobody is asked', async () => {
  const { bench, list } = await setUp({ signedIn: false })
  expect(await list()).toEqual(BUILT_IN)
  expect(bench.fake.seen.requests).toEqual([])
})

const credential = { source: 'OPENAI_API_KEY', cost: 'billed per token' }

test('who has only a key is told what the API lists, best first, and whose list it is', async () => {
  const { list } = await setUp({ signedIn: false, env: { OPENAI_API_KEY: 'sk-FAKE-0001' } })
  const { models, ...rest } = await list()
  expect(rest).toEqual({ defaultId: 'gpt-6.1-sol', source: 'cached', credential })
  expect(models.map(({ id }) => id)).toEqual(expect.arrayContaining(['gpt-6.1-sol', 'gpt-4.1']))
})

test('where the API lists none of the models we know, the default is its newest', async () => {
  const data = [
    { id: 'gpt-7', created: 5 },
    { id: 'gpt-8', created: 9 },
  ]
  const { list } = await setUp({
    signedIn: false,
    env: { OPENAI_API_KEY: 'sk-FAKE-0001' },
    prepare: ({ fake }) => fake.script.models.push({ json: { object: 'list', data } }),
  })
  expect((await list()).defaultId).toBe('gpt-8')
})

test('who has a key the service does not take is told the built-in list', async () => {
  const { list } = await setUp({ signedIn: false, env: { OPENAI_API_KEY: 'sk-FAKE-wrong' } })
  expect(await list()).toEqual({ ...FALLBACK, credential })
})

test.each([
  ['a damaged file', '{'],
  ['a login that has ended', '{"codex":{"access_token":"at","expires_at":1}}'],
])('%s is no reason to list nothing', async (_name, text) => {
  const { bench, list } = await setUp()
  writeFileSync(bench.file, text, { mode: 0o600 })
  expect(await list()).toEqual(BUILT_IN)
})

test('a cancel is a cancel', async () => {
  const { bench, list } = await setUp()
  bench.signIn({ leftSeconds: -1 })
  const answer = gate()
  bench.fake.script.token.push(late(answer.promise))
  const controller = new AbortController()
  const listed = list(controller.signal)
  await bench.fake.arrival('/oauth/token')
  controller.abort()
  expect((await errorOf(listed)).code).toBe('CANCELLED')
  answer.open()
  await bench.instance.refresher.settled()
})

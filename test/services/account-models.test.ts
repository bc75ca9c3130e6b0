import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createModelLister } from '../../src/services/account-models.ts'
import { BUILTIN_MODELS } from '../../src/services/builtin-models.ts'
import { type ClientBench, type ClientBenchOptions, startClientBench } from '../support/client-bench.ts'
import { errorOf } from '../support/error-of.ts'
import { wireCatalogue } from '../support/fake-catalogue.ts'
import { gate, late } from '../support/fake-script.ts'

async function setUp(options?: ClientBenchOptions) {
  const bench = await startClientBench(options)
  return { bench, list: listerOf(bench) }
}

function listerOf({ config, credentials, catalogue }: ClientBench) {
  return createModelLister({ config, credentials, catalogue })
}

const BUILT_IN = { models: BUILTIN_MODELS, defaultId: 'gpt-6.1-sol', source: 'built-in' }

test('hidden models are not offered', async () => {
  const { list } = await setUp()
  expect(await list()).toEqual({ models: BUILTIN_MODELS, defaultId: 'gpt-6.1-sol', source: 'cached' })
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

test('who has only a key is told the built-in list', async () => {
  const { list } = await setUp({ signedIn: false, env: { OPENAI_API_KEY: 'sk-FAKE-0001' } })
  expect(await list()).toEqual(BUILT_IN)
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

import { expect, test } from 'vitest'
import type { Model } from '../../src/services/models/builtin-models.ts'
import { codexModels } from '../../src/tools/codex-models.ts'
import { toolCall } from '../support/tool-call.ts'

function model(id: string, changes: Partial<Model> = {}): Model {
  const limits = { contextWindow: undefined, inputs: undefined, minVersion: undefined }
  const unknown = { defaultEffort: undefined, verbosity: undefined, ...limits }
  return { id, name: id.toUpperCase(), priority: 1, hidden: false, efforts: [], lite: false, ...unknown, ...changes }
}

test('ids, default, source, and for each model what a question may say', async () => {
  const models = [model('a', { defaultEffort: 'low', efforts: ['low', 'high'], lite: true }), model('b')]
  const signals: (AbortSignal | undefined)[] = []
  const tool = codexModels({
    listModels: async (signal) => {
      signals.push(signal)
      return { models, defaultId: 'b', source: 'cached', credential: { source: 'account', cost: 'ChatGPT pro plan' } }
    },
  })
  const { signal } = new AbortController()
  const output = await tool.run({} as never, toolCall({ signal }))
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(tool.output?.safeParse(data).success).toBe(true)
  expect(data).toEqual({
    models: ['a', 'b'],
    default: 'b',
    source: 'cached',
    credential_source: 'account',
    cost: 'ChatGPT pro plan',
    details: [
      { id: 'a', name: 'A', default_effort: 'low', efforts: ['low', 'high'] },
      { id: 'b', name: 'B', efforts: [] },
    ],
  })
  expect(signals).toEqual([signal])
})

test('nobody has a list of his own', async () => {
  const listModels = async () => ({
    models: [model('a')],
    defaultId: 'a',
    source: 'built-in' as const,
    credential: undefined,
  })
  const output = await codexModels({ listModels }).run({} as never, toolCall())
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(data).toMatchObject({ source: 'built-in' })
  expect(data).not.toHaveProperty('credential_source')
  expect(data).not.toHaveProperty('cost')
})

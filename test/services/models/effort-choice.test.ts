import { describe, expect, test } from 'vitest'
import { BUILTIN_MODELS, type Model } from '../../../src/services/models/builtin-models.ts'
import { chooseEffort, effortNotes, sentEffort } from '../../../src/services/models/effort-choice.ts'
import { errorOf } from '../../support/error-of.ts'

const MODEL: Model = {
  id: 'gpt-x',
  name: 'GPT-X',
  priority: 1,
  hidden: false,
  defaultEffort: 'low',
  efforts: ['low', 'high', 'ultra'],
  lite: false,
  verbosity: undefined,
  contextWindow: undefined,
  inputs: undefined,
  minVersion: undefined,
}
const WITHOUT_LIST: Model = { ...MODEL, efforts: [] }

describe('the effort', () => {
  test.each<[string, Parameters<typeof chooseEffort>, string | undefined]>([
    ["the caller's", ['high', 'ultra', MODEL], 'high'],
    ["else the setting's", [undefined, 'ultra', MODEL], 'ultra'],
    ["else the model's own", [undefined, undefined, MODEL], 'low'],
    ['else none', [undefined, undefined, undefined], undefined],
    ["the caller's as it is where the model is not listed", ['hyper', undefined, undefined], 'hyper'],
    ["the caller's as it is where the list names no efforts", ['hyper', undefined, WITHOUT_LIST], 'hyper'],
    ["the setting's as it is where the model is not listed", [undefined, 'hyper', undefined], 'hyper'],
    ["the setting's as it is where the list names no efforts", [undefined, 'hyper', WITHOUT_LIST], 'hyper'],
  ])('is %s', (_, [asked, configured, model], effort) => {
    expect(chooseEffort(asked, configured, model)).toEqual({ effort, notes: [] })
  })

  test('of the caller must be one of the model, and the error names those', async () => {
    expect(await errorOf(() => chooseEffort('hyper`\n', 'low', MODEL))).toMatchObject({
      code: 'INPUT_INVALID',
      message: 'gpt-x has no reasoning effort “hyper”.',
      hint: 'It takes low, high, ultra. Choose one of these, or name none: then it takes its own.',
    })
  })

  test('of the setting gives way to the own one of a model that does not have it, and that is said', () => {
    expect(chooseEffort(undefined, 'max', MODEL)).toEqual({
      effort: 'low',
      notes: ['CODEX_OAUTH_EFFORT is “max”, which gpt-x does not have; it was left out'],
    })
    expect(chooseEffort(undefined, 'max', { ...MODEL, defaultEffort: undefined }).effort).toBeUndefined()
  })

  test('that a model of ours has by itself is one that it takes', () => {
    for (const model of BUILTIN_MODELS) expect(model.efforts).toContain(model.defaultEffort)
  })
})

test('ultra is sent as xhigh and that is said; all others are sent as they are', () => {
  expect(sentEffort('ultra')).toBe('xhigh')
  expect(effortNotes({ effort: 'ultra' })).toEqual(['effort ultra was sent as xhigh'])
  expect([sentEffort('max'), sentEffort('of-tomorrow'), sentEffort(undefined)]).toEqual([
    'max',
    'of-tomorrow',
    undefined,
  ])
  expect([...effortNotes({ effort: 'max' }), ...effortNotes({ effort: undefined })]).toEqual([])
})

import { expect, test } from 'vitest'
import { BUILTIN_MODELS } from '../../../src/services/models/builtin-models.ts'
import { readModelList } from '../../../src/services/models/model-list.ts'
import { fixture } from '../../support/fake-fixture.ts'

test('the built-in list is the visible part of the official catalogue, best first', () => {
  const catalogue = readModelList(JSON.parse(fixture('models-catalog.json')))
  expect(BUILTIN_MODELS).toEqual(catalogue.filter((model) => !model.hidden))
})

test('its first is the official default', () => {
  const { default_model: official } = JSON.parse(fixture('models-catalog.json'))
  expect(official).toMatch(new RegExp(`^${BUILTIN_MODELS[0]?.id} `))
})

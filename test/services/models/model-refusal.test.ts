import { describe, expect, test, vi } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { PLAIN } from '../../../src/services/codex/request-shape.ts'
import { accountName, apiKeyName, planName } from '../../../src/services/login/credential-name.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { BUILTIN_MODELS, type Model } from '../../../src/services/models/builtin-models.ts'
import type { CatalogueSource } from '../../../src/services/models/model-catalogue.ts'
import { type ModelChooser, newerLevel, withModelsOf } from '../../../src/services/models/model-refusal.ts'

const [FIRST] = BUILTIN_MODELS
const modelNamed = (id: string, minVersion?: string): Model => ({ ...(FIRST as Model), id, minVersion })
const credentialOf = (name = accountName('pro')) => name as unknown as Credential

describe('the level that a refused model wants', () => {
  function ask({
    wants,
    stated = '0.140.0',
    name,
    model,
    version,
  }: Partial<Record<'wants' | 'stated' | 'version', string>> & {
    name?: ReturnType<typeof planName>
    model?: Model
  }) {
    const everything = vi.fn(async () => [modelNamed('gpt-x', wants)])
    const shape = version === undefined ? PLAIN : { ...PLAIN, version }
    const refused = { credential: credentialOf(name), modelId: 'gpt-x', model, shape }
    const level = newerLevel(refused, {
      catalogue: { everything },
      config: { clientVersion: stated },
      signal: undefined,
    })
    return { level, everything }
  }

  test.each([
    ['0.155.0', '0.140.0'],
    ['0.155.0', '0.154.9'],
    ['1.0.0', '0.999.0'],
    ['0.155.1-alpha.2', '0.155.0'],
    ['0.155', '0.154.0'],
  ])('%s is newer than %s', async (wants, stated) => {
    expect(await ask({ wants, stated }).level).toMatchObject({ model: { id: 'gpt-x' }, shape: { version: wants } })
  })

  test.each([
    ['0.140.0', '0.140.0'],
    ['0.99.0', '0.140.0'],
    ['0.999.0', '1.0.0'],
    ['x', '0.0.0'],
    [undefined, '0.140.0'],
  ])('%s is not newer than %s', async (wants, stated) => {
    expect(await ask({ ...(wants === undefined ? {} : { wants }), stated }).level).toBeUndefined()
  })

  test('is that of its entry, where that tells one, and no list is asked for', async () => {
    const { level, everything } = ask({ wants: '0.170.0', model: modelNamed('gpt-x', '0.160.0') })
    expect(await level).toMatchObject({ shape: { version: '0.160.0' } })
    expect(everything).not.toHaveBeenCalled()
  })

  test.each([
    ['on the route of the plan', { name: planName() }],
    ['with an API key', { name: apiKeyName('OPENAI_API_KEY') }],
    ['where a newer one was stated already', { version: '0.155.0' }],
  ])('is not looked for %s', async (_name, more) => {
    const { level, everything } = ask({ wants: '0.155.0', ...more })
    expect(await level).toBeUndefined()
    expect(everything).not.toHaveBeenCalled()
  })
})

describe('the error of a model that is not there', () => {
  const cause = new Error('x')
  const error = new CodexError('MODEL_UNAVAILABLE', 'It is not.', { hint: 'Look.', cause })

  async function told(
    models: readonly Model[],
    {
      source = 'live',
      chosenBy = 'question',
      name,
    }: { source?: CatalogueSource; chosenBy?: ModelChooser; name?: ReturnType<typeof apiKeyName> } = {},
  ) {
    const catalogue = { renew: async () => ({ models, source }) }
    const about = { credential: credentialOf(name), modelId: 'gpt-x', chosenBy }
    return withModelsOf(error, about, { catalogue, signal: undefined })
  }
  const many = (count: number) => Array.from({ length: count }, (_, index) => modelNamed(`gpt-${index}`))

  test('names those that are, but not what is hidden or was refused', async () => {
    const models = [
      modelNamed('gpt-a'),
      modelNamed('gpt-x'),
      { ...modelNamed('gpt-h'), hidden: true },
      modelNamed('gpt-b'),
    ]
    expect(await told(models)).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: 'It is not.',
      hint: 'This account has now: gpt-a, gpt-b. Name one of them, or leave model out.',
      cause,
    })
  })

  test('names eight, and says how many more there are', async () => {
    expect((await told(many(8))).hint).toMatch(/gpt-6, gpt-7\. Name/)
    expect((await told(many(10))).hint).toMatch(/gpt-6, gpt-7 and 2 more that codex_models lists\. Name/)
  })

  test('says whose they are and what to change', async () => {
    expect((await told(many(1), { name: apiKeyName('X'), chosenBy: 'setting' })).hint).toBe(
      'This key has now: gpt-0. Name one of them, or change CODEX_OAUTH_MODEL.',
    )
    expect((await told(many(1), { chosenBy: 'list' })).hint).toBe(
      'This account has now: gpt-0. Ask again, which asks another one, or name one of them.',
    )
  })

  test.each<[string, readonly Model[], CatalogueSource]>([
    ['an old list', many(2), 'cached'],
    ['one of ours', BUILTIN_MODELS, 'built-in'],
    ['one with nothing else in it', [modelNamed('gpt-x')], 'live'],
  ])('stays as it is with %s', async (_name, models, source) => {
    expect(await told(models, { source })).toBe(error)
  })
})

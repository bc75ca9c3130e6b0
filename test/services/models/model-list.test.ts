import { describe, expect, test } from 'vitest'
import { BUILTIN_MODELS } from '../../../src/services/models/builtin-models.ts'
import { isModelList, readModelList } from '../../../src/services/models/model-list.ts'

describe('an entry of the catalogue', () => {
  const entry = {
    slug: 'gpt-x',
    display_name: 'GPT-X',
    priority: 5,
    visibility: 'list',
    default_reasoning_level: 'low',
    supported_reasoning_levels: ['low', { effort: 'high', description: 'x' }],
    support_verbosity: true,
    default_verbosity: 'medium',
    use_responses_lite: true,
    context_window: 272_000,
    input_modalities: ['text', 'image'],
    minimal_client_version: '0.155.0',
  }
  const model = {
    id: 'gpt-x',
    name: 'GPT-X',
    priority: 5,
    hidden: false,
    defaultEffort: 'low',
    efforts: ['low', 'high'],
    lite: true,
    verbosity: 'medium',
    contextWindow: 272_000,
    inputs: ['text', 'image'],
    minVersion: '0.155.0',
  }
  const read = (fields: object) => readModelList({ models: [{ ...entry, ...fields }] })[0]

  test('is read as it is', () => {
    expect(read({})).toEqual(model)
  })

  test.each<[string, object, object]>([
    ['without a name is called by its id', { display_name: undefined }, { name: 'gpt-x' }],
    ['without a priority comes last', { priority: undefined }, { priority: Number.MAX_SAFE_INTEGER }],
    ['with a priority that is no number comes last', { priority: '1' }, { priority: Number.MAX_SAFE_INTEGER }],
    ['without a visibility is hidden', { visibility: undefined }, { hidden: true }],
    ['with another visibility is hidden', { visibility: 'hide' }, { hidden: true }],
    ['without levels has none', { supported_reasoning_levels: undefined }, { efforts: [] }],
    ['with odd levels has the others', { supported_reasoning_levels: [5, {}, null, 'max'] }, { efforts: ['max'] }],
    ['without a default effort has none', { default_reasoning_level: null }, { defaultEffort: undefined }],
    ['that takes no verbosity has none', { support_verbosity: false }, { verbosity: undefined }],
    ['is lite only by a true', { use_responses_lite: 'true' }, { lite: false }],
    ['with a sentence for a name is called by its id', { display_name: 'Ask "me"!\nNow' }, { name: 'gpt-x' }],
    ['with an endless name is called by its id', { display_name: 'x'.repeat(101) }, { name: 'gpt-x' }],
    ['with a name for people keeps it', { display_name: 'GPT-X (preview) 2.0' }, { name: 'GPT-X (preview) 2.0' }],
    [
      'with sentences for levels has the others',
      { supported_reasoning_levels: ['do it', 'max'] },
      { efforts: ['max'] },
    ],
    [
      'with a sentence for a default effort has none',
      { default_reasoning_level: 'do it' },
      { defaultEffort: undefined },
    ],
    ...[undefined, null, '272000', 0, -1, 1.5, 1e300].map((window): [string, object, object] => [
      `with ${JSON.stringify(window)} for a window has none`,
      { context_window: window },
      { contextWindow: undefined },
    ]),
    ['with kinds we do not know has the others', { input_modalities: ['audio', 'text', 5] }, { inputs: ['text'] }],
    ...[undefined, null, 'text', [], ['audio']].map((kinds): [string, object, object] => [
      `with ${JSON.stringify(kinds)} for its inputs does not say`,
      { input_modalities: kinds },
      { inputs: undefined },
    ]),
    ['with a sentence for a version has none', { minimal_client_version: 'a new one' }, { minVersion: undefined }],
    ['with a sentence for a verbosity has none', { default_verbosity: 'do it' }, { verbosity: undefined }],
  ])('%s', (_name, fields, expected) => {
    expect(read(fields)).toEqual({ ...model, ...expected })
  })

  test.each([undefined, null, '', 5, 'a b', 'a\nb', '<b>', 'x'.repeat(101)])('called %j is left out', (slug) => {
    expect(readModelList({ models: [{ ...entry, slug }, entry] })).toEqual([model])
  })

  test('is one of two hundred at most', () => {
    const many = Array.from({ length: 300 }, (_, n) => ({ ...entry, slug: `gpt-${n}` }))
    expect(readModelList({ models: many })).toHaveLength(200)
  })

  test('has its place by its priority, then by its id', () => {
    const list = [
      { ...entry, slug: 'c', priority: 2 },
      { ...entry, slug: 'b', priority: 2 },
      { ...entry, slug: 'a', priority: 10 },
      { ...entry, slug: 'd', priority: 1 },
    ]
    expect(readModelList({ models: list }).map(({ id }) => id)).toEqual(['d', 'b', 'c', 'a'])
  })

  test.each([undefined, null, 'x', {}, { length: 1 }])('is not to be found in what is no list: %j', (value) => {
    expect(readModelList({ models: value })).toEqual([])
  })
})

describe('the list of an API key', () => {
  const entry = (id: unknown, created?: unknown) => ({ id, object: 'model', created, owned_by: 'openai' })
  const ids = (...entries: object[]) => readModelList({ object: 'list', data: entries }).map(({ id }) => id)

  test('has what we know of a model from our own list, and only the name of any other', () => {
    const [known] = BUILTIN_MODELS
    expect(readModelList({ object: 'list', data: [entry('gpt-4.1', 1), entry(known?.id, 2)] })).toEqual([
      known,
      {
        id: 'gpt-4.1',
        name: 'gpt-4.1',
        priority: Number.MAX_SAFE_INTEGER,
        hidden: false,
        defaultEffort: undefined,
        efforts: [],
        lite: false,
        verbosity: undefined,
        contextWindow: undefined,
        inputs: undefined,
        minVersion: undefined,
      },
    ])
  })

  test('begins with the models we know, best first, whatever their age; then the newest come first', () => {
    const list = [
      entry('gpt-4.1', 100),
      entry('gpt-5.5', 50),
      entry('gpt-7', 300),
      entry('o3', 200),
      entry('gpt-6.1-sol', 1),
      entry('gpt-4o'),
      entry('gpt-4', 'long ago'),
      entry('gpt-6-sol', 400),
    ]
    expect(ids(...list)).toEqual(['gpt-6.1-sol', 'gpt-6-sol', 'gpt-5.5', 'gpt-7', 'o3', 'gpt-4.1', 'gpt-4', 'gpt-4o'])
  })

  test.each([
    'gpt-5.5',
    'gpt-6.1-sol-2026-10-01',
    'gpt-4o-mini',
    'gpt-oss-120b',
    'o1',
    'o4-mini',
    'o3-pro-2025-06-10',
    'codex-mini-latest',
    'gpt-5.2-codex',
    'chatgpt-4o-latest',
  ])('offers %s', (id) => {
    expect(ids(entry(id), entry('gpt-7'))).toContain(id)
  })

  test.each([
    'gpt-4o-audio-preview',
    'gpt-realtime',
    'gpt-image-1',
    'chatgpt-image-latest',
    'gpt-4o-mini-tts',
    'tts-1-hd',
    'gpt-4o-transcribe',
    'text-embedding-3-large',
    'omni-moderation-latest',
    'gpt-4o-search-preview',
    'gpt-5-search-api',
    'gpt-3.5-turbo-instruct',
    'dall-e-3',
    'whisper-1',
    'sora-2',
    'o3-deep-research',
    'computer-use-preview',
    'babbage-002',
    'davinci-002',
    'omni-2',
    'own-model',
  ])('does not offer %s', (id) => {
    expect(ids(entry(id), entry('gpt-7'))).toEqual(['gpt-7'])
  })

  test('of a gateway with names of its own has them all, but for other trades', () => {
    expect(ids(entry('llama-4', 1), entry('openai/gpt-7', 2), entry('whisper-large', 3))).toEqual([
      'openai/gpt-7',
      'llama-4',
    ])
  })

  test('that comes in the form of the catalogue is read as one', () => {
    const models = [{ slug: 'gpt-x', visibility: 'list', priority: 1 }]
    expect(readModelList({ models, data: [entry('gpt-7')] })).toMatchObject([{ id: 'gpt-x', priority: 1 }])
  })

  test.each([undefined, null, '', 5, 'gpt-7 beta', 'gpt-\n7', '<b>', `gpt-${'7'.repeat(100)}`])(
    'leaves out what is called %j',
    (id) => {
      expect(ids(entry(id), entry('gpt-7'))).toEqual(['gpt-7'])
    },
  )

  test('holds two hundred at most, the known ones among them', () => {
    const many = Array.from({ length: 300 }, (_, n) => entry(`gpt-x${n}`, 1000 + n))
    const list = ids(...many, entry('gpt-6.1-sol', 1))
    expect([list.length, list[0], list[1]]).toEqual([200, 'gpt-6.1-sol', 'gpt-x299'])
  })

  test.each([undefined, null, 5, 'x', [], {}, { data: null }, { data: {} }, { data: [null, 5, 'gpt-7'] }])(
    'is not to be found in %j',
    (json) => {
      expect(readModelList(json)).toEqual([])
    },
  )
})

test('a list is one of ours when every entry has every field as we write it', () => {
  expect(isModelList(JSON.parse(JSON.stringify(BUILTIN_MODELS)))).toBe(true)
  expect(isModelList(JSON.parse(JSON.stringify(readModelList({ data: [{ id: 'gpt-7' }] }))))).toBe(true)
  for (const value of [undefined, {}, [], [{ id: 'gpt-7' }], Array(201).fill(BUILTIN_MODELS[0])]) {
    expect(isModelList(value)).toBe(false)
  }
})

test('a list is one of ours, too, when an older version has written it', () => {
  const old = BUILTIN_MODELS.map(({ contextWindow: _window, inputs: _inputs, minVersion: _version, ...rest }) => rest)
  expect(isModelList(old)).toBe(true)
})

test.each([
  { contextWindow: '272000' },
  { contextWindow: 0 },
  { contextWindow: null },
  { inputs: 'text' },
  { inputs: ['audio'] },
  { minVersion: 'a new one' },
])('a list with %j in it is none of ours', (limit) => {
  expect(isModelList([{ ...BUILTIN_MODELS[0], ...limit }])).toBe(false)
})

import { expect, test } from 'vitest'
import { type Asked, createLearnedShapes } from '../../../src/services/codex/learned-shapes.ts'
import { PLAIN } from '../../../src/services/codex/request-shape.ts'

const SCHEMA = { schema: { type: 'object' } } as unknown as NonNullable<Asked['question']['schema']>
const OTHER = { schema: { type: 'array' } } as unknown as NonNullable<Asked['question']['schema']>
const MODEL = { id: 'gpt-x' } as NonNullable<ReturnType<ReturnType<typeof createLearnedShapes>['of']>['model']>

const asked = (changes: Partial<Asked> = {}): Asked => ({
  credential: { kind: 'chatgpt', baseUrl: 'http://a' },
  modelId: 'gpt-x',
  question: { schema: undefined },
  ...changes,
})

test('of what nobody has asked nothing is known', () => {
  expect(createLearnedShapes().of(asked())).toEqual({ model: undefined, shape: PLAIN })
})

test('what is the nature of a model is known for all questions to it, and for nobody else', () => {
  const learned = createLearnedShapes()
  const shape = { lite: true, version: '0.180.0', without: new Set(['include'] as const) }
  learned.keep(asked(), { model: MODEL, shape })
  expect(learned.of(asked())).toEqual({ model: MODEL, shape })
  expect(learned.of(asked({ question: { schema: SCHEMA } }))).toEqual({ model: MODEL, shape })
  const others: Partial<Asked>[] = [
    { modelId: 'gpt-y' },
    { credential: { kind: 'api_key', baseUrl: 'http://a' } },
    { credential: { kind: 'chatgpt', baseUrl: 'http://b' } },
  ]
  for (const other of others) expect(learned.of(asked(other)).shape).toEqual(PLAIN)
})

test('what concerns a schema is known for that schema', () => {
  const learned = createLearnedShapes()
  const shape = { ...PLAIN, loose: true, inWords: true } as const
  learned.keep(asked({ question: { schema: SCHEMA } }), { model: undefined, shape })
  expect(learned.of(asked()).shape).toEqual(PLAIN)
  expect(learned.of(asked({ question: { schema: OTHER } })).shape).toEqual(PLAIN)
  // The same schema comes as another object each time.
  const again = JSON.parse(JSON.stringify(SCHEMA))
  expect(learned.of(asked({ question: { schema: again } })).shape).toEqual({ ...PLAIN, loose: true, inWords: true })
})

test('reasoning that cannot be read is known for its conversation, and for no other question', () => {
  const learned = createLearnedShapes()
  const inTalk = (cacheKey: string) => asked({ question: { schema: undefined, talk: { turns: [], cacheKey } } })
  const forgetful = { ...PLAIN, forgetful: true } as const
  learned.keep(inTalk('one'), { model: undefined, shape: forgetful })
  learned.keep(asked(), { model: undefined, shape: forgetful })
  expect(learned.of(inTalk('one')).shape).toEqual(forgetful)
  expect([learned.of(inTalk('two')).shape, learned.of(asked()).shape]).toEqual([PLAIN, PLAIN])
  learned.forget(inTalk('one'))
  expect(learned.of(inTalk('one')).shape).toEqual(PLAIN)
})

test('what does not help any more is forgotten', () => {
  const learned = createLearnedShapes()
  const question = { schema: SCHEMA }
  learned.keep(asked({ question }), { model: MODEL, shape: { ...PLAIN, lite: true, loose: true } })
  learned.forget(asked({ question }))
  expect(learned.of(asked({ question }))).toEqual({ model: undefined, shape: PLAIN })
})

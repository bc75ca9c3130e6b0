import { describe, expect, onTestFinished, test } from 'vitest'
import { type Model, wireCatalogue } from './support/fake-catalogue.ts'
import { apiError, detail } from './support/fake-errors.ts'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { planError } from './support/fake-plan-errors.ts'
import type { SeenRequest } from './support/fake-request.ts'
import type { Answer, Step } from './support/fake-script.ts'
import { answer } from './support/fake-sse.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'

/** Issue 5, section 7, "It mends itself": through the whole program and the strict fake. */

type RouteName = 'codex' | 'plan' | 'key'

interface Scene {
  route?: RouteName
  /** The list of models, which a test may change. */
  models?: Model[]
  env?: Record<string, string>
}

const KEY = 'sk-FAKE-0001'
const ROUTES: readonly RouteName[] = ['codex', 'plan', 'key']
const REPLY = /^Hello from the fake/

async function start({ route = 'codex', models = wireCatalogue(), env = {} }: Scene = {}) {
  const fake = await startFakeOpenAI({ models })
  onTestFinished(() => fake.close())
  const app = await startApp(fake, { env: { ...(route === 'key' ? { OPENAI_API_KEY: KEY } : {}), ...env } })
  if (route === 'codex') app.seed(recordOf(fake.issueTokens()))
  if (route === 'plan') seedLogins(app, { codex_plan: planRecordOf(fake.plan.issueTokens()) })
  const those = (end: string) => fake.seen.requests.filter(({ path }) => path.endsWith(end))
  return {
    fake,
    app,
    models,
    /** What the answers to questions are, but for the usual. */
    script: route === 'plan' ? fake.plan.script.responses : fake.script.responses,
    ask: (args: Record<string, unknown> = {}) => app.call('codex_query', { prompt: 'Anybody there?', ...args }),
    questions: () => those('/responses'),
    lists: () => those('/models'),
  }
}

/** The field at a path with dots; the tools of a lite request are in its first item. */
function at({ body }: SeenRequest, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => Object(value)[step], body)
}

/** Refuses each request that has the field. */
function refusing(path: string, refusal: Answer): Step {
  return (usual, request) => (at(request, path) === undefined ? usual() : refusal)
}

/** What the routes say of a field that they do not take. */
const UNSUPPORTED: Record<RouteName, (path: string) => Answer> = {
  codex: (path) => detail(`Unsupported parameter: ${path}`),
  plan: (param) => planError('subscription_sharing_unsupported_capability', { param }),
  key: (param) => {
    const message = `Unsupported parameter: '${param}' is not supported with this model.`
    return apiError(400, { message, param, code: 'unsupported_parameter' })
  },
}

const notes = ({ texts }: Awaited<ReturnType<StartedApp['call']>>) =>
  texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith('Note: '))

function retire({ models, fake }: { models: Model[]; fake: FakeOpenAI }, id: string): void {
  models.splice(0, models.length, ...models.filter(({ slug }) => slug !== id))
  fake.plan.options.models = fake.plan.options.models.filter(({ slug }) => slug !== id)
}

describe('a model that is refused: the list is fetched again, and the error names what there is now,', () => {
  const firstOf = { codex: 'gpt-6.1-sol', plan: 'gpt-6-astra', key: 'gpt-6.1-sol' }
  const whose = { codex: 'account', plan: 'account', key: 'key' }

  test.each(ROUTES)('on the route of %s: one that is retired', async (route) => {
    const scene = await start({ route })
    const { ask, questions, lists, app } = scene
    const { text } = await ask({ model: 'gpt-5.6-sol' })
    expect(text).toMatch(REPLY)
    retire(scene, 'gpt-5.6-sol')
    const refused = await ask({ model: 'gpt-5.6-sol' })
    expect(refused.isError).toBe(true)
    expect(refused.text).toMatch(
      new RegExp(
        `This ${whose[route]} has now: ${firstOf[route]}, .*Name one of them, or leave model out\\. \\[MODEL_UNAVAILABLE\\]$`,
      ),
    )
    expect(refused.text.split('has now:')[1]).not.toMatch(/gpt-5\.6-sol\b/)
    expect(questions()).toHaveLength(2)
    // A model that was listed is not one that is hidden.
    expect(lists()).toHaveLength(2)
    const { data } = await app.call('codex_models')
    expect(data.models).not.toContain('gpt-5.6-sol')
    expect(lists()).toHaveLength(2)
  })

  test.each(ROUTES)('on the route of %s: one that never was', async (route) => {
    const { ask, questions, lists } = await start({ route })
    await ask()
    for (const count of [1, 2]) {
      const { text } = await ask({ model: 'gpt-6.1-soul' })
      expect(text).toMatch(new RegExp(`has now: ${firstOf[route]}, .*\\[MODEL_UNAVAILABLE\\]$`))
      expect(text).not.toContain('compatibility level 0')
      expect(questions()).toHaveLength(1 + count)
    }
    // Whether it is hidden is asked once; what there is instead, each time.
    expect(lists()).toHaveLength(route === 'codex' ? 4 : 3)
  })

  test('a model of the settings is not cured by leaving the argument out', async () => {
    const { ask } = await start({ env: { CODEX_OAUTH_MODEL: 'gpt-5.2-codex' } })
    const { text } = await ask()
    expect(text).toMatch(/Name one of them, or change CODEX_OAUTH_MODEL\. \[MODEL_UNAVAILABLE\]$/)
  })

  test('the default that was refused is not asked again by the next question without a model', async () => {
    const { ask, questions, script } = await start()
    script.push(detail('The model is not supported.'))
    expect((await ask()).text).toMatch(/\[MODEL_UNAVAILABLE\]$/)
    const asked = await ask()
    expect(asked.text).toMatch(REPLY)
    expect(notes(asked)).toEqual(['Note: gpt-6.1-sol was refused to this account before, so gpt-6-astra was asked.'])
    const [first, second] = questions().map((request) => at(request, 'model'))
    expect([first, second]).toEqual(['gpt-6.1-sol', 'gpt-6-astra'])
  })

  test.each<[string, Answer]>([
    ['does not come', { status: 503 }],
    ['has nothing in it', { json: { models: [] } }],
  ])('but not out of a list that is known to be wrong, where another one %s', async (_name, list) => {
    const scene = await start()
    await scene.ask()
    retire(scene, 'gpt-5.6-sol')
    scene.fake.script.models.always(list)
    const { text } = await scene.ask({ model: 'gpt-5.6-sol' })
    expect(text).toMatch(/codex_models lists.*\[MODEL_UNAVAILABLE\]$/)
    expect(text).not.toContain('has now')
  })

  test('also in the words of a stream that fails before any text', async () => {
    const { ask, script, questions } = await start()
    script.push({
      sse: answer('', { deltas: 0, items: false, end: { failed: { code: 'model_not_found', message: 'x' } } }),
    })
    expect((await ask()).text).toMatch(/This account has now: gpt-6-astra, .*\[MODEL_UNAVAILABLE\]$/)
    expect(questions()).toHaveLength(1)
  })
})

describe('a form that is not the one of the model: asked again in the other one, once,', () => {
  const liteOf = ({ headers }: SeenRequest) => headers['x-openai-internal-codex-responses-lite'] === 'true'
  const flip = ({ models }: { models: Model[] }, id: string) => {
    for (const model of models) if (model.slug === id) model.use_responses_lite = !model.use_responses_lite
  }

  test.each([
    ['classic', 'gpt-6-sol', [true, false]],
    ['lite', 'gpt-5.5', [false, true]],
  ] as const)('%s', async (form, model, forms) => {
    const scene = await start()
    const { ask, questions, fake } = scene
    await ask({ model: 'gpt-6.1-sol' })
    // The service has changed its mind since it gave out the list.
    flip(scene, model)
    const first = await ask({ model })
    const note = `Note: ${model} was asked in the ${form} form, because the service refused the other one.`
    expect([first.text.split('\n')[0], notes(first)]).toEqual(['Hello from the fake Codex.', [note]])
    expect(questions().slice(1).map(liteOf)).toEqual(forms)
    const second = await ask({ model })
    expect(notes(second)).toEqual([note])
    expect(questions().slice(3).map(liteOf)).toEqual([forms[1]])
    // What an own question is asked with stays the same, and nothing else was refused.
    expect(fake.seen.refusals).toHaveLength(1)
    expect(
      new Set(
        questions()
          .slice(1, 3)
          .map(({ headers }) => headers['thread-id']),
      ).size,
    ).toBe(1)
  })

  test('a model that no list shows may want the lite one', async () => {
    const scene = await start({ models: wireCatalogue().filter(({ slug }) => slug !== 'gpt-6-sol') })
    const hidden = wireCatalogue().find(({ slug }) => slug === 'gpt-6-sol')
    await scene.ask()
    if (hidden !== undefined) scene.models.push(hidden)
    const result = await scene.ask({ model: 'gpt-6-sol' })
    expect(result.text).toMatch(REPLY)
    expect(notes(result)).toEqual([
      'Note: gpt-6-sol is not in the model list of this account; it was asked all the same.',
      'Note: gpt-6-sol was asked in the lite form, because the service refused the other one.',
    ])
    expect(scene.questions()).toHaveLength(3)
  })

  test('which says nothing of other models, and is not said any more when the list says it too', async () => {
    const scene = await start()
    const { ask, app, questions } = scene
    await ask()
    flip(scene, 'gpt-6-sol')
    await ask({ model: 'gpt-6-sol' })
    expect(notes(await ask({ model: 'gpt-6-luna' }))).toEqual([])
    expect(questions().slice(1).map(liteOf)).toEqual([true, false, true])
    const other = await startApp(scene.fake, { home: app.home })
    scene.fake.script.models.always(undefined)
    // A refused model makes this window fetch the list.
    await ask({ model: 'gpt-none' })
    expect(notes(await ask({ model: 'gpt-6-sol' }))).toEqual([])
    expect(notes(await other.call('codex_query', { prompt: 'x', model: 'gpt-6-sol' }))).toEqual([])
  })

  test.each<[string, Answer]>([
    ['in the same words', apiError(404, { message: 'Model not found gpt-6.1-soul', param: 'model' })],
    ['for its form', detail('Unsupported parameter: additional_tools')],
    ['for something in it', apiError(400, { message: 'No.', param: 'input[0]', code: 'unsupported_value' })],
  ])('a name that never was, and is then refused %s, stays a name that never was', async (_name, second) => {
    const listed = wireCatalogue()
    const [first] = listed
    if (first === undefined) expect.unreachable()
    // A classic request for it gets the words of a model that is lite.
    const { ask, script, questions, fake } = await start({ models: [...listed, { ...first, slug: 'gpt-6.1-soul' }] })
    fake.script.models.always({ json: { models: listed } })
    script.push(second)
    const { text } = await ask({ model: 'gpt-6.1-soul' })
    expect(text).toMatch(/^The service does not know gpt-6\.1-soul, .*has now: gpt-6\.1-sol, .*\[MODEL_UNAVAILABLE\]$/)
    expect(questions().map(liteOf)).toEqual([false, true])
    // Nothing of it is remembered.
    await ask({ model: 'gpt-6.1-soul' })
    expect(questions().slice(2).map(liteOf)).toEqual([false, true])
  })
})

describe('a part that a model does not take: asked again without it, which is said, and never asked with it again:', () => {
  const again = (path: string) => `Note: asked again without ${path}, because the service refused it otherwise.`
  /** A field that only we put in is told once, by the answer that it has cost a request. */
  const IN_ALL = ['include', 'reasoning.summary', 'text.verbosity', 'tool_choice', 'prompt_cache_key']
  const OURS: [RouteName, model: string, path: string][] = [
    ...IN_ALL.map((path): [RouteName, string, string] => ['codex', 'gpt-6-sol', path]),
    ...[...IN_ALL, 'parallel_tool_calls', 'tools'].flatMap((path): [RouteName, string, string][] => [
      ['codex', 'gpt-5.5', path],
      ['key', 'gpt-5.5', path],
    ]),
    ['codex', 'gpt-6-sol', 'text'],
  ]
  test.each(OURS)('%s, %s: %s', async (route, model, path) => {
    const { ask, script, questions, fake } = await start({ route })
    script.always(refusing(path, UNSUPPORTED[route](path)))
    const first = await ask({ model })
    expect(first.text).toMatch(REPLY)
    expect(notes(first)).toEqual([again(path)])
    expect(questions().map((request) => at(request, path) === undefined)).toEqual([false, true])
    const second = await ask({ model })
    expect([second.isError, notes(second), questions().length]).toEqual([false, [], 3])
    expect(fake.seen.refusals).toEqual([])
  })

  /** What somebody has asked for is missed by each answer that lacks it. */
  const THEIRS: [RouteName, path: string, args: object, note: RegExp][] = [
    ['key', 'temperature', { temperature: 0.2 }, /^Note: temperature was not accepted by .* and left out\.$/],
    ['key', 'reasoning', { reasoning_effort: 'low' }, /^Note: effort low was not accepted by .* and left out\.$/],
    ['key', 'tools', { web_search: true }, /^Note: web search was not accepted by .* and left out\.$/],
    ['plan', 'reasoning', { reasoning_effort: 'low' }, /^Note: effort low was not accepted by .* and left out\.$/],
    ['plan', 'tools', { web_search: true }, /^Note: web search was not accepted by .* and left out\.$/],
    ['codex', 'reasoning', { reasoning_effort: 'low' }, /^Note: effort low was not accepted by .* and left out\.$/],
    ['codex', 'tools', { web_search: true }, /^Note: web search was not accepted by .* and left out\.$/],
  ]
  test.each(THEIRS)('%s: %s, which was asked for', async (route, path, args, note) => {
    const model = route === 'plan' ? 'gpt-5.6-sol' : 'gpt-5.5'
    const { ask, script, questions, fake } = await start({ route })
    script.always(refusing(path, UNSUPPORTED[route](path)))
    for (const count of [2, 3]) {
      const result = await ask({ model, ...args })
      expect(result.text).toMatch(REPLY)
      expect(notes(result)).toEqual([expect.stringMatching(note)])
      expect(questions()).toHaveLength(count)
    }
    expect(fake.seen.refusals).toEqual([])
  })

  test('codex: the search of a lite model, which stands in its first item', async () => {
    const { ask, script, questions, fake } = await start()
    const toolsOf = (request: SeenRequest) => at(request, 'input.0.tools')
    script.always((usual, request) =>
      (toolsOf(request) as unknown[]).length === 0
        ? usual()
        : apiError(400, { message: "Invalid value: 'web_search'.", param: 'input[0].tools[0].type' }),
    )
    for (const count of [2, 3]) {
      const result = await ask({ model: 'gpt-6-sol', web_search: true })
      expect(notes(result)).toEqual(['Note: web search was not accepted by gpt-6-sol and left out.'])
      expect(questions()).toHaveLength(count)
    }
    expect(toolsOf(questions()[1] as SeenRequest)).toEqual([])
    expect(fake.seen.refusals).toEqual([])
  })

  test('plan: the sealed reasoning of a conversation', async () => {
    const { ask, script, questions } = await start({ route: 'plan' })
    script.always(refusing('include', UNSUPPORTED.plan('include')))
    expect(notes(await ask({ conversation: 'design' }))).toEqual([again('include')])
    expect(notes(await ask({ conversation: 'design' }))).toEqual([])
    expect(questions()).toHaveLength(3)
  })

  test('all of them one after the other, and in one question', async () => {
    const { ask, script, questions } = await start({ route: 'key' })
    const paths = ['temperature', 'include', 'reasoning.summary', 'tool_choice']
    script.always((usual, request) => {
      const path = paths.find((one) => at(request, one) !== undefined)
      return path === undefined ? usual() : UNSUPPORTED.key(path)
    })
    const result = await ask({ model: 'gpt-5.5', temperature: 0.2 })
    expect(notes(result)).toEqual([
      'Note: temperature was not accepted by gpt-5.5 and left out.',
      ...paths.slice(1).map(again),
    ])
    expect(questions()).toHaveLength(5)
    await ask({ model: 'gpt-5.5' })
    expect(questions()).toHaveLength(6)
  })

  test('of one model it says nothing about another', async () => {
    const { ask, script, questions } = await start()
    script.push(UNSUPPORTED.codex('tool_choice'))
    await ask({ model: 'gpt-6-sol' })
    await ask({ model: 'gpt-6-luna' })
    expect(questions().map((request) => at(request, 'tool_choice'))).toEqual(['auto', undefined, 'auto'])
  })
})

describe('a schema that is refused: first in its loose form, then in words,', () => {
  const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
  const OTHER = { ...SCHEMA, properties: { b: { type: 'string' } }, required: ['b'] }
  const strictOf = (request: SeenRequest) => at(request, 'text.format.strict')
  const invalid = apiError(400, {
    message: 'Invalid schema.',
    param: 'text.format.schema',
    code: 'invalid_json_schema',
  })

  test('remembered for that schema only', async () => {
    const { ask, script, questions } = await start()
    const usual = (one: string): Step => ({ sse: answer({ [one]: 'x' }) })
    script.push(invalid, usual('a'))
    expect(notes(await ask({ output_schema: SCHEMA }))).toEqual([
      'Note: asked again with the schema in its loose form, because the service refused it otherwise.',
    ])
    script.push(usual('a'), usual('b'))
    await ask({ output_schema: SCHEMA })
    expect(notes(await ask({ output_schema: OTHER }))).toEqual([])
    expect(questions().map(strictOf)).toEqual([true, false, false, true])
  })

  test('unless it is all schemas that are refused, by a plan for example', async () => {
    const { ask, questions, fake } = await start({ route: 'plan' })
    fake.plan.options.unsupported = ['text.format']
    for (const schema of [SCHEMA, OTHER]) {
      fake.plan.options.reply = JSON.stringify({ [schema.required[0] ?? '']: 'x' })
      const result = await ask({ output_schema: schema })
      expect([result.isError, notes(result).join()]).toEqual([false, expect.stringContaining('described in words')])
    }
    expect(questions().map(strictOf)).toEqual([true, undefined, undefined])
  })

  test('and an answer that fits is one all the same', async () => {
    const { ask, script, questions } = await start()
    script.push(invalid, invalid, { sse: answer({ a: 'x' }) }, { sse: answer({ a: 'y' }) })
    const result = await ask({ output_schema: SCHEMA })
    expect(JSON.parse(result.texts[0] ?? '')).toEqual({ a: 'x' })
    expect(notes(result).join()).toContain('described in words; the answer was checked here')
    expect(notes(await ask({ output_schema: SCHEMA })).join()).toContain('described in words')
    expect(questions().map(strictOf)).toEqual([true, false, undefined, undefined])
  })
})

describe('a compatibility level that is too old for a model:', () => {
  const env = { CODEX_OAUTH_CLIENT_VERSION: '0.140.0' }
  const note = (model: string, level: string) =>
    `Note: ${model} wants compatibility level ${level}, which was stated; CODEX_OAUTH_CLIENT_VERSION=${level} makes it the usual one.`

  test('asked again with the level that it wants, out of the list of everything, and from then on at once', async () => {
    const { ask, questions, lists, fake } = await start({ env })
    const first = await ask({ model: 'gpt-6-sol', reasoning_effort: 'high' })
    expect(first.text).toMatch(REPLY)
    expect(notes(first)).toEqual([note('gpt-6-sol', '0.155.0')])
    expect(lists().map(({ query }) => query.get('client_version'))).toEqual(['0.140.0', '0.0.0'])
    expect(questions().map(({ headers }) => headers.version)).toEqual(['0.140.0', '0.155.0'])
    const second = await ask({ model: 'gpt-6-sol' })
    expect([notes(second), questions().length, lists().length]).toEqual([[note('gpt-6-sol', '0.155.0')], 3, 2])
    expect(fake.seen.refusals).toHaveLength(1)
    // Another one that is hidden needs no list either.
    expect(notes(await ask({ model: 'gpt-5.6-sol' }))).toEqual([note('gpt-5.6-sol', '0.144.0')])
    expect([questions().length, lists().length]).toEqual([5, 2])
  })

  test('the model is known then: an effort that it does not have is not asked for', async () => {
    const { ask, questions } = await start({ env })
    const { text } = await ask({ model: 'gpt-6-sol', reasoning_effort: 'hyper' })
    expect(text).toMatch(/^gpt-6-sol has no reasoning effort “hyper”.*\[INPUT_INVALID\]$/)
    expect(questions()).toHaveLength(1)
  })

  test('one that was found in the list of this program, because the service shows none to it', async () => {
    const models = wireCatalogue().filter(({ slug }) => slug.startsWith('gpt-6'))
    const { ask, questions } = await start({ env, models })
    const result = await ask()
    expect(notes(result)).toEqual([note('gpt-6.1-sol', '0.160.0')])
    expect(questions()).toHaveLength(2)
  })

  test('one that wants nothing newer stays refused', async () => {
    const { ask, questions, script, lists } = await start({ env })
    script.always(detail("The 'gpt-5.5' model is not supported when using Codex with a ChatGPT account."))
    const { text } = await ask({ model: 'gpt-5.5' })
    expect(text).toMatch(/\[MODEL_UNAVAILABLE\]$/)
    expect([questions().length, lists().map(({ query }) => query.get('client_version'))]).toEqual([
      1,
      // It is listed with the level that it wants, so there is nothing to find out.
      ['0.140.0', '0.140.0'],
    ])
  })

  test('a service that does not care is asked once again, and that is not remembered', async () => {
    const { ask, questions, script, fake } = await start({ env })
    script.always(detail("The 'gpt-6-sol' model is not supported when using Codex with a ChatGPT account."))
    for (const count of [2, 4]) {
      expect((await ask({ model: 'gpt-6-sol' })).text).toMatch(/has now: .*\[MODEL_UNAVAILABLE\]$/)
      expect(questions()).toHaveLength(count)
    }
    expect(fake.seen.refusals).toHaveLength(2)
  })

  test.each<[string, Step]>([
    ['has no list of everything', { status: 500 }],
    ['has another thing in its place', { html: '<p>Hello</p>' }],
  ])('a service that %s: the refusal is the answer', async (_name, list) => {
    const { ask, questions, fake } = await start({ env })
    fake.script.models.always((usual, request) =>
      request.query.get('client_version') === '0.0.0' && typeof list === 'object' ? list : usual(),
    )
    expect((await ask({ model: 'gpt-6-sol' })).text).toMatch(/has now: gpt-5\.5.*\[MODEL_UNAVAILABLE\]$/)
    expect(questions()).toHaveLength(1)
  })

  test.each(['plan', 'key'] as const)(
    'the route of %s knows no levels, and no list is asked for one',
    async (route) => {
      const { ask, lists } = await start({ route, env })
      await ask({ model: 'gpt-none' })
      expect(lists().filter(({ query }) => query.size > 0)).toEqual([])
    },
  )
})

describe('every mend is the last of its kind', () => {
  test('a service that always finds something else is asked six times at most', async () => {
    const { ask, script, questions } = await start({ route: 'key' })
    const paths = [
      'include',
      'reasoning.summary',
      'text.verbosity',
      'tool_choice',
      'parallel_tool_calls',
      'prompt_cache_key',
    ]
    script.always((_usual, request) => {
      return UNSUPPORTED.key(paths.find((one) => at(request, one) !== undefined) ?? 'stream')
    })
    expect((await ask({ model: 'gpt-5.5' })).text).toMatch(/\[CODEX_FAILED\]$/)
    expect(questions()).toHaveLength(6)
  })

  test.each(ROUTES)(
    'on the route of %s a field that is refused though it is gone is not left out twice',
    async (route) => {
      const { ask, script, questions } = await start({ route })
      const path = route === 'plan' ? 'tools' : 'include'
      script.always(UNSUPPORTED[route](path))
      const { text } = await ask({ web_search: true, model: route === 'plan' ? 'gpt-5.6-sol' : 'gpt-5.5' })
      expect(text).toMatch(/\[CODEX_FAILED\]$/)
      expect(questions()).toHaveLength(2)
    },
  )

  test('what does not help is not remembered', async () => {
    const { ask, script, questions } = await start()
    script.push(UNSUPPORTED.codex('include'), detail('No.'))
    await ask()
    await ask()
    expect(questions().map((request) => at(request, 'include') !== undefined)).toEqual([true, false, true])
  })

  test('what does not help any more is forgotten', async () => {
    const { ask, script, questions } = await start()
    script.push(UNSUPPORTED.codex('include'))
    await ask()
    script.push(detail('No.'))
    expect((await ask()).isError).toBe(true)
    await ask()
    expect(questions().map((request) => at(request, 'include') !== undefined)).toEqual([true, false, false, true])
  })

  test('what is refused for the time being is not', async () => {
    const { ask, script, questions } = await start()
    script.push(UNSUPPORTED.codex('include'))
    await ask()
    script.push({ status: 402, json: {} })
    expect((await ask()).isError).toBe(true)
    await ask()
    expect(questions().map((request) => at(request, 'include') !== undefined)).toEqual([true, false, false, false])
  })

  test('a token that is refused before it is renewed once, and the renewed one goes on', async () => {
    const { ask, script, questions, fake } = await start()
    script.push(UNSUPPORTED.codex('include'))
    fake.expireAccessTokens()
    expect((await ask()).text).toMatch(REPLY)
    expect([questions().length, fake.seen.grants]).toEqual([3, ['refresh_token']])
  })

  test('and so is one that is refused behind it; a second time it is the answer', async () => {
    const { ask, script, questions, fake } = await start()
    const unauthorized = detail('Unauthorized', 401)
    script.push(UNSUPPORTED.codex('include'), unauthorized)
    expect((await ask()).text).toMatch(REPLY)
    expect([questions().length, fake.seen.grants]).toEqual([3, ['refresh_token']])
    script.push(UNSUPPORTED.codex('tool_choice'), unauthorized, UNSUPPORTED.codex('prompt_cache_key'), unauthorized)
    expect((await ask()).text).toMatch(/\[NOT_AUTHENTICATED\]$/)
    expect([questions().length, fake.seen.grants]).toEqual([7, ['refresh_token', 'refresh_token']])
  })

  test.each<[RouteName, string]>([
    ['codex', '/backend-api/codex/'],
    ['plan', '/v1/'],
  ])('%s: nobody else pays, though a key is at hand', async (route, place) => {
    const scene = await start({ route, env: { OPENAI_API_KEY: KEY, CODEX_API_KEY: KEY } })
    scene.script.push(UNSUPPORTED[route](route === 'plan' ? 'tools' : 'include'))
    await scene.ask({ web_search: true })
    await scene.ask({ model: 'gpt-none' })
    const paths = [...scene.questions(), ...scene.lists()].map(({ path }) => path)
    expect(paths.length).toBeGreaterThan(4)
    expect(paths.filter((path) => !path.startsWith(place))).toEqual([])
    expect(JSON.stringify(scene.fake.seen.requests)).not.toContain(KEY)
  })

  test.each<[string, string]>([
    ['with a text before it', 'Half an answer'],
    ['before any text', ''],
  ])('nothing is mended in a stream, %s', async (_name, text) => {
    const { ask, script, questions } = await start()
    const failed = { code: 'unsupported_parameter', message: 'Unsupported parameter: include' }
    script.push({ sse: answer(text, { items: text !== '', end: { failed } }) })
    const result = await ask()
    expect(result.text).toMatch(text === '' ? /\[CODEX_FAILED\]$/ : /^Half an answer\nINCOMPLETE ANSWER/)
    expect(questions()).toHaveLength(1)
  })

  test('a cancel ends it', async () => {
    const { app, script, questions, fake } = await start()
    const cancel = new AbortController()
    script.push(() => {
      cancel.abort()
      return UNSUPPORTED.codex('include')
    })
    await expect(app.call('codex_query', { prompt: 'x' }, { signal: cancel.signal })).rejects.toThrow()
    await app.app.settled()
    expect([questions().length, fake.seen.grants]).toEqual([1, []])
  })
})

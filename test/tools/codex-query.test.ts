import { describe, expect, test } from 'vitest'
import type { AskCall } from '../../src/services/answers/caller.ts'
import type { Collected } from '../../src/services/answers/collect-answer.ts'
import type { TimedProgress } from '../../src/services/answers/progress-pace.ts'
import type { AskOutcome, AskRequest } from '../../src/services/answers/query-desk.ts'
import { codexQuery } from '../../src/tools/codex-query.ts'
import { toolCall } from '../support/tool-call.ts'

const ID = 'a-0000000001'
const ANSWERED: AskOutcome = { id: ID, text: 'The answer.', facts: { footer: 'Answered by Codex (gpt-x)' } }

interface Scene {
  outcome?: AskOutcome
  collected?: Partial<Collected>
  steps?: TimedProgress[]
  pageCharacters?: number
}

/** Calls the tool with these arguments, checked as the server does. */
async function run(args: Record<string, unknown>, { outcome = ANSWERED, collected, steps = [], ...more }: Scene = {}) {
  const asked: { request: AskRequest; call: AskCall }[] = []
  const wanted: string[] = []
  const tool = codexQuery({
    desk: {
      async ask(request, call) {
        asked.push({ request, call })
        for (const step of steps) call.onProgress?.({ ...step, id: ID })
        return outcome
      },
    },
    async collect(id) {
      wanted.push(id)
      return { id: ID, text: 'Kept.', offset: 0, footer: 'As it was', isIncomplete: false, ...collected }
    },
  })
  const said: string[] = []
  const call = toolCall({ progress: (text: string) => void said.push(text), onText: () => {}, ...more })
  const output = await tool.run(tool.input.parse(args) as never, call)
  return { output, texts: 'texts' in output ? output.texts : [], said, wanted, toolCall: call, ...asked[0] }
}

describe('what is asked', () => {
  test('arrives under the names of the services, without blanks around it', async () => {
    const { request } = await run({
      prompt: '  Why?\n',
      model: ' gpt-y ',
      system_prompt: ' Be brief. ',
      temperature: 0,
      reasoning_effort: ' low ',
      conversation: ' design ',
      files: ['src/a.ts', 'b.md:1-2'],
      diff: ' working ',
      web_search: true,
      output_schema: { type: 'object' },
      background: false,
    })
    expect(request).toEqual({
      prompt: 'Why?',
      model: 'gpt-y',
      systemPrompt: 'Be brief.',
      temperature: 0,
      effort: 'low',
      conversation: 'design',
      files: ['src/a.ts', 'b.md:1-2'],
      diff: 'working',
      webSearch: true,
      outputSchema: { type: 'object' },
      background: false,
    })
  })

  test('and not given stays open', async () => {
    const { request = {} } = await run({ prompt: 'Why?' })
    const given = Object.entries(request).filter(([, value]) => value !== undefined)
    expect(given).toEqual([['prompt', 'Why?']])
  })

  test('may be a million characters', async () => {
    expect((await run({ prompt: 'x'.repeat(1_000_000) })).request?.prompt).toHaveLength(1_000_000)
  })

  test('comes with what the client is and wants', async () => {
    const { call, toolCall: given } = await run({ prompt: 'Why?' })
    expect(call).toMatchObject({ signal: given.signal, onText: given.onText, roots: given.roots })
    expect(call?.cancelReason).toBe(given.cancelReason)
  })
})

describe('the answer', () => {
  test('stands alone, what is to be known of it in a second block', async () => {
    const { output } = await run({ prompt: 'Why?' })
    expect(output).toEqual({ texts: ['The answer.', 'Answered by Codex (gpt-x)'] })
  })

  test('that is not the whole one says so to programs too', async () => {
    const incomplete = { code: 'NETWORK', message: 'x' } as const
    const { output } = await run({ prompt: 'Why?' }, { outcome: { ...ANSWERED, facts: { footer: 'f', incomplete } } })
    expect(output).toEqual({ texts: ['The answer.', 'f'], isIncomplete: true })
  })

  test('that is longer than the client takes comes in pages, each with the way to the next', async () => {
    const outcome = { id: ID, text: 'abcdefghij', facts: { footer: 'Footer' } }
    const { texts } = await run({ prompt: 'Why?' }, { outcome, pageCharacters: 4 })
    expect(texts).toEqual(['abcd', `Characters 1 to 4 of 10. The rest: codex_query with collect "${ID}@4".\nFooter`])
    const collected = { text: 'abcdefghij', offset: 8 }
    const last = await run({ collect: `${ID}@8` }, { collected, pageCharacters: 4 })
    expect(last.texts).toEqual(['ij', 'Characters 9 to 10 of 10.\nAs it was'])
  })

  test('that is not waited for has an id, and the way to it', async () => {
    const { texts } = await run({ prompt: 'Why?', background: true }, { outcome: { id: ID, text: undefined } })
    expect(texts).toEqual([expect.stringContaining(`codex_query with collect "${ID}"`)])
  })

  test('that was kept is given under its id', async () => {
    const { output, wanted, request } = await run({ collect: ' a-0000000001@20 ' })
    expect([wanted, request]).toEqual([['a-0000000001@20'], undefined])
    expect(output).toEqual({ texts: ['Kept.', 'As it was'] })
  })

  test('of which nothing has come yet is no empty text', async () => {
    const collected = { text: '', footer: 'Still being written.', isIncomplete: true }
    expect((await run({ collect: ID }, { collected })).output).toEqual({
      texts: ['Still being written.'],
      isIncomplete: true,
    })
  })
})

describe('arguments that make no sense are refused:', () => {
  const { input } = codexQuery({
    desk: { ask: () => Promise.reject(new Error('not asked')) },
    collect: () => Promise.reject(new Error('not asked')),
  })

  test.each<[string, unknown, string]>([
    ['nothing to do', {}, 'prompt'],
    ['an answer and a question', { collect: ID, prompt: 'Why?' }, 'collect'],
    ['an answer with a model', { collect: ID, model: 'gpt-x' }, 'collect'],
    ['no files', { prompt: 'x', files: [] }, 'files'],
    ['one file that is no list', { prompt: 'x', files: 'a.ts' }, 'files'],
    ['a nameless conversation', { prompt: 'x', conversation: ' ' }, 'conversation'],
    ['a long name', { prompt: 'x', conversation: 'x'.repeat(101) }, 'conversation'],
    ['a schema that is a text', { prompt: 'x', output_schema: '{}' }, 'output_schema'],
    ['a background that is a text', { prompt: 'x', background: 'yes' }, 'background'],
  ])('%s', (_name, args, field) => {
    const { success, error } = input.safeParse(args)
    expect(success).toBe(false)
    expect(error?.issues.map(({ path }) => path[0])).toEqual([field])
  })
})

test('progress tells in words what happens, for how long, and under which id; never what is written', async () => {
  const step = (phase: TimedProgress['phase'], elapsedMs: number, more = {}): TimedProgress => ({
    ...{ phase, elapsedMs, characters: 0, ...more },
  })
  const { said } = await run(
    { prompt: 'Why?' },
    {
      steps: [
        step('connecting', 0),
        step('queued', 900),
        step('thinking', 5000, { headline: 'Weighing both' }),
        step('searching', 8000, { headline: '“node 20”' }),
        step('writing', 61_000, { characters: 12_345 }),
      ],
    },
  )
  expect(said).toEqual([
    'Asking Codex (0 s) · answer a-0000000001',
    'Codex has the question (1 s) · answer a-0000000001',
    'Codex is thinking: Weighing both (5 s) · answer a-0000000001',
    'Codex is searching the web: “node 20” (8 s) · answer a-0000000001',
    'Codex is writing, 12,345 characters (61 s) · answer a-0000000001',
  ])
})

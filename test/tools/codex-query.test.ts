import { expect, test } from 'vitest'
import type { AnswerProgress } from '../../src/services/codex-answer.ts'
import type { QueryResult } from '../../src/services/codex-client.ts'
import type { Question } from '../../src/services/codex-request.ts'
import type { GuidedQueryOptions } from '../../src/services/guided-query.ts'
import { codexQuery } from '../../src/tools/codex-query.ts'
import { toolCall } from '../support/tool-call.ts'

const result: QueryResult = {
  text: 'The answer.',
  model: 'gpt-x',
  effort: undefined,
  usage: undefined,
  account: 'ChatGPT pro plan',
  notes: [],
}

/** Asks with these arguments, checked as the server does; the client answers with this and these steps. */
async function ask(args: Record<string, unknown>, answer: Partial<QueryResult> = {}, steps: AnswerProgress[] = []) {
  const asked: { question: Question; options: GuidedQueryOptions }[] = []
  const tool = codexQuery({
    async query(question, options) {
      asked.push({ question, options })
      for (const step of steps) options.onProgress?.(step)
      return { ...result, ...answer }
    },
  })
  const said: string[] = []
  const { signal } = new AbortController()
  const onText = () => {}
  const call = toolCall({ signal, progress: (text: string) => void said.push(text), onText })
  const output = await tool.run(tool.input.parse(args) as never, call)
  return { texts: 'texts' in output ? output.texts : [], said, signal, onText, ...asked[0] }
}

test('who wants the answer as it is written is told', async () => {
  const { options, onText } = await ask({ prompt: 'Why?' })
  expect(options?.onText).toBe(onText)
})

test('what is asked arrives under the names of the client, without blanks around it', async () => {
  const { question } = await ask({
    prompt: '  Why?\n',
    model: ' gpt-y ',
    system_prompt: ' Be brief. ',
    temperature: 0,
    reasoning_effort: ' low ',
  })
  expect(question).toEqual({ prompt: 'Why?', model: 'gpt-y', systemPrompt: 'Be brief.', temperature: 0, effort: 'low' })
})

test('what is not given stays open', async () => {
  const { question } = await ask({ prompt: 'Why?' })
  expect(question).toEqual({
    prompt: 'Why?',
    model: undefined,
    systemPrompt: undefined,
    temperature: undefined,
    effort: undefined,
  })
})

test('a million characters are a question', async () => {
  const { question } = await ask({ prompt: 'x'.repeat(1_000_000) })
  expect(question?.prompt).toHaveLength(1_000_000)
})

test("the client gets the call's signal", async () => {
  const { options, signal } = await ask({ prompt: 'Why?' })
  expect(options?.signal).toBe(signal)
})

test('the answer stands alone, its origin in a second block', async () => {
  const usage = { inputTokens: 1200, cachedTokens: 1000, outputTokens: 30, reasoningTokens: 20 }
  const { texts } = await ask({ prompt: 'Why?' }, { effort: 'high', usage })
  expect(texts).toEqual([
    'The answer.',
    'Answered by Codex (gpt-x) · effort high · 1200 tokens in (1000 cached), 30 out (20 reasoning) · ChatGPT pro plan',
  ])
})

test('what is not known, or zero, is left out', async () => {
  const usage = { inputTokens: 7, cachedTokens: 0, outputTokens: 3, reasoningTokens: undefined }
  const { texts } = await ask({ prompt: 'Why?' }, { usage })
  expect(texts[1]).toBe('Answered by Codex (gpt-x) · 7 tokens in, 3 out · ChatGPT pro plan')
  expect((await ask({ prompt: 'Why?' })).texts[1]).toBe('Answered by Codex (gpt-x) · ChatGPT pro plan')
})

test('each note is a line of its own', async () => {
  const { texts } = await ask({ prompt: 'Why?' }, { notes: ['temperature was ignored', 'something else happened'] })
  expect(texts[1]?.split('\n').slice(1)).toEqual(['Note: temperature was ignored.', 'Note: something else happened.'])
})

test('progress tells the phases in words, never what is written', async () => {
  const { said } = await ask({ prompt: 'Why?' }, {}, [
    { phase: 'waiting', characters: 0 },
    { phase: 'thinking', characters: 0 },
    { phase: 'writing', characters: 12_345 },
  ])
  expect(said).toEqual([
    'Asking Codex',
    'Codex has the question',
    'Codex is thinking',
    'Codex is writing (12,345 characters)',
  ])
})

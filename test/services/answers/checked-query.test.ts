import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { createCheckedQuery } from '../../../src/services/answers/checked-query.ts'
import type { QueryResult } from '../../../src/services/codex/codex-client.ts'
import type { Question } from '../../../src/services/codex/codex-request.ts'
import type { OutputSchema, SchemaVerdict } from '../../../src/services/schema/output-schema.ts'
import type { GuidedQueryOptions } from '../../../src/services/sign-in/guided-query.ts'
import { aTurn } from '../../support/a-turn.ts'
import { question } from '../../support/client-bench.ts'
import { errorOf } from '../../support/error-of.ts'

/** Takes what is JSON; `???` is beyond it. */
const schema: OutputSchema = {
  schema: { type: 'object' },
  strict: false,
  check(text): SchemaVerdict {
    if (text.trim().startsWith('{')) return { ok: true, json: text.trim() }
    return { ok: false, problems: [`“${text}” is wrong`, 'And more.'], repairable: text !== '???' }
  },
}

const USAGE = { inputTokens: 10, cachedTokens: undefined, outputTokens: 5, reasoningTokens: 1 }

function result(text: string, changes: Partial<QueryResult> = {}): QueryResult {
  return {
    ...{ text, model: 'gpt-x', effort: undefined, usage: USAGE, account: 'me', owner: 'FAKE-owner', notes: [] },
    ...{ sources: [], limits: undefined, message: { type: 'message', role: 'user', content: text } },
    output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }],
    ...changes,
  }
}

/** Asks with answers that come in turn, and tells what was asked. */
async function check(
  answers: readonly (QueryResult | Error)[],
  { asked: changes = {}, options = {} }: { asked?: Partial<Question>; options?: GuidedQueryOptions } = {},
) {
  const seen: { question: Question; options: GuidedQueryOptions }[] = []
  const left = [...answers]
  const query = createCheckedQuery({
    async query(one, given) {
      seen.push({ question: one, options: given })
      const next = left.shift()
      if (next === undefined || next instanceof Error) throw next ?? new Error('asked too often')
      return next
    },
    now: () => 1_790_000_000_000,
  })
  return { seen, answered: query(question({ schema, ...changes }), options) }
}

const outcome = async (answers: readonly (QueryResult | Error)[]) => (await check(answers)).answered

test('what has no form is not looked at', async () => {
  const { answered, seen } = await check([result('three')], { asked: { schema: undefined } })
  expect([await answered, seen.length]).toEqual([result('three'), 1])
})

test('what fits is given as the JSON in it', async () => {
  expect(await outcome([result(' {} ')])).toEqual({ ...result(' {} '), text: '{}' })
})

test('what broke off is not checked', async () => {
  const incomplete = new CodexError('NETWORK', 'x')
  expect(await outcome([result('{"a', { incomplete })])).toMatchObject({ text: '{"a', incomplete })
})

test('what does not fit goes back with the question, the answer and its faults, and without what was attached', async () => {
  const attached = { parts: [], sent: [] }
  const turns = [aTurn('before')]
  const onText = () => {}
  const { answered, seen } = await check([result('three'), result('{}')], {
    asked: { attached, talk: { turns, cacheKey: 'key' }, webSearch: true },
    options: { onText },
  })
  await answered
  expect(seen).toHaveLength(2)
  expect(seen.map(({ options }) => options.onText)).toEqual([onText, undefined])
  expect(seen[1]?.question).toMatchObject({
    prompt: expect.stringContaining('- “three” is wrong\n- And more.'),
    model: 'gpt-x',
    attached: undefined,
    schema,
    webSearch: true,
    talk: {
      turns: [turns[0], { input: [result('three').message], output: result('three').output, inputTokens: 10 }],
      cacheKey: 'key',
      needsLast: true,
    },
  })
})

test('the repaired answer costs both, and stands behind the first question', async () => {
  const first = result('three', { notes: ['one', 'both'], sources: [{ title: 'A', url: 'https://a' }] })
  const second = result('{}', { notes: ['both', 'two'], usage: { ...USAGE, cachedTokens: 4 } })
  expect(await outcome([first, second])).toEqual({
    ...second,
    message: first.message,
    usage: { inputTokens: 20, cachedTokens: 4, outputTokens: 10, reasoningTokens: 2 },
    notes: ['one', 'both', 'two', expect.stringContaining('repaired')],
    sources: first.sources,
  })
})

test('what is still wrong then is given with what is wrong', async () => {
  const { text, incomplete, message } = await outcome([result('three'), result('four')])
  expect([text, message]).toEqual(['four', result('three').message])
  expect(incomplete).toMatchObject({ code: 'RESPONSE_INVALID', message: expect.stringContaining('“four” is wrong.') })
})

test('what cannot be checked is not sent back, and nobody says that it was', async () => {
  const first = await outcome([result('???')])
  expect(first).toMatchObject({ text: '???', incomplete: { code: 'RESPONSE_INVALID' } })
  expect(first.incomplete?.message).not.toMatch(/sent back/)
  const second = await outcome([result('three'), result('???')])
  expect(second.incomplete?.message).not.toMatch(/sent back|does not fit/)
})

test('where sending it back fails the first answer stays', async () => {
  const { incomplete, ...rest } = await outcome([result('three'), new CodexError('USAGE_LIMIT', 'No more.')])
  expect(rest).toEqual({ ...result('three'), isMisfit: true })
  expect(incomplete).toMatchObject({
    code: 'RESPONSE_INVALID',
    message: 'It does not fit the schema, and repairing it failed: No more [USAGE_LIMIT]. “three” is wrong.',
  })
})

test('where the second answer breaks off the first one stays, and both have cost', async () => {
  const second = result('{"a', { incomplete: new CodexError('NETWORK', 'Broken.') })
  const { text, output, usage, incomplete } = await outcome([result('three'), second])
  expect([text, output, usage?.inputTokens]).toEqual(['three', result('three').output, 20])
  expect(incomplete?.message).toContain('Broken [NETWORK]')
})

test.each([new CodexError('CANCELLED', 'x'), new Error('a fault of ours')])('%s ends it', async (error) => {
  const { answered } = await check([result('three'), error])
  if (error instanceof CodexError) expect(await errorOf(answered)).toBe(error)
  else await expect(answered).rejects.toThrow('a fault of ours')
})

test('an error of the first question is the error', async () => {
  const { answered, seen } = await check([new CodexError('NETWORK', 'x')])
  expect((await errorOf(answered)).code).toBe('NETWORK')
  expect(seen).toHaveLength(1)
})

import { CodexError } from '../errors.ts'
import type { QueryResult } from './codex-client.ts'
import type { Question } from './codex-request.ts'
import type { Turn } from './conversation-turn.ts'
import type { GuidedQuery } from './guided-query.ts'
import { repairPrompt } from './output-schema.ts'
import { quoteRemote } from './remote-text.ts'

/**
 * Asks, and checks an answer that has to have a form. One that does not fit is sent back once, with what is wrong with it;
 * what does not fit then either is given as it is, marked with RESPONSE_INVALID.
 *
 * @throws as `GuidedQuery`
 */
export function createCheckedQuery({ query, now }: { query: GuidedQuery; now: () => number }): GuidedQuery {
  return async (question, options) => {
    const first = await query(question, options)
    const { schema } = question
    if (schema === undefined || first.incomplete !== undefined) return first
    const verdict = schema.check(first.text)
    if (verdict.ok) return { ...first, text: verdict.json }
    if (!verdict.repairable) return { ...first, incomplete: misfit(verdict.problems) }
    // What is written now is another text: who watched the first one would take it for its end.
    const second = await query(repairOf(question, first, verdict.problems, now()), { ...options, onText: undefined })
    const both = together(first, second)
    if (second.incomplete !== undefined) return both
    const last = schema.check(second.text)
    if (last.ok) return { ...both, text: last.json, notes: [...both.notes, REPAIRED] }
    return { ...both, incomplete: misfit(last.problems) }
  }
}

const REPAIRED = 'the first answer did not fit the schema; it was sent back once and repaired'

/** The question goes on as a conversation of its own, so nothing is sent twice in another form. */
function repairOf(question: Question, first: QueryResult, problems: readonly string[], at: number): Question {
  const { model, owner, message, output, usage } = first
  const turn: Turn = {
    at,
    model,
    owner,
    prompt: question.prompt,
    input: [message],
    output,
    ...(usage === undefined ? {} : { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }),
  }
  const { turns = [], cacheKey } = question.talk ?? {}
  return {
    ...question,
    prompt: repairPrompt(problems),
    model,
    attached: undefined,
    talk: { turns: [...turns, turn], cacheKey },
  }
}

/** The second answer, and what both have cost; a later turn begins from the question itself. */
function together(first: QueryResult, second: QueryResult): QueryResult {
  const notes = [...first.notes, ...second.notes.filter((note) => !first.notes.includes(note))]
  const sources = second.sources.length > 0 ? second.sources : first.sources
  return { ...second, message: first.message, usage: sum(first.usage, second.usage), notes, sources }
}

function sum(one: QueryResult['usage'], other: QueryResult['usage']): QueryResult['usage'] {
  if (one === undefined || other === undefined) return one ?? other
  const add = (a: number | undefined, b: number | undefined) =>
    a === undefined && b === undefined ? a : (a ?? 0) + (b ?? 0)
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    cachedTokens: add(one.cachedTokens, other.cachedTokens),
    outputTokens: one.outputTokens + other.outputTokens,
    reasoningTokens: add(one.reasoningTokens, other.reasoningTokens),
  }
}

function misfit(problems: readonly string[]): CodexError {
  const [first = ''] = problems
  return new CodexError(
    'RESPONSE_INVALID',
    `The answer does not fit the schema, not after one repair either: ${quoteRemote(first)}.`,
    {
      hint: 'Ask again, name another model, or ask for a simpler form.',
    },
  )
}

import { CodexError, isCodexError } from '../../errors.ts'
import type { QueryResult } from '../codex/codex-client.ts'
import type { Question } from '../codex/codex-request.ts'
import { turnOf } from '../conversations/conversation-turn.ts'
import { repairPrompt } from '../schema/output-schema.ts'
import type { GuidedQuery, GuidedQueryOptions } from '../sign-in/guided-query.ts'

/**
 * Asks, and checks an answer that has to have a form. One that does not fit is sent back once, with what is wrong with it;
 * what does not fit then either is given as it is, marked with RESPONSE_INVALID. So is the first one where nothing comes
 * of sending it back: it has been paid for, and a whole answer in the wrong form is worth more than an error.
 *
 * @throws as `GuidedQuery`
 */
export function createCheckedQuery({ query, now }: { query: GuidedQuery; now: () => number }): GuidedQuery {
  async function repaired(
    question: Question,
    first: QueryResult,
    problems: readonly string[],
    options: GuidedQueryOptions,
  ) {
    try {
      // What is written now is another text: who watched the first one would take it for its end.
      return await query(repairOf(question, first, problems, now()), { ...options, onText: undefined })
    } catch (error) {
      if (!isCodexError(error) || error.code === 'CANCELLED') throw error
      return error
    }
  }

  return async (question, options) => {
    const first = await query(question, options)
    const { schema } = question
    if (schema === undefined || first.incomplete !== undefined) return first
    const verdict = schema.check(first.text)
    if (verdict.ok) return { ...first, text: verdict.json }
    const { problems } = verdict
    if (!verdict.repairable) return { ...first, ...unchecked(problems) }
    const second = await repaired(question, first, problems, options)
    if (second instanceof CodexError) return { ...first, ...misfit(problems, failed(second)) }
    const both = together(first, second)
    const { incomplete: brokeOff } = second
    if (brokeOff !== undefined) return { ...first, ...costOf(both), ...misfit(problems, failed(brokeOff)) }
    const last = schema.check(second.text)
    if (last.ok) return { ...both, text: last.json, notes: [...both.notes, REPAIRED] }
    return { ...both, ...(last.repairable ? misfit(last.problems, NOT_EITHER) : unchecked(last.problems)) }
  }
}

const REPAIRED = 'the first answer did not fit the schema; it was sent back once and repaired'
const NOT_EITHER = 'even after it was sent back once to be repaired'

/** The question goes on as a conversation of its own, so nothing is sent twice in another form. */
function repairOf(question: Question, first: QueryResult, problems: readonly string[], at: number): Question {
  const { turns = [], cacheKey } = question.talk ?? {}
  return {
    ...question,
    prompt: repairPrompt(problems),
    model: first.model,
    attached: undefined,
    talk: { turns: [...turns, turnOf(question.prompt, first, at)], cacheKey, needsLast: true },
  }
}

/** The second answer, and what both have cost; a later turn begins from the question itself. */
function together(first: QueryResult, second: QueryResult): QueryResult {
  const notes = [...first.notes, ...second.notes.filter((note) => !first.notes.includes(note))]
  const sources = second.sources.length > 0 ? second.sources : first.sources
  return { ...second, message: first.message, usage: sum(first.usage, second.usage), notes, sources }
}

function costOf({ usage, limits }: QueryResult): Pick<QueryResult, 'usage' | 'limits'> {
  return { usage, limits }
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

/** Why there is no second answer, in our own words. */
function failed({ code, message }: CodexError): string {
  return `and repairing it failed: ${message.replace(/\.$/, '')} [${code}]`
}

function misfit(problems: readonly string[], circumstance: string): Misfit {
  const [first = ''] = problems
  const sentence = first.replace(/\.?$/, '.')
  return wrongForm(`It does not fit the schema, ${circumstance}. ${sentence}`)
}

/** Nobody knows whether it fits. */
function unchecked([first = '']: readonly string[]): Misfit {
  return wrongForm(first)
}

type Misfit = Required<Pick<QueryResult, 'incomplete' | 'isMisfit'>>

function wrongForm(message: string): Misfit {
  return { incomplete: new CodexError('RESPONSE_INVALID', message, { hint: AGAIN }), isMisfit: true }
}

const AGAIN = 'Ask again, name another model, or ask for a simpler form.'

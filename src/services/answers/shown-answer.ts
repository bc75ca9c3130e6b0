import type { CodexError, ErrorCode } from '../../errors.ts'
import type { QueryResult } from '../codex/codex-client.ts'
import { sourceWords } from '../codex/web-sources.ts'
import type { Conversation } from '../conversations/conversation-store.ts'
import type { Attached } from '../files/attachments.ts'
import { sentWords } from '../files/sent-words.ts'
import { usageLine, usageWarnings } from '../usage/usage-words.ts'

/** What stands below an answer, as plain JSON: it is kept with the text, so that it can be shown again as it was. */
export interface ShownFacts {
  /** Lines. */
  footer: string
  /** Why the text is not the whole answer. */
  incomplete?: { code: ErrorCode; message: string; hint?: string | undefined } | undefined
}

export interface AnswerParts {
  id: string
  result: QueryResult
  attached: Pick<Attached, 'sent' | 'left'> | undefined
  conversation: Pick<Conversation, 'name' | 'turns'> | undefined
  /** What has become of the turn, where that is not what was wanted. */
  remarks: readonly string[]
  nowMs: number
}

/** All that the reader of an answer should know of it. */
export function shownFacts(parts: AnswerParts): ShownFacts {
  const { result } = parts
  const { incomplete } = result
  if (incomplete === undefined) return { footer: footer(parts) }
  const { code, message, hint } = incomplete
  return { footer: footer(parts), incomplete: { code, message, ...(hint === undefined ? {} : { hint }) } }
}

function footer({ id, result, attached, conversation, remarks, nowMs }: AnswerParts): string {
  const { limits, sources, incomplete } = result
  const notes = [...result.notes, ...remarks, ...(limits === undefined ? [] : usageWarnings(limits, nowMs))]
  return [
    incomplete === undefined
      ? []
      : incompleteWords(incomplete, { conversation: conversation?.name, isMisfit: result.isMisfit }),
    originOf(id, result),
    limits === undefined ? [] : (usageLine(limits, nowMs) ?? []),
    conversation === undefined ? [] : `Conversation “${conversation.name}”, turn ${conversation.turns.length + 1}`,
    attached === undefined ? [] : sentWords(attached.sent, attached.left),
    ...notes.map((note) => `Note: ${note}.`),
    sourceWords(sources),
  ]
    .flat()
    .join('\n')
}

/**
 * Says that the text is not the answer that was wanted, and what to do; it comes first, because everything else is small
 * beside it. One in the wrong form is not a part of one, so there is no place at which to go on.
 */
export function incompleteWords(
  { code, message, hint = AGAIN }: Pick<CodexError, 'code' | 'message'> & { hint?: string | undefined },
  { conversation, isMisfit = false }: { conversation?: string | undefined; isMisfit?: boolean | undefined } = {},
): string {
  if (isMisfit) return `INCOMPLETE ANSWER: ${message} ${hint} [${code}]`
  const onwards =
    conversation === undefined
      ? hint
      : `To go on where it stopped, ask on in the conversation “${conversation}”.${hint === AGAIN ? '' : ` ${hint}`}`
  return `INCOMPLETE ANSWER: only part of it came. ${message} ${onwards} [${code}]`
}

/** A line to stand last: whoever counts on having the answer again has to know that it is in no file. */
export function unkeptNote(problem: string | undefined): string[] {
  if (problem === undefined) return []
  return [
    `Note: this answer could not be kept on disk (${problem}), so it can be collected only until this server ends.`,
  ]
}

/** What to do where nothing better is known; who can go on need not begin anew. */
const AGAIN = 'Ask again.'

/** Where the answer comes from. */
function originOf(id: string, { model, effort, usage, account }: QueryResult): string {
  const facts = [
    `Answered by Codex (${model})`,
    effort === undefined ? [] : `effort ${effort}`,
    tokens(usage),
    account,
    `answer ${id}`,
  ]
  return facts.flat().join(' · ')
}

function tokens(usage: QueryResult['usage']): string | [] {
  if (usage === undefined) return []
  const cached = usage.cachedTokens ? ` (${usage.cachedTokens} cached)` : ''
  const reasoning = usage.reasoningTokens ? ` (${usage.reasoningTokens} reasoning)` : ''
  return `${usage.inputTokens} tokens in${cached}, ${usage.outputTokens} out${reasoning}`
}

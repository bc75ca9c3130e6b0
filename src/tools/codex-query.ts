import { z } from 'zod'
import type { AnswerProgress } from '../services/codex-answer.ts'
import type { QueryResult } from '../services/codex-client.ts'
import type { GuidedQuery } from '../services/guided-query.ts'
import { defineTool, type Tool } from './tool.ts'

const input = z.strictObject({
  prompt: z
    .string()
    .trim()
    .min(1)
    .max(1_000_000)
    .describe('The question, with everything Codex needs to know: it sees no files and no earlier conversation'),
  model: z.string().trim().min(1).max(200).optional().describe('Model id from codex_models; default: its first'),
  system_prompt: z.string().trim().min(1).max(1_000_000).optional().describe('Replaces the default instructions'),
  temperature: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Sent with an API key if the model takes one; else left out, said so'),
  reasoning_effort: z.string().trim().min(1).max(40).optional().describe('low, medium, high, … as codex_models lists'),
})

export function codexQuery({ query }: { query: GuidedQuery }): Tool {
  return defineTool({
    name: 'codex_query',
    title: 'Ask Codex',
    description:
      "Ask an OpenAI Codex model one question and get its answer: a second opinion, a review, another model's view. " +
      'Takes seconds to minutes. Show the answer as Codex wrote it and say that it is from Codex.',
    // Read-only, because the question changes nothing. A sign-in that comes before it begins only after the user's own yes
    // in a dialog of the client. Codex refuses what is not read-only where approvals are off, so every question there.
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    // Without it Claude Code puts every answer over 50,000 characters into a file (facts: claude-code 8).
    meta: { 'anthropic/maxResultSizeChars': 500_000 },
    input,
    async run({ prompt, model, system_prompt: systemPrompt, temperature, reasoning_effort: effort }, call) {
      const onProgress = (progress: AnswerProgress) => call.progress(describeProgress(progress))
      const question = { prompt, model, systemPrompt, temperature, effort }
      call.progress('Asking Codex')
      const { signal, progress: onSignIn, offerAddress: offer, onText } = call
      const result = await query(question, { signal, onProgress, onText, onSignIn, offer })
      return { texts: [result.text, footer(result)] }
    },
  })
}

function describeProgress({ phase, characters }: AnswerProgress): string {
  if (phase === 'writing') return `Codex is writing (${characters.toLocaleString('en')} characters)`
  return phase === 'thinking' ? 'Codex is thinking' : 'Codex has the question'
}

/** One line that says where the answer comes from, then a line for each thing the reader should know. */
function footer({ model, effort, usage, account, notes }: QueryResult): string {
  const facts = [`Answered by Codex (${model})`, effort === undefined ? [] : `effort ${effort}`, tokens(usage), account]
  return [facts.flat().join(' · '), ...notes.map((note) => `Note: ${note}.`)].join('\n')
}

function tokens(usage: QueryResult['usage']): string | [] {
  if (usage === undefined) return []
  const cached = usage.cachedTokens ? ` (${usage.cachedTokens} cached)` : ''
  const reasoning = usage.reasoningTokens ? ` (${usage.reasoningTokens} reasoning)` : ''
  return `${usage.inputTokens} tokens in${cached}, ${usage.outputTokens} out${reasoning}`
}

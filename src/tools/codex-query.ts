import * as z from 'zod'
import type { AskCall } from '../services/answers/caller.ts'
import type { CollectAnswer, Collected } from '../services/answers/collect-answer.ts'
import type { TimedProgress } from '../services/answers/progress-pace.ts'
import type { QueryDesk } from '../services/answers/query-desk.ts'
import { pageOf } from './answer-page.ts'
import { textArgument } from './text-argument.ts'
import { defineTool, type Tool, type ToolCall, type ToolOutput } from './tool.ts'

const input = () =>
  z
    .strictObject({
      prompt: textArgument(
        1_000_000,
        'The question, with what Codex needs to know: it does not see this conversation. Required unless collect is given',
      ),
      model: textArgument(200, 'Only if the user names one: an id from codex_models'),
      system_prompt: textArgument(1_000_000, 'Replaces the default instructions'),
      temperature: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Used with an API key only; otherwise ignored, and the answer says so'),
      reasoning_effort: textArgument(40, 'low, medium, high, …; codex_models lists those of each model'),
      conversation: textArgument(
        100,
        'A name: begins or continues that conversation; without it the question stands alone',
      ),
      files: z
        .array(z.string().min(1).max(1000))
        .min(1)
        .max(500)
        .optional()
        .describe(
          'Project files that the server reads and sends: paths, globs (src/**/*.ts), lines (a.md:10-80), images',
        ),
      diff: textArgument(
        200,
        'Git changes to send: working (all that is not committed), staged, or a range like main..HEAD',
      ),
      web_search: z.boolean().optional().describe('Codex may search the web; its sources are listed'),
      output_schema: z
        .looseObject({})
        .optional()
        .describe('JSON Schema of type object: the answer is JSON that fits it'),
      background: z.boolean().optional().describe('Return an id at once; collect gets the answer'),
      collect: textArgument(
        60,
        'On its own: the id of an answer to get, also one that is running, was cancelled or timed out; id@20000 starts there',
      ),
    })
    .superRefine(({ prompt, collect, ...rest }, context) => {
      const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
      if (prompt === undefined && collect === undefined) refuse('prompt', 'is missing, expected string')
      const others = Object.keys({ ...(prompt === undefined ? {} : { prompt }), ...rest })
      if (collect !== undefined && others.length > 0) refuse('collect', `stands alone, without ${others.join(', ')}`)
    })

export interface CodexQueryDeps {
  desk: Pick<QueryDesk, 'ask'>
  collect: CollectAnswer
}

export function codexQuery({ desk, collect }: CodexQueryDeps): Tool {
  return defineTool({
    name: 'codex_query',
    title: 'Ask Codex',
    description:
      "Ask an OpenAI Codex model and get its answer: a second opinion, a review, another model's view. One call: it reads " +
      'files and git changes itself, so name them instead of reading or pasting. Takes seconds to minutes; if the call ends ' +
      'early, collect gets the answer. Show it as Codex wrote it and say that it is from Codex.',
    // Read-only, because the question changes nothing. A sign-in that comes before it begins only after the user's own yes
    // in a dialog of the client. Codex refuses what is not read-only where approvals are off, so every question there.
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    // Without it Claude Code puts every answer over 50,000 characters into a file (facts: claude-code 8).
    meta: { 'anthropic/maxResultSizeChars': 500_000 },
    input,
    async run({ collect: wanted, ...args }, call) {
      if (wanted !== undefined) return collected(await collect(wanted, collectCallOf(call)), call)
      const outcome = await desk.ask(requestOf(args), askCallOf(call))
      if (outcome.text === undefined) return { texts: [inBackground(outcome.id)] }
      const { id, text, facts } = outcome
      return shown({ id, text, offset: 0, footer: facts.footer, isIncomplete: facts.incomplete !== undefined }, call)
    },
  })
}

function requestOf(args: Omit<z.infer<ReturnType<typeof input>>, 'collect'>) {
  const { prompt = '', model, temperature, conversation, files, diff, background } = args
  return {
    prompt,
    model,
    temperature,
    conversation,
    files,
    diff,
    background,
    systemPrompt: args.system_prompt,
    effort: args.reasoning_effort,
    webSearch: args.web_search,
    outputSchema: args.output_schema,
  }
}

function askCallOf(call: ToolCall): AskCall {
  const { signal, progress, offerAddress, onText, onAnswerId, roots, cancelReason } = call
  const onProgress = (one: TimedProgress & { id: string }) => {
    onAnswerId?.(one.id)
    progress(`${wordsFor(one)} · answer ${one.id}`)
  }
  return { signal, onProgress, onText, onSignIn: progress, offer: offerAddress, roots, cancelReason }
}

function collectCallOf({ signal, progress }: ToolCall) {
  return { signal, onProgress: (one: TimedProgress) => progress(wordsFor(one)) }
}

function wordsFor({ phase, headline, characters, elapsedMs }: TimedProgress): string {
  const about = headline === undefined ? '' : `: ${headline}`
  const time = ` (${Math.round(elapsedMs / 1000)} s)`
  switch (phase) {
    case 'connecting':
      return `Asking Codex${time}`
    case 'queued':
      return `Codex has the question${time}`
    case 'thinking':
      return `Codex is thinking${about}${time}`
    case 'searching':
      return `Codex is searching the web${about}${time}`
    case 'writing':
      return `Codex is writing, ${characters.toLocaleString('en')} characters${time}`
  }
}

function inBackground(id: string): string {
  return (
    `Codex is working on it in the background. The answer gets the id ${id}: codex_query with collect "${id}" waits for it ` +
    'and gives it, codex_status shows how it stands. It goes on while this server runs.'
  )
}

/** A text and what stands below it; of one that is too long for the client a page, and how to get the next one. */
function shown({ id, text, offset, footer, isIncomplete }: Collected, { pageCharacters }: ToolCall): ToolOutput {
  const page = pageOf(text, offset, pageCharacters)
  const isPart = page.start > 0 || page.next !== undefined
  const place = `Characters ${page.start + 1} to ${page.start + page.text.length} of ${text.length}.`
  const more = page.next === undefined ? '' : ` The rest: codex_query with collect "${id}@${page.next}".`
  const lines = [...(isPart ? [`${place}${more}`] : []), footer]
  return { texts: [page.text, lines.join('\n')], ...(isIncomplete ? { isIncomplete } : {}) }
}

/** Of an answer without any text yet there is only what stands below it. */
function collected(found: Collected, call: ToolCall): ToolOutput {
  if (found.text !== '') return shown(found, call)
  return { texts: [found.footer], ...(found.isIncomplete ? { isIncomplete: true } : {}) }
}

import type { Model } from './builtin-models.ts'
import { effortNotes, sentEffort } from './effort-choice.ts'
import type { OptionalField } from './unsupported-field.ts'

/** A question as it comes from the tool, already validated. */
export interface Question {
  prompt: string
  model: string | undefined
  systemPrompt: string | undefined
  temperature: number | undefined
  effort: string | undefined
}

export interface RequestFacts {
  question: Question
  /** The model's id, and its catalogue entry when it is listed. */
  modelId: string
  model: Model | undefined
  effort: string | undefined
  /** Whether the endpoint is the API-key one, which alone takes a temperature. */
  acceptsTemperature: boolean
  /** What this model is known not to take. */
  without: ReadonlySet<OptionalField>
  /** This server's session, for prompt caching, and this question's own id. */
  sessionId: string
  threadId: string
}

export interface CodexRequest {
  headers: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
  /** The effort as it is sent. */
  effort: string | undefined
  /** Sentences for the answer's footer: what was ignored or could not be checked. */
  notes: readonly string[]
}

/** Why we send any: the backend refuses a request without instructions. Why so few: the user's own words count. */
export const DEFAULT_INSTRUCTIONS =
  'You are Codex, answering a question from a developer who works with another AI assistant. ' +
  'Answer directly, completely and in the language of the question. You have no tools and cannot see files; ' +
  'say what you would need to know when something is missing.'

/**
 * One question as the Codex backend takes it (facts: wire-protocol 10 and 17): `store: false`, `stream: true`,
 * non-empty `instructions`, `input` a list. A "lite" model gets its tools as the first input item and a header,
 * other models get them on top; ours are none either way.
 */
export function buildRequest(facts: RequestFacts): CodexRequest {
  const { question, modelId, model, without, sessionId, threadId } = facts
  const lite = model?.lite === true
  const effort = sentEffort(facts.effort)
  const temperature = facts.acceptsTemperature ? question.temperature : undefined
  const message = userMessage(question)
  return {
    headers: {
      ...(lite ? { 'x-openai-internal-codex-responses-lite': 'true' } : {}),
      'x-client-request-id': threadId,
      'session-id': sessionId,
      'thread-id': threadId,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
    body: leftOut(without, {
      model: modelId,
      instructions: question.systemPrompt ?? DEFAULT_INSTRUCTIONS,
      input: lite ? [{ type: 'additional_tools', role: 'developer', tools: [] }, message] : [message],
      ...(lite ? {} : { tools: [] }),
      tool_choice: 'auto',
      parallel_tool_calls: !lite,
      reasoning: reasoning(effort, lite),
      store: false,
      stream: true,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: sessionId,
      ...(model?.verbosity === undefined ? {} : { text: { verbosity: model.verbosity } }),
      ...(temperature === undefined ? {} : { temperature }),
    }),
    effort: without.has('reasoning') ? undefined : effort,
    notes: notesOf(facts),
  }
}

function leftOut(without: ReadonlySet<string>, body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([field]) => !without.has(field)))
}

/** A question's own words, as an item of `input`. */
export function userMessage({ prompt }: Question): Readonly<Record<string, unknown>> {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] }
}

function reasoning(effort: string | undefined, lite: boolean): Record<string, string> {
  const asked = effort === undefined ? { summary: 'auto' } : { effort }
  return lite ? { ...asked, context: 'all_turns' } : asked
}

function notesOf(facts: RequestFacts): string[] {
  const { question, modelId, acceptsTemperature, effort, without } = facts
  const notes = listingNotes(facts)
  if (question.temperature !== undefined && !acceptsTemperature) {
    notes.push('temperature was ignored: Codex models with a ChatGPT login do not take one')
  }
  if (question.temperature !== undefined && acceptsTemperature && without.has('temperature')) {
    notes.push(`temperature was not accepted by ${modelId} and left out`)
  }
  if (!without.has('reasoning')) return [...notes, ...effortNotes(facts)]
  return effort === undefined ? notes : [...notes, `effort ${effort} was not accepted by ${modelId} and left out`]
}

/** Whether the model is one that the account's list shows. */
export function listingNotes({ modelId, model }: Pick<RequestFacts, 'modelId' | 'model'>): string[] {
  const isListed = model !== undefined && !model.hidden
  return isListed ? [] : [`${modelId} is not in the model list of this account; it was asked all the same`]
}

import type { Turn } from '../conversations/conversation-turn.ts'
import type { Attached } from '../files/attachments.ts'
import type { Model } from '../models/builtin-models.ts'
import { effortNotes, sentEffort } from '../models/effort-choice.ts'
import { type OutputSchema, textFormat } from '../schema/output-schema.ts'
import type { ContentPart, InputItem } from './input-item.ts'
import { instructionsFor } from './instructions.ts'
import { describesForm, omitFields, type Shape } from './request-shape.ts'

/** A question as it comes from the tool, already validated. */
export interface Question {
  prompt: string
  model: string | undefined
  systemPrompt: string | undefined
  temperature: number | undefined
  effort: string | undefined
  /** Files and changes that go in front of the prompt. */
  attached?: Pick<Attached, 'parts' | 'sent'> | undefined
  /** The conversation that it goes on with. */
  talk?: Talk | undefined
  webSearch?: boolean | undefined
  /** The form of the answer. */
  schema?: OutputSchema | undefined
}

export interface Talk {
  turns: readonly Turn[]
  cacheKey?: string | undefined
  /** Without the newest of them the question means nothing. */
  needsLast?: boolean
}

export interface RequestFacts {
  question: Question
  /** The model's id, and its catalogue entry when it is listed. */
  modelId: string
  model: Model | undefined
  effort: string | undefined
  /** Whether the endpoint is the API-key one, which alone takes a temperature. */
  acceptsTemperature: boolean
  /** The tool that searches the web, as the endpoint knows it. */
  searchTool: Readonly<Record<string, unknown>>
  /** How this model is known to want it. */
  shape: Shape
  /** What was said before, oldest first. */
  history: readonly InputItem[]
  /** For prompt caching: this server's session, or the conversation's; and this question's own id. */
  sessionId: string
  threadId: string
}

export interface CodexRequest {
  headers: Readonly<Record<string, string>>
  body: Readonly<Record<string, unknown>>
  /** Whether it is in the lite form. */
  isLite: boolean
  /** The question as a later turn sends it again. */
  message: InputItem
  /** The effort as it is sent. */
  effort: string | undefined
  /** Sentences for the answer's footer: what was ignored or could not be checked. */
  notes: readonly string[]
}

/**
 * One question as the Codex backend takes it (facts: wire-protocol 10 and 17): `store: false`, `stream: true`,
 * non-empty `instructions`, `input` a list. A "lite" model gets its tools as the first input item and a header,
 * other models get them on top.
 */
export function buildRequest(facts: RequestFacts): CodexRequest {
  const { question, modelId, model, shape, history, sessionId, threadId } = facts
  const { without } = shape
  const lite = shape.lite ?? model?.lite === true
  const effort = sentEffort(facts.effort)
  const temperature = facts.acceptsTemperature ? question.temperature : undefined
  const message = userMessage(question)
  const tools = question.webSearch === true && !without.has('tools') ? [facts.searchTool] : []
  const text = textOf(facts)
  return {
    headers: {
      ...(lite ? { 'x-openai-internal-codex-responses-lite': 'true' } : {}),
      ...(shape.version === undefined ? {} : { version: shape.version }),
      'x-client-request-id': threadId,
      'session-id': sessionId,
      'thread-id': threadId,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
    body: omitFields(
      {
        model: modelId,
        instructions: instructionsFor({
          question,
          searches: tools.length > 0,
          describesForm: describesForm(shape),
        }),
        input: [...(lite ? [{ type: 'additional_tools', role: 'developer', tools }] : []), ...history, message],
        ...(lite ? {} : { tools }),
        tool_choice: 'auto',
        parallel_tool_calls: !lite,
        reasoning: reasoning(effort, lite),
        store: false,
        stream: true,
        include: ['reasoning.encrypted_content'],
        prompt_cache_key: sessionId,
        ...(text === undefined ? {} : { text }),
        ...(temperature === undefined ? {} : { temperature }),
      },
      without,
    ),
    isLite: lite,
    message,
    effort: without.has('reasoning') ? undefined : effort,
    notes: notesOf(facts),
  }
}

/** A question as an item of `input`: what is sent along comes first, because the prompt speaks of it. */
export function userMessage({ prompt, attached }: Question): InputItem {
  const words: ContentPart = { type: 'input_text', text: prompt }
  return { type: 'message', role: 'user', content: [...(attached?.parts ?? []), words] }
}

/** The form of the answer: how long, where the model can be told, and by which schema. */
function textOf({ question, model, shape }: RequestFacts): Readonly<Record<string, unknown>> | undefined {
  const verbosity = model?.verbosity
  const format = formatOf(question, shape)
  if (verbosity === undefined && format === undefined) return undefined
  return { ...(verbosity === undefined ? {} : { verbosity }), ...(format === undefined ? {} : { format }) }
}

/** The schema as the service takes it. */
export function formatOf({ schema }: Question, { loose, inWords }: Shape): ReturnType<typeof textFormat> | undefined {
  if (schema === undefined || inWords) return undefined
  return textFormat(loose ? { ...schema, strict: false } : schema)
}

/** With a summary, because its headlines are all there is to show while a model thinks. */
function reasoning(effort: string | undefined, lite: boolean): Record<string, string> {
  const asked = { ...(effort === undefined ? {} : { effort }), summary: 'auto' }
  return lite ? { ...asked, context: 'all_turns' } : asked
}

function notesOf(facts: RequestFacts): string[] {
  const { question, modelId, acceptsTemperature, shape } = facts
  const { without } = shape
  const notes = [...listingNotes(facts), ...shapeNotes(facts)]
  if (question.temperature !== undefined && !acceptsTemperature) {
    notes.push('temperature was ignored: Codex models with a ChatGPT login do not take one')
  }
  if (question.temperature !== undefined && acceptsTemperature && without.has('temperature')) {
    notes.push(`temperature was not accepted by ${modelId} and left out`)
  }
  return [...notes, ...sentEffortNotes(facts)]
}

/** How the effort was sent, or that it was not. */
export function sentEffortNotes({ effort, modelId, shape }: Pick<RequestFacts, 'effort' | 'modelId' | 'shape'>) {
  if (!shape.without.has('reasoning')) return effortNotes({ effort })
  return effort === undefined ? [] : [`effort ${effort} was not accepted by ${modelId} and left out`]
}

/** What is different from what the catalogue and the settings say, or from what was asked for. */
export function shapeNotes({
  question,
  modelId,
  model,
  shape,
}: Pick<RequestFacts, 'question' | 'modelId' | 'model' | 'shape'>): string[] {
  const { lite, version, without } = shape
  return [
    // By now the list may say it too.
    lite === undefined || lite === model?.lite
      ? []
      : `${modelId} was asked in the ${lite ? 'lite' : 'classic'} form, because the service refused the other one`,
    version === undefined
      ? []
      : `${modelId} wants compatibility level ${version}, which was stated; CODEX_OAUTH_CLIENT_VERSION=${version} makes it the usual one`,
    question.webSearch === true && without.has('tools') ? `web search was not accepted by ${modelId} and left out` : [],
    question.schema !== undefined && describesForm(shape)
      ? `the schema was not accepted by ${modelId} and described in words; the answer was checked here`
      : [],
  ].flat()
}

/** Whether the model is one that the account's list shows. */
export function listingNotes({ modelId, model }: Pick<RequestFacts, 'modelId' | 'model'>): string[] {
  const isListed = model !== undefined && !model.hidden
  return isListed ? [] : [`${modelId} is not in the model list of this account; it was asked all the same`]
}

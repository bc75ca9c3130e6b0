import {
  type CodexRequest,
  formatOf,
  listingNotes,
  type RequestFacts,
  sentEffortNotes,
  shapeNotes,
  userMessage,
} from '../codex/codex-request.ts'
import { DEFAULT_INSTRUCTIONS, instructionsFor } from '../codex/instructions.ts'
import { describesForm, omitFields } from '../codex/request-shape.ts'
import { sentEffort } from '../models/effort-choice.ts'

/**
 * One question on the plan route (facts: plan-usage 3.2): what OpenAI's page requires, the question, and nothing else.
 * The page forbids sampling, output caps, `metadata`, `user`, `service_tier` and more. It says nothing of `include`,
 * `prompt_cache_key`, `text`, `tool_choice`, `reasoning.summary`: of those only what a question asks for is sent, a
 * schema as `text.format`, and the sealed reasoning of a conversation by `include`. Nor is a header of the Codex client:
 * here this program asks in its own name.
 */
export function buildPlanRequest(facts: Omit<RequestFacts, 'acceptsTemperature'>): CodexRequest {
  const { question, modelId, shape, history } = facts
  const { without } = shape
  const format = formatOf(question, shape)
  const effort = sentEffort(facts.effort)
  const message = userMessage(question)
  const tools = question.webSearch === true && !without.has('tools') ? [facts.searchTool] : undefined
  return {
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: omitFields(
      {
        model: modelId,
        instructions: instructionsFor({
          question,
          opening: OPENING,
          searches: tools !== undefined,
          describesForm: describesForm(shape),
        }),
        input: [...history, message],
        ...(effort === undefined ? {} : { reasoning: { effort } }),
        // Required, and no promise: what OpenAI keeps or learns from is not documented (facts: plan-usage 9).
        store: false,
        stream: true,
        ...(question.talk === undefined ? {} : { include: ['reasoning.encrypted_content'] }),
        ...(tools === undefined ? {} : { tools }),
        ...(format === undefined ? {} : { text: { format } }),
      },
      without,
    ),
    isLite: false,
    message,
    effort: without.has('reasoning') ? undefined : effort,
    notes: [...listingNotes(facts), ...shapeNotes(facts), ...temperatureNotes(question), ...sentEffortNotes(facts)],
  }
}

/** As on the Codex route, but for a name that is OpenAI's. */
const OPENING = DEFAULT_INSTRUCTIONS.replace('You are Codex, answering', 'You answer')

function temperatureNotes({ temperature }: RequestFacts['question']): string[] {
  return temperature === undefined ? [] : ['temperature was ignored: questions on the ChatGPT plan take none']
}

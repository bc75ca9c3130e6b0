import {
  type CodexRequest,
  DEFAULT_INSTRUCTIONS,
  listingNotes,
  type RequestFacts,
  userMessage,
} from './codex-request.ts'
import { effortNotes, sentEffort } from './effort-choice.ts'

/**
 * One question on the plan route (facts: plan-usage 3.2): what OpenAI's page requires, the question, and nothing else.
 * The page forbids sampling, output caps, `metadata`, `user`, `service_tier` and more. It says nothing of `include`,
 * `prompt_cache_key`, `text`, `tool_choice`, `reasoning.summary`: nobody asks for those, so none is sent. Nor is a
 * header of the Codex client: here this program asks in its own name.
 */
export function buildPlanRequest(facts: Pick<RequestFacts, 'question' | 'modelId' | 'model' | 'effort'>): CodexRequest {
  const { question, modelId } = facts
  const effort = sentEffort(facts.effort)
  return {
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: {
      model: modelId,
      instructions: question.systemPrompt ?? INSTRUCTIONS,
      input: [userMessage(question)],
      ...(effort === undefined ? {} : { reasoning: { effort } }),
      store: false,
      stream: true,
    },
    effort,
    notes: [...listingNotes(facts), ...temperatureNotes(question), ...effortNotes(facts)],
  }
}

/** As on the Codex route, but for a name that is OpenAI's. */
const INSTRUCTIONS = DEFAULT_INSTRUCTIONS.replace('You are Codex, answering', 'You answer')

function temperatureNotes({ temperature }: RequestFacts['question']): string[] {
  return temperature === undefined ? [] : ['temperature was ignored: questions on the ChatGPT plan take none']
}

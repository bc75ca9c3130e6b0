import {
  type CodexRequest,
  DEFAULT_INSTRUCTIONS,
  effortNotes,
  listingNotes,
  type RequestFacts,
  sentEffort,
  userMessage,
} from './codex-request.ts'

/**
 * One question on the plan route (facts: plan-usage 3.2): what OpenAI's page requires, the question, and nothing else.
 * The page forbids sampling, output caps, `metadata`, `user`, `service_tier` and more. It says nothing of `include`,
 * `prompt_cache_key`, `text`, `tool_choice`, `reasoning.summary`: nobody asks for those, so none is sent. Web search,
 * tools and images are allowed in part, and no question has any. Nor is a header of the Codex client sent: here this
 * program asks in its own name.
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
      // Required, and no promise: what OpenAI keeps or learns from is not documented (facts: plan-usage 9).
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

import type { IncomingHttpHeaders } from 'node:http'
import { isNewEnough, type Model } from './fake-catalogue.ts'
import { apiError, detail } from './fake-errors.ts'
import { textRefusal } from './fake-format.ts'
import { type InputRules, inputRefusal } from './fake-input.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'
import { includeRefusal, toolsRefusal } from './fake-tools.ts'

const LITE = 'X-OpenAI-Internal-Codex-Responses-Lite'

/** The fields the official client sends (wire-protocol 10.2). The service works by an allow-list too. */
const KNOWN_FIELDS = new Set([
  'model',
  'stream',
  'store',
  'instructions',
  'input',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning',
  'include',
  'prompt_cache_key',
  'text',
  'service_tier',
  'client_metadata',
])

/** Why the Codex backend refuses this request (wire-protocol 17), in its own words; `undefined` if it does not. */
export function refusalOf(
  body: Record<string, unknown>,
  headers: IncomingHttpHeaders,
  { models, isGiven }: { models: readonly Model[]; isGiven: InputRules['isGiven'] },
): Answer | undefined {
  if (body.store !== false) return detail('Store must be set to false')
  if (body.stream !== true) return detail('Stream must be set to true')
  const unknown = Object.keys(body).find((field) => !KNOWN_FIELDS.has(field))
  if (unknown !== undefined) return detail(`Unsupported parameter: ${unknown}`)
  if (!Array.isArray(body.input)) return detail('Input must be a list')
  if (hasRole(body.input, 'system')) return detail('System messages are not allowed')
  const model = models.find(({ slug }) => slug === body.model)
  if (model === undefined || !isNewEnough(headers.version as string | undefined, model)) {
    return detail(`The '${body.model}' model is not supported when using Codex with a ChatGPT account.`)
  }
  if (!hasInstructions(body, model)) return detail('Instructions are required')
  if (!hasStringValues(body.client_metadata)) return detail('client_metadata must be an object of strings')
  return (
    liteRefusal(body, headers[LITE.toLowerCase()] === 'true', model) ??
    toolsRefusal(body) ??
    includeRefusal(body) ??
    textRefusal(body.text) ??
    inputRefusal(body, { model, takesTools: model.use_responses_lite, isGiven })
  )
}

/**
 * The lite profile and the model's flag must agree. Words and states are those of public reports
 * (Wei-Shaw/sub2api#4771, #6057; openai/codex#32528), and they are not of the `detail` form.
 */
function liteRefusal(body: Record<string, unknown>, isLite: boolean, model: Model): Answer | undefined {
  if (!isLite) {
    if (!model.use_responses_lite) return undefined
    return apiError(404, { message: `Model not found ${model.slug}`, param: 'model' })
  }
  const refuse = (param: string, message: string) => apiError(400, { message, param, code: 'unsupported_value' })
  if (!model.use_responses_lite) return refuse('model', `This model is not supported when using ${LITE}.`)
  if (!isRecord(body.reasoning) || body.reasoning.context !== 'all_turns') {
    return refuse('reasoning.context', `${LITE} requires \`reasoning.context\` to be \`all_turns\`.`)
  }
  if (body.parallel_tool_calls !== false) {
    return refuse('parallel_tool_calls', `${LITE} requires \`parallel_tool_calls\` to be false.`)
  }
  if (body.tools !== undefined) {
    // The service takes some tools here; the official client never sends any, so we should not either.
    return refuse('tools', `${LITE} only supports function tools, custom tools, and client-executed tool search.`)
  }
  return undefined
}

/** A lite request may carry its instructions in a developer message, as the official client does. */
function hasInstructions({ instructions, input }: Record<string, unknown>, model: Model): boolean {
  if (typeof instructions === 'string' && instructions.trim() !== '') return true
  return model.use_responses_lite && hasRole(input as unknown[], 'developer')
}

function hasRole(input: readonly unknown[], role: string): boolean {
  return input.some((item) => isRecord(item) && item.type !== 'additional_tools' && item.role === role)
}

function hasStringValues(metadata: unknown): boolean {
  if (metadata === undefined) return true
  return isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')
}

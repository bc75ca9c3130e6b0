import { detail } from './fake-errors.ts'
import { textRefusal } from './fake-format.ts'
import { type InputRules, inputRefusal } from './fake-input.ts'
import { switchedOff, toolRefusal } from './fake-plan-capabilities.ts'
import { planError } from './fake-plan-errors.ts'
import type { PlanModel } from './fake-plan-models.ts'
import type { PlanOptions } from './fake-plan-options.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'
import { includeRefusal, toolsRefusal } from './fake-tools.ts'

type Body = Record<string, unknown>

/** The documentation names them one by one (facts: plan-usage 3.2). */
export const FORBIDDEN_FIELDS = [
  'background',
  'conversation',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'moderation',
  'multi_agent',
  'previous_response_id',
  'prompt',
  'prompt_cache_retention',
  'safety_identifier',
  'temperature',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
] as const

/** The rest of what a question may hold: required, or not documented and not forbidden. */
const KNOWN_FIELDS = new Set([
  'model',
  'input',
  'instructions',
  'store',
  'stream',
  'reasoning',
  'text',
  'include',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'prompt_cache_key',
])

/** Why the plan refuses this question, in one of the two forms the service uses; `undefined` if it does not. */
export function planRefusalOf(body: Body, rules: PlanRules): Answer | undefined {
  return (
    fieldRefusal(body) ??
    shapeRefusal(body) ??
    modelRefusal(body, rules.models) ??
    toolRefusal(body.tools) ??
    switchedOff(body, rules.unsupported) ??
    publicRefusal(body, rules)
  )
}

interface PlanRules extends Pick<PlanOptions, 'models' | 'unsupported'>, Pick<InputRules, 'isGiven'> {}

/** What the public API would not take either. */
function publicRefusal(body: Body, { models, isGiven }: PlanRules): Answer | undefined {
  const model = models.find(({ slug }) => slug === body.model)
  return (
    toolsRefusal(body) ??
    includeRefusal(body) ??
    textRefusal(body.text) ??
    inputRefusal(body, { model, takesTools: true, isGiven })
  )
}

function fieldRefusal(body: Body): Answer | undefined {
  const forbidden = FORBIDDEN_FIELDS.find((field) => field in body)
  if (forbidden !== undefined) return unsupported(forbidden)
  if ('service_tier' in body) return detail(`Unsupported service_tier: ${body.service_tier}`)
  const unknown = Object.keys(body).find((field) => !KNOWN_FIELDS.has(field))
  if (unknown === undefined) return undefined
  return planError('unknown_parameter', { param: unknown, message: `Unknown parameter: '${unknown}'.` })
}

function shapeRefusal({ store, stream, input, instructions }: Body): Answer | undefined {
  if (store !== false) return unsupported('store')
  if (stream !== true) return unsupported('stream')
  if (!Array.isArray(input)) return detail('Input must be a list')
  if (input.length === 0) return detail('Input must not be empty')
  if (input.some((item) => isRecord(item) && item.role === 'system')) return detail('System messages are not allowed')
  if (instructions !== undefined && typeof instructions !== 'string') return detail('Instructions must be a string')
  return undefined
}

function modelRefusal({ model: slug, input, reasoning }: Body, models: readonly PlanModel[]): Answer | undefined {
  if (typeof slug !== 'string') return planError('missing_required_parameter', { param: 'model' })
  // Also what is hidden or not listed for this client: the list is for display, not of rights.
  const model = models.find((known) => known.slug === slug)
  if (model === undefined) return planError('model_not_found', { param: 'model' })
  const effort = isRecord(reasoning) ? reasoning.effort : undefined
  const isSupported = model.supported_reasoning_levels.some((level) => level.effort === effort)
  if (effort !== undefined && !isSupported) return planError('unsupported_value', { param: 'reasoning.effort' })
  return mediaRefusal(input as readonly unknown[], model)
}

/** Images and files come inline: there is nowhere to upload them to. */
function mediaRefusal(input: readonly unknown[], { input_modalities: modalities }: PlanModel): Answer | undefined {
  const parts = input.flatMap((item) => (isRecord(item) && Array.isArray(item.content) ? item.content : []))
  const refused = parts.filter(isRecord).some((part) => {
    if (part.type === 'input_image') return !modalities.includes('image') || part.file_id !== undefined
    return part.type === 'input_audio' || part.type === 'input_video' || part.file_id !== undefined
  })
  return refused ? unsupported('input') : undefined
}

function unsupported(param: string): Answer {
  return planError('subscription_sharing_unsupported_capability', { param, message: `Unsupported parameter: ${param}` })
}

import { planError } from './fake-plan-errors.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'

/** Tools the plan takes; the service's own other ones it does not (facts: plan-usage 3.2). */
const TOOLS = ['function', 'custom', 'namespace', 'web_search']

/** Why the plan refuses these tools; `undefined` if it does not. */
export function toolRefusal(tools: unknown): Answer | undefined {
  if (tools === undefined) return undefined
  if (!Array.isArray(tools)) return refused('tools')
  const index = tools.findIndex((tool) => !isKnown(tool))
  return index === -1 ? undefined : refused(`tools[${index}]`)
}

/** Why the plan refuses what it is told to refuse, e.g. `text.format`; `undefined` if it does not. */
export function switchedOff(body: Record<string, unknown>, unsupported: readonly string[]): Answer | undefined {
  const tools = Array.isArray(body.tools) ? body.tools : []
  const index = tools.findIndex((tool) => isRecord(tool) && unsupported.includes(`${tool.type}`))
  if (index !== -1) return refused(`tools[${index}]`)
  const param = unsupported.find((path) => valueAt(body, path) !== undefined)
  return param === undefined ? undefined : refused(param)
}

function valueAt(body: unknown, path: string): unknown {
  return path.split('.').reduce((value, step) => (isRecord(value) ? value[step] : undefined), body)
}

/** Flat, as in the Responses API: the nested `function` of Chat Completions is not taken. */
function isKnown(tool: unknown): boolean {
  return isRecord(tool) && TOOLS.includes(`${tool.type}`) && tool.function === undefined
}

function refused(param: string): Answer {
  return planError('subscription_sharing_unsupported_capability', { param })
}

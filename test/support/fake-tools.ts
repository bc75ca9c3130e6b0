import { apiError, invalidValue } from './fake-errors.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'

/** The kinds of tools that the official client sends, and the fields of the one that the service itself runs. */
const KINDS = ['function', 'custom', 'namespace', 'web_search', 'tool_search']
const WEB_SEARCH = [
  ...['type', 'external_web_access', 'search_context_size', 'search_content_types', 'user_location', 'filters'],
]

const INCLUDE = [
  ...['reasoning.encrypted_content', 'web_search_call.action.sources', 'file_search_call.results'],
  ...['message.input_image.image_url', 'message.output_text.logprobs', 'code_interpreter_call.outputs'],
]

/** Why tools are refused, on top or in the first item of the input; `undefined` if they are not. */
export function toolsRefusal({ tools, input }: Readonly<Record<string, unknown>>): Answer | undefined {
  const [first] = Array.isArray(input) ? input : []
  const inside = isRecord(first) && first.type === 'additional_tools' ? first.tools : undefined
  return listRefusal(tools, 'tools') ?? listRefusal(inside, 'input[0].tools')
}

/** Why `include` is refused. */
export function includeRefusal({ include }: Readonly<Record<string, unknown>>): Answer | undefined {
  if (include === undefined) return undefined
  if (!Array.isArray(include)) return apiError(400, { message: "Invalid type for 'include'.", param: 'include' })
  const index = include.findIndex((value) => !INCLUDE.includes(value))
  return index === -1 ? undefined : invalidValue(`include[${index}]`, include[index], INCLUDE)
}

function listRefusal(tools: unknown, param: string): Answer | undefined {
  if (tools === undefined) return undefined
  if (!Array.isArray(tools))
    return apiError(400, { message: `Invalid type for '${param}'.`, param, code: 'invalid_type' })
  return tools.map((tool, index) => toolRefusal(tool, `${param}[${index}]`)).find((refusal) => refusal !== undefined)
}

function toolRefusal(tool: unknown, param: string): Answer | undefined {
  const type = isRecord(tool) ? tool.type : undefined
  if (!isRecord(tool) || !KINDS.includes(`${type}`)) return invalidValue(`${param}.type`, type, KINDS)
  const unknown = type === 'web_search' ? Object.keys(tool).find((field) => !WEB_SEARCH.includes(field)) : undefined
  if (unknown === undefined) return undefined
  const place = `${param}.${unknown}`
  return apiError(400, { message: `Unknown parameter: '${place}'.`, param: place, code: 'unknown_parameter' })
}

import { apiError, invalidValue } from './fake-errors.ts'
import { imageRefusal } from './fake-images.ts'
import { isRecord } from './fake-request.ts'
import type { Answer } from './fake-script.ts'
import { answer } from './fake-sse.ts'

/** What the input of a question may be, for who asks whom. */
export interface InputRules {
  /** What of the catalogue's entry matters; a model without these takes everything. */
  model: { slug: string; context_window?: unknown; input_modalities?: unknown } | undefined
  /** Whether the first item may be one with tools. */
  takesTools: boolean
  /** Whether the service has sent this sealed reasoning to this account. */
  isGiven: (content: unknown) => boolean
}

type Item = Readonly<Record<string, unknown>>

const USER_PARTS = ['input_text', 'input_image', 'input_file']
const ASSISTANT_PARTS = ['output_text', 'refusal']
/** What else a client that uses tools sends back. */
const OTHER_ITEMS = [
  'web_search_call',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
]
const TOKENS_PER_IMAGE = 1_000
const LETTERS_PER_TOKEN = 4

/**
 * Why this input is refused, as the public API words it; `undefined` if it is not. Nothing of it was stored, so an item
 * counts by what it carries and never by its id. `store` is false on all routes but the API's.
 */
export function inputRefusal(body: Readonly<Record<string, unknown>>, rules: InputRules): Answer | undefined {
  const { input } = body
  if (!Array.isArray(input)) return undefined
  for (const [index, item] of input.entries()) {
    const refusal = itemRefusal(item, `input[${index}]`, {
      ...rules,
      isStored: body.store !== false,
      isFirst: index === 0,
    })
    if (refusal !== undefined) return refusal
  }
  return sizeRefusal(body, rules)
}

interface ItemRules extends InputRules {
  isStored: boolean
  isFirst: boolean
}

function itemRefusal(item: unknown, param: string, rules: ItemRules): Answer | undefined {
  if (!isRecord(item)) return apiError(400, { message: `Invalid type for '${param}'.`, param, code: 'invalid_type' })
  const type = item.type ?? 'message'
  if (type === 'message') return messageRefusal(item, param, rules)
  if (type === 'reasoning') return reasoningRefusal(item, param, rules)
  if (type === 'item_reference') return notFound(item.id)
  if (type === 'additional_tools' ? rules.takesTools && rules.isFirst : OTHER_ITEMS.includes(`${type}`))
    return undefined
  return invalidValue(param, type, ['message', 'reasoning', ...OTHER_ITEMS])
}

function messageRefusal({ role, content }: Item, param: string, { model }: ItemRules): Answer | undefined {
  const roles = ['user', 'assistant', 'developer', 'system']
  if (!roles.includes(`${role}`)) return invalidValue(`${param}.role`, role, roles)
  if (typeof content === 'string') return undefined
  if (!Array.isArray(content) || content.length === 0) {
    const message = `Missing required parameter: '${param}.content'.`
    return apiError(400, { message, param: `${param}.content`, code: 'missing_required_parameter' })
  }
  const allowed = role === 'assistant' ? ASSISTANT_PARTS : USER_PARTS
  const refusals = content.map((part, index) => partRefusal(part, `${param}.content[${index}]`, allowed, model))
  return refusals.find((refusal) => refusal !== undefined)
}

function partRefusal(
  part: unknown,
  param: string,
  allowed: readonly string[],
  model: InputRules['model'],
): Answer | undefined {
  const type = isRecord(part) ? part.type : undefined
  if (!isRecord(part) || !allowed.includes(`${type}`)) return invalidValue(param, type, allowed)
  if (type === 'input_image') return imageRefusal(part, param, model?.input_modalities)
  const isText = type === 'input_file' || typeof (type === 'refusal' ? part.refusal : part.text) === 'string'
  return isText ? undefined : apiError(400, { message: `Missing required parameter: '${param}.text'.`, param })
}

function reasoningRefusal(item: Item, param: string, { isStored, isGiven }: ItemRules): Answer | undefined {
  const { id, encrypted_content: sealed } = item
  if (!isStored && (id !== undefined || typeof sealed !== 'string')) return notFound(id)
  if (!Array.isArray(item.summary)) {
    const message = `Missing required parameter: '${param}.summary'.`
    return apiError(400, { message, param: `${param}.summary`, code: 'missing_required_parameter' })
  }
  if (sealed === undefined || isGiven(sealed)) return undefined
  const message = `The encrypted content ${`${sealed}`.slice(0, 4)}... could not be verified. Reason: Encrypted content could not be decrypted or parsed.`
  return apiError(400, { message, code: 'invalid_encrypted_content' })
}

function notFound(id: unknown): Answer {
  const message = `Item with id '${id ?? 'rs_unknown'}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`
  return apiError(404, { message, param: 'input' })
}

/** The service finds it out only while it works: in the stream, behind status 200. */
function sizeRefusal(body: Readonly<Record<string, unknown>>, { model }: InputRules): Answer | undefined {
  const limit = model?.context_window
  if (typeof limit !== 'number' || crudeTokens(body) <= limit) return undefined
  const message = 'Your input exceeds the context window of this model. Please adjust your input and try again.'
  const failed = { code: 'context_length_exceeded', message }
  return { sse: answer('', { model: model?.slug ?? '', deltas: 0, items: false, end: { failed } }) }
}

/** Four letters are a token, an image is a thousand of them. */
export function crudeTokens({ input, instructions }: Readonly<Record<string, unknown>>): number {
  const items = Array.isArray(input) ? input.filter(isRecord) : []
  const parts = items.flatMap(({ content }) => (Array.isArray(content) ? content.filter(isRecord) : []))
  const images = parts.filter(({ type }) => type === 'input_image').length
  const texts = [instructions, ...parts.map(({ text }) => text), ...items.map(({ content }) => content)]
  const letters = texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0)
  return Math.ceil(letters / LETTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE
}

import { fieldOf, textField } from './remote-text.ts'

/** The parts of a request that a question can do without. */
const OPTIONAL = [
  'temperature',
  'reasoning.summary',
  'reasoning',
  'include',
  'text.format',
  'text.verbosity',
  'text',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'prompt_cache_key',
] as const

export type OptionalField = (typeof OPTIONAL)[number]

/**
 * The part of a request that the model does not take, when a 400 says so: models that reason take no
 * temperature, those that do not take no `reasoning`, and which is which only the service knows for sure.
 */
export function unsupportedField(json: unknown): OptionalField | undefined {
  const error = fieldOf(json, 'error')
  const words = textField(error, 'message') ?? textField(json, 'detail') ?? ''
  const unknown = /^(?:unsupported|unknown) parameter: '?([\w.]{1,60})/i.exec(words)?.[1]
  const param = textField(error, 'param') ?? unknown
  // Which effort it takes is for the user to hear and to choose; that it takes none at all can be left out.
  if (param === 'reasoning.effort' && unknown === undefined) return undefined
  return param === undefined ? undefined : OPTIONAL.find((field) => isAt(param, field))
}

/** `tools[0].type` is in `tools`; those of a lite request stand in its first item (facts: wire-protocol 10.2). */
function isAt(param: string, field: OptionalField): boolean {
  const path = param.replace(/^input\[0\]\.tools/, 'tools')
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`)
}

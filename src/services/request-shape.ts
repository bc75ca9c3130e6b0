import { fieldOf, textField } from './remote-text.ts'
import { type OptionalField, unsupportedField } from './unsupported-field.ts'

/** How a model wants to be asked, where that is not what its entry in the catalogue says (facts: wire-protocol 17). */
export interface Shape {
  /** The form of the request; the catalogue's unless told. */
  lite?: boolean
  /** What it does not take. */
  without: ReadonlySet<OptionalField>
  /** The compatibility level to state instead of the configured one. */
  version?: string
  /** A schema that the service does not take in strict form. */
  loose?: true
  /** The reasoning of earlier turns cannot be read by who is asked now. */
  forgetful?: true
}

export const PLAIN: Shape = { without: new Set() }

/** What was asked and refused. */
export interface RefusedRequest {
  status: number
  json: unknown
  body: Readonly<Record<string, unknown>>
  /** Its form, where models come in two. */
  form: 'lite' | 'classic' | undefined
  shape: Shape
}

export interface Mend {
  shape: Shape
  /** What was changed, as a sentence goes on: "asked again …"; undefined where the request itself has a note for it. */
  change: string | undefined
}

/**
 * The shape that a refusal asks for; undefined where it asks for none, or for one that has been tried. Each mend adds
 * something to the shape, so there are only a few of them.
 */
export function mended(refused: RefusedRequest): Mend | undefined {
  return withoutReasoning(refused) ?? withoutField(refused) ?? inOtherForm(refused)
}

function withoutField({ status, json, body, shape }: RefusedRequest): Mend | undefined {
  const field = status === 400 ? unsupportedField(json) : undefined
  if (field === undefined || shape.without.has(field) || valueAt(body, field) === undefined) return undefined
  // Strict form wants more of a schema than JSON Schema does; the same schema may be taken without it.
  if (field === 'text.format' && fieldOf(valueAt(body, field), 'strict') === true) {
    return { shape: { ...shape, loose: true }, change: 'with the schema in its loose form' }
  }
  const change = isNoted(field, body) ? undefined : `without ${field}`
  return { shape: { ...shape, without: new Set([...shape.without, field]) }, change }
}

/** What somebody has asked for is missed; what only we put in is not. */
function isNoted(field: OptionalField, body: RefusedRequest['body']): boolean {
  if (field === 'reasoning') return valueAt(body, 'reasoning.effort') !== undefined
  return ['temperature', 'tools', 'text', 'text.format'].includes(field) && valueAt(body, field) !== undefined
}

/** Words and states are those of public reports, and of the service's own lite profile (facts: users-and-peers W3). */
function inOtherForm({ status, json, form, shape }: RefusedRequest): Mend | undefined {
  if (form === undefined || shape.lite !== undefined) return undefined
  const error = fieldOf(json, 'error')
  const words = textField(error, 'message') ?? ''
  const isOfModel = textField(error, 'param') === 'model'
  if (form === 'lite' && status === 400 && isOfModel && /responses-lite/i.test(words)) {
    return { shape: { ...shape, lite: false }, change: undefined }
  }
  if (form === 'classic' && status === 404 && isOfModel) return { shape: { ...shape, lite: true }, change: undefined }
  return undefined
}

/** Reasoning is sealed for the account and the models that made it. */
function withoutReasoning({ status, json, shape }: RefusedRequest): Mend | undefined {
  const code = textField(fieldOf(json, 'error'), 'code')
  if (status !== 400 || code !== 'invalid_encrypted_content' || shape.forgetful) return undefined
  return { shape: { ...shape, forgetful: true }, change: 'without the reasoning of earlier turns' }
}

/** The field at a path with dots. */
export function valueAt(body: unknown, path: string): unknown {
  return path.split('.').reduce(fieldOf, body)
}

/** The body without the fields at these paths, and without what becomes empty by that. */
export function leftOut(body: Readonly<Record<string, unknown>>, paths: Iterable<string>): Record<string, unknown> {
  const copy = { ...body }
  for (const path of paths) {
    const [first = '', second] = path.split('.')
    const part = copy[first]
    if (second === undefined || typeof part !== 'object' || part === null) {
      if (second === undefined) delete copy[first]
      continue
    }
    const { [second]: _gone, ...rest } = part as Record<string, unknown>
    if (Object.keys(rest).length === 0) delete copy[first]
    else copy[first] = rest
  }
  return copy
}

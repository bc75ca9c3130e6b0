import { fieldOf, listField, textField } from './remote-text.ts'
import { type OptionalField, unsupportedField } from './unsupported-field.ts'

/** How a model wants to be asked, where that is not what its entry in the catalogue says (facts: wire-protocol 17). */
export interface Shape {
  /** The form of the request; the catalogue's unless told. */
  lite?: boolean
  /** What it does not take. */
  without: ReadonlySet<OptionalField>
  /** The compatibility level to state instead of the configured one. */
  version?: string
  /** This schema is not taken in strict form. */
  loose?: true
  /** This schema is not taken in any form, and so described in words. */
  inWords?: true
  /** The reasoning of earlier turns cannot be read by who is asked now. */
  forgetful?: true
}

export const PLAIN: Shape = { without: new Set() }

/** Whether a schema can only be described. */
export function describesForm({ without, inWords }: Shape): boolean {
  return inWords === true || without.has('text.format') || without.has('text')
}

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
  if (field === undefined || shape.without.has(field) || !isSent(field, body)) return undefined
  if (field === 'text.format' && isAboutSchema(json)) return withOtherSchema(body, shape)
  const change = isNoted(field, body) ? undefined : `without ${field}`
  return { shape: { ...shape, without: new Set([...shape.without, field]) }, change }
}

/** Strict form wants more of a schema than JSON Schema does; the same schema may be taken without it. */
function withOtherSchema(body: RefusedRequest['body'], shape: Shape): Mend {
  if (valueAt(body, 'text.format.strict') !== true) return { shape: { ...shape, inWords: true }, change: undefined }
  return { shape: { ...shape, loose: true }, change: 'with the schema in its loose form' }
}

/** It is this schema that is refused: another one may be taken. */
function isAboutSchema(json: unknown): boolean {
  const error = fieldOf(json, 'error')
  return textField(error, 'code') === 'invalid_json_schema' || /^text\.format\./.test(textField(error, 'param') ?? '')
}

/** A lite request has its tools in the first item, and that item without any. */
function isSent(field: OptionalField, body: RefusedRequest['body']): boolean {
  return valueAt(body, field) !== undefined || (field === 'tools' && toolsIn(body).length > 0)
}

/** What somebody has asked for is missed, and the request itself says so; of what only we put in it says nothing. */
function isNoted(field: OptionalField, body: RefusedRequest['body']): boolean {
  if (field === 'reasoning') return valueAt(body, 'reasoning.effort') !== undefined
  if (field === 'tools') return toolsIn(body).length > 0
  if (field === 'text' || field === 'text.format') return valueAt(body, 'text.format') !== undefined
  return field === 'temperature'
}

/** On top, or in the first item of a lite request. */
function toolsIn(body: RefusedRequest['body']): readonly unknown[] {
  const [first] = listField(body, 'input')
  return [...listField(body, 'tools'), ...listField(first, 'tools')]
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

/**
 * Reasoning is sealed for the account and the models that made it. And it belongs to the item behind it: the public API
 * says so where that one is missing, as a search of an earlier turn is.
 */
function withoutReasoning({ status, json, shape }: RefusedRequest): Mend | undefined {
  const error = fieldOf(json, 'error')
  const isOfReasoning =
    textField(error, 'code') === 'invalid_encrypted_content' ||
    /'reasoning' was provided without its required following item/.test(textField(error, 'message') ?? '')
  if (status !== 400 || !isOfReasoning || shape.forgetful) return undefined
  return { shape: { ...shape, forgetful: true }, change: 'without the reasoning of earlier turns' }
}

/** The field at a path with dots. */
function valueAt(body: unknown, path: string): unknown {
  return path.split('.').reduce(fieldOf, body)
}

/** The body without the fields at these paths (`text.format`), and without objects that become empty by that. */
export function omitFields(body: Readonly<Record<string, unknown>>, paths: Iterable<string>): Record<string, unknown> {
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

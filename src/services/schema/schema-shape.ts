import { fieldOf, quoteRemote } from '../codex/remote-text.ts'
import { isObject, isSchema, type Json, kindOf } from './schema-words.ts'

/** A schema inside another, and where: a JSON pointer (RFC 6901). */
interface Place {
  schema: unknown
  at: string
  /** Whether it is about the same value as the schema it stands in. */
  sameValue?: boolean
}

/** The validator would pass over them in silence, or take them for something else. */
const NOT_TAKEN = ['$dynamicRef', '$recursiveRef', 'dependencies']
/** With a name of its own inside, a schema changes what the references in it mean. */
const ONLY_ON_TOP = ['$id', 'id', '$schema']
/** Keywords whose schemas are about the same value again. */
const SAME_VALUE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas']

/**
 * What keeps an object from being a JSON Schema that can be worked with, in a sentence; nothing if it can. A misspelled
 * value is told here, because a validator would take it for no rule at all. Words that no draft knows are let be.
 */
export function shapeProblem(root: Json): string | undefined {
  const anchors = anchorsIn(root)
  const seen = new Set<unknown>()
  const again = new Map<unknown, unknown[]>()
  const open: Place[] = [{ schema: root, at: '' }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { schema, at } = place
    if (seen.has(schema)) continue
    if (!isSchema(schema)) return `${placed(at)} must be a schema: an object, true or false.`
    if (!isObject(schema)) continue
    seen.add(schema)
    const problem = wordProblem(schema, at)
    if (problem !== undefined) return problem
    const inside = schemasIn(schema, at)
    const target = schema.$ref === undefined ? undefined : targetOf(`${schema.$ref}`, root, anchors)
    if (typeof target === 'string') return `${placed(`${at}/$ref`)} ${target}`
    if (target !== undefined) inside.push({ ...target, sameValue: true })
    again.set(
      schema,
      inside.filter(({ sameValue }) => sameValue).map((child) => child.schema),
    )
    open.push(...inside)
  }
  return hasLoop(again) ? 'The schema refers to itself without end.' : undefined
}

function wordProblem(schema: Json, at: string): string | undefined {
  for (const [word, value] of Object.entries(schema)) {
    const where = placed(`${at}/${word}`)
    if (NOT_TAKEN.includes(word)) return `${where} is not supported.`
    if (at !== '' && ONLY_ON_TOP.includes(word) && typeof value === 'string')
      return `${where} is supported at the top level only.`
    const kind = kindOf(word)
    if (kind !== undefined && !kind.fits(value)) return `${where} must be ${kind.is}.`
  }
  return undefined
}

function schemasIn(schema: Json, at: string): Place[] {
  return Object.entries(schema).flatMap(([word, value]) => {
    const inside = kindOf(word)?.inside
    const sameValue = SAME_VALUE.includes(word)
    if (inside === undefined) return []
    if (inside === 'itself' && !Array.isArray(value)) return [{ schema: value, at: `${at}/${word}`, sameValue }]
    return Object.entries(value as object).map(([name, child]) => {
      return { schema: child, at: `${at}/${word}/${name}`, sameValue }
    })
  })
}

/** What a reference means, or what is wrong with it. Nothing is fetched: outside this schema there is nothing. */
function targetOf(ref: string, root: Json, anchors: ReadonlyMap<string, unknown>): Place | string {
  if (!ref.startsWith('#')) return 'points outside the schema; only references like #/$defs/name are followed.'
  const pointer = unescaped(ref.slice(1))
  const found = pointer?.startsWith('/') ? valueAt(root, pointer) : pointer === '' ? root : anchors.get(pointer ?? '')
  return found === undefined ? 'points to nothing in the schema.' : { schema: found, at: ref.slice(1) }
}

function valueAt(root: unknown, pointer: string): unknown {
  const steps = pointer.slice(1).split('/')
  return steps.reduce((value, step) => fieldOf(value, step.replaceAll('~1', '/').replaceAll('~0', '~')), root)
}

function unescaped(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return undefined
  }
}

function anchorsIn(root: Json): Map<string, unknown> {
  const anchors = new Map<string, unknown>()
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if (isObject(value) && typeof value.$anchor === 'string') anchors.set(value.$anchor, value)
    open.push(...Object.values(value))
  }
  return anchors
}

/** Whether some way leads back to where it began. */
function hasLoop(ways: ReadonlyMap<unknown, readonly unknown[]>): boolean {
  const done = new Set<unknown>()
  const path = new Set<unknown>()
  const leadsBack = (from: unknown): boolean => {
    if (path.has(from)) return true
    if (done.has(from)) return false
    path.add(from)
    const found = (ways.get(from) ?? []).some(leadsBack)
    path.delete(from)
    done.add(from)
    return found
  }
  return [...ways.keys()].some(leadsBack)
}

function placed(pointer: string): string {
  return pointer === '' ? 'The schema' : `In the schema ${quoteRemote(pointer, 120)}`
}

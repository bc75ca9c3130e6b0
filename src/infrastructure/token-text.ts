import { isDeepStrictEqual } from 'node:util'
import { applyEdits, type Edit, modify, type Node, parseTree } from 'jsonc-parser'
import { CODEX_PLACE, keysOf, RECORD_FIELDS, type RecordPlace, type TokenRecord, toDisk } from './token-record.ts'

/**
 * The text of a credentials file with `record` in it, or without any when it is undefined. The text is edited, not
 * built anew: what belongs to others keeps its order and every character, so also numbers that JavaScript would
 * spell differently.
 *
 * @throws Error when that cannot be done: a key that occurs twice, nesting too deep
 */
export function withRecord(
  text: string | undefined,
  record: TokenRecord | undefined,
  place: RecordPlace = CODEX_PLACE,
): string {
  if (text === undefined || propertiesOf(text).length === 0) return freshText(record, place)
  const edited = record === undefined ? keysOf(place).reduce(remove, text) : put(oneKey(text, place), record, place)
  assertKept(text, edited, record, place)
  return edited
}

/** The text of our record in the text of a credentials file. @throws Error when there is none */
export function recordText(text: string, place: RecordPlace = CODEX_PLACE): string {
  return ownRecord(text, place).content
}

/** The text of a credentials file with `content` in the place of our record. @throws Error when there is none */
export function withRecordText(text: string, content: string, place: RecordPlace = CODEX_PLACE): string {
  return splice(text, ownRecord(text, place).value, content)
}

function ownRecord(text: string, place: RecordPlace): Property {
  const own = find(text, place.key)
  if (own === undefined) throw new Error('There is no record.')
  return own
}

function freshText(record: TokenRecord | undefined, { key }: RecordPlace): string {
  return `${JSON.stringify(record === undefined ? {} : { [key]: toDisk(record) }, null, 2)}\n`
}

/** The legacy record under its new name, in its old place; gone when there is a new one. */
function oneKey(text: string, { key, legacyKey }: RecordPlace): string {
  const legacy = legacyKey === undefined ? undefined : find(text, legacyKey)
  if (legacy === undefined) return text
  if (find(text, key) !== undefined) return remove(text, legacy.name)
  return splice(text, legacy.key, JSON.stringify(key))
}

function put(text: string, record: TokenRecord, { key }: RecordPlace): string {
  const fields = toDisk(record)
  const own = find(text, key)
  if (own === undefined) return set(text, key, fields)
  const changed = Object.entries(fields).reduce((edited, [name, value]) => set(edited, name, value), own.content)
  return splice(text, own.value, changed)
}

function remove(text: string, name: string): string {
  return set(text, name, undefined)
}

/** The text of an object with a property set, or removed for undefined. */
function set(text: string, name: string, value: unknown): string {
  const edits = modify(text, [name], value, {})
  const isNew = find(text, name) === undefined
  return applyEdits(text, isNew ? edits.map((edit) => laidOut(text, name, value, edit)) : edits)
}

/** An insertion with the blanks or line breaks of the property before it; `modify` puts none. */
function laidOut(text: string, name: string, value: unknown, edit: Edit): Edit {
  const before = text.slice(0, propertiesOf(text).at(-1)?.key.offset ?? 0)
  const gap = before.slice(before.trimEnd().length)
  return { ...edit, content: `,${gap}${JSON.stringify(name)}: ${stringify(value, gap)}` }
}

/** On one line like its neighbour, or indented by the same step. */
function stringify(value: unknown, gap: string): string {
  if (!gap.includes('\n')) return JSON.stringify(value)
  const line = gap.slice(gap.lastIndexOf('\n'))
  return JSON.stringify(value, null, line.slice(1)).replaceAll('\n', line)
}

function splice(text: string, { offset, length }: Node, content: string): string {
  return applyEdits(text, [{ offset, length, content }])
}

function assertKept(before: string, after: string, record: TokenRecord | undefined, place: RecordPlace): void {
  const stays = record !== undefined
  const same = isDeepStrictEqual(foreign(before, stays, place), foreign(after, stays, place))
  if (!same || !holds(JSON.parse(after), record, place)) throw new Error('The edited text is not what was meant.')
}

/** Asked of JSON.parse, as every reader does: of a key that occurs twice it takes the other one than the editor. */
function holds(root: Record<string, unknown>, record: TokenRecord | undefined, place: RecordPlace): boolean {
  // An old record that stays beside the new one stands in the way of the next write.
  const gone = record === undefined ? keysOf(place) : keysOf(place).filter((name) => name !== place.key)
  if (gone.some((name) => Object.hasOwn(root, name))) return false
  if (record === undefined) return true
  const found = new Map(Object.entries(Object(root[place.key])))
  return Object.entries(toDisk(record)).every(([name, meant]) => found.get(name) === meant)
}

/** Every property that is not ours, letter by letter, in order; with those inside our record if it is to stay. */
function foreign(text: string, withInner: boolean, place: RecordPlace): string[] {
  const all = propertiesOf(text)
  const names = keysOf(place)
  const record = withInner ? names.flatMap((name) => named(all, name) ?? [])[0] : undefined
  const inner = record === undefined ? [] : propertiesOf(record.content)
  return [
    ...all.filter(({ name }) => !names.includes(name)),
    ...inner.filter(({ name }) => !RECORD_FIELDS.includes(name)),
  ].map(({ source }) => source)
}

interface Property {
  name: string
  key: Node
  value: Node
  /** The text of the value. */
  content: string
  /** The text of key and value, with what stands between. */
  source: string
}

function find(text: string, name: string): Property | undefined {
  return named(propertiesOf(text), name)
}

function named(properties: readonly Property[], name: string): Property | undefined {
  return properties.find((property) => property.name === name)
}

function propertiesOf(object: string): Property[] {
  const sourceOf = ({ offset, length }: Node) => object.slice(offset, offset + length)
  return (parseTree(object)?.children ?? []).flatMap((node) => {
    const [key, value] = node.children ?? []
    if (key === undefined || value === undefined) return []
    return [{ name: String(key.value), key, value, content: sourceOf(value), source: sourceOf(node) }]
  })
}

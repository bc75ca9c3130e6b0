import { isDeepStrictEqual } from 'node:util'
import { applyEdits, type Edit, findNodeAtLocation, modify, type Node, parseTree } from 'jsonc-parser'
import { LEGACY_KEY, RECORD_FIELDS, RECORD_KEY, type TokenRecord, toDisk } from './token-record.ts'

/**
 * The text of a credentials file with `record` in it, or without any when it is undefined. The text is edited, not
 * built anew: what belongs to others keeps its order and every character, so also numbers that JavaScript would
 * spell differently.
 *
 * @throws Error when that cannot be done: a key that occurs twice, nesting too deep
 */
export function withRecord(text: string | undefined, record: TokenRecord | undefined): string {
  if (text === undefined || read(text).root.children?.length === 0) return freshText(record)
  const edited = record === undefined ? remove(remove(text, LEGACY_KEY), RECORD_KEY) : setFields(oneKey(text), record)
  assertKept(text, edited, record)
  return edited
}

function freshText(record: TokenRecord | undefined): string {
  return `${JSON.stringify(record === undefined ? {} : { [RECORD_KEY]: toDisk(record) }, null, 2)}\n`
}

/** The legacy record under its new name, in its old place; gone when there is a new one. */
function oneKey(text: string): string {
  const { root, legacy, own } = read(text)
  const name = root.children?.find((property) => property.children?.[1] === legacy)?.children?.[0]
  if (legacy === undefined || name === undefined) return text
  if (own !== undefined) return remove(text, LEGACY_KEY)
  return applyEdits(text, [{ offset: name.offset, length: name.length, content: JSON.stringify(RECORD_KEY) }])
}

function setFields(text: string, record: TokenRecord): string {
  const { own } = read(text)
  if (own === undefined) return set(text, [RECORD_KEY], toDisk(record))
  const changed = Object.entries(toDisk(record)).filter(([name, value]) => valueAt(own, name) !== value)
  return changed.reduce((edited, [name, value]) => set(edited, [RECORD_KEY, name], value), text)
}

function remove(text: string, key: string): string {
  return set(text, [key], undefined)
}

function set(text: string, path: readonly string[], value: unknown): string {
  const edits = modify(text, [...path], value, {})
  const inserts = findNodeAtLocation(read(text).root, [...path]) === undefined
  return applyEdits(text, inserts ? edits.map((edit) => laidOut(text, path, value, edit)) : edits)
}

/** An insertion with the line breaks and the indent of the property before it; `modify` would join the lines. */
function laidOut(text: string, path: readonly string[], value: unknown, edit: Edit): Edit {
  const parent = findNodeAtLocation(read(text).root, path.slice(0, -1))
  const before = text.slice(0, parent?.children?.at(-1)?.offset ?? 0)
  const gap = before.slice(before.trimEnd().length)
  if (!gap.includes('\n')) return edit
  const line = gap.slice(gap.lastIndexOf('\n'))
  const json = JSON.stringify(value, null, line.slice(1)).replaceAll('\n', line)
  return { ...edit, content: `,${line}${JSON.stringify(path.at(-1))}: ${json}` }
}

function assertKept(before: string, after: string, record: TokenRecord | undefined): void {
  const stays = record !== undefined
  const same = isDeepStrictEqual(foreign(before, stays), foreign(after, stays))
  if (!same || !holds(JSON.parse(after), record)) throw new Error('The edited text is not what was meant.')
}

/** Asked of JSON.parse, as every reader does: of a key that occurs twice it takes the other one than the editor. */
function holds(root: Record<string, unknown>, record: TokenRecord | undefined): boolean {
  if (record === undefined) return !Object.hasOwn(root, RECORD_KEY) && !Object.hasOwn(root, LEGACY_KEY)
  const found = new Map(Object.entries(Object(root[RECORD_KEY])))
  return Object.entries(toDisk(record)).every(([name, meant]) => found.get(name) === meant)
}

/** Every property that is not ours, letter by letter, in order; with those inside our record if it is to stay. */
function foreign(text: string, inside: boolean): string[] {
  const { root, own, legacy } = read(text)
  const record = inside ? (own ?? legacy) : undefined
  const others = (node: Node | undefined, ours: readonly string[]) =>
    (node?.children ?? [])
      .filter((property) => !ours.includes(property.children?.[0]?.value))
      .map((property) => text.slice(property.offset, property.offset + property.length))
  return [...others(root, [RECORD_KEY, LEGACY_KEY]), ...others(record, RECORD_FIELDS)]
}

function valueAt(record: Node, name: string): unknown {
  return findNodeAtLocation(record, [name])?.value
}

interface Parts {
  root: Node
  own: Node | undefined
  legacy: Node | undefined
}

function read(text: string): Parts {
  const root = parseTree(text)
  if (root === undefined) throw new Error('The text is empty.')
  return { root, own: findNodeAtLocation(root, [RECORD_KEY]), legacy: findNodeAtLocation(root, [LEGACY_KEY]) }
}

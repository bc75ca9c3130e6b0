import { readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { retryBusy } from './atomic-file.ts'
import { removeQuietly } from './clean-up.ts'
import { isErrno } from './errno.ts'
import { parseJsonText } from './json-text.ts'
import { settledText } from './settled-text.ts'
import { type ReadLimits, readSharedFile } from './shared-file.ts'
import { corrupt, orStorageFailed } from './storage-failure.ts'

/** The folder of a `SharedList`: `head.json`, and `<number>.<id of the list>.<id of the entry>.json` for each value. */

export interface ListHead {
  /** A UUID: a list that is begun anew in the same folder is another one. */
  id: string
  [field: string]: unknown
}

export interface ListEntry {
  file: string
  number: number
  bytes: number
  /** The value; undefined when it has been removed meanwhile. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  read(): unknown
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const IS_UUID = new RegExp(`^${UUID}$`)
const ENTRY = new RegExp(`^(\\d{6,15})\\.(${UUID})\\.${UUID}\\.json$`)

/** Where the head lies; temp files of the folder are named after it. */
export function headFile(folder: string): string {
  return join(folder, 'head.json')
}

/** A file for another entry of this list. */
export function entryFile(folder: string, listId: string, { number, id }: { number: number; id: string }): string {
  return join(folder, `${String(number).padStart(6, '0')}.${listId}.${id}.json`)
}

/** The head; undefined where there is no list. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
export function readHead(folder: string, limits: ReadLimits): ListHead | undefined {
  const file = headFile(folder)
  const found = readSharedFile(file, limits)
  if (found === undefined) return undefined
  const value = parseJsonText(found.text)
  if (!isHead(value)) throw corrupt(file, 'it is not the head of a list', limits.hint)
  return value
}

/**
 * Makes `head` the one of this folder, unless there is one: of all who do so at once, the first decides for all.
 *
 * @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED
 */
export function settleHead(folder: string, head: ListHead): void {
  const make = () => `${JSON.stringify(head)}\n`
  settledText(headFile(folder), { make, isWhole: (text) => isHead(parseJsonText(text)) })
}

/** The entries of the list with this id, oldest first. @throws CodexError STORAGE_FAILED */
export function entriesOf(folder: string, listId: string, limits: ReadLimits): ListEntry[] {
  return namesIn(folder)
    .flatMap((name) => {
      const [, number, owner] = ENTRY.exec(name) ?? []
      return owner === listId ? (entryAt(join(folder, name), Number(number), limits) ?? []) : []
    })
    .sort((a, b) => a.number - b.number || (a.file < b.file ? -1 : 1))
}

/** None where there is no such folder. @throws CodexError STORAGE_FAILED */
export function namesIn(folder: string): string[] {
  return orStorageFailed(folder, 'read', () => {
    try {
      return readdirSync(folder)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return []
      throw error
    }
  })
}

/** False when there was none. @throws the system error */
export function removeHead(folder: string): boolean {
  try {
    retryBusy(() => unlinkSync(headFile(folder)))
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes what of these names are entries, of whatever list. */
export function removeEntries(folder: string, names: readonly string[]): void {
  for (const name of names) if (ENTRY.test(name)) removeQuietly(join(folder, name))
}

/** Removes the folder, unless there is something of somebody else in it. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // As said.
  }
}

function isHead(value: unknown): value is ListHead {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  // It becomes a part of file names.
  return typeof id === 'string' && IS_UUID.test(id)
}

function entryAt(file: string, number: number, limits: ReadLimits): ListEntry | undefined {
  const stat = orStorageFailed(file, 'read', () => statSync(file, { throwIfNoEntry: false }))
  return stat && { file, number, bytes: stat.size, read: () => readEntry(file, limits) }
}

function readEntry(file: string, limits: ReadLimits): unknown {
  const found = readSharedFile(file, limits)
  if (found === undefined) return undefined
  const value = parseJsonText(found.text)
  if (value === undefined) throw corrupt(file, 'it is not JSON', limits.hint)
  return value
}

import { corrupt } from './storage-failure.ts'
import type { Opened, Unopened } from './vault.ts'

/** What is kept of a sign-in. Times are in milliseconds. */
export interface TokenRecord {
  /** Empty in a login that is over and whose tokens are gone. */
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly tokenType: string | undefined
  readonly expiresAt: number | undefined
  readonly accountId: string | undefined
  readonly savedAt: number | undefined
  readonly refreshedAt: number | undefined
  readonly method: string | undefined
  /** Where a stored key belongs: it is sent nowhere else. */
  readonly baseUrl?: string | undefined
  /** Hash of the refresh token the service declared dead. */
  readonly refreshFailed: string | undefined
  /** The client these tokens were issued to, where that is not the one of the program. */
  readonly clientId?: string | undefined
  /** The scopes that were granted, where they matter, separated by spaces. */
  readonly scope?: string | undefined
  /** The service wants no refresh before. */
  readonly earliestRefreshAt?: number | undefined
  /** When the user last chose that this one answers. */
  readonly selectedAt?: number | undefined
  /** Why the stored record cannot be opened: it has no tokens then. */
  readonly unopened?: Unopened
}

type JsonObject = Record<string, unknown>

/** Where in a credentials file a record lies. */
export interface RecordPlace {
  key: string
  /** Where an earlier program kept it: read, moved with the next write, and cleared with it. */
  legacyKey?: string
}

/** Of the Codex login; `openai_codex` is where the Python plugin kept it. */
export const CODEX_PLACE: RecordPlace = { key: 'codex', legacyKey: 'openai_codex' }

export interface ReadContext {
  /** Of the file, for the error: asked for only there, because it may be dear to find out. */
  path(): string
  /** That of the Codex login unless told. */
  place?: RecordPlace
  /** Milliseconds; times more than a year after it are not believed. */
  now: number
  /** What is in a sealed record. */
  open: (sealed: unknown) => Opened
}

/** Our fields of the record; it may hold others. */
export const RECORD_FIELDS: readonly string[] = [
  'access_token',
  'refresh_token',
  'id_token',
  'token_type',
  'expires_at',
  'account_id',
  'saved_at',
  'refreshed_at',
  'method',
  'refresh_failed',
  'base_url',
  'issued_client_id',
  'granted_scope',
  'earliest_refresh_at',
  'selected_at',
]
export const MAX_FILE_BYTES = 1_048_576

const YEAR_MS = 365 * 24 * 3_600_000

/** A record without anything in it. */
export const NO_RECORD: TokenRecord = {
  accessToken: '',
  refreshToken: undefined,
  idToken: undefined,
  tokenType: undefined,
  expiresAt: undefined,
  accountId: undefined,
  savedAt: undefined,
  refreshedAt: undefined,
  method: undefined,
  refreshFailed: undefined,
}

/** What a credentials file holds under some keys; undefined when its text is no JSON object. */
export type Parts = Readonly<JsonObject> | undefined

/** What the text of a credentials file holds in these places, and nothing of what belongs to others. */
export function partsOf(text: string, places: readonly RecordPlace[]): Parts {
  const root = parseObject(text)
  if (root === undefined) return undefined
  const keys = places.flatMap(keysOf).filter((key) => Object.hasOwn(root, key))
  return Object.fromEntries(keys.map((key) => [key, root[key]]))
}

/**
 * The record in the text of a credentials file, undefined when nobody is signed in.
 *
 * @throws CodexError STORAGE_CORRUPT
 */
export function recordIn(text: string, context: ReadContext): TokenRecord | undefined {
  return recordAmong(parseObject(text), context)
}

/** The same in the parts of such a text. @throws CodexError STORAGE_CORRUPT */
export function recordAmong(parts: Parts, context: ReadContext): TokenRecord | undefined {
  const value = valueAmong(parts, context)
  const sealed = sealedPart(value)
  if (sealed === undefined) return value === undefined ? undefined : fromDisk(value, context)
  const opened = context.open(sealed)
  if ('unopened' in opened) return { ...NO_RECORD, unopened: opened.unopened }
  return fromDisk(parseObject(opened.text), context)
}

/**
 * Whether there is a record in the text of a credentials file, and what of it is sealed: undefined for a plain one.
 *
 * @throws CodexError STORAGE_CORRUPT
 */
export function sealedIn(
  text: string | undefined,
  where: Pick<ReadContext, 'path' | 'place'>,
): { isStored: boolean; sealed: unknown } {
  return text === undefined ? { isStored: false, sealed: undefined } : sealedAmong(parseObject(text), where)
}

/** The same in the parts of such a text. @throws CodexError STORAGE_CORRUPT */
export function sealedAmong(
  parts: Parts,
  where: Pick<ReadContext, 'path' | 'place'>,
): { isStored: boolean; sealed: unknown } {
  const value = valueAmong(parts, where)
  return { isStored: value !== undefined, sealed: sealedPart(value) }
}

/** The names a record can have there, the current one first. */
export function keysOf({ key, legacyKey }: RecordPlace): string[] {
  return legacyKey === undefined ? [key] : [key, legacyKey]
}

/** The text of the value of a sealed record. */
export function sealedValue(sealed: unknown): string {
  return JSON.stringify({ sealed })
}

/** The fields of a record as they stand in the file, times in seconds; undefined means absent. */
export function toDisk(record: TokenRecord): Record<string, string | number | undefined> {
  return {
    access_token: record.accessToken === '' ? undefined : record.accessToken,
    refresh_token: record.refreshToken,
    id_token: record.idToken,
    token_type: record.tokenType,
    expires_at: toSeconds(record.expiresAt),
    account_id: record.accountId,
    saved_at: toSeconds(record.savedAt),
    refreshed_at: toSeconds(record.refreshedAt),
    method: record.method,
    refresh_failed: record.refreshFailed,
    base_url: record.baseUrl,
    issued_client_id: record.clientId,
    granted_scope: record.scope,
    earliest_refresh_at: toSeconds(record.earliestRefreshAt),
    selected_at: toSeconds(record.selectedAt),
  }
}

function valueAmong(parts: Parts, where: Pick<ReadContext, 'path' | 'place'>): unknown {
  if (parts === undefined) throw corrupt(where.path(), 'it is not a JSON object')
  const key = keysOf(where.place ?? CODEX_PLACE).find((name) => Object.hasOwn(parts, name))
  return key === undefined ? undefined : parts[key]
}

/** What is sealed has nothing beside it: a field with this name among others is one of somebody else's. */
function sealedPart(value: unknown): unknown {
  return isObject(value) && Object.keys(value).join() === 'sealed' ? value.sealed : undefined
}

function fromDisk(value: unknown, context: ReadContext): TokenRecord {
  if (!isObject(value)) throw corrupt(context.path(), 'its record is not an object')
  const word = (name: string) => readWord(value, name, context)
  const time = (name: string) => readTime(value, name, context)
  const accessToken = word('access_token')
  const refreshFailed = word('refresh_failed')
  // Only that of a login that is over may have none.
  if (accessToken === undefined && refreshFailed === undefined) {
    throw corrupt(context.path(), 'its record has no access_token')
  }
  return {
    accessToken: accessToken ?? '',
    refreshToken: word('refresh_token'),
    idToken: word('id_token'),
    tokenType: word('token_type'),
    expiresAt: time('expires_at'),
    accountId: word('account_id'),
    savedAt: time('saved_at'),
    refreshedAt: time('refreshed_at'),
    method: word('method'),
    refreshFailed,
    baseUrl: word('base_url'),
    clientId: word('issued_client_id'),
    scope: readWord(value, 'granted_scope', context, /^[ -~]{1,4096}$/),
    earliestRefreshAt: time('earliest_refresh_at'),
    selectedAt: time('selected_at'),
  }
}

/** Tokens and ids go into headers, and a header refuses other characters with a message that shows the value. */
function readWord(from: JsonObject, name: string, context: ReadContext, form = /^[!-~]{1,65536}$/): string | undefined {
  const value = field(from, name)
  if (value === undefined) return undefined
  if (typeof value === 'string' && form.test(value)) return value
  throw corrupt(context.path(), `${name} is not a plain text of usual length`)
}

/** Seconds on disk, as a number or a text. What cannot be a time of ours counts as absent. */
function readTime(from: JsonObject, name: string, context: ReadContext): number | undefined {
  const value = field(from, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' && typeof value !== 'string') throw corrupt(context.path(), `${name} is not a number`)
  const ms = Math.round(Number(value) * 1000)
  return ms > 0 && ms <= context.now + YEAR_MS ? ms : undefined
}

/** Only what the file itself names, never something inherited. The Python plugin wrote null for absent. */
function field(from: JsonObject, name: string): unknown {
  return Object.hasOwn(from, name) ? (from[name] ?? undefined) : undefined
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined || !Number.isFinite(ms) ? undefined : Math.floor(ms / 1000)
}

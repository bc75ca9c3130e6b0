import { setImmediate } from 'node:timers/promises'
import { CodexError } from '../errors.ts'
import type { FileLister } from './file-list.ts'
import { isSimpleEnough, type Matcher, matcherOf, TOO_MANY_WILDCARDS } from './file-pattern.ts'
import { below, isLink, type NamedPlace, placeAt, type Root } from './project-roots.ts'
import { inTimeBox } from './time-box.ts'

/** What a pattern has led to in one root. */
export interface PatternFiles {
  files: readonly { name: string; path: string }[]
  left: readonly { name: string; reason: string }[]
  /** How many names it fits, those that are excluded not counted. */
  count: number
}

export interface PatternSearch {
  roots: readonly Root[]
  list: FileLister
  isExcluded: Matcher
  /** What all patterns of one call may still take together; each takes its part of it. */
  time: { leftMs: number }
  signal: AbortSignal | undefined
}

export const MATCH_LIMIT_MS = 5000

/** How many files go into one call. */
export const MAX_FILES = 1000

/**
 * The files that the pattern at `place` means, links followed. A link is left out when it leads to what patterns do not see.
 *
 * @throws CodexError INPUT_INVALID, STORAGE_FAILED, CANCELLED
 */
export async function filesMatching(
  place: NamedPlace,
  { roots, list, isExcluded, time, signal }: PatternSearch,
): Promise<PatternFiles | { reason: string }> {
  if (!isSimpleEnough(place.name)) return { reason: TOO_MANY_WILDCARDS }
  const split = splitPattern(place, roots)
  if ('reason' in split) return split
  const { root } = place
  const listed = await list(root.path, split.base, signal)
  const matches = await matcherBelow(split)
  const names = await fitting(listed, (name) => matches(name) && !isExcluded(name), time)
  if (names === undefined) throw tooSlow()
  // What is too much is not looked at file by file.
  if (names.length > MAX_FILES) return { files: [], left: [], count: names.length }
  const visible = new Set(listed)
  const judged = names.map((name) => ({ name, ...judge({ root, name }, roots, visible) }))
  return {
    files: judged.flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path }])),
    left: judged.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }])),
    count: judged.filter(({ path, reason }) => path !== undefined || reason !== undefined).length,
  }
}

/** Up to three names that look like what was meant by one that is not there. */
export async function namesLike(
  wanted: string,
  listed: readonly string[],
  time: PatternSearch['time'],
): Promise<readonly string[]> {
  const last = wanted.split('/').at(-1) ?? ''
  if (/^[*?]*$/.test(last) || !isSimpleEnough(`**/${last}`)) return []
  const names = await fitting(listed, await matcherOf(`**/${last}`, { ignoreCase: true }), time)
  return names?.slice(0, 3) ?? []
}

interface SplitPattern {
  /** A folder that is there, with all links followed. */
  base: string
  rest: string
}

/**
 * A pattern cut behind the folders that exist under the very names it begins with: those are no wildcards, whatever characters
 * they have (`app/[id]/*.tsx`).
 */
function splitPattern({ root, name }: NamedPlace, roots: readonly Root[]): SplitPattern | { reason: string } {
  const segments = name.split('/')
  let split: SplitPattern = { base: '', rest: name }
  for (let count = 1; count < segments.length; count++) {
    const place = placeAt({ root, name: segments.slice(0, count).join('/') }, roots)
    if (place.kind === 'refused') return { reason: `names a folder that ${place.reason}` }
    if (place.kind !== 'folder') break
    const base = below(root.path, place.path)
    if (base === undefined) return { reason: 'leads to another folder of the project: name it from there' }
    split = { base, rest: segments.slice(count).join('/') }
  }
  return split
}

async function matcherBelow({ base, rest }: SplitPattern): Promise<Matcher> {
  const matches = await matcherOf(rest)
  const start = base === '' ? '' : `${base}/`
  return (name) => name.startsWith(start) && matches(name.slice(start.length))
}

/**
 * The names that fit; undefined when that takes too long. It can be a single name that does: `{a,aa}{a,aa}…` becomes an
 * expression that tries every way to read it, and nothing but the box gets this thread back then.
 */
async function fitting(names: readonly string[], fits: Matcher, time: PatternSearch['time']) {
  const found: string[] = []
  for (let start = 0; start < names.length; start += SLICE) {
    // Others want to be heard meanwhile.
    if (start > 0) await setImmediate()
    if (time.leftMs <= 0) return undefined
    const from = performance.now()
    const limitMs = Math.ceil(Math.min(time.leftMs, SLICE_LIMIT_MS))
    const boxed = inTimeBox(() => names.slice(start, start + SLICE).filter(fits), limitMs)
    time.leftMs -= performance.now() - from
    if (!boxed.inTime) return undefined
    found.push(...boxed.value)
  }
  return found
}

/** A box of its own for each would cost more than it holds. */
const SLICE = 5000
const SLICE_LIMIT_MS = 1000

function judge(place: NamedPlace, roots: readonly Root[], visible: ReadonlySet<string>) {
  const found = placeAt(place, roots)
  // In the index, and not on disk.
  if (found.kind === 'missing') return {}
  if (found.kind === 'refused') return { reason: found.reason }
  if (found.kind === 'folder') return { reason: 'is a link to a folder' }
  const isSeen = !isLink(place) || visible.has(below(place.root.path, found.path) ?? '')
  return isSeen ? { path: found.path } : { reason: 'is a link to a file that patterns leave out' }
}

function tooSlow(): CodexError {
  return new CodexError('INPUT_INVALID', 'The patterns take too long.', {
    hint: 'Use fewer wildcards, or name a folder or single files.',
  })
}

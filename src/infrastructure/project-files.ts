import { setImmediate } from 'node:timers/promises'
import { cancelled } from './abort.ts'
import { takeExclusions } from './file-exclusions.ts'
import { createFileLister, type FileLister } from './file-list.ts'
import { hasWildcards } from './file-pattern.ts'
import type { Git } from './git.ts'
import { type LineRange, rangedName } from './line-range.ts'
import { filesMatching, MATCH_LIMIT_MS, MAX_FILES, namesLike, type PatternSearch } from './pattern-files.ts'
import { type NamedPlace, placeAt, placesNamed, type Root } from './project-roots.ts'

/** A file that lies in the project; nothing of it has been read. */
export interface FoundFile {
  /** Relative to its root, as it is shown. */
  name: string
  /** On this machine, with all links followed. */
  path: string
  range?: LineRange
  /** Named as it is, and not by a pattern or by its folder. */
  exact: boolean
}

/** A name and why it comes to nothing: words that go on after the name. */
export interface Unusable {
  name: string
  reason: string
  /** Names that may have been meant. */
  near?: readonly string[]
}

export interface FoundFiles {
  files: readonly FoundFile[]
  /** What was asked for by name or pattern and cannot be had. */
  refused: readonly Unusable[]
  /** What a pattern means and is left out. */
  left: readonly Unusable[]
}

export interface ProjectFiles {
  /**
   * What `entries` mean in `roots`: files by name, also absolute ones and with lines (`a.md:10-80`), folders with all that is in
   * them, patterns, and exclusions (`!**\/*.test.ts`) from both. What is there under exactly that name counts first.
   *
   * @throws CodexError INPUT_INVALID, STORAGE_FAILED, CANCELLED
   */
  find(entries: readonly string[], roots: readonly Root[], signal?: AbortSignal): Promise<FoundFiles>
}

export function createProjectFiles({ git }: { git: Pick<Git, 'isWorkTree' | 'files'> }): ProjectFiles {
  return {
    async find(entries, roots, signal) {
      const { wanted, refused, isExcluded } = await takeExclusions([...new Set(entries)], roots)
      const list = remembering(createFileLister(git))
      const glance = remembering(createFileLister(git, GLANCE_MS))
      const search = { roots, list, glance, isExcluded, time: { leftMs: MATCH_LIMIT_MS }, signal }
      const found: FoundFiles[] = [{ ...NOTHING, refused }]
      for (const entry of wanted) {
        // Each keeps this thread for a while, and others want to be heard meanwhile.
        await setImmediate()
        if (signal?.aborted) throw cancelled()
        found.push(await findOne(entry, search))
      }
      return joined(found)
    },
  }
}

interface Search extends PatternSearch {
  /** A list that is not worth waiting for. */
  glance: FileLister
}

const GLANCE_MS = 1000

async function findOne(entry: string, search: Search): Promise<FoundFiles> {
  const places = placesNamed(entry, search.roots)
  if ('reason' in places) return refused(entry, places.reason)
  return (
    exactly(entry, places, search.roots) ??
    withLines(entry, search.roots) ?? { ...NOTHING, ...(await byPattern(entry, places, search)) }
  )
}

/** What is there under this very name; undefined when nothing is, or when it is a folder. */
function exactly(entry: string, places: readonly NamedPlace[], roots: readonly Root[], range?: LineRange) {
  for (const { root, name } of places) {
    const place = placeAt({ root, name }, roots)
    if (place.kind === 'refused') return refused(entry, place.reason)
    if (place.kind === 'folder') return undefined
    if (place.kind === 'missing') continue
    const file = { name: root.label + name, path: place.path, exact: true }
    return { ...NOTHING, files: [range === undefined ? file : { ...file, range }] }
  }
  return undefined
}

function withLines(entry: string, roots: readonly Root[]): FoundFiles | undefined {
  const ranged = rangedName(entry)
  if (ranged === undefined) return undefined
  const places = placesNamed(ranged.name, roots)
  if ('reason' in places) return refused(entry, places.reason)
  const found = exactly(entry, places, roots, ranged.range)
  if (found === undefined && !hasWildcards(ranged.name)) return undefined
  if (found === undefined) return refused(entry, 'names lines of several files: lines can only stand behind one name')
  return ranged.range === undefined
    ? refused(entry, 'names lines that cannot be: the first line is 1, and the last one comes after the first')
    : found
}

async function byPattern(entry: string, places: readonly NamedPlace[], search: Search): Promise<FoundFiles> {
  const found: FoundFiles[] = []
  let count = 0
  for (const place of places) {
    const pattern = patternAt(place, search.roots)
    if (pattern === undefined) continue
    const matching = await filesMatching(pattern, search)
    if ('reason' in matching) return refused(entry, matching.reason)
    count += matching.count
    const { label } = place.root
    found.push({
      files: matching.files.map(({ name, path }) => ({ name: label + name, path, exact: false })),
      refused: [],
      left: matching.left.map(({ name, reason }) => ({ name: label + name, reason })),
    })
  }
  if (count > MAX_FILES) return refused(entry, `matches ${count} files, and one call takes ${MAX_FILES} at most`)
  return count > 0 ? joined(found) : await notThere(entry, places, search)
}

/** A folder stands for all that is in it; a name without wildcards that is not there, for nothing. */
function patternAt(place: NamedPlace, roots: readonly Root[]): NamedPlace | undefined {
  if (placeAt(place, roots).kind === 'folder') return { ...place, name: place.name === '' ? '**' : `${place.name}/**` }
  return hasWildcards(place.name) ? place : undefined
}

async function notThere(entry: string, places: readonly NamedPlace[], search: Search): Promise<FoundFiles> {
  const isFolder = places.some((place) => placeAt(place, search.roots).kind === 'folder')
  if (isFolder) return refused(entry, `has no files in it${IGNORED}`)
  const near = await nearNames(rangedName(entry)?.name ?? entry, search)
  return refused(entry, hasWildcards(entry) ? `fits no file${IGNORED}` : 'does not exist', near)
}

async function nearNames(entry: string, { roots: [first], glance, time, signal }: Search): Promise<readonly string[]> {
  if (first === undefined) return []
  // No reason to fail: it is only a help.
  const listed = await glance(first.path, '', signal).catch(() => [])
  return await namesLike(entry, listed, time)
}

/** The files of a folder are listed once in a call. */
function remembering(list: FileLister): FileLister {
  const lists = new Map<string, Promise<readonly string[]>>()
  return (root, base, signal) => {
    const key = JSON.stringify([root, base])
    const known = lists.get(key) ?? list(root, base, signal)
    lists.set(key, known)
    return known
  }
}

/** Patterns and folders may have been meant to reach it. */
const IGNORED = '; what git ignores has to be named exactly'

const NOTHING: FoundFiles = { files: [], refused: [], left: [] }

function refused(name: string, reason: string, near: readonly string[] = []): FoundFiles {
  return { ...NOTHING, refused: [near.length === 0 ? { name, reason } : { name, reason, near }] }
}

function joined(found: readonly FoundFiles[]): FoundFiles {
  return {
    files: found.flatMap(({ files }) => files),
    refused: found.flatMap(({ refused }) => refused),
    left: found.flatMap(({ left }) => left),
  }
}

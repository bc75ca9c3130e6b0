import { isSimpleEnough, type Matcher, matcherOf, TOO_MANY_WILDCARDS } from './file-pattern.ts'
import { placeAt, placesNamed, type Root } from './project-roots.ts'

/** What is asked for, apart from what is to be left out of it. */
export interface TakenExclusions {
  wanted: readonly string[]
  /** Exclusions that cannot be followed. */
  refused: readonly { name: string; reason: string }[]
  /** Told the name relative to a root. */
  isExcluded: Matcher
}

/** Takes exclusions (`!src/generated`, `!**\/*.test.ts`) out of `entries`. Wherever they stand, they apply to all patterns. */
export async function takeExclusions(entries: readonly string[], roots: readonly Root[]): Promise<TakenExclusions> {
  const exclusions = entries.filter((entry) => entry.startsWith('!') && !isThere(entry, roots))
  const wanted = entries.filter((entry) => !exclusions.includes(entry))
  const read = exclusions.map((entry) => ({ name: entry, ...patternsOf(entry.slice(1), roots, wanted) }))
  const matchers = await Promise.all(read.flatMap(({ patterns = [] }) => patterns).map((one) => matcherOf(one)))
  return {
    wanted,
    refused: read.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }])),
    isExcluded: (name) => matchers.some((matches) => matches(name)),
  }
}

/** A file or folder whose name begins with an exclamation mark is not an exclusion. */
function isThere(entry: string, roots: readonly Root[]): boolean {
  const places = placesNamed(entry, roots)
  return !('reason' in places) && places.some((place) => placeAt(place, roots).kind !== 'missing')
}

/** A folder is left out with all that is in it; the root has no name. */
function patternsOf(
  text: string,
  roots: readonly Root[],
  wanted: readonly string[],
): { patterns?: string[]; reason?: string } {
  if (wanted.length === 0) return { reason: 'leaves something out, and nothing is named that it could be left out of' }
  const places = placesNamed(text, roots)
  if ('reason' in places) return { reason: places.reason }
  const patterns = [...new Set(places.flatMap(({ name }) => (name === '' ? ['**'] : [name, `${name}/**`])))]
  return patterns.every(isSimpleEnough) ? { patterns } : { reason: TOO_MANY_WILDCARDS }
}

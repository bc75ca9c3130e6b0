import type { StoredTokens, TokenRecord, TokenStorage } from '../infrastructure/token-storage.ts'
import type { RouteName } from './login-route.ts'
import { openRecord } from './open-record.ts'

/** Which of the stored logins answers: the one that was chosen, or signed in with, last. */
export interface RouteChoice {
  /** Nothing where none is stored. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  answering(): Promise<RouteName | undefined>
  /**
   * Has this login answer from now on, if it is stored.
   *
   * @throws CodexError STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
   */
  select(name: RouteName): Promise<void>
}

export interface RouteChoiceDeps {
  storages: Readonly<Record<RouteName, TokenStorage>>
  now: () => number
}

/** Times are stored in whole seconds. */
const LATER_MS = 1000

export function createRouteChoice({ storages, now }: RouteChoiceDeps): RouteChoice {
  const names = Object.keys(storages) as RouteName[]

  /** The later the better; undefined for what is not stored. */
  async function rankOf(name: RouteName): Promise<number | undefined> {
    return rank(await openRecord(storages[name]))
  }

  async function answering(): Promise<RouteName | undefined> {
    let best: { name: RouteName; rank: number } | undefined
    for (const name of names) {
      const found = await rankOf(name)
      if (found !== undefined && found > (best?.rank ?? -1)) best = { name, rank: found }
    }
    return best?.name
  }

  return {
    answering,

    async select(name) {
      if ((await answering()) === name) return
      const ranks = await Promise.all(names.map(rankOf))
      const selectedAt = Math.max(
        now(),
        ...ranks
          .filter((found) => found !== undefined && Number.isFinite(found))
          .map((found) => (found ?? 0) + LATER_MS),
      )
      await storages[name].update((record) =>
        record === undefined || record.unopened ? record : { ...record, selectedAt },
      )
    },
  }
}

function rank({ record, unopened }: Pick<StoredTokens, 'record' | 'unopened'>): number | undefined {
  // Somebody's login, and nobody can tell whether it is the one that answers: nothing else is used in its place.
  if (unopened !== undefined) return Number.POSITIVE_INFINITY
  return record === undefined ? undefined : chosenAt(record)
}

function chosenAt({ selectedAt = 0, savedAt = 0 }: TokenRecord): number {
  return Math.max(selectedAt, savedAt)
}

import type { StoredTokens, TokenStorage } from '../infrastructure/token-storage.ts'
import type { RouteName } from './login-route.ts'
import { openRecord } from './open-record.ts'
import { cannotOpen } from './sign-in-again.ts'

/** Which of the stored logins answers: the one that was chosen, or signed in with, last. */
export interface RouteChoice {
  /** Nothing where none is stored. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED */
  answering(): Promise<RouteName | undefined>
  /**
   * The login that a question goes to; where none is stored, the one that knows of the keys of the environment.
   *
   * @throws as `answering`
   */
  asked(): Promise<RouteName>
  /** All that are stored, the one that answers first, also those that cannot be opened. @throws as `answering` */
  stored(): Promise<readonly RouteName[]>
  /**
   * Has this login answer from now on, if it is stored.
   *
   * @throws CodexError STORAGE_SEALED there is another one that cannot be opened, so that nobody can tell which was
   *   chosen; STORAGE_LOCKED, STORAGE_CORRUPT, STORAGE_FAILED
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

  /**
   * What is stored, the latest choice first. A damaged record stops its own login only; where no other one is there,
   * nothing may be asked in its place.
   */
  async function ranked(): Promise<Ranked[]> {
    const found = await Promise.allSettled(names.map(async (name) => ({ name, ...(await openRecord(storages[name])) })))
    const stored = found.flatMap((one) => {
      if (one.status === 'rejected') return []
      const { name, unopened } = one.value
      const at = chosenAt(one.value)
      return at === undefined ? [] : [{ name, at, unopened }]
    })
    const failed = found.find((one) => one.status === 'rejected')
    if (stored.length === 0 && failed !== undefined) throw failed.reason
    return stored.sort((one, other) => other.at - one.at)
  }

  return {
    answering: async () => (await ranked())[0]?.name,
    asked: async () => (await ranked())[0]?.name ?? 'codex',
    stored: async () => (await ranked()).map(({ name }) => name),

    async select(name) {
      const [first] = await ranked()
      if (first === undefined || first.name === name) return
      if (first.unopened !== undefined) throw cannotOpen(first.unopened)
      const selectedAt = Math.max(now(), first.at + LATER_MS)
      await storages[name].update((record) =>
        record === undefined || record.unopened !== undefined ? record : { ...record, selectedAt },
      )
    },
  }
}

interface Ranked {
  name: RouteName
  at: number
  unopened: StoredTokens['unopened']
}

/** In milliseconds; undefined for what is not stored. */
function chosenAt({ record, unopened }: Pick<StoredTokens, 'record' | 'unopened'>): number | undefined {
  // Somebody's login, and nobody can tell whether it is the one that answers: nothing else is used in its place.
  if (unopened !== undefined) return Number.POSITIVE_INFINITY
  return record === undefined ? undefined : Math.max(record.selectedAt ?? 0, record.savedAt ?? 0)
}

import type { CredentialsSnapshot, StoredTokens, TokenStorage } from '../../infrastructure/token-storage.ts'
import type { RouteName } from './login-route.ts'
import { openRecords } from './open-record.ts'
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
  /** The same, with what is stored of it: it is not read a second time. @throws as `answering` */
  opened(): Promise<{ name: RouteName; stored: StoredTokens }>
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
  /** Of the file they share. */
  takeSnapshot: () => CredentialsSnapshot
  now: () => number
}

/** Times are stored in whole seconds. */
const LATER_MS = 1000

export function createRouteChoice({ storages, takeSnapshot, now }: RouteChoiceDeps): RouteChoice {
  const names = Object.keys(storages) as RouteName[]

  /**
   * What is stored, the latest choice first. A damaged record stops its own login only; where no other one is there,
   * nothing may be asked in its place.
   */
  async function ranked(): Promise<Ranked[]> {
    const found = await openRecords(Object.values(storages), takeSnapshot)
    const ranks = found.flatMap((one, index) => {
      const [name] = names.slice(index)
      if (one.status === 'rejected' || name === undefined) return []
      const at = chosenAt(one.value)
      return at === undefined ? [] : [{ name, at, stored: one.value }]
    })
    const failed = found.find((one) => one.status === 'rejected')
    if (ranks.length === 0 && failed !== undefined) throw failed.reason
    return ranks.sort((one, other) => other.at - one.at)
  }

  const opened = async () => (await ranked())[0] ?? { name: 'codex' as const, stored: NOTHING }

  return {
    answering: async () => (await ranked())[0]?.name,
    asked: async () => (await opened()).name,
    opened,
    stored: async () => (await ranked()).map(({ name }) => name),

    async select(name) {
      const [first] = await ranked()
      if (first === undefined || first.name === name) return
      if (first.stored.unopened !== undefined) throw cannotOpen(first.stored.unopened)
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
  stored: StoredTokens
}

const NOTHING: StoredTokens = { record: undefined, needsUnlock: false, warnings: [] }

/** In milliseconds; undefined for what is not stored. */
function chosenAt({ record, unopened }: Pick<StoredTokens, 'record' | 'unopened'>): number | undefined {
  // Somebody's login, and nobody can tell whether it is the one that answers: nothing else is used in its place.
  if (unopened !== undefined) return Number.POSITIVE_INFINITY
  return record === undefined ? undefined : Math.max(record.selectedAt ?? 0, record.savedAt ?? 0)
}

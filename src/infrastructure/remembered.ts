/** Something that takes a while to get and changes rarely. */
export interface Remembered<T> {
  /** As it was at most `lifeMs` ago. Those who ask at the same time wait for the same; a failure is not remembered. */
  get(): Promise<T>
  /** One that is newer than `known`, however young that is. */
  renew(known: T): Promise<T>
}

export interface RememberedDeps<T> {
  load: () => Promise<T>
  lifeMs: number
  now: () => number
}

export function createRemembered<T>({ load, lifeMs, now }: RememberedDeps<T>): Remembered<T> {
  let kept: { value: T; at: number } | undefined
  let flight: Promise<T> | undefined

  async function fetchOne(): Promise<T> {
    const value = await load()
    kept = { value, at: now() }
    return value
  }

  function shared(): Promise<T> {
    flight ??= fetchOne().finally(() => {
      flight = undefined
    })
    return flight
  }

  return {
    async get() {
      // Of a negative age: the clock was set back.
      const ageMs = kept === undefined ? Number.NaN : now() - kept.at
      return kept !== undefined && ageMs >= 0 && ageMs < lifeMs ? kept.value : shared()
    },
    async renew(known) {
      return kept !== undefined && kept.value !== known ? kept.value : shared()
    },
  }
}

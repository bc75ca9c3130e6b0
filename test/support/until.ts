import { setImmediate } from 'node:timers/promises'

/** Resolves when `look` has found something. What never comes ends with the time of the test. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await setImmediate()
  }
}

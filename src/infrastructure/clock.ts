import { setTimeout as sleep } from 'node:timers/promises'

/** Time as an edge: passed in, so that tests decide what time it is and how long a wait takes. */
export interface Clock {
  /** Wall clock in milliseconds since the epoch: for expiry only, it may jump. */
  now(): number
  /** Resolves after `ms`. @throws AbortError when `signal` aborts first */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
}

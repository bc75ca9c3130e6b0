import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Clock } from '../../src/infrastructure/clock.ts'

/** A clock that stands still until the test moves it. */
export interface TestClock extends Clock {
  advance(ms: number): void
  /** From now on sleeping moves the clock and takes no time. */
  hurry(): void
  /** Resolves when somebody has gone to sleep so many times from now on. */
  naps(count: number): Promise<void>
  /** How long all have slept together. */
  readonly sleptMs: number
}

export function createTestClock(startMs = Math.floor(Date.now() / 1000) * 1000): TestClock {
  let nowMs = startMs
  let sleptMs = 0
  let hurried = false
  let waiting: { naps: number; resolve: () => void }[] = []

  const countNap = () => {
    for (const waiter of waiting) {
      waiter.naps -= 1
      if (waiter.naps === 0) waiter.resolve()
    }
    waiting = waiting.filter(({ naps }) => naps > 0)
  }

  return {
    now: () => nowMs,
    async sleep(ms, signal) {
      countNap()
      if (hurried) {
        await setImmediate(undefined, { signal })
        nowMs += ms
      } else {
        await setTimeout(ms, undefined, { signal })
      }
      sleptMs += ms
    },
    advance(ms) {
      nowMs += ms
    },
    hurry() {
      hurried = true
    },
    naps: (naps) =>
      new Promise((resolve) => {
        waiting.push({ naps, resolve })
      }),
    get sleptMs() {
      return sleptMs
    },
  }
}

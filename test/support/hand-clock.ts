import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/infrastructure/clock.ts'

/** A clock that only the test moves: whoever sleeps wakes when the test has come there. */
export interface HandClock extends Clock {
  /** Moves second by second, and lets everybody do what is due in each. */
  pass(seconds: number): Promise<void>
  /** Moves at once, and wakes nobody. */
  jump(ms: number): void
}

export function createHandClock(startMs = Math.floor(Date.now() / 1000) * 1000): HandClock {
  let nowMs = startMs
  let sleepers: { at: number; wake: () => void }[] = []

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const leave = () => {
          sleepers = sleepers.filter((one) => one !== sleeper)
          reject(signal?.reason)
        }
        const wake = () => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
        const sleeper = { at: nowMs + ms, wake }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', leave, { once: true })
      }),
    async pass(seconds) {
      for (let tenth = 0; tenth < 10 * seconds; tenth += 1) {
        nowMs += 100
        const due = sleepers.filter(({ at }) => at <= nowMs)
        sleepers = sleepers.filter(({ at }) => at > nowMs)
        for (const { wake } of due) wake()
        if (due.length > 0 || tenth % 10 === 9) await setImmediate()
      }
    },
    jump(ms) {
      nowMs += ms
    },
  }
}

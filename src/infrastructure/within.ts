import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for `work`, but no longer than `limitMs`, and no longer than `signal` allows. How it ends does not matter. */
export async function within(work: Promise<unknown>, limitMs: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController()
  const limit = sleep(limitMs, undefined, {
    signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]),
  })
  await Promise.race([work.catch(() => {}), limit.catch(() => {})])
  // A timer that is left keeps the process from ending by itself.
  over.abort()
}

import { cancelled } from './abort.ts'

/** Runs `work` once there is a permit for it. Rejects with CodexError CANCELLED when the caller cancels before that. */
export type WithPermit = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Lets so many at a time run; the others wait, in the order in which they came. */
export function createSemaphore(permits: number): WithPermit {
  let free = permits
  const waiting = new Set<() => void>()

  async function acquire(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw cancelled()
    if (free > 0) {
      free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener('abort', leave)
        waiting.delete(begin)
        resolve()
      }
      const leave = () => {
        waiting.delete(begin)
        reject(cancelled())
      }
      waiting.add(begin)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  function release(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  return async (work, signal) => {
    await acquire(signal)
    try {
      return await work()
    } finally {
      release()
    }
  }
}

import { cancelled } from './abort.ts'

/** Runs `work` when it has its turn. Rejects with CodexError CANCELLED when the caller cancels before that. */
export type InTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Lets so many at a time run; the others wait, and get their turn in the order in which they came. */
export function createTurns(atOnce: number): InTurn {
  let free = atOnce
  const waiting = new Set<() => void>()

  async function myTurn(signal: AbortSignal | undefined): Promise<void> {
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

  function over(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  return async (work, signal) => {
    await myTurn(signal)
    try {
      return await work()
    } finally {
      over()
    }
  }
}

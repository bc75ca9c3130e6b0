/** Wakes all who wait for the next time something happens. */
export interface Bell {
  ring(): void
  /** Resolves with the next ring, or when `signal` aborts. */
  next(signal: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let waiting: (() => void)[] = []
  return {
    ring() {
      const all = waiting
      waiting = []
      for (const wake of all) wake()
    },
    next: (signal) =>
      new Promise((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake)
          waiting = waiting.filter((other) => other !== wake)
          resolve()
        }
        waiting.push(wake)
        signal.addEventListener('abort', wake, { once: true })
        if (signal.aborted) wake()
      }),
  }
}

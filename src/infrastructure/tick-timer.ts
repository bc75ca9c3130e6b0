export interface TickTimer {
  /** Starts counting again: something was heard from the other side. */
  reset(): void
  stop(): void
}

/**
 * Calls `onExpire` once when this process has run for `limitMs` without a `reset`.
 *
 * It counts ticks instead of asking the clock: after a freeze (lid closed, container paused, debugger) a timer set
 * for a moment long past fires before the socket is read, and a good answer that has already arrived would be
 * thrown away. Of a frozen stretch only one tick is ever due.
 */
export function createTickTimer(limitMs: number, onExpire: () => void): TickTimer {
  // A whole number: setInterval drops the rest, and the limit would come early.
  const tickMs = Math.min(1000, Math.ceil(limitMs / 10))
  const limit = Math.ceil(limitMs / tickMs)
  let ticks = 0
  const interval = setInterval(() => {
    ticks += 1
    if (ticks < limit) return
    clearInterval(interval)
    onExpire()
  }, tickMs)
  // A pending request keeps the process alive by its socket; the timer alone must not.
  interval.unref()
  return {
    reset: () => {
      ticks = 0
    },
    stop: () => clearInterval(interval),
  }
}

import { Script } from 'node:vm'

/** A constant of ours: nothing that comes from outside is ever compiled. */
const RUN = new Script('work()')

export type Boxed<T> = { inTime: true; value: T } | { inTime: false }

/**
 * What `work` computes, unless it takes longer than `limitMs`: then it is stopped wherever it is. For computations on what
 * others have written (a regular expression, a schema), whose length nobody can tell beforehand. A script of node:vm is the
 * one thing in JavaScript that can be stopped from outside, and what it calls is stopped with it, a regular expression
 * too. The thread waits meanwhile, so the limit must be short, and `work` must not wait for anything. What it throws, this
 * throws.
 */
export function inTimeBox<T>(work: () => T, limitMs: number): Boxed<T> {
  try {
    return { inTime: true, value: RUN.runInNewContext({ work }, { timeout: limitMs }) as T }
  } catch (error) {
    if (isTimeout(error)) return { inTime: false }
    throw error
  }
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
}

import { CodexError } from '../errors.ts'

/** The call, or whatever it is to the user, was cancelled by its caller. */
export function cancelled(what = 'call'): CodexError {
  return new CodexError('CANCELLED', `The ${what} was cancelled.`)
}

/**
 * `work`, or a rejection as soon as the caller cancels. The work itself goes on: others may share it, or it has to
 * be brought to its end.
 *
 * @throws CodexError CANCELLED
 */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal | undefined, what?: string): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const cancel = () => reject(cancelled(what))
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel))
  })
}

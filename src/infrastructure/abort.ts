import { CodexError } from '../errors.ts'

/** The call was cancelled by its caller. */
export function cancelled(): CodexError {
  return new CodexError('CANCELLED', 'The call was cancelled.')
}

/**
 * `work`, or a rejection as soon as the caller cancels. The work itself goes on: others may share it, or it has to
 * be brought to its end.
 *
 * @throws CodexError CANCELLED
 */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const cancel = () => reject(cancelled())
    if (signal.aborted) cancel()
    signal.addEventListener('abort', cancel, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel))
  })
}

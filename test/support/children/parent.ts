import { once } from 'node:events'

/** Sends a message to the test that started this program. */
export function report(message: unknown): void {
  process.send?.(message)
}

/** Says that this program is ready, and resolves to the next message of the test. */
export async function ready(): Promise<unknown> {
  const answer = once(process, 'message')
  report('ready')
  return (await answer)[0]
}

/** Lets this program end when it has nothing more to do. */
export function finish(message: unknown): void {
  process.send?.(message, () => process.disconnect())
}

import { CodexError } from '../../src/errors.ts'

/** The error a call ends with, which has to be one of ours. */
export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<CodexError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof CodexError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** All the text of an error that somebody may get to see. */
export function shown({ message, hint, code }: CodexError): string {
  return [message, hint, `[${code}]`].join(' ')
}

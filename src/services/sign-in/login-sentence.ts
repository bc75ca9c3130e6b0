import type { CodexError } from '../../errors.ts'
import type { LoginView } from './sign-in-view.ts'

/** How a sign-in stands, unless a login was stored since: `savedAt` is when, in milliseconds. */
export function loginSentence(login: LoginView | undefined, savedAt: number | undefined): string | undefined {
  // Another window has signed in since: how this attempt ended does not matter any more.
  if (login !== undefined && (savedAt ?? 0) > login.openedAt) return undefined
  switch (login?.state) {
    case 'pending':
      return pendingSentence(login)
    case 'failed':
      return login.error === undefined ? undefined : `The last sign-in failed: ${inWords(login.error)}`
    default:
      return undefined
  }
}

function pendingSentence({ method, url, userCode }: LoginView): string {
  if (method === 'other-window') return 'A sign-in is open in another window.'
  if (method === 'device') return `A sign-in waits for the code ${userCode} at ${url}`
  return `A sign-in waits in the browser: ${url}`
}

/** An error as a status tells it. */
export function inWords({ message, hint = '' }: CodexError): string {
  return `${message} ${hint}`.trim()
}

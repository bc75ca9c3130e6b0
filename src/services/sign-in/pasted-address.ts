import { CodexError } from '../../errors.ts'

const MAX_LENGTH = 16_384

/**
 * The raw query of a redirect that the user has copied from the browser's address bar. Browsers hide `http://` and
 * people copy quotes and brackets along; everything else has to be our redirect to the letter, because an address that
 * only resembles it was made by somebody else.
 *
 * @throws CodexError INPUT_INVALID
 */
export function queryOfPasted(pasted: string, redirectUri: string): string {
  const text = pasted.trim().replace(/^[<"'`(]+|[>"'`)]+$/g, '')
  const address = /^https?:/i.test(text) ? text : `http://${text}`
  const start = `${redirectUri}?`
  if (text.length > MAX_LENGTH || /[^!-~]/.test(text)) throw notOurs(redirectUri)
  if (!address.startsWith(start)) throw notOurs(redirectUri)
  return address.slice(start.length).replace(/#.*$/, '')
}

/** For an address of the right form that does not answer the sign-in that is open. */
export function notThisSignIn(): CodexError {
  return new CodexError('INPUT_INVALID', 'The address does not belong to the sign-in that is open.', {
    hint: 'Copy the whole address of the page that did not load, from the sign-in that was opened last.',
  })
}

export function alreadyUsed(): CodexError {
  return new CodexError('INPUT_INVALID', 'This address has been used already.', {
    hint: 'Call codex_status to see how the sign-in stands, or start again with codex_login.',
  })
}

export function nothingToComplete(): CodexError {
  return new CodexError('INPUT_INVALID', 'No browser sign-in waits here for an address.', {
    hint: 'Start one (codex_login with method "browser"), then give the address of its last page to codex_login as callback_url.',
  })
}

export function onlyAnAddress(): CodexError {
  return new CodexError('INPUT_INVALID', 'A pasted address completes the sign-in that is open, so it stands alone.', {
    hint: 'Leave method and force out.',
  })
}

function notOurs(redirectUri: string): CodexError {
  return new CodexError('INPUT_INVALID', 'This is not the address at which the sign-in ends.', {
    hint: `It begins with ${redirectUri}?code= and stands in the address bar of the page that did not load; copy all of it.`,
  })
}

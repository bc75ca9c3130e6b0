import { createHash } from 'node:crypto'
import { CodexError } from '../../errors.ts'

const MAX_CHARACTERS = 100

/** Stands for all conversations where one is to be named. */
export const EVERY_CONVERSATION = '*'

/**
 * A conversation's name as it is kept: without space around it, and one and the same however its accents are put
 * together (Unicode NFC).
 *
 * @throws CodexError INPUT_INVALID
 */
export function conversationName(text: string): string {
  const name = text.normalize('NFC').trim()
  const length = [...name].length
  if (length === 0 || length > MAX_CHARACTERS) throw noName(`must have 1 to ${MAX_CHARACTERS} characters`)
  // Also those that turn the direction of what stands behind them.
  if (/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u.test(name))
    throw noName('must be one line without control characters')
  if (name === EVERY_CONVERSATION) throw noName('cannot be an asterisk alone, which stands for all of them')
  return name
}

/** Where a conversation of this name lies: nothing of the name is in it, whatever is in the name. */
export function conversationKey(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}

export function isConversationKey(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function noName(rule: string): CodexError {
  return new CodexError('INPUT_INVALID', `The name of a conversation ${rule}.`, { hint: 'Choose another name.' })
}

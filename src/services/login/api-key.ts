import { CodexError } from '../../errors.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'

const METHOD = 'api_key'
const MAX_LENGTH = 4_096

/** True for a stored API key, which is kept where a login would be. */
export function isApiKeyRecord({ method }: Pick<TokenRecord, 'method'>): boolean {
  return method === METHOD
}

/** The record of a key: there is nothing to renew, nothing expires, and it names no account. */
export function apiKeyRecord(key: string, baseUrl: string, nowMs: number): TokenRecord {
  return {
    accessToken: key,
    refreshToken: undefined,
    idToken: undefined,
    tokenType: undefined,
    expiresAt: undefined,
    accountId: undefined,
    savedAt: nowMs,
    refreshedAt: undefined,
    method: METHOD,
    baseUrl,
    refreshFailed: undefined,
  }
}

/**
 * The API key in what somebody has pasted: without blanks, line ends and quotation marks around it. How keys begin is
 * OpenAI's to change, so only what plainly is no key is refused; the service judges the rest.
 *
 * @throws CodexError INPUT_INVALID
 */
export function readApiKey(pasted: string): string {
  const key = pasted
    .trim()
    .replace(/^["'`“”‘’]+|["'`“”‘’]+$/gu, '')
    .trim()
  const reason = whyNoKey(key)
  if (reason === undefined) return key
  throw new CodexError('INPUT_INVALID', reason, {
    hint: `Nothing was saved. Copy the key (it begins with sk-) from ${KEYS_PAGE} and give it alone.`,
  })
}

/** Where a user finds, makes and deletes keys. */
export const KEYS_PAGE = 'https://platform.openai.com/api-keys'

/** What is wrong, without a character of it: a slip of the clipboard may be any secret. */
function whyNoKey(key: string): string | undefined {
  if (key === '') return 'No API key was given.'
  if (key.length > MAX_LENGTH) return `This is longer than any API key (${MAX_LENGTH} characters).`
  if (/\s/.test(key)) return 'An API key has no blanks or line breaks inside.'
  if (!/^[!-~]+$/.test(key)) return 'This holds characters that no API key has.'
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(key)) return 'This is an address, not an API key.'
  if (/^(?:export)?[A-Za-z_][A-Za-z0-9_]*=/.test(key))
    return 'This is a line of settings; give only what stands behind the equals sign.'
  // Of a sign-in with ChatGPT nothing may reach the API's host, not even to be tried.
  if (/^(?:eyJ|rt[_.-]|ac[_.-])/.test(key)) return 'This is a token of a sign-in, not an API key.'
  return undefined
}

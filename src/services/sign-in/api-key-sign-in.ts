import { CodexError, isCodexError, reworded } from '../../errors.ts'
import { type HttpClient, readText } from '../../infrastructure/http-client.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { fieldOf, parseJson } from '../codex/remote-text.ts'
import { apiKeyRecord, KEYS_PAGE, readApiKey } from '../login/api-key.ts'
import type { Credentials } from '../login/credentials.ts'
import { forgetLogin } from '../login/forget-login.ts'
import { readModelList } from '../models/model-list.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'

/**
 * Stores an API key as the credential of this machine, after it has proved to work; a login that it replaces is
 * revoked. Resolves to the number of models that the key can ask. The key stands in no text.
 *
 * @throws CodexError INPUT_INVALID this is no key; LOGIN_DENIED the service refused it; TOKEN_REQUEST_FAILED the service
 *   is in trouble; NETWORK, TIMEOUT, RESPONSE_INVALID, CONFIG_INVALID, CANCELLED by `signal`; STORAGE_CORRUPT, STORAGE_FAILED,
 *   STORAGE_LOCKED. Nothing is stored then.
 */
export type ApiKeySignIn = (pasted: string, signal?: AbortSignal) => Promise<{ models: number }>

export interface ApiKeySignInDeps {
  storage: Pick<TokenStorage, 'update'>
  credentials: Pick<Credentials, 'ofKey'>
  oauth: Pick<OAuthFlow, 'revoke'>
  http: HttpClient
  now: () => number
  /** Told when a key is stored. */
  onStored?: () => Promise<void>
}

const TIMEOUT_MS = 20_000
const BODY_LIMIT_MS = 10_000
const MAX_LIST_BYTES = 4_194_304

export function createApiKeySignIn(deps: ApiKeySignInDeps): ApiKeySignIn {
  const { storage, credentials, oauth, http, now, onStored } = deps

  return async (pasted, signal) => {
    const key = readApiKey(pasted)
    const models = await tryKey(key, signal).catch((error: unknown) => {
      throw savedNothing(error)
    })
    await store(apiKeyRecord(key, credentials.ofKey(key).baseUrl, now()))
    return { models }
  }

  /** The number of models this key can ask. */
  async function tryKey(key: string, signal: AbortSignal | undefined): Promise<number> {
    const { baseUrl, headers } = credentials.ofKey(key)
    const url = `${baseUrl}/models`
    const answer = await http.send({
      method: 'GET',
      url,
      headers: { ...headers, accept: 'application/json' },
      headerTimeoutMs: TIMEOUT_MS,
      signal,
    })
    const { status, body } = answer
    const json = parseJson(await readText(body, { maxBytes: MAX_LIST_BYTES, limitMs: BODY_LIMIT_MS, signal }))
    // A page in between says 200, 401 or 403 as well: only what speaks like the API has judged the key.
    const stranger = notTheService(answer, 'the models of the key')
    if (stranger !== undefined) throw stranger
    const isApi = Array.isArray(fieldOf(json, 'data')) || Array.isArray(fieldOf(json, 'models'))
    if (status === 200 && isApi) return readModelList(json).length
    throw refusal(status, json, new URL(url).host)
  }

  async function store(record: TokenRecord): Promise<void> {
    let previous: TokenRecord | undefined
    await storage.update((current) => {
      previous = current
      return record
    })
    await forgetLogin(oauth, previous)
    // The key is stored, and as the latest it is asked in any case unless a clock was set back.
    await onStored?.().catch(() => {})
  }
}

function refusal(status: number, json: unknown, host: string): CodexError {
  if (status === 401 || (status === 403 && typeof json === 'object')) {
    return new CodexError('LOGIN_DENIED', `OpenAI refused this key (${status}).`, {
      hint: `Check at ${KEYS_PAGE} that it exists, is whole, and may list models.`,
      cause: json,
    })
  }
  if (status === 429 || status >= 500) {
    return new CodexError('TOKEN_REQUEST_FAILED', `The service could not check the key just now (${status}).`, {
      hint: 'Try again in a minute.',
      cause: json,
      retryable: true,
    })
  }
  return new CodexError('RESPONSE_INVALID', `${host} does not answer as OpenAI's API does (${status}).`, {
    hint: 'Check OPENAI_BASE_URL if it is set; a proxy or a sign-in page of your network may stand in between.',
    cause: json,
  })
}

/** The same error, saying that all is as it was. */
function savedNothing(error: unknown): unknown {
  if (!isCodexError(error) || error.code === 'CANCELLED') return error
  return reworded(error, { hint: ['Nothing was saved.', error.hint ?? ''].join(' ').trim() })
}

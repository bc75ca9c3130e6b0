import type { Config } from '../../config.ts'
import { CodexError } from '../../errors.ts'
import type { StoredTokens, TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import { type IdClaims, ownerOf } from '../oauth/id-claims.ts'
import { DOCUMENTED_WAY } from '../plan/plan-words.ts'
import { isApiKeyRecord } from './api-key.ts'
import type { CredentialName } from './credential-name.ts'
import { CODEX_LOGIN, codexHeaders, type LoginRoute } from './login-route.ts'
import { openRecord } from './open-record.ts'
import { keyCredential, type OutsideCredential } from './outside-credential.ts'
import { cannotOpen } from './sign-in-again.ts'
import type { TokenManager } from './token-manager.ts'

/** What a model request is sent with, and where to: a credential never leaves for another base URL than its own. */
export interface Credential extends CredentialName {
  baseUrl: string
  headers: Readonly<Record<string, string>>
  accountId: string | undefined
  /** The ChatGPT plan the token names. */
  plan: string | undefined
  /**
   * The credential to repeat a request with that was answered 401; absent where nothing can be renewed.
   *
   * @throws as `TokenManager.replaceRejected`
   */
  renew: ((signal?: AbortSignal) => Promise<Credential>) | undefined
}

/** A credential as the status shows it. */
export interface CredentialView extends CredentialName {
  /** What tokens say of their owner; a key says nothing. */
  account: IdClaims | undefined
  /** Of what cannot be renewed, in milliseconds, where it is known. */
  expiresAt: number | undefined
  /** Why a question asked with it would fail, as far as can be told without asking. */
  problem: CodexError | undefined
}

export interface Credentials {
  /**
   * The credential that applies: what is stored (the signed-in account, or a key), else the API key of the
   * environment, else the access token of the environment. A login that is over is an error, never a reason to spend
   * money on a key. `stored` is what is stored, for those who have just read it.
   *
   * @throws CodexError NOT_AUTHENTICATED none of them is there, or it has expired; PLAN_REQUIRED; STORAGE_SEALED;
   *   otherwise as `TokenManager.getTokens`; CONFIG_INVALID
   */
  current(signal?: AbortSignal, stored?: StoredTokens): Promise<Credential>
  /** The credential that applies while this is stored, without asking anybody; nothing where there is none. */
  view(record: TokenRecord | undefined): CredentialView | undefined
  /** The credential of a key that is to be tried before it is stored. @throws CodexError CONFIG_INVALID */
  ofKey(key: string): Credential
}

export interface CredentialsDeps {
  config: Pick<Config, 'baseUrl' | 'planBaseUrl' | 'api' | 'accessToken' | 'originator' | 'clientVersion'>
  storage: Pick<TokenStorage, 'read' | 'unlock'>
  tokens: TokenManager
  userAgent: string
  now: () => number
  /** The Codex login unless told. */
  route?: LoginRoute
}

export function createCredentials(deps: CredentialsDeps): Credentials {
  const { config, storage, tokens, userAgent, now, route = CODEX_LOGIN } = deps
  const identity = { originator: config.originator, userAgent, clientVersion: config.clientVersion }

  /**
   * A record that cannot be opened is somebody's login: nothing else is used in its place.
   *
   * @throws CodexError STORAGE_SEALED
   */
  function recordOf({ record, unopened }: StoredTokens): TokenRecord | undefined {
    if (unopened !== undefined) throw cannotOpen(unopened)
    return record
  }

  /** What answers while this is stored, but for an account. */
  function outside(record: TokenRecord | undefined): OutsideCredential | undefined {
    return record === undefined
      ? route.outside(config, now())
      : keyCredential(record.accessToken, record.baseUrl, config)
  }

  /** @throws CodexError PLAN_REQUIRED */
  function ofAccount(record: TokenRecord): Credential {
    const lack = route.lack(record)
    if (lack !== undefined) throw lack
    return {
      ...route.credentialName(record),
      baseUrl: route.baseUrl(config),
      headers: route.headers(record, identity, bearer(record.accessToken)),
      accountId: route.modelOwner(record),
      plan: ownerOf(record).plan,
      renew: async (signal) => ofAccount(await tokens.replaceRejected(record, signal)),
    }
  }

  function ofOutside({ name, secret, claims, problem }: OutsideCredential): Credential {
    if (problem !== undefined) throw problem
    const sent = claims === undefined ? api(secret) : chatGpt(secret, claims)
    return { ...name, ...sent, renew: undefined }
  }

  function chatGpt(token: string, claims: IdClaims) {
    const { accountId, plan } = claims
    return { baseUrl: config.baseUrl, headers: codexHeaders(identity, bearer(token), claims), accountId, plan }
  }

  function api(key: string) {
    const { originator, clientVersion: version } = identity
    const headers = { originator, 'user-agent': userAgent, version, authorization: bearer(key) }
    return { baseUrl: config.api.baseUrl, headers, accountId: undefined, plan: undefined }
  }

  return {
    async current(signal, stored) {
      const record = recordOf(stored ?? (await openRecord(storage)))
      if (isAccount(record)) return ofAccount(await tokens.getTokens(signal, record))
      const found = outside(record)
      if (found === undefined) throw nobody()
      return ofOutside(found)
    },

    view(record) {
      if (isAccount(record)) {
        const account = ownerOf(record)
        return { ...route.credentialName(record), account, expiresAt: undefined, problem: route.lack(record) }
      }
      const found = outside(record)
      if (found === undefined) return undefined
      const { name, claims, expiresAt, problem } = found
      return { ...name, account: claims, expiresAt, problem }
    },

    ofKey: (key) => ofOutside(keyCredential(key, undefined, config)),
  }
}

function isAccount(record: TokenRecord | undefined): record is TokenRecord {
  return record !== undefined && !isApiKeyRecord(record)
}

function bearer(secret: string): string {
  return `Bearer ${secret}`
}

function nobody(): CodexError {
  return new CodexError('NOT_AUTHENTICATED', 'You are not signed in.', {
    hint:
      'Sign in with codex_login, or where there is no browser codex_login with method "device", then ask again. ' +
      `${DOCUMENTED_WAY} ` +
      'An API key does as well: CODEX_API_KEY or OPENAI_API_KEY in the environment of the server, or ' +
      '`codex-oauth-mcp login --with-api-key` on the command line.',
  })
}

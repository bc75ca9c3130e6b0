import type { Config } from '../config.ts'
import type { TokenRecord } from '../infrastructure/token-storage.ts'
import { readIdClaims } from './id-claims.ts'
import type { TokenManager } from './token-manager.ts'

/** What a model request is sent with, and where to: a credential never leaves for another base URL than its own. */
export interface Credential {
  kind: 'chatgpt' | 'api_key'
  baseUrl: string
  headers: Readonly<Record<string, string>>
  accountId: string | undefined
  /** The ChatGPT plan the token names. */
  plan: string | undefined
  /** For the footer: what this costs, in words. */
  label: string
  /**
   * The credential to repeat a request with that was answered 401; absent where nothing can be renewed.
   *
   * @throws as `TokenManager.replaceRejected`
   */
  renew: ((signal?: AbortSignal) => Promise<Credential>) | undefined
}

export interface Credentials {
  /**
   * The credential that applies: the signed-in account, else the API key of the environment.
   *
   * @throws CodexError NOT_AUTHENTICATED neither is there; otherwise as `TokenManager.getTokens`, CONFIG_INVALID
   */
  current(signal?: AbortSignal): Promise<Credential>
  /** The variable whose API key answers queries when nobody is signed in. */
  environmentKey(): string | undefined
}

export interface CredentialsDeps {
  config: Pick<Config, 'baseUrl' | 'api' | 'originator' | 'clientVersion'>
  tokens: TokenManager
  userAgent: string
}

export function createCredentials({ config, tokens, userAgent }: CredentialsDeps): Credentials {
  const { api } = config
  const identity = { originator: config.originator, 'user-agent': userAgent, version: config.clientVersion }

  function ofAccount(record: TokenRecord): Credential {
    const claims = readIdClaims(record)
    const accountId = record.accountId ?? claims.accountId
    return {
      kind: 'chatgpt',
      baseUrl: config.baseUrl,
      headers: {
        ...identity,
        authorization: `Bearer ${record.accessToken}`,
        ...(accountId === undefined ? {} : { 'chatgpt-account-id': accountId }),
        ...(claims.fedramp ? { 'x-openai-fedramp': 'true' } : {}),
      },
      accountId,
      plan: claims.plan,
      label: `ChatGPT ${claims.plan ?? 'unknown'} plan`,
      renew: async (signal) => ofAccount(await tokens.replaceRejected(record, signal)),
    }
  }

  function ofApiKey(key: string): Credential {
    return {
      kind: 'api_key',
      baseUrl: api.baseUrl,
      headers: { ...identity, authorization: `Bearer ${key}` },
      accountId: undefined,
      plan: undefined,
      label: `API key from ${api.source}, billed per token`,
      renew: undefined,
    }
  }

  return {
    async current(signal) {
      if (tokens.hasRecord() || api.source === undefined) return ofAccount(await tokens.getTokens(signal))
      if (api.problem !== undefined) throw api.problem
      return ofApiKey(api.key ?? '')
    },
    environmentKey: () => api.source,
  }
}

import type { CodexError } from '../../errors.ts'
import { KEYS_PAGE } from '../login/api-key.ts'
import type { Model } from '../models/builtin-models.ts'
import { readModelList } from '../models/model-list.ts'
import { USAGE_PAGE } from '../usage/usage-limit.ts'
import type { KnownUsage } from '../usage/usage-snapshot.ts'
import { failureOf, isQuota, type RefusedAnswer, refusalOf } from './codex-failure.ts'
import { buildRequest, type CodexRequest, type RequestFacts } from './codex-request.ts'

/** What differs between the services a question can go to. */
export interface AskingRoute {
  /** What follows `/models` where the list of models is asked for. */
  modelsQuery(clientVersion: string): string
  readModels(json: unknown): Model[]
  buildRequest(facts: AskingFacts): CodexRequest
  /** Whether models here want one of two forms of a request, and the catalogue may name the wrong one. */
  hasForms: boolean
  /** Whether newer models are hidden from those who state an older compatibility level, and refused to them. */
  hasLevels: boolean
  /** Where it is settled what a credential may do, if each has rights of its own. */
  permissionsPage: string | undefined
  /** Whether to a 429 with this body waiting a moment and asking again would not help. */
  isFinal(json: unknown): boolean
  /** Whether an answer with status 200 and these headers may be a stream; gateways call theirs what they like. */
  isStream(headers: Headers): boolean
  /** The error for an answer with another status than 200. */
  refusalOf(answer: RefusedAnswer): CodexError
  /** The error in an event of a stream that came with these headers, at this time where it is known. */
  failureOf(error: unknown, headers: Headers, facts?: FailureFacts): CodexError
  /** Whether what it answers tells how much of a plan is used. */
  tellsUsage: boolean
  /** Where that can be asked, for questions that go to `baseUrl`; undefined where it cannot. */
  usageUrl(baseUrl: string): string | undefined
  /** What to say then. */
  usageElsewhere: UsageElsewhere
}

/** Where somebody can look for what cannot be asked. */
export interface UsageElsewhere {
  /** A sentence. */
  message: string
  /** The page for it, where there is one of the plan. */
  manage?: string
}

/** What is known when a stream fails. */
export interface FailureFacts {
  nowMs: number
  /** What was known of the limits of this account before. */
  lastKnown?: KnownUsage | undefined
}

/** What of a request is known before its service is. */
export type AskingFacts = Omit<RequestFacts, 'acceptsTemperature' | 'searchTool'>

/** The public API's tool, on the plan route too (facts: plan-usage 3.2). */
export const SEARCH_TOOL = { type: 'web_search' }
/** As the official client names it; it asks for the live web only where that is wanted (facts: wire-protocol 10.2). */
const CODEX_SEARCH_TOOL = { ...SEARCH_TOOL, external_web_access: true }

/** The Codex backend, with a ChatGPT login (facts: wire-protocol 9 to 13). */
export const CODEX_ASKING: AskingRoute = {
  modelsQuery: (clientVersion) => `?client_version=${encodeURIComponent(clientVersion)}`,
  readModels: readModelList,
  buildRequest: (facts) => buildRequest({ ...facts, acceptsTemperature: false, searchTool: CODEX_SEARCH_TOOL }),
  hasForms: true,
  hasLevels: true,
  permissionsPage: undefined,
  isFinal: isQuota,
  isStream: () => true,
  refusalOf,
  failureOf,
  tellsUsage: true,
  // It lives beside the place for questions (facts: wire-protocol 13); of another address nobody knows what is beside it.
  usageUrl: (baseUrl) => (baseUrl.endsWith('/codex') ? baseUrl.replace(/codex$/, 'wham/usage') : undefined),
  usageElsewhere: {
    message: `Beside the address in CODEX_OAUTH_BASE_URL there is no place to ask for the usage. See ${USAGE_PAGE}.`,
    manage: USAGE_PAGE,
  },
}

/** The API of a key: it knows no compatibility level, and what a model does not take only itself knows for sure. */
export const API_ASKING: AskingRoute = {
  modelsQuery: () => '',
  readModels: readModelList,
  buildRequest: (facts) => buildRequest({ ...facts, acceptsTemperature: true, searchTool: SEARCH_TOOL }),
  hasForms: false,
  hasLevels: false,
  permissionsPage: KEYS_PAGE,
  isFinal: isQuota,
  isStream: () => true,
  refusalOf,
  failureOf,
  tellsUsage: false,
  usageUrl: () => undefined,
  usageElsewhere: { message: 'An API key is billed per token: there is no plan whose usage could be asked.' },
}

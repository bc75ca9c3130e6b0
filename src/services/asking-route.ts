import type { CodexError } from '../errors.ts'
import { isQuota, type RefusedAnswer, refusalOf } from './codex-failure.ts'
import { buildRequest, type CodexRequest, type RequestFacts } from './codex-request.ts'

/** What differs between the services a question can go to. */
export interface AskingRoute {
  /** What follows `/models` where the list of models is asked for. */
  modelsQuery(clientVersion: string): string
  buildRequest(facts: AskingFacts): CodexRequest
  /** Whether a request is sent again without an optional part that a model says it does not take. */
  adapts: boolean
  /** Whether to a 429 with this body waiting a moment and asking again would not help. */
  isFinal(json: unknown): boolean
  /** The error for an answer with another status than 200. */
  refusalOf(answer: RefusedAnswer): CodexError
}

/** What of a request is known before its service is. */
export type AskingFacts = Omit<RequestFacts, 'acceptsTemperature'>

/** The Codex backend, with a ChatGPT login (facts: wire-protocol 9 to 13). */
export const CODEX_ASKING: AskingRoute = {
  modelsQuery: (clientVersion) => `?client_version=${encodeURIComponent(clientVersion)}`,
  buildRequest: (facts) => buildRequest({ ...facts, acceptsTemperature: false }),
  adapts: false,
  isFinal: isQuota,
  refusalOf,
}

/** The API of a key: it knows no compatibility level, and what a model does not take only itself knows for sure. */
export const API_ASKING: AskingRoute = {
  modelsQuery: () => '',
  buildRequest: (facts) => buildRequest({ ...facts, acceptsTemperature: true }),
  adapts: true,
  isFinal: isQuota,
  refusalOf,
}

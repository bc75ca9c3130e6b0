import { onTestFinished } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import type { SeenRequest } from './fake-request.ts'
import { partOf } from './plan-client.ts'
import { RELAYED, type Relay, startRelay } from './relay.ts'

/** The API key of the places. */
export const KEY = 'sk-FAKE-of-the-environment'

/** Every place a program can send something to, each an origin of its own. */
export interface Places {
  issuer: FakeOpenAI
  planApi: Relay
  backend: Relay
  keyApi: Relay
  /** Where nothing may ever arrive. */
  stranger: Relay
  /** Where they are, as settings; the issuer is not among them. */
  settings: Record<string, string>
}

export async function startPlaces(): Promise<Places> {
  const [issuer, keys] = await Promise.all([startFakeOpenAI({ deviceInterval: '1' }), startFakeOpenAI({ apiKey: KEY })])
  onTestFinished(async () => void (await Promise.all([issuer.close(), keys.close()])))
  const planApi = await startRelay(issuer.plan.baseUrl)
  const backend = await startRelay(issuer.baseUrl)
  const keyApi = await startRelay(keys.apiBaseUrl)
  const stranger = await startRelay()
  const settings = {
    CODEX_OAUTH_PLAN_BASE_URL: planApi.origin,
    CODEX_OAUTH_BASE_URL: backend.origin,
    OPENAI_BASE_URL: keyApi.origin,
  }
  return { issuer, planApi, backend, keyApi, stranger, settings }
}

/** What came where, each once: whose secret of which kind, host, path. */
export function traffic({ issuer, planApi, backend, keyApi, stranger }: Places): string[] {
  const direct = issuer.seen.requests.filter(({ headers }) => headers[RELAYED] === undefined)
  const hosts = {
    issuer: direct,
    planApi: planApi.requests,
    backend: backend.requests,
    keyApi: keyApi.requests,
    stranger: stranger.requests,
  }
  const secrets = new Map(issuer.secrets().flatMap((secret) => kindOf(secret)))
  secrets.set(KEY, 'the key')
  const lines = Object.entries(hosts).flatMap(([host, requests]) =>
    requests.flatMap((request) => {
      const found = [...secrets].filter(([secret]) => holds(request, secret)).map(([, kind]) => kind)
      return (found.length === 0 ? ['nothing'] : found).map((kind) => `${kind} to ${host} ${request.path}`)
    }),
  )
  return [...new Set(lines)].sort()
}

/** States and verifiers are not looked at: they belong to one request for authorization. */
function kindOf(secret: string): [string, string][] {
  if (secret.startsWith('eyJ')) {
    const { jti = '' } = partOf(secret, 1) as { jti?: string }
    const kind = /^FAKE_(at|id)_plan/.exec(jti)?.[1]
    return [[secret, kind === undefined ? 'a Codex token' : kind === 'id' ? 'a plan ID token' : 'a plan access token']]
  }
  if (secret.startsWith('deviceauth_')) return [[secret, 'a Codex device id']]
  const [, what, plan] = /^(rt|ac)_FAKE_(plan_)?/.exec(secret) ?? []
  if (what === undefined) return []
  return [[secret, `a ${plan === undefined ? 'Codex' : 'plan'} ${what === 'rt' ? 'refresh token' : 'code'}`]]
}

export function holds({ rawHeaders, path, query, text }: SeenRequest, secret: string): boolean {
  return [...rawHeaders, path, ...query.values(), text].some((part) => part.includes(secret))
}

export const nothingTo = (...places: string[]) => places.map((place) => `nothing to ${place}`)

/** All that may ever leave for one route or the other. */
export const PLAN_TRAFFIC = [
  'a plan access token to planApi /models',
  'a plan access token to planApi /responses',
  'a plan code to issuer /api/accounts/oauth/token',
  'a plan refresh token to issuer /api/accounts/oauth/revoke',
  'a plan refresh token to issuer /api/accounts/oauth/token',
  ...nothingTo(
    'issuer /.well-known/jwks.json',
    'issuer /.well-known/openid-configuration',
    'issuer /api/accounts/authorize',
  ),
]
export const CODEX_TRAFFIC = [
  'a Codex code to issuer /oauth/token',
  'a Codex refresh token to issuer /oauth/revoke',
  'a Codex refresh token to issuer /oauth/token',
  'a Codex token to backend /models',
  'a Codex token to backend /responses',
  ...nothingTo('issuer /oauth/authorize'),
]

/** The same where it comes by a code for another device. */
export const CODEX_TRAFFIC_BY_DEVICE = [
  ...CODEX_TRAFFIC.filter((line) => line !== 'nothing to issuer /oauth/authorize'),
  'a Codex device id to issuer /api/accounts/deviceauth/token',
  ...nothingTo('issuer /api/accounts/deviceauth/usercode'),
]

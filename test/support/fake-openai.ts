import { createApi } from './fake-api.ts'
import { createBackend } from './fake-backend.ts'
import { type BrowserOptions, type BrowserVisit, browse } from './fake-browser.ts'
import { type Model, wireCatalogue } from './fake-catalogue.ts'
import { createDevice } from './fake-device.ts'
import { detail } from './fake-errors.ts'
import { createFront } from './fake-front.ts'
import { createIssuer, denied } from './fake-issuer.ts'
import type { Account } from './fake-jwt.ts'
import type { FakeLimits } from './fake-limits.ts'
import { createPlan, type FakePlan } from './fake-plan.ts'
import { createSeals, type Seals } from './fake-reasoning.ts'
import type { SeenRequest } from './fake-request.ts'
import { type Answer, createScript, type Route, type Script } from './fake-script.ts'
import { createSeen, type Seen } from './fake-seen.ts'
import { createTokenLedger, type TokenSet } from './fake-tokens.ts'

export interface FakeOpenAIOptions extends Partial<Account> {
  /** 3600 unless told. */
  accessTokenLifeSeconds?: number
  clientId?: string
  /** In milliseconds; the real clock unless told. */
  now?: () => number
  /** Ports a redirect may name, e.g. `[1455, 1457]` as at the service; any unless told. */
  redirectPorts?: readonly number[]
  /** The list of models. It is read at every request, so a test may change it. */
  models?: Model[]
  /** What every question is answered. */
  reply?: string
  apiKey?: string
  /** What the Codex backend says about limits; only the report says anything unless told. */
  limits?: FakeLimits
  /** Models that refuse `temperature` from an API key. */
  withoutTemperature?: readonly string[]
  /** False: device sign-in is switched off. */
  deviceSignIn?: boolean
  /** What the service tells clients to wait between polls; `'5'` unless told. */
  deviceInterval?: unknown
}

export interface FakeOpenAI {
  /** `http://127.0.0.1:<port>`, without a trailing slash like the other addresses. */
  issuer: string
  baseUrl: string
  apiBaseUrl: string
  apiKey: string
  /** The documented plan route, at the same address. */
  plan: FakePlan
  /** The environment that points codex-oauth here. */
  env(extra?: Record<string, string>): Record<string, string>
  seen: Seen
  script: Record<
    'authorize' | 'token' | 'revoke' | 'deviceCode' | 'deviceToken' | 'models' | 'responses' | 'usage',
    Script
  >
  /** Every code, token, state and verifier that came by. */
  secrets(): string[]
  /** Who is at the browser from now on. */
  signInAs(account: Partial<Account>): void
  /** Whoever is at the browser enters the code (the last one given out unless told) and accepts. */
  approveDevice(userCode?: string): void
  denyDevice(userCode?: string): void
  /** Tokens as from a login, to seed a credentials file. */
  issueTokens(account?: Partial<Account> & { expiresInSeconds?: number }): TokenSet
  expireAccessTokens(): void
  expireRefreshTokens(): void
  /** As if the user had ended the login elsewhere; takes any refresh token of the family. */
  revokeFamily(refreshToken: string): void
  browser(url: string, options?: BrowserOptions): Promise<BrowserVisit>
  /** The request that is the `count`th to this path, as soon as it is here. */
  arrival(path: string, count?: number): Promise<SeenRequest>
  /** Resolves when clients have left `count` answers before their end. */
  clientGone(count?: number): Promise<void>
  /** Ends all connections. */
  close(): Promise<void>
}

const SCOPE = 'openid profile email offline_access'

/** Plays OpenAI's issuer, its Codex backend and its API on one loopback port, as strictly as they do. */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const { accessTokenLifeSeconds = 3600, clientId = 'app_EMoamEEZ73f0CkXaXp7hrann', now = Date.now } = options
  const { accountId = 'acct-fake-0001', plan = 'pro', email = 'person@example.com' } = options
  const { models = wireCatalogue(), reply = 'Hello from the fake Codex.', apiKey = 'sk-FAKE-0001' } = options
  let origin = ''
  let account: Account = { accountId, plan, email }
  const ledger = createTokenLedger({ issuer: () => origin, clientId, now, accessTokenLifeSeconds })
  const seen = createSeen(() => ledger.reuses)
  const { redirectPorts, withoutTemperature = [] } = options
  const issuer = createIssuer({ clientId, ledger, seen, account: () => account, redirectPorts })
  const { deviceSignIn: allowed = true, deviceInterval: interval = '5' } = options
  const device = createDevice({
    issuer: () => origin,
    clientId,
    ledger,
    account: () => account,
    now,
    allowed,
    interval,
  })
  const seals = createSeals()
  const backend = createBackend({ ledger, models, reply, limits: options.limits, seals, now })
  const api = createApi({ apiKey, models, withoutTemperature, reply, seals })
  const script = {
    authorize: createScript(),
    token: createScript(),
    revoke: createScript(),
    deviceCode: createScript(),
    deviceToken: createScript(),
    models: createScript(),
    responses: createScript(),
    usage: createScript(),
  }
  const codexTokens = () => [...ledger.secrets].filter((secret) => secret.includes('FAKE'))
  const documented = createPlan({ issuer: () => origin, now, codexTokens, seals })
  const routes: Record<string, Route> = {
    'GET /oauth/authorize': { judge: issuer.authorize, script: script.authorize },
    'POST /oauth/token': { judge: issuer.token, script: script.token },
    'POST /oauth/revoke': { judge: issuer.revoke, script: script.revoke },
    'POST /api/accounts/deviceauth/usercode': { judge: device.usercode, script: script.deviceCode },
    'POST /api/accounts/deviceauth/token': { judge: device.token, script: script.deviceToken },
    'GET /backend-api/codex/models': { judge: backend.listModels, script: script.models },
    'POST /backend-api/codex/responses': { judge: backend.responses, script: script.responses },
    'GET /backend-api/wham/usage': { judge: backend.usage, script: script.usage },
    'GET /v1/models': { judge: api.listModels, script: script.models },
    'POST /v1/responses': { judge: api.responses, script: script.responses },
  }
  const routeFor = (request: SeenRequest) => documented.routeOf(request) ?? routes[`${request.method} ${request.path}`]
  const front = createFront({ seen, now, answerTo: (request) => answerTo(request, routeFor(request), { seen, seals }) })
  origin = await front.listen()

  /** Whoever says no says it on the issuer's page, which then registers nothing and makes no code. */
  function browser(url: string, { deny, ...others }: BrowserOptions = {}): Promise<BrowserVisit> {
    if (deny !== undefined) {
      const { error, description } = deny === true ? {} : deny
      const isOfPlan = new URL(url).pathname === '/api/accounts/authorize'
      const pages = isOfPlan ? documented.plan.script : script
      pages.authorize.push(denied(error, description))
    }
    return browse(url, others)
  }

  return {
    issuer: origin,
    baseUrl: `${origin}/backend-api/codex`,
    apiBaseUrl: `${origin}/v1`,
    apiKey,
    plan: documented.plan,
    env: (extra = {}) => ({
      CODEX_OAUTH_ISSUER: origin,
      CODEX_OAUTH_BASE_URL: `${origin}/backend-api/codex`,
      CODEX_OAUTH_PLAN_BASE_URL: `${origin}/v1`,
      OPENAI_BASE_URL: `${origin}/v1`,
      // A desk at which the browser is switched off.
      DISPLAY: ':0',
      CODEX_OAUTH_NO_BROWSER: '1',
      ...extra,
    }),
    seen,
    script,
    secrets: () => [...ledger.secrets, ...documented.secrets()],
    signInAs: (other) => {
      account = { ...account, ...other }
    },
    approveDevice: device.approve,
    denyDevice: device.deny,
    issueTokens: ({ expiresInSeconds, ...other } = {}) =>
      ledger.issue({ ...account, ...other }, SCOPE, expiresInSeconds),
    expireAccessTokens: ledger.expireAccessTokens,
    expireRefreshTokens: ledger.expireRefreshTokens,
    revokeFamily: ledger.revoke,
    browser,
    arrival: front.arrival,
    clientGone: front.clientGone,
    close: front.close,
  }
}

/** Strictness first, then the script, then the usual. */
async function answerTo(
  request: SeenRequest,
  route: Route | undefined,
  { seen, seals }: { seen: Seen; seals: Seals },
): Promise<Answer> {
  const verdict = route === undefined ? { refusal: nothingHere(request) } : route.judge(request)
  if ('refusal' in verdict) {
    const { status = 200, json, html, sse } = verdict.refusal
    seen.refusals.push({
      path: request.path,
      status,
      why: html ?? (sse === undefined ? JSON.stringify(json) : `${sse}`),
    })
    return verdict.refusal
  }
  const { usual, asker } = verdict
  const step = route?.script.next() ?? usual()
  const answer = typeof step === 'function' ? await step(usual, request) : step
  return asker === undefined ? answer : seals.send(asker, answer)
}

function nothingHere({ path }: SeenRequest): Answer {
  return path === '/backend-api/codex/chat/completions' ? detail('Forbidden', 403) : detail('Not Found', 404)
}

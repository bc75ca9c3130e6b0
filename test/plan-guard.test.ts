import { describe, expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, startFakeOpenAI } from './support/fake-openai.ts'
import { planError } from './support/fake-plan-errors.ts'
import { planFailure } from './support/fake-plan-stream.ts'
import type { SeenRequest } from './support/fake-request.ts'
import { changed } from './support/fake-script.ts'
import { partOf } from './support/plan-client.ts'
import { RELAYED, type Relay, startRelay } from './support/relay.ts'
import { type StartedApp, startApp } from './support/start-app.ts'
import { createTestClock, type TestClock } from './support/test-clock.ts'

const UNUSED = ['a plan refresh token to issuer /api/accounts/oauth/token']
const KEY = 'sk-FAKE-of-the-environment'
const QUESTION = { prompt: 'Anybody there?' }

/** Every place a program can send something to, each an origin of its own. */
interface World {
  issuer: FakeOpenAI
  planApi: Relay
  backend: Relay
  keyApi: Relay
  /** Where nothing may ever arrive. */
  stranger: Relay
  app: StartedApp
  clock: TestClock
  second(): Promise<StartedApp>
  signIn(route: 'codex' | 'plan', args?: Record<string, unknown>): Promise<void>
}

async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const [issuer, keys] = await Promise.all([startFakeOpenAI(), startFakeOpenAI({ apiKey: KEY })])
  onTestFinished(async () => void (await Promise.all([issuer.close(), keys.close()])))
  const planApi = await startRelay(issuer.plan.baseUrl)
  const backend = await startRelay(issuer.baseUrl)
  const keyApi = await startRelay(keys.apiBaseUrl)
  const stranger = await startRelay()
  const settings = {
    CODEX_OAUTH_LOGIN_WAIT_MS: '1',
    CODEX_OAUTH_PLAN_BASE_URL: planApi.origin,
    CODEX_OAUTH_BASE_URL: backend.origin,
    OPENAI_BASE_URL: keyApi.origin,
    ...env,
  }
  const clock = createTestClock()
  const app = await startApp(issuer, { env: settings, edges: { clock } })
  return {
    ...{ issuer, planApi, backend, keyApi, stranger, app, clock },
    second: () => startApp(issuer, { env: settings, home: app.home, edges: { clock } }),
    async signIn(route, args = {}) {
      const { data } = await app.call('codex_login', { route, ...args })
      await issuer.browser(data.url)
      expect((await app.call('codex_login', { route })).data).toMatchObject({ status: 'authenticated', route })
    },
  }
}

/** What came where, each once: whose secret of which kind, host, path. */
function traffic({ issuer, planApi, backend, keyApi, stranger }: World): string[] {
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
  const [, what, plan] = /^(rt|ac)_FAKE_(plan_)?/.exec(secret) ?? []
  if (what === undefined) return []
  return [[secret, `a ${plan === undefined ? 'Codex' : 'plan'} ${what === 'rt' ? 'refresh token' : 'code'}`]]
}

function holds({ rawHeaders, path, query, text }: SeenRequest, secret: string): boolean {
  return [...rawHeaders, path, ...query.values(), text].some((part) => part.includes(secret))
}

/** What the Codex backend is told of program and account, on requests of the plan. */
function foreignHeaders({ issuer, planApi }: World): string[] {
  const ofIssuer = issuer.seen.requests.filter(({ path }) => /^\/(api\/accounts\/oauth|\.well-known)\//.test(path))
  const names = [...ofIssuer, ...planApi.requests].flatMap(({ headers }) => Object.keys(headers))
  const foreign = /^(chatgpt-|originator|version$|session|thread|conversation|openai-|x-(openai|codex|client)-|cookie)/
  return names.filter((name) => foreign.test(name))
}

const nothingTo = (...places: string[]) => places.map((place) => `nothing to ${place}`)

/** All that may ever leave for one route or the other. */
const PLAN_TRAFFIC = [
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
const CODEX_TRAFFIC = [
  'a Codex code to issuer /oauth/token',
  'a Codex refresh token to issuer /oauth/revoke',
  'a Codex refresh token to issuer /oauth/token',
  'a Codex token to backend /models',
  'a Codex token to backend /responses',
  ...nothingTo('issuer /oauth/authorize'),
]

/** Which login answered, by who pays. */
async function ask(app: StartedApp): Promise<string> {
  return (await app.call('codex_query', QUESTION)).text
}

async function lookAround(app: StartedApp): Promise<void> {
  await ask(app)
  for (const name of ['codex_models', 'codex_status']) await app.call(name)
}

describe('with both logins, every secret stays on its own route', () => {
  test('from the first sign-in to the last sign-out', async () => {
    const world = await startWorld({ OPENAI_API_KEY: KEY })
    const { app, issuer, signIn, clock } = world
    await signIn('codex')
    await lookAround(app)
    await signIn('plan')
    await lookAround(app)
    expect(await ask(app)).toContain('ChatGPT plan usage')

    // To and fro, with tokens that are not taken any more.
    for (const route of ['codex', 'plan'] as const) {
      await app.call('codex_login', { route })
      issuer.expireAccessTokens()
      issuer.plan.expireAccessTokens()
      await lookAround(app)
    }
    const other = await world.second()
    for (const route of ['codex', 'plan'] as const) {
      await other.call('codex_login', { route })
      clock.advance(3600_000)
      await Promise.all([ask(app), ask(other), other.call('codex_models'), app.call('codex_status')])
    }
    await app.app.services.doctor()
    await signIn('plan', { force: true })
    await signIn('codex', { force: true })
    await app.app.services.doctor()
    expect((await app.call('codex_clear')).data).toMatchObject({ cleared: true })
    expect(app.stored()).toEqual({})

    // Only where nobody is signed in any more does the key of the environment answer.
    expect(traffic(world).filter((line) => line.startsWith('the key'))).toEqual([])
    expect(await ask(app)).toContain('API key')
    await app.call('codex_models')
    expect(traffic(world)).toEqual(
      [
        ...PLAN_TRAFFIC,
        ...CODEX_TRAFFIC,
        // The doctor asks whether they are there.
        ...nothingTo('backend /models', 'keyApi /models', 'planApi /models'),
        'the key to keyApi /models',
        'the key to keyApi /responses',
      ].sort(),
    )
    expect(issuer.plan.crossings).toEqual([])
    expect(foreignHeaders(world)).toEqual([])
  })

  const failures: [string, (world: World) => void][] = [
    [
      'a limit',
      ({ issuer }) => issuer.plan.script.responses.push(planError('subscription_sharing_usage_limit_exceeded')),
    ],
    ['a limit in the stream', ({ issuer }) => issuer.plan.script.responses.push(planFailure())],
    [
      'an account that may not',
      ({ issuer }) => issuer.plan.script.responses.push(planError('subscription_sharing_user_not_eligible')),
    ],
    ['a service that is away', ({ issuer }) => issuer.plan.script.responses.always({ status: 503, json: {} })],
    ['tokens nobody takes', ({ issuer }) => issuer.plan.script.responses.always({ status: 401, json: {} })],
    [
      'a redirect of the question',
      ({ issuer, stranger }) =>
        issuer.plan.script.responses.push({ status: 307, headers: { location: `${stranger.origin}/v1/responses` } }),
    ],
    [
      'a redirect of the renewal',
      ({ issuer, stranger }) => {
        issuer.plan.expireAccessTokens()
        issuer.plan.script.token.push({ status: 307, headers: { location: `${stranger.origin}/token` } })
      },
    ],
    [
      'a redirect of the list',
      ({ issuer, stranger }) =>
        issuer.plan.script.models.always({ status: 302, headers: { location: `${stranger.origin}/v1/models` } }),
    ],
    [
      'a login that is over',
      ({ issuer }) => {
        issuer.plan.expireAccessTokens()
        issuer.plan.expireRefreshTokens()
      },
    ],
    [
      'a plan that is withdrawn',
      ({ issuer }) => {
        issuer.plan.withdrawPlanScope()
        issuer.plan.expireAccessTokens()
      },
    ],
    [
      'renewals that fail for everybody',
      ({ issuer }) => {
        issuer.plan.options.refreshWorks = false
        issuer.plan.expireAccessTokens()
      },
    ],
  ]

  test.each(failures)('%s is no reason to ask anywhere else', async (_, breakIt) => {
    const world = await startWorld({ OPENAI_API_KEY: KEY, CODEX_API_KEY: KEY })
    const { app, backend, keyApi, stranger, issuer } = world
    await world.signIn('codex')
    await world.signIn('plan')
    await app.call('codex_models')
    world.clock.hurry()
    const before = backend.requests.length
    breakIt(world)
    for (let turn = 0; turn < 2; turn += 1) await lookAround(app)
    expect(backend.requests).toHaveLength(before)
    expect(keyApi.requests).toEqual([])
    expect(stranger.requests).toEqual([])
    expect(traffic(world).filter((line) => ![...PLAN_TRAFFIC, ...CODEX_TRAFFIC].includes(line))).toEqual([])
    await app.call('codex_clear')
    expect(traffic(world).filter((line) => ![...PLAN_TRAFFIC, ...CODEX_TRAFFIC].includes(line))).toEqual([])
    expect(issuer.plan.crossings).toEqual([])
  })

  test('a description of the issuer that points elsewhere gets no token there', async () => {
    const world = await startWorld()
    const { issuer, stranger, app } = world
    await world.signIn('plan')
    issuer.plan.script.discovery.always(changed({ revocation_endpoint: `${stranger.origin}/revoke` }))
    world.clock.advance(3_600_001)
    await app.call('codex_clear')
    expect(stranger.requests).toEqual([])
    expect(issuer.plan.seen.revocations).toEqual([])
  })

  test('Codex failures do not lead to the plan', async () => {
    const world = await startWorld()
    const { app, issuer, planApi } = world
    await world.signIn('plan')
    await world.signIn('codex')
    await app.call('codex_models')
    world.clock.hurry()
    const before = planApi.requests.length
    const limit = { status: 429, json: { error: { type: 'usage_limit_reached', message: 'x' } } }
    issuer.script.responses.push(limit, { status: 403, json: { detail: 'No.' } })
    await ask(app)
    await ask(app)
    issuer.expireAccessTokens()
    issuer.expireRefreshTokens()
    expect(await ask(app)).toMatch(/\[NOT_AUTHENTICATED\]$/)
    await app.call('codex_models')
    expect(planApi.requests).toHaveLength(before)
  })
})

describe('a token or key of the environment', () => {
  test.each(['OPENAI_API_KEY', 'CODEX_API_KEY'])('%s never goes to the plan', async (name) => {
    const world = await startWorld({ [name]: KEY })
    await lookAround(world.app)
    await world.signIn('plan')
    await lookAround(world.app)
    const lines = traffic(world).filter((line) => line.startsWith('the key'))
    expect(lines).toEqual(['the key to keyApi /models', 'the key to keyApi /responses'])
    expect(traffic(world).filter((line) => line.startsWith('a plan') && /keyApi|backend/.test(line))).toEqual([])
  })

  test('CODEX_OAUTH_ORIGINATOR names this program to the Codex backend only', async () => {
    const world = await startWorld({ CODEX_OAUTH_ORIGINATOR: 'codex_cli_rs' })
    const { app, issuer, planApi } = world
    await world.signIn('plan')
    issuer.plan.expireAccessTokens()
    await lookAround(app)
    await app.call('codex_clear')
    const ofIssuer = issuer.seen.requests.filter(({ path }) => path.startsWith('/api/accounts/oauth/'))
    const names = [...ofIssuer, ...planApi.requests].map(({ headers }) => headers['user-agent'])
    expect(new Set(names)).toEqual(new Set(['codex-oauth/0.0.0-test (linux; x64)']))
    expect(names.length).toBeGreaterThan(4)
  })

  test('a place that is not for plan usage is refused before anything is sent', async () => {
    const world = await startWorld()
    await world.signIn('plan')
    const env = { CODEX_OAUTH_PLAN_BASE_URL: 'https://gateway.example/v1' }
    const app = await startApp(world.issuer, { env, home: world.app.home })
    const before = world.issuer.seen.requests.length
    expect(await ask(app)).toMatch(/CODEX_OAUTH_PLAN_BASE_URL must be at api\.openai\.com.*\[CONFIG_INVALID\]$/)
    expect(world.issuer.seen.requests).toHaveLength(before)
  })

  test('CODEX_ACCESS_TOKEN never goes to the plan', async () => {
    const issuer = await startFakeOpenAI()
    onTestFinished(() => issuer.close())
    const planApi = await startRelay(issuer.plan.baseUrl)
    const token = issuer.issueTokens().access_token
    const env = { CODEX_ACCESS_TOKEN: token, CODEX_OAUTH_PLAN_BASE_URL: planApi.origin, CODEX_OAUTH_ROUTE: 'plan' }
    const app = await startApp(issuer, { env: { ...env, CODEX_OAUTH_LOGIN_WAIT_MS: '1' } })
    await lookAround(app)
    expect(planApi.requests).toEqual([])
    const { data } = await app.call('codex_login')
    await issuer.browser(data.url)
    await lookAround(app)
    expect(planApi.requests.length).toBeGreaterThan(0)
    expect(planApi.requests.filter((request) => holds(request, token))).toEqual([])
  })

  test('an API key that is stored with a plan login beside it goes to the API only', async () => {
    const world = await startWorld()
    const { app } = world
    await world.signIn('plan')
    await app.app.services.storeApiKey(KEY)
    await lookAround(app)
    await app.call('codex_login', { route: 'plan' })
    await lookAround(app)
    await app.call('codex_clear')
    const key = ['the key to keyApi /models', 'the key to keyApi /responses']
    expect(traffic(world)).toEqual([...PLAN_TRAFFIC, ...key].sort().filter((line) => !UNUSED.includes(line)))
  })
})

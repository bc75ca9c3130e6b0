import { describe, expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from './support/fake-openai.ts'
import { planError } from './support/fake-plan-errors.ts'
import { planFailure } from './support/fake-plan-stream.ts'
import { changed } from './support/fake-script.ts'
import {
  CODEX_TRAFFIC,
  CODEX_TRAFFIC_BY_DEVICE,
  holds,
  KEY,
  nothingTo,
  PLAN_TRAFFIC,
  type Places,
  startPlaces,
  traffic,
} from './support/guarded-places.ts'
import { startRelay } from './support/relay.ts'
import { type StartedApp, startApp } from './support/start-app.ts'
import { createTestClock, type TestClock } from './support/test-clock.ts'

const UNUSED = ['a plan refresh token to issuer /api/accounts/oauth/token']
const QUESTION = { prompt: 'Anybody there?' }

interface World extends Places {
  app: StartedApp
  clock: TestClock
  second(): Promise<StartedApp>
  signIn(route: 'codex' | 'plan', args?: Record<string, unknown>): Promise<void>
}

async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const places = await startPlaces()
  const { issuer } = places
  const settings = { CODEX_OAUTH_LOGIN_WAIT_MS: '1', ...places.settings, ...env }
  const clock = createTestClock()
  const app = await startApp(issuer, { env: settings, edges: { clock } })
  return {
    ...{ ...places, app, clock },
    second: () => startApp(issuer, { env: settings, home: app.home, edges: { clock } }),
    async signIn(route, args = {}) {
      const { data } = await app.call('codex_login', { route, ...args })
      await issuer.browser(data.url)
      expect((await app.call('codex_login', { route })).data).toMatchObject({ status: 'authenticated', route })
    },
  }
}

/** What the Codex backend is told of program and account, on requests of the plan. */
function foreignHeaders({ issuer, planApi }: Places): string[] {
  const ofIssuer = issuer.seen.requests.filter(({ path }) => /^\/(api\/accounts\/oauth|\.well-known)\//.test(path))
  const names = [...ofIssuer, ...planApi.requests].flatMap(({ headers }) => Object.keys(headers))
  const foreign = /^(chatgpt-|originator|version$|session|thread|conversation|openai-|x-(openai|codex|client)-|cookie)/
  return names.filter((name) => foreign.test(name))
}

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

  test('also where the Codex login comes by a code for another device', async () => {
    const world = await startWorld({ OPENAI_API_KEY: KEY })
    const { app, issuer, signIn } = world
    await signIn('plan')
    const { data } = await app.call('codex_login', { route: 'codex', method: 'device' })
    expect(data).toMatchObject({ status: 'pending', method: 'device' })
    issuer.approveDevice(data.user_code)
    const state = async () => (await app.call('codex_status')).data.login?.state
    await expect.poll(state, { timeout: 10_000 }).toBe('succeeded')
    expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', route: 'codex' })
    for (const route of ['codex', 'plan'] as const) {
      await app.call('codex_login', { route })
      await lookAround(app)
      issuer.expireAccessTokens()
      issuer.plan.expireAccessTokens()
      await lookAround(app)
    }
    await app.call('codex_clear')
    expect(traffic(world)).toEqual([...PLAN_TRAFFIC, ...CODEX_TRAFFIC_BY_DEVICE].sort())
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

test('an issuer that the user has chosen gets what belongs to the issuer, and the one of OpenAI nothing', async () => {
  const chosen = 'https://id.example'
  const places = await startPlaces()
  const { issuer, planApi } = places
  const hosts = new Set<string>()
  /** The fake answers under the name of the chosen one. */
  const edges = {
    fetch: ((url, init) => {
      hosts.add(new URL(String(url)).host)
      return fetch(String(url).replace(chosen, issuer.issuer), init)
    }) as typeof fetch,
  }
  issuer.plan.script.discovery.always((usual) => ({
    json: JSON.parse(JSON.stringify(usual().json).replaceAll(issuer.issuer, chosen)),
  }))
  issuer.plan.nextIdToken({ claims: { iss: chosen } })
  const env = { ...places.settings, CODEX_OAUTH_LOGIN_WAIT_MS: '1', CODEX_OAUTH_ISSUER: chosen }
  const app = await startApp(issuer, { env, edges })
  const { data } = await app.call('codex_login', { route: 'plan' })
  expect(data.url).toMatch(/^https:\/\/id\.example\/api\/accounts\/authorize\?/)
  await issuer.browser(data.url.replace(chosen, issuer.issuer))
  expect((await app.call('codex_login')).data).toMatchObject({ status: 'authenticated', route: 'plan' })
  await lookAround(app)
  issuer.plan.expireAccessTokens()
  await lookAround(app)
  expect((await app.call('codex_clear')).data).toMatchObject({ cleared: true, revoked: true })
  expect([...hosts].sort()).toEqual([new URL(planApi.origin).host, 'id.example'].sort())
  expect(traffic(places)).toEqual(PLAN_TRAFFIC)
  expect(issuer.plan.crossings).toEqual([])
})

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { thisPlace } from '../../../src/infrastructure/process-identity.ts'
import { hasPlanScope } from '../../../src/services/plan/plan-scope.ts'
import { oauthRefusal } from '../../support/fake-plan-errors.ts'
import { after, changed, gate, late, lost, type Step } from '../../support/fake-script.ts'
import { type Bench, type Instance, recordIn, startBench, subjectOf } from '../../support/refresh-bench.ts'
import { aVault } from '../../support/vaults.ts'

const TOKEN = '/api/accounts/oauth/token'
const HOUR_S = 3600

const planBench = () => startBench({ route: 'plan' })

/** Renews what is stored, as a caller does that finds it expired. */
const renew = (instance: Instance) => instance.refresher.renew(recordIn(instance), 'proactive_expiry')

/** Holds the issuer's next answer; the token has rotated by the time the request has arrived. */
function hold(bench: Bench) {
  const answer = gate()
  bench.at.script.token.push(late(answer.promise))
  return answer
}

/** The forms that reached the token endpoint. */
const forms = ({ fake }: Bench) => fake.seen.requests.filter(({ path }) => path === TOKEN).map(({ body }) => body)

describe('when', () => {
  test('with a minute or more left nobody is asked', async () => {
    const bench = await planBench()
    const one = bench.start()
    const tokens = bench.signIn({ leftSeconds: 61 })
    expect((await one.tokens.getTokens()).accessToken).toBe(tokens.access_token)
    await one.refresher.settled()
    expect(bench.refreshes()).toBe(0)
  })

  test('with less left the token is used at once, while one request fetches the next', async () => {
    const bench = await planBench()
    const [one, two] = [bench.start(), bench.start()]
    const tokens = bench.signIn({ leftSeconds: 59 })
    const answer = hold(bench)
    expect((await one.tokens.getTokens()).accessToken).toBe(tokens.access_token)
    await bench.fake.arrival(TOKEN)
    expect((await two.tokens.getTokens()).accessToken).toBe(tokens.access_token)
    answer.open()
    await Promise.all([one.refresher.settled(), two.refresher.settled()])
    expect((await two.tokens.getTokens()).accessToken).toBe(bench.stored()?.access_token)
    expect(bench.stored()?.access_token).not.toBe(tokens.access_token)
    expect(bench.refreshes()).toBe(1)
  })

  test('past the end callers of all programs wait for the one request', async () => {
    const bench = await planBench()
    const programs = [bench.start(), bench.start(), bench.start()]
    const tokens = bench.signIn()
    const answer = hold(bench)
    let answered = 0
    const calls = programs.map(({ tokens }) => tokens.getTokens().finally(() => answered++))
    await bench.fake.arrival(TOKEN)
    await bench.clock.naps(2)
    expect(answered).toBe(0)
    answer.open()
    const got = new Set((await Promise.all(calls)).map(({ accessToken }) => accessToken))
    expect(got).toEqual(new Set([bench.stored()?.access_token]))
    expect(got).not.toContain(tokens.access_token)
    expect([bench.refreshes(), bench.fake.plan.seen.reuses, bench.beside()]).toEqual([1, 0, []])
  })
})

describe('when the service wants no refresh before a time,', () => {
  /** The stored record, 59 s before its end, after a refresh that has said so. */
  async function renewed(earliest: (nowMs: number) => unknown) {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    bench.fake.plan.options.earliestRefreshAt = earliest(bench.clock.now())
    await renew(one)
    bench.clock.advance((HOUR_S - 59) * 1000)
    return { bench, one }
  }

  const in3570 = (nowMs: number) => nowMs + 3_570_000

  test.each<[string, (nowMs: number) => unknown]>([
    ['as a number', (nowMs) => in3570(nowMs) / 1000],
    ['as a date', (nowMs) => new Date(in3570(nowMs)).toISOString()],
  ])('said %s, it is asked then', async (_, earliest) => {
    const { bench, one } = await renewed(earliest)
    const { accessToken } = await one.tokens.getTokens()
    await one.refresher.settled()
    expect([bench.refreshes(), accessToken]).toEqual([1, bench.stored()?.access_token])
    bench.clock.advance(29_000)
    expect((await one.tokens.getTokens()).accessToken).toBe(accessToken)
    await one.refresher.settled()
    expect(bench.refreshes()).toBe(2)
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['nonsense', 'next Tuesday, perhaps'],
    ['an object', { seconds: 5 }],
    ['a time long past', 1],
    ['a negative time', -5],
    ['a time in milliseconds', 4_000_000_000_000],
    ['more than a number holds', '1e999'],
  ])('%s is no such time', async (_, earliest) => {
    const { bench, one } = await renewed(() => earliest)
    await one.tokens.getTokens()
    await one.refresher.settled()
    expect(bench.refreshes()).toBe(2)
  })

  test('an expired token is renewed all the same', async () => {
    const bench = await planBench()
    const one = bench.start()
    const tokens = bench.signIn({ fields: { earliest_refresh_at: bench.clock.now() / 1000 + HOUR_S } })
    expect((await one.tokens.getTokens()).accessToken).not.toBe(tokens.access_token)
    expect(bench.refreshes()).toBe(1)
  })

  test('the next answer says it anew', async () => {
    const { bench, one } = await renewed((nowMs) => in3570(nowMs) / 1000)
    expect(bench.stored()).toHaveProperty('earliest_refresh_at')
    bench.fake.plan.options.earliestRefreshAt = null
    bench.clock.advance(59_000)
    await one.tokens.getTokens()
    expect(bench.stored()).not.toHaveProperty('earliest_refresh_at')
  })
})

describe('the request', () => {
  test('is a form with the client these tokens were issued to, the resource, and nothing else', async () => {
    const bench = await planBench()
    const one = bench.start()
    const tokens = bench.signIn()
    await renew(one)
    expect(forms(bench)).toEqual([
      {
        grant_type: 'refresh_token',
        client_id: bench.stored()?.issued_client_id,
        refresh_token: tokens.refresh_token,
        resource: 'https://api.openai.com/v1',
      },
    ])
    expect(bench.fake.seen.refusals).toEqual([])
  })

  test('names the client of the record, not the one that signed in last', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const first = bench.stored()?.issued_client_id
    bench.signIn({ accountId: 'user-FAKE-0002' })
    await renew(one)
    expect(bench.stored()?.issued_client_id).not.toBe(first)
    expect(forms(bench)).toMatchObject([{ client_id: bench.stored()?.issued_client_id }])
  })
})

describe('the answer', () => {
  test('replaces access token, refresh token and expiry, and keeps what it leaves out', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const before = bench.stored()
    const renewed = await renew(one)
    const nowSeconds = bench.clock.now() / 1000
    expect(bench.stored()).toEqual({
      ...before,
      access_token: renewed.accessToken,
      refresh_token: 'rt_FAKE_plan_f1_2',
      expires_at: nowSeconds + HOUR_S,
      refreshed_at: nowSeconds,
    })
    expect(renewed.accessToken).not.toBe(before?.access_token)
  })

  test('replaces ID token and scope where they come', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn({ fields: { granted_scope: 'openid chatgpt.tokens.use.direct' } })
    const before = bench.stored()
    Object.assign(bench.fake.plan.options, { idTokenOnRefresh: true, scopeOnRefresh: true })
    await renew(one)
    expect(bench.stored()?.id_token).not.toBe(before?.id_token)
    expect(bench.stored()?.granted_scope).toContain('offline_access')
  })

  test('without the plan in its scope turns the plan off, in the stored record too', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    bench.fake.plan.withdrawPlanScope()
    expect(hasPlanScope(await renew(one))).toBe(false)
    expect(hasPlanScope(recordIn(one))).toBe(false)
  })

  test('can be without a new refresh token', async () => {
    const bench = await planBench()
    const one = bench.start()
    const tokens = bench.signIn()
    bench.at.script.token.push(changed({ refresh_token: undefined }))
    await renew(one)
    expect(bench.stored()?.refresh_token).toBe(tokens.refresh_token)
  })
})

describe('an ID token in the answer', () => {
  const over = { code: 'NOT_AUTHENTICATED', hint: expect.stringContaining('route "plan"') }

  test.each([
    ['of somebody else', { claims: { sub: 'user-FAKE-0002' } }],
    ['for another program', { claims: { aud: ['oaiapp_FAKE99'] } }],
    ['of another issuer', { claims: { iss: 'https://evil.example' } }],
    ['with another signature', { signedBy: 'stranger' as const }],
    ['without a signature', { header: { alg: 'none' } }],
  ])('%s ends the login', async (_, change) => {
    const bench = await planBench()
    const [one, two] = [bench.start(), bench.start()]
    bench.signIn()
    bench.fake.plan.nextIdToken(change)
    await expect(renew(one)).rejects.toMatchObject(over)
    expect(bench.stored()).not.toHaveProperty('access_token')
    await expect(two.tokens.getTokens()).rejects.toMatchObject(over)
    expect(bench.refreshes()).toBe(1)
  })

  test('that does not hold has its tokens revoked, under the client they were for', async () => {
    const bench = await planBench()
    bench.signIn()
    bench.fake.plan.nextIdToken({ claims: { sub: 'user-FAKE-0002' } })
    await expect(renew(bench.start())).rejects.toMatchObject(over)
    await expect.poll(() => bench.fake.plan.seen.revocations.length).toBe(1)
  })

  test.each([
    ['that has expired, by a clock that is wrong,', { claims: { exp: 1_700_000_000 } }],
    ['that is not valid yet, by a clock that is wrong,', { claims: { nbf: 4_000_000_000 } }],
    ['under a key that is not in the list yet', { header: { kid: 'FAKE-key-99' } }],
  ])('%s ends nothing', async (_, change) => {
    const bench = await planBench()
    bench.signIn()
    bench.fake.plan.nextIdToken(change)
    const before = bench.stored()
    await renew(bench.start())
    expect(bench.stored()).toMatchObject({ id_token: before?.id_token })
    expect(bench.stored()?.refresh_token).not.toBe(before?.refresh_token)
  })

  test('is checked once the tokens are stored: whoever is killed meanwhile loses nothing', async () => {
    const bench = await planBench()
    bench.signIn()
    const before = bench.stored()
    bench.fake.plan.options.idTokenOnRefresh = true
    const keys = gate()
    bench.fake.plan.script.jwks.always(after(keys.promise))
    const renewal = renew(bench.start())
    await expect.poll(() => bench.stored()?.refresh_token).not.toBe(before?.refresh_token)
    keys.open()
    await renewal
    expect(bench.stored()?.id_token).not.toBe(before?.id_token)
  })

  const away: Step = { status: 503, json: {} }
  test.each<[string, (bench: Bench) => void]>([
    ['the keys are away', ({ fake }) => fake.plan.script.jwks.always(away)],
    ['the keys make no sense', ({ fake }) => fake.plan.script.jwks.always({ json: { keys: 'none' } })],
    ['there are no keys', ({ fake }) => fake.plan.script.jwks.always({ json: {} })],
    ['the connection breaks', ({ fake }) => fake.plan.script.jwks.always({ reset: true })],
    ['the discovery document is away', ({ fake }) => fake.plan.script.discovery.always(away)],
    ['discovery is a web page', ({ fake }) => fake.plan.script.discovery.always({ html: '<h1>Hotel Wi-Fi</h1>' })],
    [
      'discovery points elsewhere',
      ({ fake }) => fake.plan.script.discovery.always(changed({ jwks_uri: 'https://evil.example/keys' })),
    ],
  ])('cannot be checked because %s: tokens are kept, and the ID token there was', async (_, fault) => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const before = bench.stored()
    bench.fake.plan.options.idTokenOnRefresh = true
    fault(bench)
    const { accessToken } = await renew(one)
    expect(bench.stored()).toMatchObject({
      access_token: accessToken,
      refresh_token: 'rt_FAKE_plan_f1_2',
      id_token: before?.id_token,
    })
  })

  test('is checked with keys that were fetched while the issuer was asked', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    bench.fake.plan.options.idTokenOnRefresh = true
    const answer = hold(bench)
    const renewal = renew(one)
    await bench.fake.arrival('/.well-known/jwks.json')
    answer.open()
    await renewal
    expect(bench.fake.seen.counts['/.well-known/jwks.json']).toBe(1)
  })

  test('whose check takes long does not keep the tokens from being stored', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const before = bench.stored()
    bench.fake.plan.options.idTokenOnRefresh = true
    const keys = gate()
    bench.fake.plan.script.jwks.push(late(keys.promise))
    bench.clock.hurry()
    const { accessToken } = await renew(one)
    expect(bench.stored()).toMatchObject({ access_token: accessToken, id_token: before?.id_token })
    keys.open()
    // The limit of the request itself, 10 s, would be too long: the others wait a minute at most.
  }, 8_000)
})

describe('a crash or a full disk between the rotation and the file', () => {
  test('an answer that is lost costs two requests, then a sign-in', async () => {
    const bench = await planBench()
    const [one, two] = [bench.start(), bench.start()]
    bench.signIn()
    bench.at.script.token.push(lost)
    await expect(renew(one)).rejects.toMatchObject({ code: 'NETWORK' })
    bench.clock.advance(1000)
    await expect(renew(two)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    await expect(bench.start().tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    expect(bench.refreshes()).toBe(2)
  })

  test('what cannot be stored is used, spent by nobody else, and stored with the next call', async () => {
    const bench = await planBench()
    const [one, two] = [bench.start({ lockWaitMs: 20 }), bench.start()]
    bench.signIn()
    const answer = hold(bench)
    const renewal = renew(one)
    await bench.fake.arrival(TOKEN)
    mkdirSync(`${bench.file}.lock`)
    answer.open()
    const renewed = await renewal
    expect((await one.tokens.getTokens()).accessToken).toBe(renewed.accessToken)
    expect(bench.stored()?.access_token).not.toBe(renewed.accessToken)
    const waiting = renew(two)
    await bench.clock.naps(3)
    rmdirSync(`${bench.file}.lock`)
    await one.tokens.getTokens()
    expect((await waiting).accessToken).toBe(renewed.accessToken)
    expect(bench.stored()?.refresh_token).toBe(renewed.refreshToken)
    expect([bench.refreshes(), bench.fake.plan.seen.reuses]).toEqual([1, 0])
    expect(bench.at.revoked()).toEqual([])
  })

  test("a dead owner's claim is followed at once", async () => {
    const bench = await planBench()
    bench.signIn()
    bench.claimAs({ pid: spawnSync(process.execPath, ['-e', '']).pid, place: thisPlace() })
    await renew(bench.start())
    expect([bench.refreshes(), bench.clock.sleptMs, bench.beside()]).toEqual([1, 0, []])
  })
})

describe('what passes', () => {
  test.each<[string, Step, string]>([
    ['500', { status: 500, json: {} }, 'TOKEN_REQUEST_FAILED'],
    ['503', { status: 503, json: {} }, 'TOKEN_REQUEST_FAILED'],
    ['429', { status: 429, json: { error: 'slow_down' } }, 'TOKEN_REQUEST_FAILED'],
    ['401 without a code', { status: 401, json: {} }, 'TOKEN_REQUEST_FAILED'],
    ['401 with HTML of a proxy', { status: 401, html: '<h1>Who are you?</h1>' }, 'RESPONSE_INVALID'],
    ['400 for another reason', oauthRefusal('invalid_request'), 'TOKEN_REQUEST_FAILED'],
    ['200 without a token', { json: { expires_in: HOUR_S } }, 'TOKEN_REQUEST_FAILED'],
    ['no network', { reset: true }, 'NETWORK'],
  ])('%s keeps everything and is asked again a second later', async (_, step, code) => {
    const bench = await planBench()
    const [one, two] = [bench.start(), bench.start()]
    bench.signIn()
    const before = bench.text()
    bench.at.script.token.push(step)
    await expect(renew(one)).rejects.toMatchObject({ code })
    expect(bench.text()).toBe(before)
    await expect(renew(two)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
    expect(bench.refreshes()).toBe(1)
    bench.clock.advance(1000)
    expect((await renew(two)).accessToken).toBe(bench.stored()?.access_token)
    expect(bench.refreshes()).toBe(2)
  })

  test('programs back off together, half a minute at most', async () => {
    const bench = await planBench()
    const programs = [bench.start(), bench.start()]
    bench.signIn()
    bench.at.script.token.always({ status: 503, json: {} })
    for (const [round, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      for (const program of programs) {
        await expect(renew(program)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
      }
      expect(bench.refreshes()).toBe(round + 1)
      bench.clock.advance(seconds * 1000)
    }
  })
})

const TERMINAL = [
  'invalid_grant',
  'invalid_refresh_token',
  'token_expired',
  'refresh_token_expired',
  'refresh_token_invalidated',
  'refresh_token_reused',
]

const inForms = (code: string, status: number): [form: string, step: Step][] => [
  [`${code} in error, ${status}`, oauthRefusal(code, { status })],
  [`${code} in error.code, ${status}`, oauthRefusal(code, { status, form: 'object' })],
  [`${code} in error_reason, ${status}`, oauthRefusal('something_else', { status, reason: code })],
]

describe('a login that is over', () => {
  test.each(TERMINAL.flatMap((code) => [400, 401, 403].flatMap((status) => inForms(code, status))))(
    '%s: its tokens go, nobody asks again',
    async (_, step) => {
      const bench = await planBench()
      const [one, two] = [bench.start(), bench.start()]
      const tokens = bench.signIn()
      const before = bench.stored()
      bench.at.script.token.always(step)
      const over = {
        code: 'NOT_AUTHENTICATED',
        retryable: false,
        hint:
          'Sign in with codex_login with route "plan", then ask again. It is one click. ' +
          'OpenAI may not renew such a sign-in, and then it lasts an hour.',
      }
      const calls = [one, two, one].map((instance) => instance.tokens.getTokens())
      await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(over)))
      bench.clock.advance(60_000)
      await expect(two.tokens.getTokens()).rejects.toMatchObject(over)
      expect(bench.refreshes()).toBe(1)
      const { account_id, issued_client_id, granted_scope, saved_at, method, token_type } = before ?? {}
      const kept = { account_id, issued_client_id, granted_scope, saved_at, method, token_type }
      expect(bench.stored()).toEqual({ ...kept, refresh_failed: subjectOf(tokens.refresh_token) })
      for (const token of Object.values(tokens).filter((token) => `${token}`.includes('FAKE'))) {
        expect(bench.text()).not.toContain(token)
      }
    },
  )

  test('in an encrypted record as well', async () => {
    const bench = await planBench()
    const vault = () => aVault({ store: 'encrypted', passphrase: 'FAKE passphrase' })
    const [one, two] = [bench.start({ vault: vault() }), bench.start({ vault: vault() })]
    bench.signIn()
    const clientId = bench.stored()?.issued_client_id
    bench.fake.plan.options.refreshWorks = false
    await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    await expect(two.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    expect(Object.keys(bench.stored() ?? {})).toEqual(['sealed'])
    expect(recordIn(two)).toMatchObject({ accessToken: '', refreshToken: undefined, idToken: undefined, clientId })
    expect(bench.refreshes()).toBe(1)
  })

  test('a token with a minute left is gone with the rest, so nobody finds out one by one', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn({ leftSeconds: 59 })
    bench.fake.plan.options.refreshWorks = false
    await one.tokens.getTokens()
    await one.refresher.settled()
    await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
    expect(bench.refreshes()).toBe(1)
  })

  test('"reused", because another program was first, shows nobody an error', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const answer = gate()
    bench.at.script.token.push(async () => {
      await answer.promise
      return oauthRefusal('invalid_grant', { reason: 'refresh_token_reused' })
    })
    const renewal = renew(one)
    await bench.fake.arrival(TOKEN)
    const tokens = bench.signIn({ leftSeconds: HOUR_S })
    answer.open()
    expect((await renewal).accessToken).toBe(tokens.access_token)
    expect(bench.stored()?.refresh_token).toBe(tokens.refresh_token)
  })
})

describe('a client the service does not know any more', () => {
  test.each<[string, Step]>([
    ['in error', oauthRefusal('invalid_client')],
    ['in error.code', oauthRefusal('invalid_client', { form: 'object' })],
    ['with 400', oauthRefusal('invalid_client', { status: 400 })],
  ])('%s: nothing goes, the words say how to register again, and it is not asked again at once', async (_, step) => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    const before = bench.text()
    bench.at.script.token.always(step)
    const unknown = {
      code: 'TOKEN_REQUEST_FAILED',
      retryable: false,
      message: expect.stringContaining('does not know the registration'),
      hint: expect.stringContaining('route "plan" and force: true'),
    }
    await expect(one.tokens.getTokens()).rejects.toMatchObject(unknown)
    // Whoever asks meanwhile hears the same: waiting does not help.
    await expect(one.tokens.getTokens()).rejects.toMatchObject(unknown)
    expect(bench.refreshes()).toBe(1)
    bench.clock.advance(1000)
    await expect(one.tokens.getTokens()).rejects.toMatchObject(unknown)
    expect(bench.refreshes()).toBe(2)
    expect(bench.text()).toBe(before)
  })

  test('as soon as it is known again, it is renewed', async () => {
    const bench = await planBench()
    const one = bench.start()
    bench.signIn()
    bench.at.script.token.push(oauthRefusal('invalid_client'), { status: 503, json: {} })
    await expect(renew(one)).rejects.toMatchObject({ retryable: false })
    bench.clock.advance(1000)
    await expect(renew(one)).rejects.toMatchObject({ retryable: true })
    await expect(renew(one)).rejects.toMatchObject({ hint: expect.stringContaining('in 2 s') })
    bench.clock.advance(2000)
    expect((await renew(one)).accessToken).toBe(bench.stored()?.access_token)
  })
})

describe('the login of the Codex client in the same file', () => {
  const VAULTS = {
    plain: () => aVault(),
    encrypted: () => aVault({ store: 'encrypted', passphrase: 'FAKE passphrase' }),
  }

  test.each(Object.entries(VAULTS))('%s: both are renewed at once by several programs', async (_, vault) => {
    const plan = await planBench()
    const codex = plan.forLogin('codex')
    const plans = [plan.start({ vault: vault() }), plan.start({ vault: vault() })]
    const codexes = [codex.start({ vault: vault() }), codex.start({ vault: vault() })]
    plan.signIn()
    codex.signIn()
    for (let round = 1; round <= 5; round++) {
      const got = await Promise.all([...plans, ...codexes].map(({ tokens }) => tokens.getTokens()))
      const [first, second, third, fourth] = got.map(({ refreshToken }) => refreshToken)
      expect([first, second]).toEqual(Array(2).fill(`rt_FAKE_plan_f1_${round + 1}`))
      expect([third, fourth]).toEqual(Array(2).fill(`rt_FAKE_f1_${round + 1}`))
      plan.clock.advance(HOUR_S * 1000)
    }
    expect([plan.refreshes(), codex.refreshes()]).toEqual([5, 5])
    expect([plan.at.reuses(), codex.at.reuses()]).toEqual([0, 0])
    expect(plan.fake.plan.crossings).toEqual([])
    expect(plan.beside().filter((name) => name.includes('.spend.'))).toEqual([])
  })

  test.each(Object.entries(VAULTS))(
    '%s: one that is over or signed out leaves the other as it is',
    async (_, vault) => {
      const plan = await planBench()
      const codex = plan.forLogin('codex')
      const [planProgram, codexProgram] = [plan.start({ vault: vault() }), codex.start({ vault: vault() })]
      plan.signIn()
      codex.signIn({ leftSeconds: HOUR_S })
      await codexProgram.tokens.getTokens()
      const before = JSON.stringify(codex.stored())
      plan.fake.plan.options.refreshWorks = false
      await expect(planProgram.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
      expect(JSON.stringify(codex.stored())).toBe(before)
      expect(await planProgram.tokens.clear()).toMatchObject({ removed: 'account' })
      expect([plan.stored(), JSON.stringify(codex.stored())]).toEqual([undefined, before])
      plan.signIn({ leftSeconds: HOUR_S })
      const planRecord = JSON.stringify(plan.stored())
      expect(await codexProgram.tokens.clear()).toEqual({ removed: 'account', revoked: true })
      expect([JSON.stringify(plan.stored()), codex.stored()]).toEqual([planRecord, undefined])
    },
  )

  test('claims lie apart, and neither sweep removes what is the other’s, however old', async () => {
    const plan = await planBench()
    const codex = plan.forLogin('codex')
    const [planProgram, codexProgram] = [plan.start(), codex.start()]
    plan.signIn()
    codex.signIn()
    const owner = { pid: 0, place: 'another machine' }
    plan.claimAs(owner)
    codex.claimAs(owner)
    expect(plan.beside()).toEqual([
      expect.stringMatching(/^auth\.json\.plan\.spend\.[0-9a-f]{20}\.1$/),
      expect.stringMatching(/^auth\.json\.spend\.[0-9a-f]{20}\.1$/),
    ])
    plan.clock.advance(25 * 3_600_000)
    const only = (of: 'plan' | 'codex') => plan.beside().map((name) => name.includes('.plan.') === (of === 'plan'))
    planProgram.claims.sweep(undefined)
    expect(only('codex')).toEqual([true])
    plan.claimAs(owner)
    codexProgram.claims.sweep(undefined)
    expect(only('plan')).toEqual([true])
  })
})

test('a key in the place of the record is no login that could be renewed', async () => {
  const bench = await planBench()
  const one = bench.start()
  bench.signIn({ fields: { access_token: 'sk-FAKE-0001', method: 'api_key' } })
  await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(bench.refreshes()).toBe(0)
})

test('a program that ends sends nothing more, and stores what it has sent', async () => {
  const bench = await planBench()
  const one = bench.start()
  bench.signIn()
  const answer = hold(bench)
  const renewal = renew(one)
  await bench.fake.arrival(TOKEN)
  one.refresher.stop()
  let settled = false
  const settling = one.refresher.settled().then(() => {
    settled = true
  })
  await setImmediate()
  expect(settled).toBe(false)
  answer.open()
  await settling
  expect(bench.stored()?.access_token).toBe((await renewal).accessToken)
  await expect(renew(one)).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('the log tells what happened, and no token', async () => {
  const bench = await planBench()
  const one = bench.start()
  bench.signIn()
  bench.fake.plan.options.idTokenOnRefresh = true
  await renew(one)
  expect(one.logged).toContain('codex-oauth refresh outcome="renewed" claim=1')
  for (const secret of bench.fake.secrets()) expect(one.logged.join('\n')).not.toContain(secret)
})

import { readFileSync } from 'node:fs'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { changed, gate, late, type Step } from '../../support/fake-script.ts'
import { type Bench, recordIn, startBench } from '../../support/refresh-bench.ts'

const REVOKE = '/api/accounts/oauth/revoke'
const away: Step = { status: 503, json: {} }
const broken: Step = { status: 500, json: {} }

/** Somebody is signed in; pauses take no time. */
async function signedIn() {
  const bench = await startBench({ route: 'plan' })
  bench.clock.hurry()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 3600 })
  return { bench, one, tokens, clientId: bench.stored()?.issued_client_id as string }
}

const asked = ({ fake }: Bench) => fake.seen.requests.filter(({ path }) => path === REVOKE)

describe('a sign-out is confirmed', () => {
  test('by an empty 200 from the place that discovery names, for the client of the tokens', async () => {
    const { bench, one, tokens, clientId } = await signedIn()
    bench.fake.plan.script.discovery.push(changed({ revocation_endpoint: `${bench.fake.issuer}${REVOKE}?v=2` }))
    expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: true })
    expect(asked(bench)).toMatchObject([
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: { token: tokens.refresh_token, token_type_hint: 'refresh_token', client_id: clientId },
      },
    ])
    expect([...(asked(bench)[0]?.query ?? [])]).toEqual([['v', '2']])
    expect(bench.stored()).toBeUndefined()
    expect(await one.tokens.clear()).toEqual({ removed: undefined, revoked: false })
  })

  test('and what is here is gone before anybody is asked', async () => {
    const { bench, one } = await signedIn()
    let fileThen: unknown
    bench.at.script.revoke.push((usual) => {
      fileThen = JSON.parse(readFileSync(bench.file, 'utf8'))
      return usual()
    })
    await one.tokens.clear()
    expect(fileThen).toEqual({})
  })

  test.each<[string, Step[]]>([
    ['500 twice', [broken, broken]],
    ['503, then no connection', [away, { reset: true }]],
  ])('after %s, with pauses', async (_, steps) => {
    const { bench, one } = await signedIn()
    bench.at.script.revoke.push(...steps)
    expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: true })
    expect([asked(bench).length, bench.clock.sleptMs]).toEqual([3, 900])
  })

  test('after discovery was away for a moment', async () => {
    const { bench, one } = await signedIn()
    bench.fake.plan.script.discovery.push(away, { reset: true })
    expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: true })
    expect([asked(bench).length, bench.clock.sleptMs]).toEqual([1, 900])
  })

  test('without a request where the service has ended the login itself', async () => {
    const { bench, one } = await signedIn()
    bench.fake.plan.options.refreshWorks = false
    await expect(one.refresher.renew(recordIn(one), 'proactive_expiry')).rejects.toThrow()
    expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: true })
    expect(asked(bench)).toEqual([])
    expect(bench.stored()).toBeUndefined()
  })
})

describe('a sign-out is not confirmed, and done here all the same,', () => {
  test.each<[string, number, (bench: Bench) => void]>([
    ['500 always', 3, ({ at }) => at.script.revoke.always(broken)],
    ['no connection', 3, ({ at }) => at.script.revoke.always({ reset: true })],
    ['a refusal', 1, ({ at }) => at.script.revoke.always({ status: 400, json: { error: 'invalid_client' } })],
    ['a web page', 1, ({ at }) => at.script.revoke.always({ html: '<h1>Hotel Wi-Fi</h1>' })],
    ['a redirect', 1, ({ at }) => at.script.revoke.always({ status: 302, headers: { location: '/' } })],
    [
      'no place to revoke',
      0,
      ({ fake }) => fake.plan.script.discovery.always(changed({ revocation_endpoint: undefined })),
    ],
    [
      'a place of somebody else',
      0,
      ({ fake }) => fake.plan.script.discovery.always(changed({ revocation_endpoint: 'https://evil.example/revoke' })),
    ],
    [
      'a place at another issuer',
      0,
      ({ fake }) => fake.plan.script.discovery.always(changed({ issuer: 'https://evil.example' })),
    ],
    ['discovery down', 0, ({ fake }) => fake.plan.script.discovery.always(away)],
  ])('after %s', async (_, requests, fault) => {
    const { bench, one } = await signedIn()
    fault(bench)
    expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: false })
    expect(asked(bench)).toHaveLength(requests)
    expect(bench.clock.sleptMs).toBeLessThanOrEqual(900)
    expect(bench.stored()).toBeUndefined()
  })

  test('after an answer that never comes, which is not waited for twice', async () => {
    const { bench, one, tokens } = await signedIn()
    bench.at.script.revoke.always(late(new Promise(() => {})))
    expect(await one.oauth.revoke(tokens.refresh_token, 100, recordIn(one))).toBe(false)
    expect([asked(bench).length, bench.clock.sleptMs]).toEqual([1, 0])
  })
})

describe('all of a revocation together is waited for no longer than it may take:', () => {
  test.each<[string, (bench: Bench) => void]>([
    ['discovery that never answers', ({ fake }) => fake.plan.script.discovery.always(late(new Promise(() => {})))],
    [
      'tries that each answer just in time',
      ({ at }) =>
        at.script.revoke.always(async () => {
          await sleep(150)
          return broken
        }),
    ],
  ])('%s', async (_, fault) => {
    const { bench, one, tokens } = await signedIn()
    fault(bench)
    const from = performance.now()
    expect(await one.oauth.revoke(tokens.refresh_token, 200, recordIn(one))).toBe(false)
    expect(performance.now() - from).toBeLessThan(400)
    // Nobody is asked once more after that.
    const before = asked(bench).length
    await sleep(300)
    expect(asked(bench).length).toBe(before)
    expect(before).toBeLessThan(3)
  })
})

describe('while a refresh is under way', () => {
  async function refreshing() {
    const { bench, one, tokens, clientId } = await signedIn()
    const answer = gate()
    bench.at.script.token.push(late(answer.promise))
    const renewal = one.refresher.renew(recordIn(one), 'proactive_expiry')
    renewal.catch(() => {})
    await bench.fake.arrival('/api/accounts/oauth/token')
    return { bench, one, tokens, clientId, renewal, answer }
  }

  test('a sign-out is never undone, and both tokens are revoked for their client', async () => {
    const { bench, tokens, clientId, renewal, answer } = await refreshing()
    expect(await bench.start().tokens.clear()).toEqual({ removed: 'account', revoked: true })
    answer.open()
    await expect(renewal).rejects.toMatchObject({
      code: 'NOT_AUTHENTICATED',
      hint: expect.stringContaining('route "plan"'),
    })
    expect(bench.stored()).toBeUndefined()
    expect(bench.fake.plan.seen.revocations).toEqual([
      { token: tokens.refresh_token, clientId, known: true },
      { token: 'rt_FAKE_plan_f1_2', clientId, known: true },
    ])
    expect(bench.beside()).toEqual([])
  })

  test('another registration that signs in stays, and what came too late is revoked for the former', async () => {
    const { bench, clientId, renewal, answer } = await refreshing()
    bench.signIn({ accountId: 'user-FAKE-0002', leftSeconds: 3600 })
    const switched = bench.text()
    answer.open()
    await expect(renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
    expect(bench.text()).toBe(switched)
    expect(bench.fake.plan.seen.revocations).toEqual([{ token: 'rt_FAKE_plan_f1_2', clientId, known: true }])
  })

  test('a second registration of the same person is another login', async () => {
    const { bench, clientId, renewal, answer } = await refreshing()
    bench.signIn({ leftSeconds: 3600, fields: { issued_client_id: 'oaiapp_FAKE99' } })
    answer.open()
    await expect(renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
    expect(bench.fake.plan.seen.revocations).toMatchObject([{ clientId }])
  })
})

test('signing out of one login asks nobody about the other', async () => {
  const { bench, one } = await signedIn()
  const codex = bench.forLogin('codex')
  codex.signIn({ leftSeconds: 3600 })
  await one.tokens.clear()
  await setImmediate()
  expect([bench.at.revoked().length, codex.at.revoked().length]).toEqual([1, 0])
  expect(codex.stored()).toMatchObject({ account_id: 'acct-fake-0001' })
})

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { thisPlace, thisProcess } from '../../../src/infrastructure/process-identity.ts'
import type { TokenRecord, TokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { plainUser, startChild } from '../../support/child.ts'
import { after, changed, gate, late, lost, type Step } from '../../support/fake-script.ts'
import {
  type Bench,
  type Instance,
  type InstanceOptions,
  recordIn,
  startBench,
  subjectOf,
} from '../../support/refresh-bench.ts'

const TOKEN = '/oauth/token'

/** Renews what is stored, as a caller does that finds it expired. */
function renew(instance: Instance, stale: TokenRecord = recordIn(instance)): Promise<TokenRecord> {
  return instance.refresher.renew(stale, 'proactive_expiry')
}

/** Holds the issuer's next answer; the token has rotated by the time the request has arrived. */
async function heldRefresh(bench: Bench, instance: Instance) {
  const answer = gate()
  const held = bench.refreshes() + 1
  bench.fake.script.token.push(late(answer.promise))
  const renewal = renew(instance)
  // Tests look at it later, and some only after it has failed.
  renewal.catch(() => {})
  await bench.fake.arrival(TOKEN, held)
  return { renewal, answer }
}

const deadProcess = () => ({ pid: spawnSync(process.execPath, ['-e', '']).pid, place: thisPlace() })

test('two programs, many callers, one refresh', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const stale = recordIn(one)
  const renewed = await Promise.all(Array.from({ length: 20 }, (_, n) => renew(n % 2 ? one : two, stale)))
  expect(new Set(renewed.map(({ accessToken }) => accessToken))).toEqual(new Set([bench.stored()?.access_token]))
  expect(bench.stored()?.access_token).not.toBe(stale.accessToken)
  expect(bench.refreshes()).toBe(1)
  expect(bench.beside()).toEqual([])
})

test('the issuer is told why', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  await one.refresher.renew(recordIn(one), 'unauthorized_recovery')
  await one.refresher.renew(recordIn(one), 'proactive_expiry')
  expect(bench.fake.seen.refreshReasons).toEqual(['unauthorized_recovery', 'proactive_expiry'])
})

test('what somebody else has renewed is adopted without a request', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const stale = recordIn(one)
  const tokens = bench.signIn({ leftSeconds: 3600 })
  expect((await renew(one, stale)).accessToken).toBe(tokens.access_token)
  expect(bench.refreshes()).toBe(0)
})

test('while one program asks, the other waits and takes what comes', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  const waiting = renew(two)
  await bench.clock.naps(3)
  expect(bench.refreshes()).toBe(1)
  answer.open()
  expect((await waiting).accessToken).toBe((await renewal).accessToken)
  expect(bench.refreshes()).toBe(1)
})

test('a program that read the record long ago and claims now spends nothing', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const before = one.storage.read()
  await renew(one)
  // As if it had been frozen between reading and claiming: by then the claims of the old token are gone.
  let reads = 0
  const two = bench.start({ storage: (real) => ({ ...real, read: () => (reads++ === 0 ? before : real.read()) }) })
  const renewed = await two.refresher.renew(before.record as TokenRecord, 'proactive_expiry')
  expect(renewed.accessToken).toBe(bench.stored()?.access_token)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
  expect(bench.beside()).toEqual([])
})

test('nobody asks while an answer has come and is not stored yet', async () => {
  const bench = await startBench()
  const [arrived, storing] = [gate(), gate()]
  const held = (real: TokenStorage): TokenStorage => ({
    ...real,
    update: async (change) => {
      arrived.open()
      await storing.promise
      return real.update(change)
    },
  })
  const [one, two] = [bench.start({ storage: held }), bench.start()]
  bench.signIn()
  const renewal = renew(one)
  await arrived.promise
  const waiting = renew(two)
  await bench.clock.naps(3)
  expect(bench.refreshes()).toBe(1)
  storing.open()
  expect((await waiting).accessToken).toBe((await renewal).accessToken)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
})

test('tokens so short-lived that they want renewal while they are being stored are not revoked', async () => {
  const bench = await startBench()
  const [written, stored] = [gate(), gate()]
  // The lock takes a while to be given back: the file has the new tokens, the call that stores them goes on.
  let updates = 0
  const slow = (real: TokenStorage): TokenStorage => ({
    ...real,
    update: async (change) => {
      const first = updates++ === 0
      const result = await real.update(change)
      written.open()
      if (first) await stored.promise
      return result
    },
  })
  const one = bench.start({ storage: slow })
  bench.signIn()
  const first = renew(one)
  await written.promise
  const second = renew(one)
  await setImmediate()
  stored.open()
  const [a, b] = await Promise.all([first, second])
  expect(a.accessToken).not.toBe(b.accessToken)
  expect(bench.fake.seen.revocations).toEqual([])
  expect((await renew(one)).accessToken).toBe(bench.stored()?.access_token)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([3, 0])
})

test('the answer replaces what it names and leaves what it does not', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ fields: { note: 'of somebody else' } })
  writeFileSync(bench.file, bench.text().replace(/\}\s*$/, ', "other": {"big": 1.00}}'))
  const before = bench.stored()
  bench.clock.advance(60_000)
  await renew(one)
  const nowSeconds = bench.clock.now() / 1000
  expect(bench.stored()).toEqual({
    ...before,
    access_token: expect.not.stringMatching(before?.access_token as string),
    refresh_token: 'rt_FAKE_f1_2',
    id_token: expect.not.stringMatching(before?.id_token as string),
    expires_at: nowSeconds + 3600,
    refreshed_at: nowSeconds,
  })
  expect(bench.text()).toContain('"other": {"big": 1.00}')
})

test.each(['refresh_token', 'id_token', 'token_type'])('an answer without %s keeps the one there is', async (name) => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const before = bench.stored()
  bench.fake.script.token.push(changed({ [name]: undefined }))
  await renew(one)
  expect(bench.stored()?.[name]).toBe(before?.[name])
  expect(bench.stored()?.access_token).not.toBe(before?.access_token)
})

test('a refresh token that does not rotate can be used again', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  const tokens = bench.signIn()
  let serial = 0
  bench.fake.script.token.always(() => ({ json: { access_token: `at_${serial++}`, expires_in: 60 } }))
  for (const instance of [one, two, one]) await renew(instance)
  expect(bench.refreshes()).toBe(3)
  expect(bench.stored()).toMatchObject({ access_token: 'at_2', refresh_token: tokens.refresh_token })
  expect(bench.beside()).toEqual([])
})

test('an answer with the access token there was is an answer', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn()
  bench.fake.script.token.push(changed({ access_token: tokens.access_token }))
  expect(await renew(one)).toMatchObject({ accessToken: tokens.access_token, expiresAt: bench.clock.now() + 3_600_000 })
  expect(bench.stored()?.expires_at).toBe(bench.clock.now() / 1000 + 3600)
  expect(bench.refreshes()).toBe(1)
})

const refusal = (status: number, code: string): Step => ({ status, json: { error: { code, message: 'No.' } } })

test.each<[string, Step]>([
  ['expired', refusal(401, 'refresh_token_expired')],
  ['reused', refusal(401, 'refresh_token_reused')],
  ['invalidated', refusal(400, 'refresh_token_invalidated')],
  ['an invalid grant', { status: 400, json: { error: 'invalid_grant', error_description: 'No.' } }],
])('a dead token (%s) is written down, and nobody asks for it again', async (_, step) => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  const tokens = bench.signIn()
  const before = bench.stored()
  bench.fake.script.token.always(step)
  const calls = [renew(one), renew(two), renew(one)]
  // All at once: one that fails while another is waited for would count as a rejection nobody handles.
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })))
  bench.clock.advance(3_600_000)
  for (const instance of [one, two, bench.start()]) {
    await expect(renew(instance)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  }
  expect(bench.refreshes()).toBe(1)
  expect(bench.stored()).toEqual({ ...before, refresh_failed: subjectOf(tokens.refresh_token) })
})

test('a sign-in ends what was written down about the token before', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.fake.script.token.push(refusal(401, 'refresh_token_expired'))
  await expect(renew(one)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  bench.signIn()
  expect((await renew(one)).refreshFailed).toBeUndefined()
})

const hour = 3600

test.each<[string, Step, string]>([
  ['500', { status: 500, json: {} }, 'TOKEN_REQUEST_FAILED'],
  ['502 with HTML', { status: 502, html: '<h1>Bad gateway</h1>' }, 'TOKEN_REQUEST_FAILED'],
  ['503', { status: 503, json: {} }, 'TOKEN_REQUEST_FAILED'],
  ['429', { status: 429, json: { error: 'slow_down' } }, 'TOKEN_REQUEST_FAILED'],
  ['401 with HTML', { status: 401, html: '<h1>Who are you?</h1>' }, 'RESPONSE_INVALID'],
  ['403 with HTML', { status: 403, html: '<h1>Just a moment</h1>' }, 'RESPONSE_INVALID'],
  ['400 for another reason', { status: 400, json: { error: 'invalid_request' } }, 'TOKEN_REQUEST_FAILED'],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }, 'RESPONSE_INVALID'],
  ['200 with HTML', { html: '<h1>Welcome</h1>' }, 'RESPONSE_INVALID'],
  ['200 with nothing', {}, 'TOKEN_REQUEST_FAILED'],
  ['200 without a token', { json: { expires_in: hour } }, 'TOKEN_REQUEST_FAILED'],
  ['a token no header can carry', { json: { access_token: 'a\nb', expires_in: hour } }, 'TOKEN_REQUEST_FAILED'],
  ['a token that is no text', { json: { access_token: 'a', refresh_token: 7 } }, 'TOKEN_REQUEST_FAILED'],
  [
    'JSON that ends early',
    { bytes: '{"access_token":"a', headers: { 'content-type': 'application/json' } },
    'TOKEN_REQUEST_FAILED',
  ],
  ['more than anybody reads', { bytes: ' '.repeat(1_100_000) }, 'RESPONSE_INVALID'],
  ['no answer', { reset: true }, 'NETWORK'],
  ['half an answer', { bytes: '{"access_token":"a"}', cutAfter: 9 }, 'NETWORK'],
])('%s keeps everything and is asked again a second later', async (_, step, code) => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const before = bench.text()
  bench.fake.script.token.push(step)
  await expect(renew(one)).rejects.toMatchObject({ code })
  expect(bench.text()).toBe(before)
  bench.clock.advance(999)
  await expect(renew(two)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
  expect(bench.refreshes()).toBe(1)
  bench.clock.advance(1)
  expect((await renew(two)).accessToken).toBe(bench.stored()?.access_token)
  expect(bench.refreshes()).toBe(2)
})

test('programs back off together: 1, 2, 4, 8, 16, 30 and 30 seconds', async () => {
  const bench = await startBench()
  const programs = [bench.start(), bench.start(), bench.start()]
  bench.signIn()
  bench.fake.script.token.always({ status: 503, json: {} })
  for (const [round, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
    for (const program of programs) await expect(renew(program)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
    expect(bench.refreshes()).toBe(round + 1)
    bench.clock.advance(seconds * 1000 - 1)
    await expect(renew(bench.start())).rejects.toMatchObject({ hint: expect.stringContaining('in 1 s') })
    expect(bench.refreshes()).toBe(round + 1)
    bench.clock.advance(1)
  }
  bench.fake.script.token.always(undefined)
  await Promise.all(programs.map((program) => renew(program)))
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([8, 0])
  expect(bench.beside()).toEqual([])
})

test('after a success the back-off begins at one second again', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const down: Step = { status: 503, json: {} }
  bench.fake.script.token.push(down, down, (usual) => usual(), down)
  for (const waitMs of [1000, 2000, 0]) {
    await renew(one).catch(() => {})
    bench.clock.advance(waitMs)
  }
  await expect(renew(one)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
  await expect(renew(one)).rejects.toMatchObject({ hint: expect.stringContaining('in 1 s') })
})

test.each<[string, (nowMs: number) => string]>([
  ['in seconds', () => '45'],
  ['as a date', (nowMs) => new Date(nowMs + 45_000).toUTCString()],
])('a Retry-After %s is what everybody waits for', async (_, retryAfter) => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  bench.fake.script.token.push({ status: 503, headers: { 'retry-after': retryAfter(bench.clock.now()) }, json: {} })
  await expect(renew(one)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
  await expect(renew(two)).rejects.toMatchObject({ hint: expect.stringContaining('in 45 s') })
  bench.clock.advance(44_999)
  await expect(renew(two)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
  expect(bench.refreshes()).toBe(1)
  bench.clock.advance(1)
  await renew(two)
  expect(bench.refreshes()).toBe(2)
})

test('a clock that jumps back does not lock anybody out', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.fake.script.token.push({ status: 503, json: {} })
  await expect(renew(one)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
  bench.clock.advance(-86_400_000)
  await renew(one)
  expect(bench.refreshes()).toBe(2)
})

test('a sign-out during a refresh is never undone, and what was issued is revoked', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  await two.storage.update(() => undefined)
  answer.open()
  await expect(renewal).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(JSON.parse(bench.text())).toEqual({})
  expect(bench.fake.seen.revocations).toEqual([{ token: 'rt_FAKE_f1_2', hint: 'refresh_token', known: true }])
  await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(bench.beside()).toEqual([])
})

test('a revocation that fails changes nothing', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  await two.storage.update(() => undefined)
  bench.fake.script.revoke.push({ reset: true })
  answer.open()
  await expect(renewal).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(JSON.parse(bench.text())).toEqual({})
})

test('another account signed in during a refresh stays, and the caller is told', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  bench.signIn({ accountId: 'acct-fake-0002', leftSeconds: hour })
  const switched = bench.text()
  answer.open()
  await expect(renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
  expect(bench.text()).toBe(switched)
  expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
})

test('a switch is seen as well where the record of the old plugin names no account', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ fields: { account_id: undefined } })
  const { renewal, answer } = await heldRefresh(bench, one)
  bench.signIn({ accountId: 'acct-fake-0002', leftSeconds: hour })
  answer.open()
  await expect(renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
})

test('a key stored during a refresh stays, and is given to nobody in place of a token', async () => {
  const bench = await startBench()
  const one = bench.start()
  // No account is named anywhere: nothing but the kind of the record tells the two apart.
  bench.signIn({ fields: { account_id: undefined, id_token: undefined, access_token: 'opaque' } })
  const { renewal, answer } = await heldRefresh(bench, one)
  writeFileSync(bench.file, JSON.stringify({ codex: { access_token: 'sk-FAKE-0001', method: 'api_key' } }))
  const stored = bench.text()
  answer.open()
  await expect(renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
  expect(bench.text()).toBe(stored)
  expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
})

test('the same account signed in anew during a refresh is adopted', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  const tokens = bench.signIn({ leftSeconds: hour })
  answer.open()
  expect((await renewal).accessToken).toBe(tokens.access_token)
  expect(bench.stored()?.refresh_token).toBe(tokens.refresh_token)
  expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
})

test('"reused", because a program without claims was first, shows nobody an error', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  const answer = gate()
  bench.fake.script.token.push(after(answer.promise, refusal(401, 'refresh_token_reused')))
  const renewal = renew(one)
  await bench.fake.arrival(TOKEN)
  const tokens = bench.signIn({ leftSeconds: hour })
  answer.open()
  expect((await renewal).accessToken).toBe(tokens.access_token)
  expect(bench.stored()).toMatchObject({ refresh_token: tokens.refresh_token })
  expect(bench.stored()).not.toHaveProperty('refresh_failed')
})

test('an answer lost after the rotation costs two requests, then a sign-in', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  bench.fake.script.token.push(lost)
  await expect(renew(one)).rejects.toMatchObject({ code: 'NETWORK' })
  await expect(renew(two)).rejects.toMatchObject({ code: 'TOKEN_REQUEST_FAILED' })
  bench.clock.advance(1000)
  const refused = { code: 'NOT_AUTHENTICATED', hint: expect.stringContaining('codex_login') }
  await expect(renew(two)).rejects.toMatchObject(refused)
  await expect(renew(one)).rejects.toMatchObject(refused)
  expect(bench.refreshes()).toBe(2)
})

test.runIf(process.platform !== 'win32')('where the answer would find no room, nothing is sent', async () => {
  const bench = await startBench()
  bench.signIn()
  const before = bench.text()
  // Room for a claim, but not for what a refresh reserves.
  const outcomes = await startChild('renews', [bench.file, bench.fake.issuer], { fileBlocks: 16 }).next()
  const sentence = `STORAGE_FAILED ${bench.file} could not be written: the system limits how large a file may be.`
  expect(outcomes).toEqual([sentence, sentence])
  expect([bench.refreshes(), bench.text()]).toEqual([0, before])
  await renew(bench.start())
  expect(bench.refreshes()).toBe(1)
})

test.runIf(process.platform !== 'win32')('in a folder that is read-only, nothing is sent', async () => {
  const bench = await startBench()
  bench.signIn()
  const before = bench.text()
  chmodSync(bench.file, 0o644)
  chmodSync(dirname(bench.file), 0o555)
  chmodSync(dirname(dirname(bench.file)), 0o755)
  const outcomes = await startChild('renews', [bench.file, bench.fake.issuer], { uid: plainUser }).next()
  const sentence = `STORAGE_FAILED ${bench.file} could not be written: permission denied.`
  expect(outcomes).toEqual([sentence, sentence])
  expect([bench.refreshes(), bench.text()]).toEqual([0, before])
  chmodSync(dirname(bench.file), 0o755)
})

test('where the lock cannot be had, nothing is sent, and the others are not held up', async () => {
  const bench = await startBench()
  bench.signIn()
  mkdirSync(`${bench.file}.lock`)
  await expect(renew(bench.start({ lockWaitMs: 20 }))).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
  expect(bench.refreshes()).toBe(0)
  rmdirSync(`${bench.file}.lock`)
  await renew(bench.start())
  expect([bench.refreshes(), bench.clock.sleptMs]).toEqual([1, 0])
})

test('what cannot be stored is used, spent by nobody else, and stored with the next call', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start({ lockWaitMs: 20 }), bench.start()]
  bench.signIn()
  const before = bench.text()
  const { renewal, answer } = await heldRefresh(bench, one)
  mkdirSync(`${bench.file}.lock`)
  answer.open()
  const renewed = await renewal
  expect(renewed.refreshToken).toBe('rt_FAKE_f1_2')
  expect((await one.tokens.getTokens()).accessToken).toBe(renewed.accessToken)
  expect(bench.text()).toBe(before)

  const waiting = renew(two)
  await bench.clock.naps(3)
  rmdirSync(`${bench.file}.lock`)
  expect((await one.tokens.getTokens()).accessToken).toBe(renewed.accessToken)
  expect(bench.stored()?.refresh_token).toBe('rt_FAKE_f1_2')
  expect((await waiting).accessToken).toBe(renewed.accessToken)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
  expect(bench.fake.seen.revocations).toEqual([])
})

test('what could not be stored is stored without another call, before anybody takes over', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start({ lockWaitMs: 20 }), bench.start()]
  bench.signIn()
  bench.clock.hurry()
  const { renewal, answer } = await heldRefresh(bench, one)
  mkdirSync(`${bench.file}.lock`)
  answer.open()
  const renewed = await renewal
  const waiting = renew(two)
  while (bench.clock.sleptMs < 10_000) await setImmediate()
  rmdirSync(`${bench.file}.lock`)
  expect((await waiting).accessToken).toBe(renewed.accessToken)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
})

/** Two programs: what the first one has renewed it cannot store yet, although the second one could. */
async function unstored({ claims }: Pick<InstanceOptions, 'claims'> = {}) {
  const bench = await startBench()
  let isFull = true
  const full = (real: TokenStorage): TokenStorage => ({
    ...real,
    update: async (change) => {
      if (isFull) throw new CodexError('STORAGE_FAILED', 'No room.')
      return real.update(change)
    },
  })
  const one = bench.start({ storage: full })
  const two = bench.start(claims === undefined ? {} : { claims })
  bench.signIn()
  const stale = recordIn(two)
  await renew(one)
  bench.clock.hurry()
  const makeRoom = () => {
    isFull = false
  }
  return { bench, one, two, stale, makeRoom }
}

test('what is renewed and not stored yet is spent by nobody else while its owner lives', async () => {
  const { bench, one, two, stale, makeRoom } = await unstored()
  const refused = { code: 'TOKEN_REQUEST_FAILED', message: expect.stringContaining('cannot be stored so far') }
  while (bench.clock.sleptMs < 180_000) await expect(renew(two)).rejects.toMatchObject(refused)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
  makeRoom()
  await one.refresher.settled()
  expect((await renew(two, stale)).refreshToken).toBe('rt_FAKE_f1_2')
  expect([bench.refreshes(), bench.beside()]).toEqual([1, []])
})

test.each([
  ['is dead', { ownerIsDead: () => true }],
  ['cannot be seen from here', { ownerIsAlive: () => false }],
])('a token that is spent by an owner that %s is not waited for for ever', async (_, life) => {
  const { bench, one, two } = await unstored({ claims: (real) => ({ ...real, ...life }) })
  one.refresher.stop()
  await expect(renew(two)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([2, 1])
})

test('what could not be stored before a sign-out is revoked, and does not come back', async () => {
  const bench = await startBench()
  const one = bench.start({ lockWaitMs: 20 })
  bench.signIn()
  bench.clock.hurry()
  const { renewal, answer } = await heldRefresh(bench, one)
  mkdirSync(`${bench.file}.lock`)
  answer.open()
  await renewal
  writeFileSync(bench.file, '{}')
  rmdirSync(`${bench.file}.lock`)
  await bench.fake.arrival('/oauth/revoke')
  await one.refresher.settled()
  expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
  expect(JSON.parse(bench.text())).toEqual({})
})

test('what is only in memory is never given to a caller of another account', async () => {
  const bench = await startBench()
  const one = bench.start({ lockWaitMs: 20 })
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  mkdirSync(`${bench.file}.lock`)
  answer.open()
  await renewal
  const tokens = bench.signIn({ accountId: 'acct-fake-0002', leftSeconds: hour })
  const stale = { ...recordIn(one), accessToken: 'an earlier one' }
  expect((await renew(one, stale)).accessToken).toBe(tokens.access_token)
})

test('an answer that comes while another account’s is being stored is stored as well', async () => {
  const bench = await startBench()
  const [arrived, storing] = [gate(), gate()]
  let updates = 0
  const slow = (real: TokenStorage): TokenStorage => ({
    ...real,
    update: async (change) => {
      if (updates++ > 0) return real.update(change)
      arrived.open()
      await storing.promise
      return real.update(change)
    },
  })
  const one = bench.start({ storage: slow })
  bench.signIn()
  const former = await heldRefresh(bench, one)
  bench.signIn({ accountId: 'acct-fake-0002', leftSeconds: hour })
  const current = await heldRefresh(bench, one)
  former.answer.open()
  await arrived.promise
  current.answer.open()
  const renewed = () => one.logged.filter((line) => line.includes('outcome="renewed"')).length
  while (renewed() < 2) await setImmediate()
  storing.open()
  await expect(former.renewal).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
  const { accessToken, refreshToken } = await current.renewal
  expect(refreshToken).toBe('rt_FAKE_f2_2')
  expect(bench.stored()).toMatchObject({ access_token: accessToken, refresh_token: refreshToken })
  expect(bench.fake.seen.revocations.map(({ token }) => token)).toEqual(['rt_FAKE_f1_2'])
  expect(bench.beside()).toEqual([])
})

test('after stop nothing is sent, and what was sent is stored', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  two.refresher.stop()
  await expect(renew(two)).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(bench.refreshes()).toBe(0)

  const { renewal, answer } = await heldRefresh(bench, one)
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
  expect(bench.refreshes()).toBe(1)
})

test('a program that waits for another one stops waiting when it is stopped', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn()
  const { renewal, answer } = await heldRefresh(bench, one)
  const waiting = renew(two)
  await bench.clock.naps(2)
  two.refresher.stop()
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
  answer.open()
  await renewal
})

test('stopped between claiming and sending, the claim is free at once', async () => {
  const bench = await startBench()
  let stop = () => {}
  const one = bench.start({
    claims: (real) => ({
      ...real,
      take: (...args) => {
        stop()
        return real.take(...args)
      },
    }),
  })
  stop = () => one.refresher.stop()
  bench.signIn()
  await expect(renew(one)).rejects.toMatchObject({ code: 'CANCELLED' })
  await renew(bench.start())
  expect(bench.refreshes()).toBe(1)
})

test('a file that cannot be read just after claiming does not hold the others up', async () => {
  const bench = await startBench()
  bench.signIn()
  let reads = 0
  const one = bench.start({
    storage: (real) => ({
      ...real,
      read: () => {
        reads += 1
        if (reads === 3) throw new Error('the disk reports an error')
        return real.read()
      },
    }),
  })
  await expect(renew(one)).rejects.toThrow('the disk reports an error')
  await renew(bench.start())
  expect([bench.refreshes(), bench.clock.sleptMs]).toEqual([1, 0])
})

test("a dead owner's claim is followed at once", async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.claimAs(deadProcess())
  bench.claimAs(deadProcess())
  await renew(one)
  expect([bench.refreshes(), bench.clock.sleptMs]).toEqual([1, 0])
  expect(bench.beside()).toEqual([])
})

test('of many who find an owner dead one follows', async () => {
  const bench = await startBench()
  const programs = Array.from({ length: 8 }, () => bench.start())
  bench.signIn()
  bench.claimAs(deadProcess())
  await Promise.all(programs.map((program) => renew(program)))
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
})

test('who has seen an owner dead and comes second waits for the one who came first', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.claimAs(deadProcess())
  const before = one.claims.top(subjectOf(bench.stored()?.refresh_token as string))
  const { renewal, answer } = await heldRefresh(bench, one)
  let looks = 0
  const two = bench.start({
    claims: (real) => ({ ...real, top: (subject) => (looks++ === 0 ? before : real.top(subject)) }),
  })
  const waiting = renew(two)
  await bench.clock.naps(3)
  expect(bench.refreshes()).toBe(1)
  answer.open()
  expect((await waiting).accessToken).toBe((await renewal).accessToken)
  expect([bench.refreshes(), bench.fake.seen.reuses]).toEqual([1, 0])
})

test.each([
  ['that lives', () => thisProcess()],
  ['of another place, whose pid says nothing here,', () => ({ ...deadProcess(), place: 'another machine' })],
  ['that cannot be read', () => ({ pid: 0, place: '' })],
])('an owner %s is waited for, a minute at most', async (_, owner) => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.claimAs(owner())
  const request = bench.fake.arrival(TOKEN).then(() => bench.clock.sleptMs)
  const renewal = renew(one)
  await bench.clock.naps(2)
  bench.clock.hurry()
  await renewal
  expect(bench.refreshes()).toBe(1)
  expect(Math.round((await request) / 1000)).toBe(60)
})

test('owners that follow each other for longer than anybody waits are named', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.claimAs(thisProcess())
  const claims = createClaimStore({ base: () => bench.file, now: bench.clock.now })
  const subject = subjectOf(bench.stored()?.refresh_token as string)
  bench.clock.hurry()
  const renewal = renew(one)
  const outcome = expect(renewal).rejects.toMatchObject({
    code: 'TOKEN_REQUEST_FAILED',
    message: expect.stringContaining(`(${process.pid})`),
    retryable: true,
  })
  for (let number = 2; number < 4; number++) {
    while (bench.clock.sleptMs < (number - 1) * 40_000) await setImmediate()
    claims.take(subject, number)
  }
  await outcome
  expect(bench.refreshes()).toBe(0)
  expect(Math.round(bench.clock.sleptMs / 1000)).toBe(90)
})

test('a record without a refresh token asks for a sign-in', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ fields: { refresh_token: undefined } })
  await expect(renew(one)).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect([bench.refreshes(), bench.beside()]).toEqual([0, []])
})

test('the log tells what happened, and no token', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn()
  bench.fake.script.token.push({ status: 503, json: {} })
  await renew(one).catch(() => {})
  bench.clock.advance(1000)
  await renew(one)
  expect(one.logged).toContain('codex-oauth refresh outcome="renewed" claim=2')
  for (const secret of bench.fake.secrets()) expect(one.logged.join('\n')).not.toContain(secret)
})

import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { remainingMs } from '../../../src/services/login/token-manager.ts'
import { gate, late } from '../../support/fake-script.ts'
import { type Bench, type Instance, recordIn, startBench } from '../../support/refresh-bench.ts'
import { aRecord } from '../../support/token-records.ts'
import { aVault } from '../../support/vaults.ts'

const TOKEN = '/oauth/token'

/** Holds the issuer's next answer; the token has rotated by the time the request has arrived. */
function hold(bench: Bench) {
  const answer = gate()
  bench.fake.script.token.push(late(answer.promise))
  return answer
}

const accessTokens = (instance: Instance, count: number) =>
  Promise.all(Array.from({ length: count }, async () => (await instance.tokens.getTokens()).accessToken))

test('with five minutes or more left nobody is asked', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 300 })
  expect(await accessTokens(one, 3)).toEqual(Array(3).fill(tokens.access_token))
  await one.refresher.settled()
  expect(bench.refreshes()).toBe(0)
})

test('with less left the token is used at once, while one request fetches the next', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  const tokens = bench.signIn({ leftSeconds: 300 })
  bench.clock.advance(1)
  const answer = hold(bench)
  // The answer is held: whoever gets a token has not waited for it.
  expect(await accessTokens(one, 8)).toEqual(Array(8).fill(tokens.access_token))
  await bench.fake.arrival(TOKEN)
  expect(await accessTokens(two, 8)).toEqual(Array(8).fill(tokens.access_token))
  answer.open()
  await Promise.all([one.refresher.settled(), two.refresher.settled()])
  const renewed = bench.stored()?.access_token
  expect(renewed).not.toBe(tokens.access_token)
  expect(await accessTokens(one, 2)).toEqual([renewed, renewed])
  expect(bench.refreshes()).toBe(1)
  expect(bench.fake.seen.refreshReasons).toEqual(['proactive_expiry'])
})

test('an early renewal that fails is nobody’s error', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 200 })
  bench.fake.script.token.always({ status: 503, json: {} })
  for (let n = 0; n < 3; n++) {
    expect((await one.tokens.getTokens()).accessToken).toBe(tokens.access_token)
    await one.refresher.settled()
  }
  expect(bench.refreshes()).toBe(1)
  expect(one.logged).toContain('codex-oauth early_refresh_failed reason="TOKEN_REQUEST_FAILED"')
})

test('a token that cannot be renewed is used as long as it is good', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 200 })
  bench.fake.expireRefreshTokens()
  for (let n = 0; n < 3; n++) {
    expect((await one.tokens.getTokens()).accessToken).toBe(tokens.access_token)
    await one.refresher.settled()
  }
  expect(bench.refreshes()).toBe(1)
  bench.clock.advance(200_000)
  await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'NOT_AUTHENTICATED' })
  expect(bench.refreshes()).toBe(1)
})

test.each([0, 5])('with %d seconds left callers wait for the next token', async (leftSeconds) => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds })
  const answer = hold(bench)
  let answered = 0
  const calls = Array.from({ length: 4 }, () => one.tokens.getTokens().finally(() => answered++))
  await bench.fake.arrival(TOKEN)
  expect(answered).toBe(0)
  answer.open()
  const got = await Promise.all(calls)
  expect(got.map(({ accessToken }) => accessToken)).toEqual(Array(4).fill(bench.stored()?.access_token))
  expect(bench.refreshes()).toBe(1)
})

test("where the record says no time the token's own counts", async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 3600, fields: { expires_at: undefined } })
  expect((await one.tokens.getTokens()).accessToken).toBe(tokens.access_token)
  expect(bench.refreshes()).toBe(0)
  bench.clock.advance(3_600_000)
  expect((await one.tokens.getTokens()).accessToken).not.toBe(tokens.access_token)
  expect(bench.refreshes()).toBe(1)
})

test('how long a token is good comes from the record, else from the token, else it is over', () => {
  expect(remainingMs(aRecord({ expiresAt: 5000 }), 2000)).toBe(3000)
  expect(remainingMs(aRecord({ expiresAt: 1000 }), 2000)).toBe(-1000)
  const payload = Buffer.from(JSON.stringify({ exp: 9 })).toString('base64url')
  expect(remainingMs(aRecord({ accessToken: `e30.${payload}.x` }), 2000)).toBe(7000)
  expect(remainingMs(aRecord({ accessToken: 'opaque' }), 2000)).toBe(0)
})

test('a token of which nobody knows the end is renewed before it is used', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds: 3600, fields: { expires_at: undefined, access_token: 'opaque' } })
  expect((await one.tokens.getTokens()).accessToken).not.toBe('opaque')
  expect(bench.refreshes()).toBe(1)
})

test('where nobody is signed in, the hint says how', async () => {
  const bench = await startBench()
  const one = bench.start()
  const refused = { code: 'NOT_AUTHENTICATED', hint: expect.stringContaining('codex_login') }
  await expect(one.tokens.getTokens()).rejects.toMatchObject(refused)
  await expect(one.tokens.replaceRejected(aRecord())).rejects.toMatchObject(refused)
  writeFileSync(bench.file, '{"other": 1}')
  await expect(one.tokens.getTokens()).rejects.toMatchObject(refused)
  expect(bench.beside()).toEqual([])
})

test('a damaged file is an error of its own, not a sign-out', async () => {
  const bench = await startBench()
  const one = bench.start()
  writeFileSync(bench.file, '{"codex":')
  await expect(one.tokens.getTokens()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await expect(one.tokens.clear()).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(bench.text()).toBe('{"codex":')
})

test('a caller that cancels is answered, and the refresh that was sent is stored', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn()
  const answer = hold(bench)
  const caller = new AbortController()
  const [cancelled, other] = [one.tokens.getTokens(caller.signal), one.tokens.getTokens()]
  await bench.fake.arrival(TOKEN)
  caller.abort()
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  answer.open()
  expect((await other).accessToken).toBe(bench.stored()?.access_token)
  expect(bench.stored()?.access_token).not.toBe(tokens.access_token)
  expect([bench.refreshes(), bench.fake.seen.aborted]).toEqual([1, 0])
})

test('a refresh whose only caller has cancelled is stored as well', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn()
  const answer = hold(bench)
  const caller = new AbortController()
  const cancelled = one.tokens.replaceRejected(recordIn(one), caller.signal)
  await bench.fake.arrival(TOKEN)
  caller.abort()
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
  answer.open()
  await one.refresher.settled()
  expect(bench.stored()).toMatchObject({ refresh_token: 'rt_FAKE_f1_2' })
  expect(bench.stored()?.access_token).not.toBe(tokens.access_token)
})

test('a token the API refused is renewed once, however long it had left', async () => {
  const bench = await startBench()
  const [one, two] = [bench.start(), bench.start()]
  bench.signIn({ leftSeconds: 3600 })
  const rejected = recordIn(one)
  const calls = Array.from({ length: 10 }, (_, n) => (n % 2 ? one : two).tokens.replaceRejected(rejected))
  const got = new Set((await Promise.all(calls)).map(({ accessToken }) => accessToken))
  expect(got).toEqual(new Set([bench.stored()?.access_token]))
  expect(bench.fake.seen.refreshReasons).toEqual(['unauthorized_recovery'])
  expect((await one.tokens.replaceRejected(rejected)).accessToken).toBe(bench.stored()?.access_token)
  expect(bench.refreshes()).toBe(1)
})

test('a refused token is not replaced by that of another account', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds: 3600 })
  const named = recordIn(one)
  bench.signIn({ leftSeconds: 3600, fields: { account_id: undefined } })
  const unnamed = recordIn(one)
  const changed = { code: 'ACCOUNT_CHANGED', retryable: true }
  expect((await one.tokens.replaceRejected(named)).accessToken).toBe(unnamed.accessToken)

  bench.signIn({ leftSeconds: 3600, accountId: 'acct-fake-0002' })
  for (const rejected of [named, unnamed]) {
    await expect(one.tokens.replaceRejected(rejected)).rejects.toMatchObject(changed)
  }
  expect(bench.refreshes()).toBe(0)
})

test('signing out removes the login here first, then at the issuer', async () => {
  const bench = await startBench()
  const one = bench.start()
  const tokens = bench.signIn({ leftSeconds: 3600 })
  let fileThen: unknown
  bench.fake.script.revoke.push((usual) => {
    fileThen = JSON.parse(bench.text())
    return usual()
  })
  expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: true })
  expect(fileThen).toEqual({})
  expect(bench.fake.seen.revocations).toEqual([{ token: tokens.refresh_token, hint: 'refresh_token', known: true }])
  expect(one.storage.read().record).toBeUndefined()
  expect(await one.tokens.clear()).toEqual({ removed: undefined, revoked: false })
  expect(bench.fake.seen.revocations).toHaveLength(1)
})

test('an issuer that cannot be reached does not keep anybody signed in', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds: 3600 })
  bench.fake.script.revoke.push({ reset: true })
  expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: false })
  expect(one.storage.read().record).toBeUndefined()
})

test('a login without a refresh token is removed without a request', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds: 3600, fields: { refresh_token: undefined } })
  expect(await one.tokens.clear()).toEqual({ removed: 'account', revoked: false })
  expect(bench.fake.seen.requests).toEqual([])
})

test('the record of the Python plugin is renewed in its new place', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ fields: { account_id: undefined, saved_at: undefined, method: undefined } })
  writeFileSync(bench.file, bench.text().replace('"codex"', '"openai_codex"'))
  const { accessToken } = await one.tokens.getTokens()
  expect(Object.keys(JSON.parse(bench.text()))).toEqual(['codex'])
  expect(bench.stored()).toMatchObject({ access_token: accessToken, refresh_token: 'rt_FAKE_f1_2' })
  const { record } = createTokenStorage({ file: bench.file, vault: aVault(), now: bench.clock.now }).read()
  expect(record?.accessToken).toBe(accessToken)
})

test('a stored API key is no login: it is neither renewed nor given to who asks for a token', async () => {
  const bench = await startBench()
  const one = bench.start()
  bench.signIn({ leftSeconds: 3600 })
  const login = recordIn(one)
  const record = { access_token: 'sk-FAKE-0001', refresh_token: 'rt_FAKE_0', expires_at: 1, method: 'api_key' }
  writeFileSync(bench.file, JSON.stringify({ codex: record }))
  await expect(one.tokens.getTokens()).rejects.toMatchObject({
    code: 'NOT_AUTHENTICATED',
    message: 'You are not signed in with ChatGPT.',
  })
  await expect(one.tokens.replaceRejected(login)).rejects.toMatchObject({ code: 'ACCOUNT_CHANGED' })
  await expect(one.tokens.replaceRejected({ ...login, accountId: undefined })).rejects.toMatchObject({
    code: 'ACCOUNT_CHANGED',
  })
  expect(bench.fake.seen.requests).toEqual([])
})

test('a stored API key is removed without a request', async () => {
  const bench = await startBench()
  const one = bench.start()
  writeFileSync(bench.file, JSON.stringify({ codex: { access_token: 'sk-FAKE-0001', method: 'api_key' } }))
  expect(await one.tokens.clear()).toEqual({ removed: 'api_key', revoked: false })
  expect(one.storage.read().record).toBeUndefined()
  expect(bench.fake.seen.requests).toEqual([])
})

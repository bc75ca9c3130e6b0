import { expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'

const CLIENT = 'app_EMoamEEZ73f0CkXaXp7hrann'

async function start(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  return fake
}

// biome-ignore lint/suspicious/noExplicitAny: tests read what they expect to be there
type Json = any

async function post(fake: FakeOpenAI, step: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${fake.issuer}/api/accounts/deviceauth/${step}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: answer.status, json: (await answer.json()) as Json }
}

async function begin(fake: FakeOpenAI) {
  const { json } = await post(fake, 'usercode', { client_id: CLIENT })
  return { poll: () => post(fake, 'token', { device_auth_id: json.device_auth_id, user_code: json.user_code }), json }
}

function exchange(fake: FakeOpenAI, proof: Json, redirectUri = `${fake.issuer}/deviceauth/callback`) {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: CLIENT,
    code: proof.authorization_code,
    redirect_uri: redirectUri,
    code_verifier: proof.code_verifier,
  })
  return fetch(`${fake.issuer}/oauth/token`, { method: 'POST', body: form })
}

test('a whole device sign-in: code, pending, approved, tokens of whoever approved', async () => {
  const fake = await start()
  const { poll, json } = await begin(fake)
  expect(json).toMatchObject({ device_auth_id: 'deviceauth_FAKE_1', user_code: 'FAKE-00001', interval: '5' })
  expect(await poll()).toMatchObject({ status: 403, json: { error: { code: 'deviceauth_authorization_pending' } } })
  fake.signInAs({ email: 'other@example.com' })
  fake.approveDevice()
  const { status, json: proof } = await poll()
  expect([status, Object.keys(proof)]).toEqual([200, ['authorization_code', 'code_challenge', 'code_verifier']])
  expect((await exchange(fake, proof, 'http://localhost:1455/auth/callback')).status).toBe(400)
  const tokens = (await (await exchange(fake, proof)).json()) as Json
  const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString())
  expect(claims.email).toBe('other@example.com')
  expect(fake.seen.refusals).toEqual([])
  expect(fake.secrets()).toEqual(
    expect.arrayContaining([json.device_auth_id, proof.authorization_code, proof.code_verifier, tokens.access_token]),
  )
})

test('the codes of two devices are decided one by one', async () => {
  const fake = await start()
  const first = await begin(fake)
  const second = await begin(fake)
  fake.approveDevice(first.json.user_code)
  fake.denyDevice()
  expect((await first.poll()).status).toBe(200)
  expect(await second.poll()).toMatchObject({ status: 400, json: { error: { code: 'access_denied' } } })
  expect(() => fake.approveDevice(second.json.user_code)).toThrow('no device waits')
})

test('a code lives for 15 minutes', async () => {
  let nowMs = Date.now()
  const fake = await start({ now: () => nowMs })
  const { poll } = await begin(fake)
  nowMs += 15 * 60_000
  expect(await poll()).toMatchObject({ status: 400, json: { error: { code: 'expired_token' } } })
})

test('device sign-in can be switched off', async () => {
  const fake = await start({ deviceSignIn: false })
  expect((await post(fake, 'usercode', { client_id: CLIENT })).status).toBe(404)
  expect(fake.seen.refusals).toEqual([])
})

test.each<[string, string, unknown, Record<string, string>, number]>([
  ['another client', 'usercode', { client_id: 'app_other' }, {}, 400],
  ['no client', 'usercode', {}, {}, 400],
  ['a field too many', 'usercode', { client_id: CLIENT, scope: 'openid' }, {}, 400],
  ['a form', 'usercode', { client_id: CLIENT }, { 'content-type': 'application/x-www-form-urlencoded' }, 400],
  ['an authorization', 'usercode', { client_id: CLIENT }, { authorization: 'Bearer FAKE' }, 400],
  ['an originator', 'usercode', { client_id: CLIENT }, { originator: 'codex-oauth' }, 400],
  ['a user agent of ours', 'usercode', { client_id: CLIENT }, { 'user-agent': 'codex-oauth/1' }, 400],
  ['a poll without its code', 'token', { device_auth_id: 'deviceauth_FAKE_1' }, {}, 400],
  ['a poll of another device', 'token', { device_auth_id: 'deviceauth_FAKE_2', user_code: 'FAKE-00001' }, {}, 403],
  ['a poll with another code', 'token', { device_auth_id: 'deviceauth_FAKE_1', user_code: 'FAKE-00002' }, {}, 403],
])('%s is refused and noted', async (_, step, body, headers, status) => {
  const fake = await start()
  await begin(fake)
  expect((await post(fake, step, body, headers)).status).toBe(status)
  expect(fake.seen.refusals).toHaveLength(1)
})

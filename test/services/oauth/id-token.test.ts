import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { CodexError } from '../../../src/errors.ts'
import { createHttpClient } from '../../../src/infrastructure/http-client.ts'
import { createDiscovery } from '../../../src/services/oauth/discovery.ts'
import { createIdTokenVerifier } from '../../../src/services/oauth/id-token.ts'
import { errorOf, shown } from '../../support/error-of.ts'
import { createFakeKey } from '../../support/fake-keys.ts'
import { startServer } from '../../support/start-server.ts'
import { createTestClock } from '../../support/test-clock.ts'

const CLIENT_ID = 'oaiapp_FAKE-client'
const NONCE = 'FAKE-nonce'
const SUBJECT = 'user-FAKE'
const EMAIL = 'fake@example.com'
const KEYS_LIFE_MS = 600_000
const key = createFakeKey('key-1')
const otherKey = createFakeKey('key-2')
const sameName = createFakeKey('key-1')

type Answer = (response: ServerResponse) => void

const json =
  (text: string, status = 200): Answer =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(text)

const keySet = (...keys: readonly { jwk: object }[]) => json(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))

/** An issuer that publishes keys, and a verifier of its tokens. */
async function setUp(keys: Answer = keySet(key)) {
  const clock = createTestClock()
  const far = { keys, document: undefined as Answer | undefined, keyReads: [] as unknown[] }
  const { origin: issuer } = await startServer((request, response) => {
    if (request.url === '/.well-known/openid-configuration') {
      return (far.document ?? json(JSON.stringify({ issuer })))(response)
    }
    far.keyReads.push(request.url)
    far.keys(response)
  })
  const http = createHttpClient({ fetch: (...request) => fetch(...request), log: { event: () => {} } })
  const discovery = createDiscovery({ issuer, http, now: clock.now })
  const verifier = createIdTokenVerifier({ issuer, discovery, http, now: clock.now })
  const seconds = clock.now() / 1000

  const claims = (changes: object = {}) => ({
    iss: issuer,
    aud: [CLIENT_ID],
    sub: SUBJECT,
    email: EMAIL,
    nonce: NONCE,
    iat: seconds,
    exp: seconds + 3600,
    ...changes,
  })
  const verify = (token: string, expected: { nonce?: string | undefined; subject?: string | undefined } = {}) =>
    verifier.verify(token, { clientId: CLIENT_ID, nonce: NONCE, subject: undefined, ...expected })
  return { clock, far, issuer, seconds, claims, verify }
}

/** Of a token that does not hold, the reason; nothing of the token itself may be in the error. */
function reasonOf(error: CodexError): string | undefined {
  const cause = { fault: expect.stringMatching(/^\w+$/) }
  expect([error.code, error.retryable, error.cause]).toEqual(['TOKEN_REQUEST_FAILED', false, cause])
  for (const secret of [NONCE, SUBJECT, EMAIL, CLIENT_ID, 'eyJ']) expect(shown(error)).not.toContain(secret)
  return /^The sign-in service sent an ID token that does not hold: (.+)\.$/.exec(error.message)?.[1]
}

test('a token that holds says who has signed in', async () => {
  const { clock, claims, verify } = await setUp()
  expect(await verify(key.sign(claims()))).toEqual({ subject: SUBJECT, email: EMAIL, issuedAt: clock.now() })
})

test.each([
  ['aud as a text', { aud: CLIENT_ID }],
  ['azp', { azp: CLIENT_ID }],
  ['several aud, and azp', { aud: ['other', CLIENT_ID], azp: CLIENT_ID }],
  ['no e-mail', { email: undefined }],
  ['an e-mail of several lines', { email: 'a@b\nc' }],
  ['claims nobody knows', { later: { thing: 1 } }],
])('it holds with %s', async (_name, changes) => {
  const { claims, verify } = await setUp()
  expect(await verify(key.sign(claims(changes)))).toMatchObject({
    subject: SUBJECT,
    email: 'email' in changes ? undefined : EMAIL,
  })
})

test('a key without alg and use is one, too', async () => {
  const { alg: _alg, use: _use, ...jwk } = key.jwk
  const { claims, verify } = await setUp(keySet({ jwk }))
  expect((await verify(key.sign(claims()))).subject).toBe(SUBJECT)
})

describe('a token does not hold', () => {
  test.each<[string, object, string]>([
    ['from another issuer', { iss: 'https://elsewhere.example' }, 'another service has made it'],
    ['for another program', { aud: 'other' }, 'it is for another program'],
    ['for other programs', { aud: ['other', 'others'] }, 'it is for another program'],
    ['for no program', { aud: undefined }, 'it is for another program'],
    ['for several programs', { aud: [CLIENT_ID, 'other'] }, 'it is for another program'],
    ['for the same program twice', { aud: [CLIENT_ID, CLIENT_ID] }, 'it is for another program'],
    ['asked for by another program', { azp: 'other' }, 'it is for another program'],
    ['asked for by nothing', { azp: null }, 'it is for another program'],
    ['without an end', { exp: undefined }, 'a claim in it is missing or makes no sense'],
    ['with an end that is no time', { exp: 'tomorrow' }, 'a claim in it is missing or makes no sense'],
    ['without its time', { iat: undefined }, 'a claim in it is missing or makes no sense'],
    ['without a subject', { sub: undefined }, 'a claim in it is missing or makes no sense'],
    ['with an empty subject', { sub: '' }, 'a claim in it is missing or makes no sense'],
    ['with a blank in the subject', { sub: 'user FAKE' }, 'a claim in it is missing or makes no sense'],
    ['with a line break in the subject', { sub: 'user-FAKE\n' }, 'a claim in it is missing or makes no sense'],
    ['with a foreign letter in the subject', { sub: 'üser-FAKE' }, 'a claim in it is missing or makes no sense'],
    ['with a subject without end', { sub: 'u'.repeat(256) }, 'a claim in it is missing or makes no sense'],
    ['with a subject that is a number', { sub: 7 }, 'a claim in it is missing or makes no sense'],
    ['of another sign-in', { nonce: 'FAKE-other' }, 'it belongs to another sign-in'],
    ['of no sign-in', { nonce: undefined }, 'it belongs to another sign-in'],
    ['from the future', { nbf: 9_999_999_999 }, 'it does not hold yet'],
  ])('%s', async (_name, changes, reason) => {
    const { claims, verify } = await setUp()
    expect(reasonOf(await errorOf(verify(key.sign(claims(changes)))))).toBe(reason)
  })

  test('five seconds after its end', async () => {
    const { seconds, claims, verify } = await setUp()
    await verify(key.sign(claims({ exp: seconds - 4 })))
    const error = await errorOf(verify(key.sign(claims({ exp: seconds - 5 }))))
    expect(reasonOf(error)).toBe('it has expired')
    expect(error.hint).toBe('Check the date and the time of this machine, then start the sign-in again.')
  })

  test('by the clock of the program, not of the machine', async () => {
    const { clock, claims, verify } = await setUp()
    const token = key.sign(claims())
    clock.advance(3_605_000)
    expect(reasonOf(await errorOf(verify(token)))).toBe('it has expired')
  })

  test('with a signature of somebody else', async () => {
    const { claims, verify } = await setUp()
    expect(reasonOf(await errorOf(verify(sameName.sign(claims()))))).toBe('its signature is wrong')
  })

  test('with claims that were changed', async () => {
    const { claims, verify } = await setUp()
    const [head, , signature] = key.sign(claims({ sub: 'user-FAKE-other' })).split('.')
    const token = [head, key.sign(claims()).split('.')[1], signature].join('.')
    expect(reasonOf(await errorOf(verify(token)))).toBe('its signature is wrong')
  })

  test.each(['none', 'HS256', 'RS512', 'PS256', undefined])('signed as %s', async (alg) => {
    const { claims, verify } = await setUp()
    const token = key.sign(claims(), { alg })
    const what = alg === undefined ? 'it is not a signed token' : 'it is not signed in the agreed way'
    expect(reasonOf(await errorOf(verify(token)))).toBe(what)
  })

  test('signed with the public key as a password', async () => {
    const { claims, verify } = await setUp()
    const signed = key.sign(claims(), { alg: 'HS256' }).split('.').slice(0, 2).join('.')
    const token = `${signed}.${createHmac('sha256', JSON.stringify(key.jwk)).update(signed).digest('base64url')}`
    expect(reasonOf(await errorOf(verify(token)))).toBe('it is not signed in the agreed way')
  })

  test.each(['', 'FAKE', 'a.b', 'a.b.c', 'a.b.c.d.e', '..'])('%j', async (token) => {
    const { verify } = await setUp()
    expect(reasonOf(await errorOf(verify(token)))).toBe('it is not a signed token')
  })

  test('without the name of a key, where there are several', async () => {
    const { claims, verify } = await setUp(keySet(key, otherKey))
    for (const each of [key, otherKey]) {
      const token = each.sign(claims(), { kid: undefined })
      expect(reasonOf(await errorOf(verify(token)))).toBe('it names none of the keys that the service publishes')
    }
  })

  test('with a key that is not published, after the keys were read once more', async () => {
    const { far, claims, verify } = await setUp()
    await verify(key.sign(claims()))
    expect(reasonOf(await errorOf(verify(otherKey.sign(claims()))))).toBe(
      'it names none of the keys that the service publishes',
    )
    expect(far.keyReads).toHaveLength(2)
  })
})

test('without the name of a key the only one is meant', async () => {
  const { claims, verify } = await setUp()
  expect((await verify(key.sign(claims(), { kid: undefined }))).subject).toBe(SUBJECT)
})

test('a refresh has no nonce', async () => {
  const { claims, verify } = await setUp()
  const expected = { nonce: undefined, subject: SUBJECT }
  expect((await verify(key.sign(claims({ nonce: undefined })), expected)).subject).toBe(SUBJECT)
})

test('another subject than that of the registration is another account', async () => {
  const { claims, verify } = await setUp()
  expect((await verify(key.sign(claims()), { subject: SUBJECT })).subject).toBe(SUBJECT)
  const error = await errorOf(verify(key.sign(claims({ sub: 'user-FAKE-other' })), { subject: SUBJECT }))
  expect(shown(error)).toBe(
    'The sign-in was for another account or workspace than the one this registration belongs to. ' +
      'To use another account: codex_login with route "plan" and force: true. [ACCOUNT_CHANGED]',
  )
})

test('another subject in a token that does not hold is no other account', async () => {
  const { claims, verify } = await setUp()
  const error = await errorOf(verify(sameName.sign(claims({ sub: 'user-FAKE-other' })), { subject: SUBJECT }))
  expect(reasonOf(error)).toBe('its signature is wrong')
})

describe('the keys', () => {
  test('are remembered for ten minutes', async () => {
    const { clock, far, claims, verify } = await setUp()
    await verify(key.sign(claims()))
    clock.advance(KEYS_LIFE_MS - 1)
    await verify(key.sign(claims()))
    expect(far.keyReads).toHaveLength(1)
    clock.advance(1)
    await verify(key.sign(claims()))
    expect(far.keyReads).toHaveLength(2)
  })

  test('that are new are found at once', async () => {
    const { far, claims, verify } = await setUp()
    await verify(key.sign(claims()))
    far.keys = keySet(otherKey)
    expect((await verify(otherKey.sign(claims()))).subject).toBe(SUBJECT)
  })

  test('are read where the issuer says', async () => {
    const { far, issuer, claims, verify } = await setUp()
    far.document = json(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }))
    expect((await verify(key.sign(claims()))).subject).toBe(SUBJECT)
    expect(far.keyReads).toEqual(['/keys'])
  })
})

describe('it cannot be verified just now, which says nothing against the token', () => {
  const damaged = { ...key.jwk, n: 'AQ' }
  const withPrivate = { ...key.jwk, d: 'AQAB', p: 'AQAB', q: 'AQAB' }
  const short = createFakeKey('key-1', 1024)

  test.each<[string, Answer]>([
    ['the keys cannot be read', json('{}', 503)],
    ['the keys are no JSON', json('{"keys":[')],
    ['there is nothing in the keys', json('{}')],
    ['the keys are no list', json('{"keys":{}}')],
    ['the keys are no keys', json('{"keys":["key"]}')],
    ['there are no keys', json('{"keys":[]}')],
    ['there is too much', json(`{"keys":[${' '.repeat(300_000)}]}`)],
    ['the key is damaged', keySet({ jwk: damaged })],
    ['the key is not a public one', keySet({ jwk: withPrivate })],
    ['the key is too short', keySet(short)],
  ])('when %s', async (_name, keys) => {
    const { far, claims, verify } = await setUp(keys)
    const error = await errorOf(verify(key.sign(claims())))
    expect([error.code, error.retryable]).toEqual(['TOKEN_REQUEST_FAILED', true])
    expect(error.message).toContain('The sign-in service was asked for its keys, and ')
    expect(error.hint).toContain('no sign-in can be verified just now; nothing is lost')
    far.keys = keySet(key)
    expect((await verify(key.sign(claims()))).subject).toBe(SUBJECT)
  })

  test('when the issuer does not describe itself', async () => {
    const { far, claims, verify } = await setUp()
    far.document = json('{}', 503)
    expect(await errorOf(verify(key.sign(claims())))).toMatchObject({ code: 'TOKEN_REQUEST_FAILED', retryable: true })
    far.document = undefined
    expect((await verify(key.sign(claims()))).subject).toBe(SUBJECT)
  })

  test('when the connection for the newer keys breaks off', async () => {
    const { far, claims, verify } = await setUp()
    await verify(key.sign(claims()))
    far.keys = (response) => void response.socket?.destroy()
    expect(await errorOf(verify(otherKey.sign(claims())))).toMatchObject({ code: 'NETWORK', retryable: true })
    expect((await verify(key.sign(claims()))).subject).toBe(SUBJECT)
  })

  test('when a web page comes in their place', async () => {
    const { claims, verify } = await setUp((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in to the network</p>'),
    )
    expect((await errorOf(verify(key.sign(claims())))).code).toBe('RESPONSE_INVALID')
  })

  test('also when they lead elsewhere', async () => {
    const { far, claims, verify } = await setUp((response) => response.writeHead(302, { location: '/keys' }).end())
    expect((await errorOf(verify(key.sign(claims())))).code).toBe('RESPONSE_INVALID')
    expect(far.keyReads).toHaveLength(1)
  })
})

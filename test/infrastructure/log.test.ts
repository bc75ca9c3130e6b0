import { describe, expect, test } from 'vitest'
import { createLog, redact } from '../../src/infrastructure/log.ts'
import { jwtOf } from '../support/jwt-of.ts'

function logged(...event: Parameters<ReturnType<typeof createLog>['event']>): string[] {
  const lines: string[] = []
  createLog({ write: (line) => void lines.push(line), enabled: true }).event(...event)
  return lines
}

describe('a line', () => {
  test('has the name of the event and its fields', () => {
    expect(logged('http', { method: 'POST', status: 200, retried: false, reason: undefined })).toEqual([
      'codex-oauth http method="POST" status=200 retried=false',
    ])
    expect(logged('stopped')).toEqual(['codex-oauth stopped'])
  })

  test('stays one line, whatever a field holds', () => {
    const [line, ...more] = logged('fault', { error: 'one\r\ntwo\nthree\u001b[31m' })
    expect(more).toEqual([])
    expect(line).toBe('codex-oauth fault error="one\\r\\ntwo\\nthree\\u001b[31m"')
  })

  test('holds no token even when one is passed in', () => {
    expect(logged('oops', { authorization: 'Bearer abc.def', why: `got ${jwtOf({ sub: 'x' })}` })).toEqual([
      'codex-oauth oops authorization="[hidden]" why="got [hidden]"',
    ])
  })

  test('is not written when the log is off', () => {
    const lines: string[] = []
    createLog({ write: (line) => void lines.push(line), enabled: false }).event('http', { status: 200 })
    expect(lines).toEqual([])
  })
})

const JWT = jwtOf({ sub: 'FAKE_SECRET' })

test.each([
  ['a header', 'Headers.append: "Bearer abc.DEF-123_4" is an invalid header value', 'abc.DEF'],
  ['a header in small letters', 'authorization: bearer abcdef', 'abcdef'],
  ['a password', 'authorization: Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
  ['a JWT', `id ${JWT} was not read`, JWT.split('.')[1] ?? ''],
  ['a JWT without a signature', `id ${JWT.split('.').slice(0, 2).join('.')} was not read`, JWT.split('.')[1] ?? ''],
  ['an access token in JSON', '{"access_token":"abcdef","expires_in":5}', 'abcdef'],
  ['an access token in loose JSON', '{ "access_token" : "abcdef" }', 'abcdef'],
  ['a refresh token in JSON', '{"refresh_token":"abcdef"}', 'abcdef'],
  ['a refresh token in a form', 'grant_type=refresh_token&refresh_token=abcdef&x=1', 'abcdef'],
  ['a refresh token by itself', 'spent rt_FAKE_f1_2.', 'FAKE_f1'],
  ['a refresh token with dots', 'spent rt.1.AbCdEf-Gh_9 twice', 'AbCdEf'],
  ['an ID token', 'id_token=abcdef', 'abcdef'],
  ['a verifier', 'code_verifier=abcdef&code=xyz', 'abcdef'],
  ['a challenge', 'code_challenge=abcdef', 'abcdef'],
  ['a code in an address', 'GET /auth/callback?code=ac_secret1&state=s3cret', 'ac_secret1'],
  ['a state in an address', 'GET /auth/callback?code=ac_secret1&state=s3cret', 's3cret'],
  ['a code by itself', 'seen ac_FAKE_12345 before', 'FAKE_12345'],
  ['an API key', 'Incorrect API key provided: sk-proj-abcDEF123', 'abcDEF'],
  ['an API key after its name', 'api_key: abcdef', 'abcdef'],
  ['a session key', 'sess-abcdef123', 'abcdef'],
  ['a state or verifier by itself', 'Bad DsVnxz7ggwparffzOPY1LGQXLc0c3FIsaq0pGMvaMO4.', 'DsVnxz7ggw'],
  ['a token on the next line', 'token:\nabcdef', 'abcdef'],
])('%s is taken out', (_name, text, secret) => {
  expect(text).toContain(secret)
  expect(redact(text)).not.toContain(secret)
  expect(redact(text)).toContain('[hidden]')
})

test.each([
  'codex-oauth http method="POST" host="auth.openai.com" path="/oauth/token" status=401',
  'codex-oauth refresh outcome="renewed" claim=3',
  'codex-oauth early_refresh_failed reason="TOKEN_REQUEST_FAILED"',
  'The task sk-1 of eyJ is risky.',
  'OpenAI calls it “subscription_sharing_unsupported_capability”, a word as long as a state.',
])('what is no secret stays: %s', (line) => {
  expect(redact(line)).toBe(line)
})

test('breaks of every kind become a blank', () => {
  expect(redact('one\ntwo\r\nthree\rfour\n\n\nfive')).toBe('one two three four five')
})

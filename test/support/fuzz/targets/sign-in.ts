import fc from 'fast-check'
import { CodexError } from '../../../../src/errors.ts'
import { decodeJwtPayload } from '../../../../src/infrastructure/jwt.ts'
import { notTheService } from '../../../../src/services/codex/not-the-service.ts'
import { readDeviceCode, readPoll } from '../../../../src/services/oauth/device-answer.ts'
import { expiryOf, maskEmail, ownerOf, readIdClaims } from '../../../../src/services/oauth/id-claims.ts'
import { oauthErrorCode } from '../../../../src/services/oauth/oauth-error.ts'
import { readTokenResponse } from '../../../../src/services/oauth/token-response.ts'
import { judgePlanCallback } from '../../../../src/services/plan/plan-callback.ts'
import { readPlanTokens } from '../../../../src/services/plan/plan-tokens.ts'
import { judgeCallback } from '../../../../src/services/sign-in/callback-judge.ts'
import { queryOfPasted } from '../../../../src/services/sign-in/pasted-address.ts'
import {
  damaged,
  damagedText,
  headersOf,
  headerValue,
  json,
  jsonText,
  number,
  SECRET,
  text,
  whole,
  word,
} from '../generators.ts'
import { assert, assertShowable, ours } from '../properties.ts'
import { type FuzzTarget, target } from '../target.ts'

const NOW = 1_790_000_000_000
const STATE = 'S7ateS7ateS7ateS7ateS7ateS7ateS7ateS7ateS7a'
const ISSUER = 'https://auth.openai.com'
const REDIRECT = 'http://localhost:1455/auth/callback'

const parameter = fc.tuple(
  fc.constantFrom('state', 'code', 'iss', 'error', 'error_description', 'client_id', 'scope', '__proto__', 'State'),
  fc.oneof(
    fc.constantFrom(STATE, ISSUER, 'access_denied', 'oaiapp_1', 'oaiapp_2', 'dynamic_agent_client', ''),
    fc.constantFrom(encodeURIComponent(ISSUER), `${STATE} `, STATE.slice(1)),
    text.map((value) => encodeURIComponent(whole(value))),
    text,
  ),
)
/** A good one with a few changes, so that most get past the state. */
const query = damagedText(
  fc.tuple(fc.boolean(), fc.array(parameter, { maxLength: 5 }), fc.nat(5)).map(([isOurs, parameters, at]) => {
    const all = isOurs ? [...parameters.slice(0, at), ['state', STATE], ...parameters.slice(at)] : parameters
    return all.map(([name, value]) => `${name}=${value}`).join('&')
  }),
)

/** Read by hand, as the standard for forms has it. */
function valuesOf(raw: string, name: string): string[] {
  return [...new URLSearchParams(raw)].filter(([key]) => key === name).map(([, value]) => value)
}

function assertBelievable(raw: string, kind: string): void {
  if (kind === 'ignore') return
  assert.deepEqual(valuesOf(raw, 'state'), [STATE], 'what has not exactly our state was believed')
  const issuers = valuesOf(raw, 'iss')
  assert.ok(issuers.length === 0 || (issuers.length === 1 && issuers[0] === ISSUER), 'another issuer was believed')
  assert.ok(valuesOf(raw, 'code').length <= 1 && valuesOf(raw, 'error').length <= 1)
  if (kind === 'code') assert.deepEqual([valuesOf(raw, 'code').length, valuesOf(raw, 'error').length], [1, 0])
}

const callback = target({
  name: 'callback',
  cases: query,
  check(raw) {
    const verdict = judgeCallback(raw, { state: STATE, issuer: ISSUER })
    assertBelievable(raw, verdict.kind)
    if (verdict.kind === 'code') assert.match(verdict.code, /^[!-~]{1,4096}$/)
    const others = judgeCallback(raw, { state: `${STATE}x`, issuer: ISSUER })
    if (verdict.kind !== 'ignore') assert.equal(others.kind, 'ignore')
  },
})

const planCallback = target({
  name: 'callback-plan',
  cases: fc.record({ raw: query, isRegistered: fc.boolean() }),
  check({ raw, isRegistered }) {
    const clientId = isRegistered ? 'oaiapp_1' : undefined
    const verdict = judgePlanCallback(raw, { state: STATE, issuer: ISSUER, clientId })
    assertBelievable(raw, verdict.kind)
    if (verdict.kind === 'unusable') assertShowable(verdict.error)
    if (verdict.kind !== 'code') return
    assert.match(verdict.clientId ?? '', /^[\w-]{1,200}$/)
    assert.notEqual(verdict.clientId, 'dynamic_agent_client')
    if (isRegistered) assert.equal(verdict.clientId, 'oaiapp_1')
  },
})

const pasted = target({
  name: 'pasted-address',
  cases: fc.record({
    before: fc.constantFrom('', ' ', '<', '"', '(<', '`', '\n'),
    address: damagedText(
      fc
        .tuple(fc.constantFrom(REDIRECT, REDIRECT.slice(7), 'http://127.0.0.1:1455/auth/callback'), query)
        .map(([start, raw]) => `${start}?${raw}`),
    ),
    after: fc.constantFrom('', ' ', '>', '")', '`', '\n', '#', '#_=_'),
  }),
  check({ before, address, after }) {
    const whole = before + address + after
    const found = ours(() => queryOfPasted(whole, REDIRECT), 'INPUT_INVALID')
    if (found instanceof CodexError) return
    assert.match(found, /^[!-~]*$/)
    assert.ok(!found.includes('#'))
    assert.ok(whole.includes(`${REDIRECT.slice(7)}?${found}`), 'the query is not the one that was pasted')
  },
})

const pastedWhole = target({
  name: 'pasted-address-whole',
  cases: fc.record({
    before: fc.constantFrom('', ' ', '<', '"', '(<'),
    raw: word(80),
    after: fc.constantFrom('', '>', '" '),
  }),
  check({ before, raw, after }) {
    for (const start of [REDIRECT, REDIRECT.slice(7)]) {
      assert.equal(queryOfPasted(`${before}${start}?code=${raw}${after}`, REDIRECT), `code=${raw}`)
    }
  },
})

const claims = fc.record({
  exp: number,
  email: fc.oneof(fc.emailAddress(), text),
  chatgpt_account_id: text,
  sub: text,
  organizations: fc.array(fc.record({ id: text }), { maxLength: 2 }),
  'https://api.openai.com/profile': fc.record({ email: text }),
  'https://api.openai.com/auth': fc.record({
    chatgpt_account_id: text,
    chatgpt_plan_type: fc.oneof(text, fc.constantFrom('plus', 'pro')),
    chatgpt_account_is_fedramp: fc.constantFrom(true, false, 'true'),
    organizations: fc.array(fc.record({ id: text }), { maxLength: 2 }),
  }),
})
const base64Url = (value: string) => Buffer.from(value).toString('base64url')
const jwt = damagedText(
  fc.tuple(jsonText(claims), fc.constantFrom('eyJhbGciOiJub25lIn0', '', '.')).map(([payload, head]) => {
    return `${head}.${base64Url(payload)}.c2ln`
  }),
)

const jwtClaims = target({
  name: 'jwt-claims',
  cases: fc.record({ idToken: jwt, accessToken: jwt }),
  check(tokens) {
    const found = readIdClaims(tokens)
    assert.deepEqual(ownerOf({ ...tokens, accountId: undefined }), found)
    for (const value of [found.accountId, found.email]) {
      if (value !== undefined) assert.match(value, /^[\x20-\x7e]{1,320}$/)
    }
    if (found.plan !== undefined) assert.match(found.plan, /^\w{1,60}$/)
    const expiresAt = expiryOf(tokens.accessToken)
    if (expiresAt !== undefined) assert.ok(Number.isFinite(expiresAt) && expiresAt > 0)
    if (found.email !== undefined) {
      const masked = maskEmail(found.email)
      const name = found.email.slice(0, Math.max(0, found.email.lastIndexOf('@')))
      assert.ok(masked === '…' || name.length <= 2 || !masked.includes(name))
    }
  },
})

const jwtWhole = target({
  name: 'jwt-whole',
  cases: claims,
  check(meant) {
    const token = `${base64Url('{}')}.${base64Url(JSON.stringify(meant))}.x`
    const read = decodeJwtPayload(token)
    if (token.length > 65_536) assert.equal(read, undefined)
    else assert.deepEqual(read, JSON.parse(Buffer.from(JSON.stringify(meant)).toString()))
  },
})

const tokenAnswer = fc.record({
  access_token: fc.oneof(jwt, text, word(40)),
  refresh_token: fc.oneof(word(40), text),
  id_token: fc.oneof(jwt, word(40)),
  token_type: fc.constantFrom('bearer', 'Bearer', 'mac', ''),
  expires_in: fc.oneof(number, number.map(String), fc.constantFrom(3600, '3600')),
  scope: fc.oneof(text, fc.constant('openid profile')),
  earliest_refresh_at: fc.oneof(number, text, fc.constantFrom(null, '2027-01-01T00:00:00Z')),
})

const tokens = target({
  name: 'token-answers',
  cases: fc.oneof({ weight: 5, arbitrary: damaged(tokenAnswer) }, { weight: 1, arbitrary: json }),
  check(answer) {
    oauthErrorCode(answer)
    const read = [
      ours(() => readTokenResponse(answer, NOW), 'TOKEN_REQUEST_FAILED'),
      ours(() => readPlanTokens(answer, NOW, 'authorization_code'), 'TOKEN_REQUEST_FAILED'),
      ours(() => readPlanTokens(answer, NOW, 'refresh_token'), 'TOKEN_REQUEST_FAILED'),
    ]
    for (const one of read) {
      if (one instanceof CodexError) continue
      for (const token of [one.accessToken, one.refreshToken, one.idToken, one.tokenType]) {
        if (token !== undefined) assert.match(token, /^[!-~]{1,65536}$/)
      }
      for (const ms of [one.expiresAt, one.earliestRefreshAt]) {
        if (ms !== undefined) assert.ok(Number.isFinite(ms) && ms > 0, `a time of ${ms}`)
      }
    }
  },
})

const devicePoll = fc.record({
  device_auth_id: fc.oneof(word(), text),
  user_code: fc.oneof(fc.constantFrom('ABCD-1234', 'abcd-12345'), text),
  interval: fc.oneof(number, number.map(String), text),
  authorization_code: fc.oneof(word(), text),
  code_verifier: fc.oneof(fc.constant('v'.repeat(43)), text),
  error: fc.oneof(
    fc.constantFrom('slow_down', 'authorization_pending', 'access_denied', 'expired_token', 'deviceauth_expired'),
    fc.record({ code: text }),
    text,
  ),
})

const device = target({
  name: 'device-answers',
  cases: fc.record({
    answer: fc.oneof({ weight: 5, arbitrary: damaged(devicePoll) }, { weight: 1, arbitrary: json }),
    status: fc.oneof(fc.constantFrom(200, 204, 400, 401, 403, 404, 429, 500, 503), fc.integer({ min: 200, max: 599 })),
    retryAfter: headerValue,
  }),
  check({ answer, status, retryAfter }) {
    const begun = ours(() => readDeviceCode(answer), 'RESPONSE_INVALID')
    if (!(begun instanceof CodexError)) {
      assert.match(begun.userCode, /^[A-Z0-9-]{4,20}$/i)
      assert.ok(begun.intervalMs >= 1_000 && begun.intervalMs <= 60_000)
    }
    const headers = headersOf([['retry-after', retryAfter]])
    const poll = readPoll({ status, headers, body: undefined }, answer, NOW)
    if (poll.kind === 'ended') assertShowable(poll.error)
    if (poll.kind === 'proof') assert.match(poll.code, /^[!-~]{1,4096}$/)
    if ('retryAfterMs' in poll && poll.retryAfterMs !== undefined) assert.ok(poll.retryAfterMs <= 3_600_000)
  },
})

const stranger = target({
  name: 'not-the-service',
  cases: fc.record({
    status: fc.oneof(fc.constantFrom(200, 301, 304, 403, 407, 429, 502, 511), fc.integer({ min: 200, max: 599 })),
    headers: fc.array(
      fc.tuple(
        fc.constantFrom('content-type', 'cf-ray', 'cf-mitigated', 'location', 'server'),
        fc.oneof(fc.constantFrom('text/html', ' TEXT/html; charset=x', 'application/json', 'text/event-stream'), text),
      ),
      { maxLength: 4 },
    ),
  }),
  check({ status, headers }) {
    const found = notTheService({ status, headers: headersOf(headers) }, 'an answer')
    if (found === undefined) return
    assertShowable(found)
    assert.equal(found.code, 'RESPONSE_INVALID')
    assert.ok(!`${found.message}${found.hint}`.includes(SECRET))
  },
})

export const SIGN_IN_TARGETS: readonly FuzzTarget[] = [
  ...[callback, planCallback, pasted, pastedWhole, jwtClaims, jwtWhole, tokens, device, stranger],
]

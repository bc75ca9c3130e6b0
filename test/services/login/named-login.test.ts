import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { CODEX_LOGIN } from '../../../src/services/login/login-route.ts'
import { namingLogin } from '../../../src/services/login/named-login.ts'
import { PLAN_LOGIN } from '../../../src/services/plan/plan-login.ts'

const PLAN = 'codex_login with route "plan"'
const failed = (hint?: string) =>
  new CodexError('LOGIN_DENIED', 'Use codex_login.', {
    ...(hint === undefined ? {} : { hint }),
    cause: 'c',
    retryable: true,
  })

test.each([
  ['Start again with codex_login.', `Start again with ${PLAN}.`],
  ['Start again with codex_login and agree to the request.', `Start again with ${PLAN} and agree to the request.`],
  ['codex_login, then codex_login', `${PLAN}, then ${PLAN}`],
])('a hint that names no login names this one: %s', (hint, named) => {
  expect(namingLogin(failed(hint), PLAN_LOGIN)).toMatchObject({ hint: named })
})

test.each([
  'Call codex_login with route "codex".',
  'Give it to codex_login as callback_url.',
  'It stays open; codex_login tells how the sign-in stands.',
  'See my_codex_login or codex_logins.',
  'Try again.',
])('any other hint stays as it is, and the error itself: %s', (hint) => {
  const error = failed(hint)
  expect(namingLogin(error, PLAN_LOGIN)).toBe(error)
})

test('all but the hint stays as it was', () => {
  const { code, message, cause, retryable } = failed()
  expect(namingLogin(failed('With codex_login.'), PLAN_LOGIN)).toMatchObject({ code, message, cause, retryable })
})

test('the login of the Codex client needs no name, and what has no hint none either', () => {
  for (const [error, login] of [
    [failed('With codex_login.'), CODEX_LOGIN],
    [failed(), PLAN_LOGIN],
  ] as const) {
    expect(namingLogin(error, login)).toBe(error)
  }
  const stranger = new TypeError('codex_login')
  expect(namingLogin(stranger, PLAN_LOGIN)).toBe(stranger)
})

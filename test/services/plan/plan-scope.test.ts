import { expect, test } from 'vitest'
import { hasPlanScope, planOff, SCOPES } from '../../../src/services/plan/plan-scope.ts'

test('asked for is who it is, and the plan', () => {
  expect(SCOPES.split(' ').sort()).toEqual(
    ['openid', 'profile', 'email', 'offline_access', 'resource.invoke', 'chatgpt.tokens.use.direct'].sort(),
  )
  expect(hasPlanScope({ scope: SCOPES })).toBe(true)
})

test.each(['chatgpt.tokens.use.direct', 'email chatgpt.tokens.use.direct openid'])(
  'the plan is on with %j',
  (scope) => {
    expect(hasPlanScope({ scope })).toBe(true)
  },
)

test.each([
  undefined,
  '',
  'openid email',
  'chatgpt.tokens.use.direct2',
  'xchatgpt.tokens.use.direct',
  'CHATGPT.TOKENS.USE.DIRECT',
])('the plan is off with %j', (scope) => {
  expect(hasPlanScope({ scope })).toBe(false)
})

test('without it no question is asked, and the way to it is named', () => {
  expect(planOff()).toMatchObject({ code: 'PLAN_REQUIRED', hint: expect.stringContaining('route "plan"') })
})

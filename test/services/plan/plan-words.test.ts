import { describe, expect, test } from 'vitest'
import {
  MANAGE_USAGE,
  PLAN_IN_USE,
  PLAN_OFF,
  REVOCATION_UNCONFIRMED,
  SIGN_IN_LABEL,
  USING_PLAN,
} from '../../../src/services/plan/plan-words.ts'

describe("OpenAI's own words stay as they are:", () => {
  test.each([
    ['the label of the sign-in', SIGN_IN_LABEL, 'Continue with ChatGPT'],
    ['the way to the usage', MANAGE_USAGE, 'Manage usage: https://chatgpt.com/settings/usage'],
    ['the line about who pays', USING_PLAN, 'Using ChatGPT plan. Manage usage: https://chatgpt.com/settings/usage'],
  ])('%s', (_name, words, expected) => {
    expect(words).toBe(expected)
  })
})

const PATH =
  'Settings → Security and login → Login connections → Sign in with ChatGPT → codex-oauth → Manage connection → Disconnect'

test('the first sign-in tells what counts toward what, who charges, where to manage and how to end it', () => {
  expect(PLAN_IN_USE).toMatch(/^Your ChatGPT plan is in use: .*counts toward the plan's usage\. /)
  expect(PLAN_IN_USE).toContain(' codex-oauth itself charges nothing. ')
  expect(PLAN_IN_USE).toContain(` ${MANAGE_USAGE}. `)
  expect(PLAN_IN_USE.endsWith(`in ChatGPT: ${PATH}.`)).toBe(true)
})

test('a sign-in without plan usage names the way to it', () => {
  expect(`${PLAN_OFF.message} ${PLAN_OFF.hint}`).toMatch(
    /^Signed in, plan usage off\. .*codex_login with route "plan".*\.$/,
  )
})

test('a revocation that nobody confirmed sends the user to where it can be done', () => {
  expect(REVOCATION_UNCONFIRMED).toMatch(/^OpenAI did not confirm the revocation\. /)
  expect(REVOCATION_UNCONFIRMED.endsWith(`in ChatGPT: ${PATH}.`)).toBe(true)
})

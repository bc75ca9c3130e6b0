import { expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { SCOPES } from '../../../src/services/plan/plan-scope.ts'
import { createPlanWelcome } from '../../../src/services/plan/plan-welcome.ts'
import { PLAN_IN_USE, PLAN_OFF } from '../../../src/services/plan/plan-words.ts'
import { aRecord } from '../../support/token-records.ts'

const ON = aRecord({ scope: SCOPES })

function setUp({ record = ON, fails = false }: { record?: typeof ON | undefined; fails?: boolean } = {}) {
  let shown = false
  const registration = {
    isNoticeShown: () => shown,
    async noticeShown() {
      if (fails) throw new CodexError('STORAGE_FAILED', 'The disk is full.')
      shown = true
    },
  }
  return createPlanWelcome({ stored: () => record, registration })
}

test('who has signed in is told once that the plan is in use', async () => {
  const welcome = setUp()
  expect(await welcome()).toEqual([PLAN_IN_USE])
  expect(await welcome()).toEqual([])
})

test('what cannot be noted down is told again', async () => {
  const welcome = setUp({ fails: true })
  expect(await welcome()).toEqual([PLAN_IN_USE])
  expect(await welcome()).toEqual([PLAN_IN_USE])
})

test('who has not allowed the plan is told each time, and not that it is in use', async () => {
  const welcome = setUp({ record: aRecord({ scope: 'openid' }) })
  expect(await welcome()).toEqual([PLAN_OFF.message, PLAN_OFF.hint])
  expect(await welcome()).toEqual([PLAN_OFF.message, PLAN_OFF.hint])
})

test('nobody is told nothing', async () => {
  const registration = { isNoticeShown: () => false, noticeShown: async () => {} }
  expect(await createPlanWelcome({ stored: () => undefined, registration })()).toEqual([])
})

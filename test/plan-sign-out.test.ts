import { describe, expect, test } from 'vitest'
import { gate, late } from './support/fake-script.ts'
import { planRecordOf, seedLogins } from './support/plan-app.ts'
import { startPlanApp } from './support/plan-bench.ts'
import { recordOf } from './support/start-app.ts'

const REVOKE = { codex: '/oauth/revoke', plan: '/api/accounts/oauth/revoke' } as const

async function startWithBoth() {
  const { fake, app } = await startPlanApp()
  seedLogins(app, { codex: recordOf(fake.issueTokens()), codex_plan: planRecordOf(fake.plan.issueTokens()) })
  return { fake, app, script: { codex: fake.script.revoke, plan: fake.plan.script.revoke } }
}

describe.each(['codex', 'plan'] as const)('a sign-out whose revocation hangs (%s)', (slow) => {
  test('has removed both logins before it is waited for', async () => {
    const { fake, app, script } = await startWithBoth()
    const answer = gate()
    script[slow].always(late(answer.promise))
    const cleared = app.call('codex_clear')
    await fake.arrival(REVOKE[slow])
    // Nothing that comes back can have been waited for.
    await expect.poll(() => app.stored()).toEqual({})
    answer.open()
    expect((await cleared).data).toMatchObject({ cleared: true, revoked: true })
  })
})

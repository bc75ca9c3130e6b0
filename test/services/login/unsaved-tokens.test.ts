import { describe, expect, test } from 'vitest'
import { createCredentialsSnapshots } from '../../../src/infrastructure/token-storage.ts'
import { CODEX_LOGIN, type RouteName } from '../../../src/services/login/login-route.ts'
import { createRouteChoice } from '../../../src/services/login/route-choice.ts'
import { PLAN_LOGIN } from '../../../src/services/plan/plan-login.ts'
import { gate, late } from '../../support/fake-script.ts'
import { recordIn, startBench } from '../../support/refresh-bench.ts'

const OTHER = { codex: 'plan', plan: 'codex' } as const satisfies Record<RouteName, RouteName>

/** Both are signed in, the other one last; this one's refresh has reached the issuer and its answer is held back. */
async function refreshing(route: RouteName) {
  const bench = await startBench({ route })
  const other = bench.forLogin(OTHER[route])
  const [one, two] = [bench.start(), other.start()]
  bench.signIn({ leftSeconds: 3600 })
  bench.clock.advance(60_000)
  other.signIn({ leftSeconds: 3600, fields: { saved_at: bench.clock.now() / 1000 } })
  const storages = { [route]: one.storage, [OTHER[route]]: two.storage } as Record<RouteName, typeof one.storage>
  const takeSnapshot = createCredentialsSnapshots(bench.file, [CODEX_LOGIN.place, PLAN_LOGIN.place])
  const choice = createRouteChoice({ storages, takeSnapshot, now: bench.clock.now })
  const answer = gate()
  bench.at.script.token.push(late(answer.promise))
  return { bench, one, choice, answer }
}

describe.each(['codex', 'plan'] as const)('a login chosen while it is renewed (%s)', (route) => {
  test.each(['proactive_expiry', 'unauthorized_recovery'] as const)(
    'is the one that answers once the renewal is stored: %s',
    async (reason) => {
      const { bench, one, choice, answer } = await refreshing(route)
      expect(await choice.answering()).toBe(OTHER[route])
      const before = recordIn(one)
      const renewal = one.refresher.renew(before, reason)
      await bench.fake.arrival(bench.at.tokenPath)
      await choice.select(route)
      const chosenAt = recordIn(one).selectedAt
      expect(chosenAt).toBeGreaterThan(0)
      answer.open()
      await renewal
      expect(recordIn(one)).toMatchObject({ selectedAt: chosenAt })
      expect(recordIn(one).refreshToken).not.toBe(before.refreshToken)
      expect(await choice.answering()).toBe(route)
    },
  )
})

test('a login that was chosen before stays chosen over a renewal', async () => {
  const { one, choice, answer } = await refreshing('plan')
  answer.open()
  await choice.select('plan')
  await one.refresher.renew(recordIn(one), 'proactive_expiry')
  expect(await choice.answering()).toBe('plan')
})

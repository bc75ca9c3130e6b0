import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { RouteName } from '../src/services/login/login-route.ts'
import { startFake, startPatient } from './support/plan-bench.ts'
import { createTestClock } from './support/test-clock.ts'

const DAY_MS = 86_400_000
const ANSWERS = { codex: 'Hello from the fake Codex.', plan: 'Hello from the fake plan.' } as const
const KEYS = { codex: 'codex', plan: 'codex_plan' } as const

/** A program whose clock stands still, so that whatever is done is done in the same second. */
async function start() {
  const fake = await startFake()
  const clock = createTestClock()
  const app = await startPatient(fake, { edges: { clock } })
  /** Nobody calls again after the browser has been sent back. */
  async function signIn(route: RouteName, force = false) {
    const { data } = await app.call('codex_login', { route, force })
    await fake.browser(data.url)
    await app.app.settled()
  }
  const ask = async () => (await app.call('codex_query', { prompt: 'Hi' })).texts[0]
  /** As if this login had been stored, or chosen, by a clock that is ahead. */
  function date(route: RouteName, fields: Record<string, number>) {
    const { [KEYS[route]]: record, ...others } = app.stored() ?? {}
    writeFileSync(app.credentialsFile, JSON.stringify({ ...others, [KEYS[route]]: { ...record, ...fields } }))
  }
  return { app, clock, signIn, ask, date }
}

describe.each([
  ['codex', 'plan'],
  ['plan', 'codex'],
] as const)('who has signed in to one and then to the other (%s, then %s) is asked with the other', (first, second) => {
  test('without another call, though it was the same second', async () => {
    const { signIn, ask } = await start()
    await signIn(first)
    expect(await ask()).toBe(ANSWERS[first])
    await signIn(second)
    expect(await ask()).toBe(ANSWERS[second])
    await signIn(first, true)
    expect(await ask()).toBe(ANSWERS[first])
  })

  test.each(['saved_at', 'selected_at'])('though %s of the first is two days ahead', async (field) => {
    const { clock, signIn, ask, date } = await start()
    await signIn(first)
    date(first, { [field]: (clock.now() + 2 * DAY_MS) / 1000 })
    await signIn(second)
    expect(await ask()).toBe(ANSWERS[second])
    await signIn(first, true)
    expect(await ask()).toBe(ANSWERS[first])
  })

  test('though somebody has switched forty times in one second', async () => {
    const { app, signIn, ask } = await start()
    await signIn(first)
    await signIn(second)
    for (let n = 0; n < 20; n += 1) {
      for (const route of [first, second]) {
        await app.call('codex_login', { route })
        expect((await app.call('codex_status')).data.route).toBe(route)
      }
    }
    await signIn(first, true)
    expect(await ask()).toBe(ANSWERS[first])
    await signIn(second, true)
    expect(await ask()).toBe(ANSWERS[second])
  })
})

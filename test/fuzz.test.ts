import { describe, expect, test } from 'vitest'
import { keptCases } from './support/fuzz/kept-cases.ts'
import { checkCase, runTarget } from './support/fuzz/run-target.ts'
import { FUZZ_TARGETS } from './support/fuzz/targets.ts'

/** Few, because the long run is `npm run fuzz`; the same each time, because a test has to. */
const SHORT = { seed: 20_260_922, runs: 60 }

test.each(FUZZ_TARGETS.map((target) => [target.name, target] as const))(
  '%s holds on a short run',
  async (_, target) => {
    const { fault } = await runTarget(target, SHORT)
    expect(fault).toBeUndefined()
  },
)

describe('what has gone wrong once:', () => {
  const kept = Object.entries(keptCases()).flatMap(([name, cases]) =>
    cases.map(({ found, case: one }, index) => ({ name: `${name} ${index + 1}: ${found}`, target: name, one })),
  )

  test.each(kept)('$name', async ({ target: name, one }) => {
    const target = FUZZ_TARGETS.find((known) => known.name === name)
    if (target === undefined) throw new Error(`There is no target ${name}.`)
    await checkCase(target, one)
  })
})

test('no two targets have the same name, so that each has its own file', () => {
  const names = FUZZ_TARGETS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

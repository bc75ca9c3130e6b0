import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createCredentialsSnapshots, createTokenStorage } from '../../../src/infrastructure/token-storage.ts'
import { CODEX_LOGIN } from '../../../src/services/login/login-route.ts'
import { createRouteChoice } from '../../../src/services/login/route-choice.ts'
import { PLAN_LOGIN } from '../../../src/services/plan/plan-login.ts'
import { errorOf } from '../../support/error-of.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { createTestClock } from '../../support/test-clock.ts'
import { aRecord } from '../../support/token-records.ts'
import { aVault } from '../../support/vaults.ts'

function setUp() {
  const clock = createTestClock()
  const file = join(tempFolder(), 'auth.json')
  const open = (passphrase?: string) => {
    const vault = passphrase === undefined ? aVault() : aVault({ store: 'encrypted', passphrase })
    const deps = { file, vault, now: clock.now }
    return {
      codex: createTokenStorage({ ...deps, place: CODEX_LOGIN.place }),
      plan: createTokenStorage({ ...deps, place: PLAN_LOGIN.place }),
    }
  }
  const takeSnapshot = createCredentialsSnapshots(file, [CODEX_LOGIN.place, PLAN_LOGIN.place])
  const storages = open()
  const choice = createRouteChoice({ storages, takeSnapshot, now: clock.now })
  const signIn = (name: 'codex' | 'plan', at = clock.now()) => storages[name].update(() => aRecord({ savedAt: at }))
  return { clock, file, takeSnapshot, open, storages, choice, signIn }
}

test('nobody answers where nobody is stored, and nothing is chosen', async () => {
  const { choice } = setUp()
  expect([await choice.answering(), await choice.stored()]).toEqual([undefined, []])
  await choice.select('plan')
  expect(await choice.answering()).toBeUndefined()
})

test('the only one that is stored answers, whatever was chosen', async () => {
  const { choice, signIn } = setUp()
  await signIn('plan')
  await choice.select('codex')
  expect([await choice.answering(), await choice.stored()]).toEqual(['plan', ['plan']])
})

describe('of two', () => {
  test('the one signed in to last answers', async () => {
    const { choice, signIn, clock } = setUp()
    await signIn('plan')
    clock.advance(5_000)
    await signIn('codex')
    expect(await choice.stored()).toEqual(['codex', 'plan'])
  })

  test('the one chosen last answers, also in the same second and in the next process', async () => {
    const { choice, signIn, open, takeSnapshot, clock } = setUp()
    await signIn('codex')
    await signIn('plan')
    for (const name of ['plan', 'codex', 'plan', 'codex'] as const) {
      await choice.select(name)
      expect(await choice.answering()).toBe(name)
      expect(await createRouteChoice({ storages: open(), takeSnapshot, now: clock.now }).answering()).toBe(name)
    }
  })

  test('the one chosen answers also after the clock was set back', async () => {
    const { choice, signIn, clock } = setUp()
    await signIn('codex')
    clock.advance(-86_400_000)
    await signIn('plan')
    expect(await choice.answering()).toBe('codex')
    await choice.select('plan')
    expect(await choice.answering()).toBe('plan')
  })

  test('choosing the one that answers writes nothing', async () => {
    const { choice, signIn, storages } = setUp()
    await signIn('codex')
    await choice.select('codex')
    expect(storages.codex.read().record?.selectedAt).toBeUndefined()
  })

  test('a new sign-in is more than an earlier choice', async () => {
    const { choice, signIn, clock } = setUp()
    await signIn('codex')
    await signIn('plan')
    await choice.select('codex')
    clock.advance(60_000)
    await signIn('plan')
    expect(await choice.answering()).toBe('plan')
  })
})

test('one that cannot be opened is the one that answers, so that nothing else is used in its place', async () => {
  const { open, takeSnapshot, clock } = setUp()
  const sealed = open('FAKE passphrase')
  await sealed.plan.update(() => aRecord({ savedAt: clock.now() }))
  clock.advance(60_000)
  const closed = open()
  await closed.codex.update(() => aRecord({ savedAt: clock.now() }))
  const choice = createRouteChoice({ storages: closed, takeSnapshot, now: clock.now })
  expect(await choice.stored()).toEqual(['plan', 'codex'])
})

test('beside one that cannot be opened nothing else is chosen', async () => {
  const { open, takeSnapshot, clock } = setUp()
  await open('FAKE passphrase').plan.update(() => aRecord({ savedAt: clock.now() }))
  const closed = open()
  await closed.codex.update(() => aRecord({ savedAt: clock.now() + 60_000 }))
  const choice = createRouteChoice({ storages: closed, takeSnapshot, now: clock.now })
  expect(await errorOf(choice.select('codex'))).toMatchObject({ code: 'STORAGE_SEALED' })
  expect(closed.codex.read().record?.selectedAt).toBeUndefined()
  expect(await choice.answering()).toBe('plan')
})

describe('one that is damaged', () => {
  const damaged = async () => {
    const { choice, file, signIn } = setUp()
    await signIn('codex')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), codex_plan: 'pro' }))
    return { choice, file }
  }

  test('is no choice beside a good one', async () => {
    const { choice } = await damaged()
    expect(await choice.stored()).toEqual(['codex'])
    await choice.select('codex')
    expect(await choice.asked()).toBe('codex')
  })

  test('alone leaves nobody to be asked', async () => {
    const { choice, file } = await damaged()
    writeFileSync(file, JSON.stringify({ codex_plan: 'pro' }))
    for (const question of [choice.stored, choice.answering, choice.asked]) {
      expect(await errorOf(question())).toMatchObject({ code: 'STORAGE_CORRUPT' })
    }
  })
})

test('a file that makes no sense is no choice', async () => {
  const { choice, file } = setUp()
  writeFileSync(file, 'nonsense', { mode: 0o600 })
  expect(await errorOf(choice.answering())).toMatchObject({ code: 'STORAGE_CORRUPT' })
})

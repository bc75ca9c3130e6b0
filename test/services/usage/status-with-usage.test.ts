import { expect, test } from 'vitest'
import { CODEX_ASKING } from '../../../src/services/codex/asking-route.ts'
import { accountName } from '../../../src/services/login/credential-name.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import type { AccountStatus } from '../../../src/services/status/account-status.ts'
import { createStatusWithUsage } from '../../../src/services/usage/status-with-usage.ts'
import type { KnownUsage } from '../../../src/services/usage/usage-snapshot.ts'

/** What the whole program cannot be brought to; the rest is in `test/usage.test.ts`. */

const NOW = 1_800_000_000_000
const usage = (usedPercent: number): KnownUsage => ({
  at: NOW,
  snapshot: { primary: { usedPercent, windowMinutes: 300 } },
})
const credential: Credential = {
  ...accountName('pro'),
  baseUrl: 'https://service.example/codex',
  headers: {},
  accountId: undefined,
  plan: 'pro',
  renew: undefined,
}

function reader({ known, ask }: { known?: KnownUsage; ask?: () => Promise<KnownUsage | undefined> } = {}) {
  const status = { authenticated: true, asking: CODEX_ASKING } as AccountStatus
  return createStatusWithUsage({
    readStatus: async () => status,
    credentials: { current: async () => credential },
    meter: { last: () => known, ask: ask ?? (async () => undefined) },
    configProblem: undefined,
    now: () => NOW,
  })
}

test('what the service says counts, also of an account that has no name', async () => {
  const read = reader({ ask: async () => usage(12) })
  expect((await read({ usage: true })).usage).toMatchObject({ asked: true, primary: { usedPercent: 12 } })
  const knowing = reader({ known: usage(50), ask: async () => usage(12) })
  expect((await knowing({ usage: true })).usage).toMatchObject({ primary: { usedPercent: 12 } })
})

test('a fault of ours is told like any other error, and says nothing of its own words', async () => {
  const ask = () => Promise.reject(new TypeError('eyJ'))
  expect((await reader({ ask })({ usage: true })).usage?.message).toMatch(/^Something went wrong.*\[CODEX_FAILED\]$/)
})

test('which plan it is, alone, is nothing to tell', async () => {
  expect((await reader({ known: { at: NOW, snapshot: { plan: 'pro' } } })()).usage).toBeUndefined()
  const full = { has: false, unlimited: false }
  expect((await reader({ known: { at: NOW, snapshot: { credits: full } } })()).usage).toBeUndefined()
})

test('the future is not older than now', async () => {
  expect((await reader({ known: { ...usage(3), at: NOW + 5000 } })()).usage).toMatchObject({
    ageMs: 0,
    message: 'Plan usage: 5-hour 3 % (as of a moment ago).',
  })
})

import { expect, test } from 'vitest'
import { accountName, apiKeyName, planName } from '../../../src/services/login/credential-name.ts'
import type { Credential } from '../../../src/services/login/credentials.ts'
import { createToldLimits } from '../../../src/services/usage/told-limits.ts'
import type { UsageSnapshot } from '../../../src/services/usage/usage-snapshot.ts'

const NOW = 1_795_000_000_000

function listen(name = accountName('pro')) {
  const noted: (UsageSnapshot | undefined)[] = []
  const credential = { ...name, accountId: 'a' } as Credential
  const meter = { note: (_source: unknown, snapshot: UsageSnapshot | undefined) => void noted.push(snapshot) }
  return { noted, limits: createToldLimits({ credential, meter, clock: { now: () => NOW } }) }
}

const headers = (values: Record<string, string>) => new Headers(values)
const PRIMARY = { 'x-codex-primary-used-percent': '12', 'x-codex-primary-window-minutes': '300' }
const SECONDARY = { 'x-codex-secondary-used-percent': '40', 'x-codex-secondary-window-minutes': '10080' }
const EVENT = {
  type: 'codex.rate_limits',
  rate_limits: { primary: { used_percent: 13, window_minutes: 300, reset_at: NOW / 1000 + 60 } },
}

test('what was said is put together, the last word counts, and each is noted at once', () => {
  const { limits, noted } = listen()
  limits.hearHeaders(headers(PRIMARY))
  expect(noted).toHaveLength(1)
  limits.hearHeaders(headers(SECONDARY))
  limits.hearEvent(EVENT)
  expect(limits.heard()).toMatchObject({ primary: { usedPercent: 13 }, secondary: { usedPercent: 40 } })
  expect(noted.at(-1)).toEqual(limits.heard())
  expect(noted).toHaveLength(3)
})

test('nothing that was said is nothing', () => {
  const { limits, noted } = listen()
  limits.hearHeaders(headers({ 'x-request-id': '1' }))
  limits.hearEvent({ type: 'codex.rate_limits' })
  expect([limits.heard(), noted]).toEqual([undefined, []])
})

test.each([planName(), apiKeyName('OPENAI_API_KEY')])('of $kind it counts for nothing', (name) => {
  const { limits, noted } = listen(name)
  limits.hearHeaders(headers(PRIMARY))
  limits.hearEvent(EVENT)
  expect([limits.heard(), noted]).toEqual([undefined, []])
})

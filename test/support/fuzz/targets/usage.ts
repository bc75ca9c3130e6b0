import fc from 'fast-check'
import { retryAfterMs } from '../../../../src/services/codex/retry-after.ts'
import { limitsFromHeaders } from '../../../../src/services/usage/usage-headers.ts'
import { type KeptUsage, keeping, readKept } from '../../../../src/services/usage/usage-kept.ts'
import { usageLimit } from '../../../../src/services/usage/usage-limit.ts'
import { limitsFromEvent, limitsFromReport } from '../../../../src/services/usage/usage-report.ts'
import {
  asOf,
  mergeLimits,
  type UsageSnapshot,
  type UsageWindow,
} from '../../../../src/services/usage/usage-snapshot.ts'
import { usageLine, usageWarnings } from '../../../../src/services/usage/usage-words.ts'
import { damaged, headersOf, headerValue, jsonText, number, text, word } from '../generators.ts'
import { assert, assertOneLine, assertShowable } from '../properties.ts'
import { type FuzzTarget, target } from '../target.ts'

const NOW = 1_790_000_000_000
const YEAR_MS = 366 * 86_400_000

/** Whatever was said, what is made of it can be shown, kept, and read back. */
function assertSound(snapshot: UsageSnapshot | undefined): void {
  if (snapshot === undefined) return
  const pairs = [snapshot, ...Object.values(snapshot.others ?? {})]
  for (const { primary, secondary } of pairs) for (const one of [primary, secondary]) assertWindow(one)
  assert.ok(Object.keys(snapshot.others ?? {}).length <= 8)
  const { balance } = snapshot.credits ?? {}
  if (balance !== undefined) assert.ok(balance >= 0 && balance <= 1e9)
  assertOneLine(usageLine(snapshot, NOW) ?? '', 3000)
  for (const warning of usageWarnings(snapshot, NOW)) assertOneLine(warning)
  assert.deepEqual(mergeLimits(snapshot, snapshot), snapshot)
  assert.deepEqual(mergeLimits(undefined, snapshot), snapshot)
  const owner = 'a'.repeat(20)
  const kept = JSON.parse(JSON.stringify(keeping({}, owner, { snapshot, at: NOW })))
  assert.deepEqual(readKept(kept, NOW)[owner]?.snapshot, snapshot, 'what is kept is read back')
  asOf({ snapshot, at: NOW }, NOW + 1)
}

function assertWindow(window: UsageWindow | undefined): void {
  if (window === undefined) return
  const { usedPercent, windowMinutes, resetsAt } = window
  assert.ok(usedPercent >= 0 && usedPercent <= 100, `${usedPercent} percent`)
  assert.ok(Number.isSafeInteger(windowMinutes) && windowMinutes >= 1, `${windowMinutes} minutes`)
  if (resetsAt !== undefined) assert.ok(Number.isSafeInteger(resetsAt) && resetsAt > NOW && resetsAt < NOW + YEAR_MS)
}

const percent = fc.oneof(fc.nat(110), number)
const minutes = fc.oneof(fc.constantFrom(60, 300, 299, 10_080, 1.5), number)
const resetAt = fc.oneof(fc.integer({ min: NOW / 1000 - 100, max: NOW / 1000 + 1_000_000 }), number)
const family = fc.oneof(fc.constantFrom('codex', 'codex-other', 'gpt-x'), word(10))
const headers = fc.array(
  fc.oneof(
    fc.tuple(
      fc
        .tuple(
          family,
          fc.constantFrom('primary', 'secondary'),
          fc.constantFrom('used-percent', 'window-minutes', 'reset-at', 'reset-after-seconds'),
        )
        .map(([name, which, what]) => `x-${name}-${which}-${what}`),
      fc.oneof(fc.nat(12_000).map(String), percent.map(String), minutes.map(String), resetAt.map(String), headerValue),
    ),
    fc.tuple(
      fc.constantFrom(
        'x-codex-plan-type',
        'x-codex-credits-has-credits',
        'x-codex-credits-unlimited',
        'x-codex-credits-balance',
        'x-codex-active-limit',
        'x-codex-other-limit-name',
        'x-gpt-x-limit-name',
      ),
      fc.oneof(fc.constantFrom('plus', 'True', 'false', '1', '12.50', 'codex_other', 'codex', 'GPT x'), headerValue),
    ),
  ),
  { maxLength: 20 },
)

const fromHeaders = target({
  name: 'usage-headers',
  cases: headers,
  check(entries) {
    const found = headersOf(entries)
    assertSound(limitsFromHeaders(found, NOW))
    assertShowable(usageLimit({ headers: found, json: undefined, nowMs: NOW }))
  },
})

const window = fc.record(
  {
    used_percent: percent,
    window_minutes: minutes,
    limit_window_seconds: fc.oneof(fc.constantFrom(18_000, 604_800), number),
    reset_at: resetAt,
    reset_after_seconds: fc.oneof(fc.nat(10_000), number),
  },
  { requiredKeys: ['used_percent'] },
)
const limits = fc.record(
  { primary: window, secondary: window, primary_window: window, secondary_window: window },
  { requiredKeys: [] },
)
const credits = fc.record({
  has_credits: fc.boolean(),
  unlimited: fc.boolean(),
  balance: fc.oneof(number, number.map(String)),
})
const limitName = fc.oneof(fc.constantFrom('codex', 'codex_other', '__proto__', 'constructor', 'GPT-5.3 x'), text)
const event = fc.record({
  type: fc.constant('codex.rate_limits'),
  plan_type: fc.oneof(fc.constantFrom('plus', 'pro'), text),
  rate_limits: limits,
  metered_limit_name: limitName,
  limit_name: limitName,
  credits,
})
const report = fc.record({
  plan_type: fc.oneof(fc.constantFrom('plus', 'pro'), text),
  rate_limit: limits,
  credits,
  additional_rate_limits: fc.array(
    fc.record({ limit_name: limitName, metered_feature: limitName, rate_limit: limits }),
    {
      maxLength: 10,
    },
  ),
})

const fromEvent = target({
  name: 'usage-event',
  cases: damaged(event),
  check: (one) => assertSound(limitsFromEvent(one, NOW)),
})

const fromReport = target({
  name: 'usage-report',
  cases: damaged(report),
  check: (one) => assertSound(limitsFromReport(one, NOW)),
})

const merged = target({
  name: 'usage-merged',
  cases: fc.array(fc.oneof(damaged(event), damaged(report)), { maxLength: 4 }),
  check(all) {
    let snapshot: UsageSnapshot | undefined
    for (const one of all) {
      const said = limitsFromEvent(one, NOW) ?? limitsFromReport(one, NOW)
      if (said !== undefined) snapshot = mergeLimits(snapshot, said)
    }
    const { others, ...usual } = snapshot ?? {}
    assertSound(usual.primary === undefined ? undefined : usual)
    for (const pair of Object.values(others ?? {})) for (const one of [pair.primary, pair.secondary]) assertWindow(one)
  },
})

const keptWindow = fc.record({
  usedPercent: percent,
  windowMinutes: minutes,
  resetsAt: fc.oneof(fc.integer({ min: NOW, max: NOW + 1e9 }), number),
})
const kept = fc.record({
  owners: fc
    .array(
      fc.tuple(
        fc.constantFrom('a'.repeat(20), 'b'.repeat(20), '__proto__', 'x'),
        fc.record({
          at: fc.oneof(fc.constantFrom(NOW, NOW - 1000), number),
          snapshot: fc.record({
            plan: fc.oneof(fc.constant('plus'), text),
            primary: keptWindow,
            secondary: keptWindow,
            credits: fc.record({ has: fc.boolean(), unlimited: fc.boolean(), balance: number }),
            others: fc
              .array(fc.tuple(limitName, fc.record({ primary: keptWindow })), { maxLength: 3 })
              .map(Object.fromEntries),
          }),
        }),
      ),
      { maxLength: 3 },
    )
    .map((entries) => Object.fromEntries(entries)),
})

const fromDisk = target({
  name: 'usage-kept',
  cases: jsonText(kept),
  check(file) {
    const read: KeptUsage = readKept(parsed(file), NOW)
    for (const { snapshot, at } of Object.values(read)) {
      assertOneLine(usageLine(asOf({ snapshot, at }, NOW), NOW) ?? '', 3000)
      assertShowable(usageLimit({ headers: new Headers(), json: undefined, nowMs: NOW, lastKnown: { snapshot, at } }))
    }
    const again = readKept(JSON.parse(JSON.stringify({ owners: read })), NOW)
    assert.deepEqual(again, read, 'what is kept is read back')
  },
})

const limit = target({
  name: 'usage-limit',
  cases: fc.record({
    headers,
    body: damaged(
      fc.record({
        error: fc.record({
          type: text,
          plan_type: text,
          resets_at: resetAt,
          resets_in_seconds: fc.oneof(fc.nat(10_000), number),
        }),
      }),
    ),
    known: damaged(report),
  }),
  check({ headers: entries, body, known }) {
    const snapshot = limitsFromReport(known, NOW)
    const lastKnown = snapshot === undefined ? undefined : { snapshot, at: NOW }
    assertShowable(usageLimit({ headers: headersOf(entries), json: body, nowMs: NOW, lastKnown }))
  },
})

const DAYS = ['Sun, 06 Nov 2094 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Tue, 22 Sep 2026 07:33:40 GMT']

const retryAfter = target({
  name: 'retry-after',
  cases: fc.oneof(
    headerValue,
    fc.constantFrom(...DAYS),
    fc.tuple(fc.constantFrom(...DAYS), text).map((two) => two.join('')),
  ),
  check(value) {
    const found = retryAfterMs(headersOf([['retry-after', value]]), NOW)
    if (found !== undefined) assert.ok(found >= 0 && found <= 3_600_000, `${found} ms`)
    if (/^\d{1,3}$/.test(value)) assert.equal(found, Number(value) * 1000)
  },
})

function parsed(file: string): unknown {
  try {
    return JSON.parse(file)
  } catch {
    return undefined
  }
}

export const USAGE_TARGETS: readonly FuzzTarget[] = [
  ...[fromHeaders, fromEvent, fromReport, merged, fromDisk, limit, retryAfter],
]

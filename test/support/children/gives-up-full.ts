/** Takes a claim, fills the disk, marks the claim and gives up: reports what others see, and whether a file could be made: `gives-up-full <base>`. */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Claim, createClaimStore } from '../../../src/infrastructure/claim.ts'
import { report } from './parent.ts'

const base = process.argv[2] ?? ''
const claims = createClaimStore({ base: () => base, now: () => 5000 })
claims.take('abc', 1, 3)
for (const size of [65_536, 4096, 512, 1]) {
  try {
    for (;;) appendFileSync(`${base}.filler`, 'x'.repeat(size))
  } catch {
    // Full, down to this size.
  }
}
let hasRoom = true
try {
  writeFileSync(`${base}.more`, 'x')
} catch {
  hasRoom = false
}
rmSync(`${base}.more`, { force: true })
claims.markSpent('abc', 1, 3)
const spent = seen()
claims.finish('abc', 1, { untilMs: 6000, fails: 1 })
report({ hasRoom, spent, ended: seen() })

function seen(): Omit<Claim, 'owner'> | undefined {
  const { owner, ...claim } = claims.top('abc') ?? { owner: undefined }
  return owner === undefined ? undefined : (claim as Claim)
}

/** Takes a claim, fills the disk and gives up: reports what others see then, and whether a file could be made: `gives-up-full <base>`. */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
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
claims.finish('abc', 1, { untilMs: 6000, fails: 1 })
const { owner: _, ...claim } = claims.top('abc') ?? { owner: undefined }
report({ hasRoom, claim })

/**
 * Goes for one claim per round, all claimants at the same moment, and reports the rounds it won:
 * `claimant <base> <rounds> <ms per round>`. The message that starts it is the wall-clock time of the first round.
 */
import { once } from 'node:events'
import { createClaimStore } from '../../../src/infrastructure/claim.ts'
import { ready, report } from './parent.ts'

const [base = '', rounds = '1', everyMs = '20'] = process.argv.slice(2)
const claims = createClaimStore({ base: () => base, now: Date.now })
const firstAt = Number(await ready())
const won: string[] = []

for (let round = 0; round < Number(rounds); round++) {
  // Spinning, because a timer would spread the claimants over a millisecond.
  while (Date.now() < firstAt + round * Number(everyMs));
  const subject = String(round)
  const top = claims.top(subject)
  const number = top === undefined ? 1 : top.number + 1
  if (top !== undefined && !claims.ownerIsDead(top)) continue
  if (claims.take(subject, number)) won.push(`${subject}.${number}`)
}
// Alive until every other claimant is through, or these claims would be a dead owner's.
const end = once(process, 'message')
report(won)
await end
process.disconnect()

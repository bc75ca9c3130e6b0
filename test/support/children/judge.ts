/** Judges the owner of a claim and prints the judgement: `judge <base> <subject>`. */
import { createClaimStore } from '../../../src/infrastructure/claim.ts'

const [base = '', subject = ''] = process.argv.slice(2)
const claims = createClaimStore({ base: () => base, now: Date.now })
const claim = claims.top(subject)
process.stdout.write(claim === undefined ? 'not seen' : `seen, ${claims.ownerIsDead(claim) ? 'dead' : 'not dead'}`)

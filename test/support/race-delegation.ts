import { setTimeout as sleep } from 'node:timers/promises'
import { senderOf } from './fake-route.ts'
import { gate, late } from './fake-script.ts'
import { nextClaim } from './race-claims.ts'
import type { FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'

export interface DelegationOptions extends Pick<FieldOptions, 'processes' | 'store' | 'route'> {
  rounds: number
}

/** When the server is killed that wants the token renewed: all of them after it has delegated that to a worker. */
const MOMENTS = ['the worker has claimed', 'the request is at the issuer', 'the issuer has answered'] as const

/** Kills the server whose renewal a worker is doing: that one stores the answer all the same. */
export function killDelegators({ rounds, ...options }: DelegationOptions): Promise<RaceResult> {
  return runRace('killed after delegating', options, async (field, score) => {
    let kills = 0
    for (; score.rounds < rounds; score.rounds++) {
      const moment = MOMENTS[score.rounds % MOMENTS.length]
      const decided = gate()
      field.answerRefreshes(moment === 'the issuer has answered' ? (usual) => usual() : late(decided.promise))
      const claimed = nextClaim(field.folder, /^2$/)
      const request = field.nextTokenRequest()
      field.expire()
      const asked = field.ask()
      await claimed
      // Who has delegated is seen by what its worker sends.
      const victim = field.find(senderOf(await request))
      if (moment === 'the issuer has answered') await sleep(Math.random() * 3)
      victim?.signal('SIGKILL')
      kills += victim === undefined ? 0 : 1
      decided.open()
      score.expectAnswers(
        (await asked).filter(({ code }) => code !== 'GONE'),
        `round ${score.rounds}`,
      )
      await field.settled()
      if (field.isLost()) {
        score.lost += 1
        field.signIn()
      }
      if (victim !== undefined) await field.replace([victim])
    }
    score.note(`${kills} kills`)
    score.expect(kills === rounds, `only ${kills} kills`)
    score.expect(field.refreshes() === rounds, `${field.refreshes()} refreshes instead of ${rounds}`)
    score.expect(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

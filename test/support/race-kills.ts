import { setTimeout as sleep } from 'node:timers/promises'
import { senderOf } from './fake-route.ts'
import { gate } from './fake-script.ts'
import { nextClaim } from './race-claims.ts'
import type { Field, FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { RaceServer } from './race-server.ts'

export interface KillOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  kills: number
  /** Longest time to an answer for those who survive. */
  withinMs: number
}

/**
 * Kills the server that has just claimed the refresh token, at some point before another process has taken that over
 * from it. A kill that came too late for that is not counted: then the other one sends the request.
 */
export function killHolders({ kills, withinMs, ...options }: KillOptions): Promise<RaceResult> {
  return runRace('holder killed before it sends', options, async (field, score) => {
    let [early, slowestMs] = [0, 0]
    while (early < kills && score.rounds < kills * 6) {
      const decided = gate()
      let victim: RaceServer | undefined
      let tooLate = false
      field.answerRefreshes(async (usual, request) => {
        await decided.promise
        if (senderOf(request) === victim?.name) tooLate = true
        return usual()
      })
      const claimed = nextClaim(field.folder)
      field.expire()
      const asked = field.ask()
      victim = field.find(await claimed)
      spin(Math.random() * 3)
      victim?.signal('SIGKILL')
      decided.open()
      const survived = (await asked).filter(({ code }) => code !== 'GONE')
      score.expectAnswers(survived, `round ${score.rounds}`)
      score.rounds += 1
      if (victim !== undefined) await field.replace([victim])
      if (!tooLate) {
        early += 1
        slowestMs = Math.max(slowestMs, ...survived.map(({ ms }) => ms))
      }
      countLoss(field, score)
    }
    score.note(`${early} kills in time, slowest answer ${Math.round(slowestMs)} ms`)
    score.expect(early === kills, `only ${early} of ${kills} kills came in time`)
    score.expect(slowestMs <= withinMs, `an answer took ${Math.round(slowestMs)} ms instead of ${withinMs}`)
    score.expect(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

export interface RandomKills extends Pick<FieldOptions, 'processes' | 'route'> {
  rounds: number
}

/**
 * Kills servers at any moment. Between the rotation at the issuer and the rename on the disk that would cost the login, if
 * it were they who spend the token: processes of their own do, which live on.
 */
export function killAnybody({ rounds, ...options }: RandomKills): Promise<RaceResult> {
  return runRace('random kills', options, async (field, score) => {
    let [killed, slowestMs] = [0, 0]
    for (; score.rounds < rounds; score.rounds++) {
      const reuses = field.at.reuses()
      field.answerRefreshes(async (usual) => {
        await sleep(Math.random() * 20)
        return usual()
      })
      field.expire()
      const asked = field.ask()
      const victims = await killSome(field, 1 + Math.floor(Math.random() * 3))
      const survived = (await asked).filter(({ code }) => code !== 'GONE')
      killed += victims.length
      slowestMs = Math.max(slowestMs, ...survived.map(({ ms }) => ms))
      await field.replace(victims)
      // Where everybody died who has asked, it may be stored later than anybody is answered.
      await field.settled()
      score.expectAnswers(survived, `round ${score.rounds}`)
      score.expect(field.at.reuses() === reuses, `round ${score.rounds}: a token was spent twice`)
      countLoss(field, score)
    }
    score.note(`${killed} kills, slowest answer ${Math.round(slowestMs)} ms`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

function countLoss(field: Field, score: { lost: number }): void {
  if (!field.isLost()) return
  score.lost += 1
  field.signIn()
}

async function killSome(field: Field, count: number): Promise<RaceServer[]> {
  const victims = [...field.servers].sort(() => Math.random() - 0.5).slice(0, count)
  await Promise.all(
    victims.map(async (victim) => {
      await sleep(Math.random() * 120)
      victim.signal('SIGKILL')
    }),
  )
  return victims
}

function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

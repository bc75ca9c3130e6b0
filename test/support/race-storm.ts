import { setTimeout as sleep } from 'node:timers/promises'
import { gate, late } from './fake-script.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { StoreName } from './race-store.ts'

export interface StormOptions {
  processes: number
  rounds: number
  store?: StoreName
}

/** All servers find the token expired at the same moment, in turn by its record and by the API's answer. */
export function storm({ processes, rounds, store = 'file' }: StormOptions): Promise<RaceResult> {
  return runRace(`forced expiry (${store})`, { processes, store }, async (field, score) => {
    let slowestMs = 0
    for (; score.rounds < rounds; score.rounds++) {
      if (score.rounds % 2 === 0) field.expire()
      else field.fake.expireAccessTokens()
      const answers = await field.ask()
      score.expectAnswers(answers, `round ${score.rounds}`)
      slowestMs = Math.max(slowestMs, ...answers.map(({ ms }) => ms))
      if (!field.isLost()) continue
      score.lost += 1
      field.signIn()
    }
    score.note(`slowest answer ${Math.round(slowestMs)} ms`)
    score.expect(field.form() === FORMS[store], `the record ended as ${field.form()}`)
    score.expect(field.refreshes() === rounds, `${field.refreshes()} refreshes instead of ${rounds}`)
    score.expect(field.fake.seen.reuses === 0, `${field.fake.seen.reuses} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/** Inside the last five minutes nobody waits: while one server renews, all of them ask with the token they have. */
export function margin({ processes, rounds }: { processes: number; rounds: number }): Promise<RaceResult> {
  return runRace('renewal ahead of time', { processes }, async (field, score) => {
    for (; score.rounds < rounds; score.rounds++) {
      const answer = gate()
      field.answerRefreshes(late(answer.promise))
      field.expire({ inSeconds: 200 })
      const request = field.nextTokenRequest()
      // All are answered before the issuer answers: the gate opens only then.
      score.expectAnswers(await field.ask(), `round ${score.rounds}`)
      await request
      answer.open()
      const renewed = await field.stored(({ refresh_token: token }) => token === field.issued.at(-1)?.refreshToken)
      score.expect(renewed, `round ${score.rounds}: the new tokens were not stored`)
      if (field.isLost()) score.lost += 1
    }
    score.expect(field.refreshes() === rounds, `${field.refreshes()} refreshes instead of ${rounds}`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/** The server whose request is at the issuer stands still for a while: lid closed, debugger, container paused. */
export function freeze({ processes, forMs }: { processes: number; forMs: readonly number[] }): Promise<RaceResult> {
  const lengths = forMs.map((ms) => `${ms / 1000} s`).join(', ')
  return runRace(`holder frozen for ${lengths}`, { processes }, async (field, score) => {
    for (const ms of forMs) {
      const answer = gate()
      let answered = 0
      field.answerRefreshes(late(answer.promise))
      field.expire()
      const request = field.nextTokenRequest()
      const calls = field.servers.map((server) => field.ask([server]).finally(() => answered++))
      const holder = field.find((await request).headers.originator as string)
      holder?.signal('SIGSTOP')
      // The answer is in the holder's socket when it wakes up.
      answer.open()
      await sleep(ms)
      const frozen = `after ${ms} ms of frost`
      score.expect(holder !== undefined, 'the request came from a server of ours')
      score.expect(answered === 0, `${frozen} ${answered} servers had an answer they could not have`)
      score.expect(field.refreshes() === score.rounds + 1, `${frozen} ${field.refreshes()} refreshes`)
      holder?.signal('SIGCONT')
      score.expectAnswers((await Promise.all(calls)).flat(), frozen)
      score.rounds += 1
      if (!field.isLost()) continue
      score.lost += 1
      field.signIn()
    }
    score.expect(field.refreshes() === forMs.length, `${field.refreshes()} refreshes instead of ${forMs.length}`)
    score.expect(field.fake.seen.reuses === 0, `${field.fake.seen.reuses} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/** How a record lies in the file where these are set. */
const FORMS: Record<StoreName, string> = { file: 'plain', encrypted: 'passphrase', keychain: 'keychain' }

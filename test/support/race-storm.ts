import { setTimeout as sleep } from 'node:timers/promises'
import { senderOf } from './fake-route.ts'
import { gate, late } from './fake-script.ts'
import { lastOwner } from './race-claims.ts'
import type { FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { StoreName } from './race-store.ts'

export interface StormOptions extends Pick<FieldOptions, 'processes' | 'store' | 'route'> {
  rounds: number
}

/** All servers find the token expired at the same moment, in turn by its record and by the API's answer. */
export function storm({ rounds, store = 'file', ...options }: StormOptions): Promise<RaceResult> {
  return runRace(`forced expiry (${store})`, { ...options, store }, async (field, score) => {
    let slowestMs = 0
    for (; score.rounds < rounds; score.rounds++) {
      if (score.rounds % 2 === 0) field.expire()
      else field.at.expireAccessTokens()
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
    score.expect(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/** Shortly before the end nobody waits: while one server renews, all of them ask with the token they have. */
export function margin({ rounds, ...options }: Omit<StormOptions, 'store'>): Promise<RaceResult> {
  return runRace('renewal ahead of time', options, async (field, score) => {
    for (; score.rounds < rounds; score.rounds++) {
      const answer = gate()
      field.answerRefreshes(late(answer.promise))
      field.expire({ inSeconds: Math.floor(field.at.login.refreshMarginMs / 1500) })
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

export interface FreezeOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  forMs: readonly number[]
}

/** Whoever has a request at the issuer stands still for a while, with its server: lid closed, debugger, container paused. */
export function freeze({ forMs, ...options }: FreezeOptions): Promise<RaceResult> {
  const lengths = forMs.map((ms) => `${ms / 1000} s`).join(', ')
  return runRace(`holder frozen for ${lengths}`, options, async (field, score) => {
    for (const ms of forMs) {
      const answer = gate()
      let answered = 0
      field.answerRefreshes(late(answer.promise))
      field.expire()
      const request = field.nextTokenRequest()
      const calls = field.servers.map((server) => field.ask([server]).finally(() => answered++))
      const holder = field.find(senderOf(await request))
      const spender = lastOwner(field.folder)
      const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
        holder?.signal(name)
        if (spender !== undefined) process.kill(spender, name)
      }
      signal('SIGSTOP')
      // The answer is in the holder's socket when it wakes up.
      answer.open()
      await sleep(ms)
      const frozen = `after ${ms} ms of frost`
      score.expect(holder !== undefined && spender !== undefined, 'the request came from a server of ours')
      score.expect(answered === 0, `${frozen} ${answered} servers had an answer they could not have`)
      score.expect(field.refreshes() === score.rounds + 1, `${frozen} ${field.refreshes()} refreshes`)
      signal('SIGCONT')
      score.expectAnswers((await Promise.all(calls)).flat(), frozen)
      score.rounds += 1
      if (!field.isLost()) continue
      score.lost += 1
      field.signIn()
    }
    score.expect(field.refreshes() === forMs.length, `${field.refreshes()} refreshes instead of ${forMs.length}`)
    score.expect(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/**
 * Both logins in one file expire at the same moment, and every server renews one of them; each round half of them say
 * which one is to answer, which is written into its record.
 */
export function bothLogins({ rounds, store = 'file', processes }: StormOptions): Promise<RaceResult> {
  return runRace(`codex and plan at once (${store})`, { processes, store }, async (field, score) => {
    const plan = field.addLogin('plan')
    const logins = { codex: field, plan }
    for (; score.rounds < rounds; score.rounds++) {
      for (const login of Object.values(logins)) login.expire()
      const calls = field.servers.map((server, n) =>
        server.call('codex_login', { route: (n + score.rounds) % 2 === 0 ? 'codex' : 'plan' }),
      )
      score.expectAnswers(await Promise.all(calls), `round ${score.rounds}`)
      for (const [name, login] of Object.entries(logins)) {
        score.expect(login.refreshes() === score.rounds + 1, `${name}: ${login.refreshes()} refreshes`)
        if (!login.isLost()) continue
        score.lost += 1
        login.signIn()
      }
      score.expectAnswers(await field.ask(), `round ${score.rounds}, asked`)
    }
    score.note(`${plan.refreshes()} requests and ${plan.at.reuses()} reuses of the plan`)
    score.expect(field.at.reuses() + plan.at.reuses() === 0, 'a token was spent twice')
    score.expect(field.fake.plan.crossings.length === 0, 'a token has left its route')
    score.expect(
      field.form() === FORMS[store] && plan.form() === FORMS[store],
      `ended as ${field.form()}, ${plan.form()}`,
    )
    score.expect(score.lost === 0, `${score.lost} logins lost`)
  })
}

/** How a record lies in the file where these are set. */
const FORMS: Record<StoreName, string> = { file: 'plain', encrypted: 'passphrase', keychain: 'keychain' }

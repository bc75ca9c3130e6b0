import { setTimeout as sleep } from 'node:timers/promises'
import type { FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'

export interface ShutdownOptions extends Pick<FieldOptions, 'route'> {
  how: 'SIGTERM' | 'SIGINT' | 'EOF'
  rounds: number
  /** How long the issuer takes. */
  refreshMs: number
  /** Longest time to the end of the process. */
  withinMs: number
}

/** The host ends a server whose refresh is at the issuer: the answer is stored all the same. */
export function shutdown({ how, rounds, refreshMs, withinMs, route }: ShutdownOptions): Promise<RaceResult> {
  return runRace(`${how} during a ${refreshMs} ms refresh`, { processes: 1, route }, async (field, score) => {
    let slowestMs = 0
    field.answerRefreshes(async (usual) => {
      const answer = usual()
      await sleep(refreshMs)
      return answer
    })
    for (; score.rounds < rounds; score.rounds++) {
      const [server] = field.servers
      if (server === undefined) throw new Error('a race needs a server')
      field.expire()
      const request = field.nextTokenRequest()
      const call = field.ask()
      await request
      const from = performance.now()
      how === 'EOF' ? server.endInput() : server.signal(how)
      const { code, at } = await server.exited
      slowestMs = Math.max(slowestMs, at - from)
      score.expect(code === 0, `the server ended with ${code}`)
      if (how === 'EOF') score.expectAnswers(await call, 'the call that was under way')
      await field.settled()
      if (field.isLost()) {
        score.lost += 1
        field.signIn()
      }
      await field.replace([server])
    }
    score.note(`slowest exit ${Math.round(slowestMs)} ms`)
    score.expect(slowestMs <= withinMs, `an exit took ${Math.round(slowestMs)} ms instead of ${withinMs}`)
    score.expect(score.lost === 0, `${score.lost} logins lost`)
    score.expect(field.refreshes() === rounds, `${field.refreshes()} refreshes instead of ${rounds}`)
  })
}

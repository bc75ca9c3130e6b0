import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './fake-script.ts'
import type { FieldOptions } from './race-field.ts'
import { type RaceResult, runRace } from './race-result.ts'
import type { ToolAnswer } from './race-server.ts'

const FAULTS: Record<'503' | 'html' | 'garbage', Answer> = {
  '503': { status: 503, json: { error: 'temporarily_unavailable' } },
  html: { status: 403, html: '<!doctype html><title>Just a moment...</title>' },
  garbage: { bytes: '{"access_token":"half of a to', headers: { 'content-type': 'application/json' } },
}

export interface OutageOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  fault: keyof typeof FAULTS
  forMs: number
  /** Back-off is 1, 2, 4, 8 and 16 s, so an outage of known length takes a known number of requests. */
  mostRequests: number
}

/** The issuer is away for a while, and every server goes on asking. */
export function outage({ fault, forMs, mostRequests, ...options }: OutageOptions): Promise<RaceResult> {
  return runRace(`issuer down (${fault})`, options, async (field, score) => {
    let calls = 0
    const poll = async (until: () => boolean, everyMs: number): Promise<ToolAnswer[]> => {
      let last: ToolAnswer[] = []
      while (!until()) {
        last = await field.ask()
        calls += last.length
        await sleep(everyMs)
      }
      return last
    }
    field.answerRefreshes(FAULTS[fault])
    field.expire()
    const backAt = performance.now() + forMs
    const refused = await poll(() => performance.now() > backAt, 200)
    const codes = new Set(refused.map(({ code }) => code))
    // A page says that it is none of the service's; after it, and after the rest, comes the pause.
    const isOutage = [...codes].every((code) => ['TOKEN_REQUEST_FAILED', 'RESPONSE_INVALID'].includes(code ?? ''))
    score.expect(codes.size > 0 && isOutage, `while it was down: ${[...codes].join()}`)
    score.expect(field.record()?.refresh_failed === undefined, 'the login was given up')

    field.answerRefreshes()
    const issued = field.issued.length
    const giveUpAt = performance.now() + 40_000
    await poll(() => field.issued.length > issued || performance.now() > giveUpAt, 100)
    score.expectAnswers(await field.ask(), 'once it was back')
    score.rounds = 1
    score.note(`${calls} calls`)
    score.expect(field.refreshes() <= mostRequests, `${field.refreshes()} requests instead of ${mostRequests}`)
    if (field.isLost()) score.lost += 1
    score.expect(score.lost === 0, 'the login was lost')
  })
}

export interface DeadTokenOptions extends Pick<FieldOptions, 'processes' | 'route'> {
  forMs: number
}

/** The service has ended the login, and every server goes on asking for a while. */
export function deadToken({ forMs, ...options }: DeadTokenOptions): Promise<RaceResult> {
  return runRace('dead token, polled', options, async (field, score) => {
    field.at.expireRefreshTokens()
    field.expire()
    let calls = 0
    const until = performance.now() + forMs
    while (performance.now() < until) {
      const answers = await field.ask()
      calls += answers.length
      const others = answers.filter(({ code }) => code !== 'NOT_AUTHENTICATED')
      score.expect(others.length === 0, `an answer was ${others[0]?.code}`)
      await sleep(50)
    }
    score.rounds = 1
    score.note(`${calls} calls`)
    score.expect(field.refreshes() === 1, `${field.refreshes()} requests instead of 1`)
    field.signIn()
    score.expectAnswers(await field.ask(), 'after a new sign-in')
  })
}

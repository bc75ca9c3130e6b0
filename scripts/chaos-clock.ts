import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprintOf } from '../src/infrastructure/fingerprint.ts'
import { thisProcess } from '../src/infrastructure/process-identity.ts'
import { gate } from '../test/support/fake-script.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import { type Chance, type Chaos, need } from './chaos-tally.ts'
import { scratch } from './scratch.ts'

const PROCESSES = 3
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WITHIN_MS = 15_000
/** There and back a token may look expired, and once more if that is found out while another one is being renewed. */
const MOST_REFRESHES = 4

/** By how much the clocks of all servers are wrong. */
const JUMPS: Readonly<Record<string, () => number>> = {
  'an hour ahead': () => HOUR_MS,
  'an hour back': () => -HOUR_MS,
  'a day ahead': () => DAY_MS,
  'a day back': () => -DAY_MS,
  'to 1970': () => HOUR_MS - Date.now(),
}

/** Has the clock jump while something is under way. */
type Moment = (field: Field, jump: () => void, back: () => void) => Promise<void>

/** Clocks that jump while servers ask, renew, back off, sign in, and while claims of the dead lie around. */
export async function clockFaults({ chance, short, hasTime, tally }: Chaos): Promise<void> {
  const file = join(scratch(), 'offset')
  const set = (ms: number) => writeFileSync(file, `${ms}`)
  set(0)
  for (const route of ['codex', 'plan'] as const) {
    const field = await openField({ processes: PROCESSES, route, env: { NODE_OPTIONS: `--import=${movable(file)}` } })
    try {
      for (let round = 0; round < (short ? 1 : 3); round++) {
        for (const [moment, jump] of chance.shuffled(combinations(short, chance))) {
          if (!hasTime(route === 'codex' ? 0.5 : 1)) break
          await tally.inject(`${route}, ${jump} ${moment}`, async () => {
            try {
              await oneJump(field, MOMENTS[moment] as Moment, {
                jump: () => set(JUMPS[jump]?.() ?? 0),
                back: () => set(0),
              })
            } finally {
              set(0)
              field.answerRefreshes()
            }
          })
        }
      }
    } finally {
      await field.close()
    }
  }
  tally.note('the clock of JavaScript in real processes; files keep the times of the system')
}

function combinations(short: boolean, chance: Chance): [string, string][] {
  const all = Object.keys(MOMENTS).flatMap((moment) =>
    Object.keys(JUMPS).map((jump): [string, string] => [moment, jump]),
  )
  return short ? chance.shuffled(all).slice(0, 8) : all
}

async function oneJump(field: Field, moment: Moment, { jump, back }: { jump(): void; back(): void }): Promise<void> {
  field.signIn()
  const before = field.refreshes()
  await moment(field, jump, back)
  await allAnswered(field, 'with the clock as it was left')
  // A storm would show here.
  await allAnswered(field, 'once more')
  back()
  await allAnswered(field, 'with the clock back')
  await field.settled()
  need(!field.isLost(), 'the login is lost')
  need(field.at.reuses() === 0, `${field.at.reuses()} tokens spent twice`)
  need(field.refreshes() - before <= MOST_REFRESHES, `${field.refreshes() - before} refreshes`)
}

async function allAnswered(field: Field, when: string): Promise<void> {
  const answers = await field.ask()
  const failed = answers.find(({ isError }) => isError)
  need(failed === undefined, `${when}: ${failed?.code} ${failed?.text.slice(0, 200)}`)
  const slowestMs = Math.max(...answers.map(({ ms }) => ms))
  need(slowestMs <= WITHIN_MS, `${when}: an answer took ${Math.round(slowestMs)} ms`)
}

const MOMENTS: Readonly<Record<string, Moment>> = {
  'between two questions': async (field, jump) => {
    await allAnswered(field, 'before')
    jump()
  },
  'with the token expired': async (field, jump) => {
    field.expire()
    jump()
  },
  'there and back during a renewal': (field, jump, back) => duringRenewal(field, jump, back),
  'during a renewal': (field, jump) => duringRenewal(field, jump),
  'during a back-off': async (field, jump) => {
    field.answerRefreshes({ status: 503, json: {}, headers: { 'retry-after': '60' } })
    // Refused by the service: whatever the clock says, it has to be renewed.
    field.at.expireAccessTokens()
    const refused = await field.ask()
    need(
      refused.every(({ code }) => code === 'TOKEN_REQUEST_FAILED'),
      refused.map(({ code }) => code).join(', '),
    )
    field.answerRefreshes()
    jump()
  },
  'with a claim of a dead process': async (field, jump) => {
    const { startTime: start, place } = thisProcess()
    const { pid } = spawnSync(process.execPath, ['--version'])
    const subject = fingerprintOf(String(field.record()?.refresh_token))
    const claim = join(field.folder, `auth.json${field.at.login.claimSuffix}.spend.${subject}.1`)
    writeFileSync(claim, JSON.stringify({ pid, start, place, fails: 0 }), { mode: 0o600 })
    field.expire()
    jump()
  },
  'during a sign-in': async (field, jump, back) => {
    const [server] = field.servers
    const route = field.at.key === 'codex' ? 'codex' : 'plan'
    const begun = await server?.call('codex_login', { route, method: 'browser', force: true })
    need(typeof begun?.data?.url === 'string', `no address: ${begun?.text}`)
    jump()
    await allAnswered(field, 'while a sign-in is open')
    // An ID token is held against the clock, as it has to be.
    if (route === 'plan') back()
    const visit = await field.fake.browser(begun.data.url)
    need(visit.status === 200, `the browser was answered ${visit.status}`)
    const until = performance.now() + WITHIN_MS
    for (;;) {
      const status = await server?.call('codex_status')
      const state: unknown = status?.data?.login?.state
      if (state !== 'pending') {
        need(state === 'succeeded' || status?.data?.authenticated === true, `the sign-in is ${state}`)
        break
      }
      need(performance.now() < until, 'the sign-in does not end')
    }
    // What the race knows of is the login that it has put there.
    field.signIn()
  },
}

async function duringRenewal(field: Field, jump: () => void, back?: () => void): Promise<void> {
  const answer = gate()
  field.answerRefreshes(async (usual) => {
    await answer.promise
    return usual()
  })
  field.expire()
  const request = field.nextTokenRequest()
  const asked = field.ask()
  await request
  jump()
  // Whoever waits looks at its clock meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 100))
  back?.()
  answer.open()
  const failed = (await asked).find(({ isError }) => isError)
  need(failed === undefined, `those who waited: ${failed?.text.slice(0, 200)}`)
  field.answerRefreshes()
}

/** Loaded before the server and all it starts: the wall clock is off by as many milliseconds as stand in the file. */
function movable(file: string): string {
  const code = `import { readFileSync } from 'node:fs'
    const bare = Date.now
    let [offset, readAt] = [0, -9]
    Date.now = () => {
      const at = performance.now()
      if (at - readAt > 1) {
        readAt = at
        try { offset = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) } catch {}
      }
      return bare() + offset
    }
    globalThis.Date = new Proxy(Date, {
      construct: (type, given) => (given.length === 0 ? new type(type.now()) : new type(...given)),
    })`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteName } from '../../src/services/login/login-route.ts'
import type { FakeOpenAI } from './fake-openai.ts'
import type { SeenRequest } from './fake-request.ts'
import { type FakeRoute, fakeRoute, senderOf } from './fake-route.ts'
import type { Step } from './fake-script.ts'
import type { RaceStore } from './race-store.ts'

/** One login of a race: its record in the credentials file, and its side of the issuer. */
export interface RaceLogin {
  at: FakeRoute
  /** Puts a new login into the credentials file. */
  signIn(): void
  /** The record says from now on that its access token has expired, or will soon. */
  expire(when?: { inSeconds: number }): void
  record(): Record<string, unknown> | undefined
  /** How the record lies in the file. */
  form(): string
  /** True as soon as the record is as wanted; false when that takes too long. */
  stored(wanted: (record: Record<string, unknown>) => boolean): Promise<boolean>
  /** What the issuer answers to refreshes from now on; nothing means the usual. */
  answerRefreshes(step?: Step): void
  /** The next request for tokens, as soon as it has reached the issuer. */
  nextTokenRequest(): Promise<SeenRequest>
  /** Requests to refresh that reached the issuer. */
  refreshes(): number
  /** Refresh tokens given out, and to whom. */
  issued: readonly { refreshToken: string; to: string }[]
  /** True when the stored login can never be renewed again although nobody has signed out. */
  isLost(): boolean
}

export interface RaceLoginDeps {
  fake: FakeOpenAI
  file: string
  box: RaceStore
  route: RouteName
}

export function createRaceLogin({ fake, file, box, route }: RaceLoginDeps): RaceLogin {
  const at = fakeRoute(fake, route)
  const issued: { refreshToken: string; to: string }[] = []
  let reusesBefore = 0

  const root = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {})
  const write = (record: Record<string, unknown>) => {
    const text = JSON.stringify({ ...root(), [at.key]: box.close(record) }, null, 2)
    writeFileSync(`${file}.race`, text, { mode: 0o600 })
    renameSync(`${file}.race`, file)
  }
  const record = () => box.open(root()[at.key])
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  return {
    at,
    signIn() {
      const { tokens, fields } = at.issue()
      reusesBefore = at.reuses()
      issued.push({ refreshToken: tokens.refresh_token, to: 'the browser' })
      write({ ...fields, expires_at: nowSeconds() + 3600 })
    },
    expire({ inSeconds } = { inSeconds: -60 }) {
      write({ ...record(), expires_at: nowSeconds() + inSeconds })
    },
    record,
    form: () => box.formOf(root()[at.key]),
    async stored(wanted) {
      const deadline = performance.now() + 10_000
      while (!wanted(record() ?? {})) {
        if (performance.now() > deadline) return false
        await sleep(5)
      }
      return true
    },
    answerRefreshes(step = (usual) => usual()) {
      at.script.token.always((usual, request) => {
        if (!at.isRefresh(request)) return usual()
        const counted = () => {
          const answer = usual()
          const { refresh_token: refreshToken } = (answer.json ?? {}) as { refresh_token?: string }
          if (refreshToken !== undefined) issued.push({ refreshToken, to: senderOf(request) })
          return answer
        }
        return typeof step === 'function' ? step(counted, request) : step
      })
    },
    nextTokenRequest: () => fake.arrival(at.tokenPath, (fake.seen.counts[at.tokenPath] ?? 0) + 1),
    refreshes: () => at.grants().filter((grant) => grant === 'refresh_token').length,
    issued,
    isLost() {
      const { refresh_token: token, refresh_failed: failed } = record() ?? {}
      return at.reuses() > reusesBefore || failed !== undefined || token !== issued.at(-1)?.refreshToken
    },
  }
}

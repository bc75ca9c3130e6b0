import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import type { SeenRequest } from './fake-request.ts'
import type { Step } from './fake-script.ts'
import { freePorts } from './free-ports.ts'
import { type RaceServer, startRaceServer, type ToolAnswer } from './race-server.ts'
import { openRaceStore, type StoreName } from './race-store.ts'

/** Servers over one credentials file in a home of their own, and the issuer that punishes reuse. */
export interface Field {
  fake: FakeOpenAI
  /** The folder of the credentials file. */
  folder: string
  /** Those that run. */
  servers: readonly RaceServer[]
  /** A server of this name or pid, if it is one of ours and runs. */
  find(nameOrPid: string | number | undefined): RaceServer | undefined
  /** Starts servers in the place of these, which have been killed. */
  replace(killed: readonly RaceServer[]): Promise<void>
  /** Puts a new login into the credentials file. */
  signIn(): void
  /** The record says from now on that its access token has expired, or will soon. */
  expire(when?: { inSeconds: number }): void
  record(): Record<string, unknown> | undefined
  /** How the record lies in the file. */
  form(): string
  /** True as soon as the record is as wanted; false when that takes too long. */
  stored(wanted: (record: Record<string, unknown>) => boolean): Promise<boolean>
  /** Asks these servers, or all, one question at the same moment. */
  ask(servers?: readonly RaceServer[]): Promise<ToolAnswer[]>
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
  close(): Promise<void>
}

const TOKEN_PATH = '/oauth/token'

export interface FieldOptions {
  processes: number
  env?: Record<string, string>
  /** How the servers store credentials. */
  store?: StoreName
}

export async function openField({ processes, env: extraEnv = {}, store = 'file' }: FieldOptions): Promise<Field> {
  const home = mkdtempSync(join(realpathSync(tmpdir()), 'codex-oauth-race-'))
  const folder = join(home, '.claude')
  const file = join(folder, 'auth.json')
  mkdirSync(folder, { mode: 0o700 })
  const box = await openRaceStore(store, folder)
  const fake = await startFakeOpenAI()
  const [first, second] = await freePorts(2)
  const env = fake.env({
    HOME: home,
    PATH: '/usr/bin:/bin',
    CODEX_OAUTH_PORTS: `${first},${second}`,
    ...box.env,
    ...extraEnv,
  })
  const issued: { refreshToken: string; to: string }[] = []
  let servers: RaceServer[] = []
  let started = 0
  let reusesBefore = 0

  const write = (record: Record<string, unknown>) => {
    writeFileSync(join(folder, 'race.tmp'), JSON.stringify({ codex: box.close(record) }, null, 2), { mode: 0o600 })
    renameSync(join(folder, 'race.tmp'), file)
  }
  const record = () => box.open(JSON.parse(readFileSync(file, 'utf8')).codex)
  const start = async (count: number) => {
    const names = Array.from({ length: count }, () => `race-${++started}`)
    servers.push(...(await Promise.all(names.map((name) => startRaceServer(name, env)))))
  }
  const nowSeconds = () => Math.floor(Date.now() / 1000)

  const field: Field = {
    fake,
    folder,
    get servers() {
      return servers
    },
    find: (wanted) => servers.find(({ name, pid }) => name === wanted || pid === wanted),
    async replace(killed) {
      await Promise.all(killed.map(({ exited }) => exited))
      servers = servers.filter((server) => !killed.includes(server))
      await start(killed.length)
    },
    signIn() {
      const { access_token, refresh_token, id_token } = fake.issueTokens()
      reusesBefore = fake.seen.reuses
      issued.push({ refreshToken: refresh_token, to: 'the browser' })
      const expires_at = nowSeconds() + 3600
      write({ access_token, refresh_token, id_token, expires_at, account_id: 'acct-fake-0001' })
    },
    expire({ inSeconds } = { inSeconds: -60 }) {
      write({ ...record(), expires_at: nowSeconds() + inSeconds })
    },
    record,
    form: () => box.formOf(JSON.parse(readFileSync(file, 'utf8')).codex),
    async stored(wanted) {
      const deadline = performance.now() + 10_000
      while (!wanted(record() ?? {})) {
        if (performance.now() > deadline) return false
        await sleep(5)
      }
      return true
    },
    ask: (asked = servers) => Promise.all(asked.map((server) => server.call('codex_query', { prompt: 'Hello?' }))),
    answerRefreshes(step = (usual) => usual()) {
      fake.script.token.always((usual, request) => {
        if (!request.text.includes('"refresh_token"')) return usual()
        const counted = () => {
          const answer = usual()
          const { refresh_token: refreshToken } = (answer.json ?? {}) as { refresh_token?: string }
          if (refreshToken !== undefined) issued.push({ refreshToken, to: `${request.headers.originator}` })
          return answer
        }
        return typeof step === 'function' ? step(counted, request) : step
      })
    },
    nextTokenRequest: () => fake.arrival(TOKEN_PATH, (fake.seen.counts[TOKEN_PATH] ?? 0) + 1),
    refreshes: () => fake.seen.grants.filter((grant) => grant === 'refresh_token').length,
    issued,
    isLost() {
      const { refresh_token: token, refresh_failed: failed } = record() ?? {}
      return fake.seen.reuses > reusesBefore || failed !== undefined || token !== issued.at(-1)?.refreshToken
    },
    async close() {
      for (const server of servers) server.signal('SIGKILL')
      await Promise.all(servers.map(({ exited }) => exited))
      await fake.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
  try {
    field.answerRefreshes()
    field.signIn()
    await start(processes)
  } catch (error) {
    await field.close()
    throw error
  }
  return field
}

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lifeOf, thisProcess } from '../../src/infrastructure/process-identity.ts'
import type { RouteName } from '../../src/services/login/login-route.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import { freePorts } from './free-ports.ts'
import { lastOwner } from './race-claims.ts'
import { createRaceLogin, type RaceLogin } from './race-login.ts'
import { type RaceServer, startRaceServer, type ToolAnswer } from './race-server.ts'
import { openRaceStore, type StoreName } from './race-store.ts'

/** Servers over one credentials file in a home of their own, and the issuer that punishes reuse. */
export interface Field extends RaceLogin {
  fake: FakeOpenAI
  /** The folder of the credentials file. */
  folder: string
  /** What the servers are started with. */
  env: Readonly<Record<string, string>>
  /** Where their sign-ins listen. */
  ports: readonly number[]
  /** Those that run. */
  servers: readonly RaceServer[]
  /** A server of this name or pid, if it is one of ours and runs. */
  find(nameOrPid: string | number | undefined): RaceServer | undefined
  /** Starts servers in the place of these, which have been killed. */
  replace(killed: readonly RaceServer[]): Promise<void>
  /** Asks these servers, or all, one question at the same moment. */
  ask(servers?: readonly RaceServer[]): Promise<ToolAnswer[]>
  /** Resolves when the last token given out is stored, or cannot be any more. */
  settled(): Promise<void>
  /** Signs in to this one as well, in the same file. */
  addLogin(route: RouteName): RaceLogin
  close(): Promise<void>
}

export interface FieldOptions {
  processes: number
  env?: Record<string, string>
  /** How the servers store credentials. */
  store?: StoreName
  /** The login it is about; that of the Codex client unless told. */
  route?: RouteName | undefined
  /** Makes something of the folder before anything lies in it; what it returns undoes that. */
  prepare?: (folder: string) => () => void
}

export async function openField(options: FieldOptions): Promise<Field> {
  const { processes, env: extraEnv = {}, store = 'file', route = 'codex', prepare } = options
  const home = mkdtempSync(join(realpathSync(tmpdir()), 'codex-oauth-race-'))
  const folder = join(home, '.claude')
  const file = join(folder, 'auth.json')
  mkdirSync(folder, { mode: 0o700 })
  const undo = prepare?.(folder)
  const box = await openRaceStore(store, folder)
  const fake = await startFakeOpenAI()
  const ports = await freePorts(2)
  const env = fake.env({
    HOME: home,
    PATH: '/usr/bin:/bin',
    CODEX_OAUTH_PORTS: ports.join(','),
    ...box.env,
    ...extraEnv,
  })
  let servers: RaceServer[] = []
  let started = 0

  const start = async (count: number) => {
    const names = Array.from({ length: count }, () => `race-${++started}`)
    servers.push(...(await Promise.all(names.map((name) => startRaceServer(name, env)))))
  }
  const addLogin = (name: RouteName) => {
    const login = createRaceLogin({ fake, file, box, route: name })
    login.answerRefreshes()
    login.signIn()
    return login
  }
  const close = async () => {
    for (const server of servers) server.signal('SIGKILL')
    await Promise.all(servers.map(({ exited }) => exited))
    await fake.close()
    undo?.()
    rmSync(home, { recursive: true, force: true })
  }

  try {
    const login = addLogin(route)
    await start(processes)
    return {
      ...login,
      fake,
      folder,
      env,
      ports,
      get servers() {
        return servers
      },
      find: (wanted) => servers.find(({ name, pid }) => name === wanted || pid === wanted),
      async replace(killed) {
        await Promise.all(killed.map(({ exited }) => exited))
        servers = servers.filter((server) => !killed.includes(server))
        await start(killed.length)
      },
      ask: (asked = servers) => Promise.all(asked.map((server) => server.call('codex_query', { prompt: 'Hello?' }))),
      async settled() {
        await login.stored(({ refresh_token: token }) => token === login.issued.at(-1)?.refreshToken || isIdle(folder))
      },
      addLogin,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether nobody who lives is renewing anything. */
function isIdle(folder: string): boolean {
  const pid = lastOwner(folder)
  return pid === undefined || lifeOf({ ...thisProcess(), pid, startTime: undefined }) === 'dead'
}

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { RouteName } from '../src/services/login/login-route.ts'
import type { Script } from '../test/support/fake-script.ts'
import { type Field, openField } from '../test/support/race-field.ts'
import type { RaceServer, ToolAnswer } from '../test/support/race-server.ts'
import { type Fault, shapes, statuses } from './chaos-answers.ts'
import { type Chaos, need } from './chaos-tally.ts'

interface Endpoint {
  name: string
  routes: readonly RouteName[]
  script(field: Field): Script
  /** Has the server ask there. */
  ask(field: Field, server: RaceServer): Promise<ToolAnswer>
  /** The longest such an answer may take: its time limits, its retries, and a busy machine. */
  withinMs: number
}

const question = { prompt: 'Hello?' }
const both = ['codex', 'plan'] as const
const scriptsOf = ({ fake, at }: Field) => (at.key === 'codex' ? fake.script : fake.plan.script)

const ENDPOINTS: readonly Endpoint[] = [
  {
    name: 'responses',
    routes: both,
    script: (field) => scriptsOf(field).responses,
    ask: (_, server) => server.call('codex_query', question),
    withinMs: 45_000,
  },
  {
    name: 'models',
    routes: both,
    script: (field) => scriptsOf(field).models,
    ask: (_, server) => server.call('codex_models'),
    withinMs: 30_000,
  },
  {
    name: 'token',
    routes: both,
    script: (field) => field.at.script.token,
    ask: (field, server) => {
      field.expire()
      return server.call('codex_query', question)
    },
    withinMs: 60_000,
  },
  {
    name: 'usage',
    routes: ['codex'],
    script: ({ fake }) => fake.script.usage,
    ask: (_, server) => server.call('codex_status', { usage: true }),
    withinMs: 30_000,
  },
]

/** Limits that users have in minutes. */
const LIMITS = {
  CODEX_OAUTH_HEADER_TIMEOUT_MS: '2000',
  CODEX_OAUTH_FIRST_EVENT_TIMEOUT_MS: '2000',
  CODEX_OAUTH_IDLE_TIMEOUT_MS: '2000',
}

interface Job {
  endpoint: Endpoint
  fault: Fault
}

/**
 * The service gives each endpoint every status and every odd answer. Whoever asked has to get an answer or an error
 * with a code, in time; the server has to be there afterwards and to answer the next question.
 */
export async function serviceFaults({ chance, short, hasTime, tally }: Chaos): Promise<void> {
  const slowest = new Map<string, number>()
  const workers = short ? 4 : 8
  const jobs: Record<RouteName, Job[]> = { codex: [], plan: [] }
  for (const endpoint of ENDPOINTS) {
    for (const route of endpoint.routes) {
      const all = [...shapes(chance), ...statuses(chance)]
      // What stalls at the issuer takes its whole time limit: in the short form the other endpoints have to do.
      const quick = chance.shuffled(all.filter(({ stalls }) => !stalls)).slice(0, 24)
      const stalling = endpoint.name === 'responses' ? all.filter(({ stalls }) => stalls).slice(0, 2) : []
      jobs[route].push(...(short ? [...quick, ...stalling] : all).map((fault) => ({ endpoint, fault })))
    }
  }
  for (const route of both) jobs[route] = chance.shuffled(jobs[route])

  async function work(route: RouteName): Promise<void> {
    const field = await openField({ processes: 1, route, env: LIMITS })
    field.at.script.token.always(undefined)
    try {
      for (let job = jobs[route].pop(); job !== undefined; job = jobs[route].pop()) {
        if (!hasTime()) {
          jobs[route].push(job)
          break
        }
        const { endpoint, fault } = job
        const name = `${route} ${endpoint.name}, ${fault.name}`
        await tally.inject(name, async () => {
          const ms = await oneFault(field, endpoint, fault)
          slowest.set(endpoint.name, Math.max(slowest.get(endpoint.name) ?? 0, ms))
        })
      }
    } finally {
      await field.close()
    }
  }

  await Promise.all(Array.from({ length: workers }, (_, n) => work(n % 2 === 0 ? 'codex' : 'plan')))
  const left = jobs.codex.length + jobs.plan.length
  if (left > 0) tally.note(`${left} left out for time`)
  tally.note(`slowest: ${[...slowest].map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`).join(', ')}`)
}

async function oneFault(field: Field, { ask, script, withinMs, name }: Endpoint, { step }: Fault): Promise<number> {
  if (field.servers.some((server) => server.hasExited())) await field.replace(field.servers)
  // A new login for each fault: what the issuer has said of the last one counts for all who would renew it.
  field.signIn()
  if (name === 'models') {
    rmSync(join(field.folder, 'codex-oauth', 'models.json'), { force: true })
    for (const server of field.servers) server.signal('SIGKILL')
    await field.replace(field.servers)
  }
  const [server] = field.servers
  need(server !== undefined, 'no server')
  let met = 0
  script(field).always((usual, request) => {
    met += 1
    return typeof step === 'function' ? step(usual, request) : step
  })
  const asked = await ask(field, server)
  script(field).always(undefined)
  need(asked.code !== 'GONE' && asked.code !== 'SILENT' && asked.code !== 'UNKNOWN', `${asked.code} ${asked.text}`)
  need(met > 0, 'nobody has asked there')
  need(asked.ms <= withinMs, `took ${Math.round(asked.ms)} ms`)
  need(await server.ping(), 'no answer to a ping')
  need(server.strays.length === 0, `stdout carried ${server.strays[0]?.slice(0, 100)}`)
  field.signIn()
  const next = await server.call('codex_query', question)
  need(!next.isError, `the next question: ${next.text}`)
  return asked.ms
}

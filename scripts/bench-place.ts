import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type FakeOpenAI, startFakeOpenAI } from '../test/support/fake-openai.ts'
import type { SeenRequest } from '../test/support/fake-request.ts'
import { type FrameReader, readFrames } from '../test/support/frames.ts'
import { SERVER_FILE } from '../test/support/race-server.ts'
import { recordOf } from '../test/support/start-app.ts'
import { scratch } from './scratch.ts'

/** A server at the other end of two pipes. */
export interface Talk extends FrameReader {
  child: ChildProcess
  request(method: string, params?: object): Promise<Answered>
  notify(method: string): void
  /** Asks a question; throws unless it is answered. */
  ask(args: object): Promise<Answered>
  end(): Promise<void>
}

export interface Answered {
  id: number
  // biome-ignore lint/suspicious/noExplicitAny: who asked knows what it is
  result: any
}

const clientInfo = { name: 'bench', version: '1' }

export function talkTo(child: ChildProcess): Talk {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('The server was started without pipes.')
  stdin.on('error', () => {})
  const reader = readFrames(stdout as typeof stdout & NodeJS.ReadableStream)
  const send = (message: object) => void stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  let lastId = 0
  const request = async (method: string, params: object = {}) => {
    const id = ++lastId
    send({ id, method, params })
    const { result, error } = await reader.answerTo(id)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return { id, result }
  }
  return {
    ...reader,
    child,
    request,
    notify: (method) => send({ method }),
    async ask(args) {
      const meta = { progressToken: lastId + 1 }
      const answered = await request('tools/call', { name: 'codex_query', arguments: args, _meta: meta })
      if (answered.result.isError) throw new Error(`A question failed: ${JSON.stringify(answered.result.content)}`)
      return answered
    },
    async end() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Shakes hands, up to the list of tools. */
export async function greet(talk: Talk): Promise<void> {
  await talk.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  talk.notify('notifications/initialized')
  await talk.request('tools/list')
}

export type Place = Awaited<ReturnType<typeof openPlace>>

/** A home in which somebody is signed in at the fake OpenAI, a project in it, and servers there. */
export async function openPlace() {
  const home = realpathSync(scratch())
  const project = join(home, 'project')
  const state = join(home, '.claude')
  const file = join(state, 'auth.json')
  mkdirSync(project)
  mkdirSync(state, { mode: 0o700 })
  const fake = await startFakeOpenAI()
  const record = recordOf(fake.issueTokens())
  const servers: Talk[] = []
  const env = { ...fake.env(), HOME: home, PATH: process.env.PATH ?? '' }

  /** Signed in, beside so many keys of other programs. */
  function storeLogin(others = 0): void {
    const other = { access_token: 'x'.repeat(100), refresh_token: 'y'.repeat(50), expires_at: 0 }
    const keys = Array.from({ length: others }, (_, n) => [`program-${n}`, other])
    writeFileSync(`${file}.new`, JSON.stringify({ ...Object.fromEntries(keys), codex: record }, null, 2), {
      mode: 0o600,
    })
    renameSync(`${file}.new`, file)
  }
  storeLogin()

  return {
    fake,
    project,
    /** Where the server keeps conversations and answers. */
    state: join(state, 'codex-oauth'),
    file,
    env,
    storeLogin,
    async startServer(): Promise<Talk> {
      const talk = talkTo(
        spawn(process.execPath, [SERVER_FILE], { stdio: ['pipe', 'pipe', 'ignore'], env, cwd: project }),
      )
      servers.push(talk)
      await greet(talk)
      return talk
    },
    async close() {
      await Promise.all(servers.map((server) => server.end()))
      await fake.close()
    },
  }
}

/** A program that answers every line with a line. */
export function startEcho(script: string): { say(message: object): Promise<unknown>; end(): void } {
  const child = spawn(process.execPath, [join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  return {
    async say(message) {
      const answer = once(lines, 'line')
      child.stdin.write(`${JSON.stringify(message)}\n`)
      const [line] = await answer
      return JSON.parse(line)
    },
    end: () => void child.kill('SIGKILL'),
  }
}

/** What the server has sent last, for somebody else to send. */
export function requestOf(fake: FakeOpenAI): { url: string; init: RequestInit } {
  const seen = fake.seen.requests.filter(({ path }) => path.endsWith('/responses')).at(-1)
  if (seen === undefined) throw new Error('The server has asked nothing.')
  return { url: `${fake.issuer}${seen.path}`, init: { method: 'POST', headers: headersOf(seen), body: seen.text } }
}

function headersOf({ headers }: SeenRequest): Record<string, string> {
  const ofConnection = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !ofConnection.includes(name) ? [[name, value]] : [],
    ),
  )
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

export function residentBytes(pid: number | undefined): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }).stdout) * 1024
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type BuiltServer, startBuiltServer } from './built-server.ts'
import { type FakeOpenAI, startFakeOpenAI } from './fake-openai.ts'
import { freePorts } from './free-ports.ts'
import { type SentQuestion, sentQuestion } from './query-app.ts'
import { recordOf } from './start-app.ts'
import { tempFolder } from './temp-folder.ts'

/** A user who is signed in, and as many built servers of theirs as a test wants, each a process. */
export interface Windows {
  fake: FakeOpenAI
  /** Questions that have reached the fake. */
  asked(): SentQuestion[]
  /** One more window. `roots` are the folders its client has open; without it, it says nothing of folders. */
  open(options?: { env?: Record<string, string>; roots?: readonly string[] }): Promise<BuiltServer>
}

export async function startWindows(): Promise<Windows> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  mkdirSync(join(home, '.claude'))
  const login = JSON.stringify({ codex: recordOf(fake.issueTokens()) })
  writeFileSync(join(home, '.claude', 'auth.json'), login, { mode: 0o600 })
  const ports = (await freePorts(2)).join(',')
  const usual = { ...fake.env({ CODEX_OAUTH_PORTS: ports }), HOME: home, PATH: process.env.PATH ?? '' }
  return {
    fake,
    asked: () => fake.seen.requests.filter(({ path }) => path.endsWith('/responses')).map(sentQuestion),
    async open({ env = {}, roots } = {}) {
      const server = startBuiltServer({ ...usual, ...env })
      const capabilities = roots === undefined ? {} : { roots: {} }
      const clientInfo = { name: 'test', version: '1' }
      await server.request(0, 'initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo })
      server.send({ method: 'notifications/initialized' })
      if (roots !== undefined) void answerRoots(server, roots)
      return server
    },
  }
}

/** They are asked for once, when somebody wants them. */
async function answerRoots(server: BuiltServer, roots: readonly string[]): Promise<void> {
  const request = await server.first(({ method }) => method === 'roots/list').catch(() => undefined)
  if (request !== undefined) server.send({ id: request.id, result: { roots: roots.map((uri) => ({ uri })) } })
}

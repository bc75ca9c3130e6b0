import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type BuiltServer, startBuiltServer } from '../support/built-server.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { freePorts } from '../support/free-ports.ts'
import { type SentItem, wordsOf } from '../support/query-app.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'

const TALK = 'shared'

interface Place {
  fake: FakeOpenAI
  /** A window of the one user there is. */
  window(): Promise<BuiltServer>
}

async function place(): Promise<Place> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  mkdirSync(join(home, '.claude'))
  const login = JSON.stringify({ codex: recordOf(fake.issueTokens()) })
  writeFileSync(join(home, '.claude', 'auth.json'), login, { mode: 0o600 })
  const ports = (await freePorts(2)).join(',')
  const env = { ...fake.env({ CODEX_OAUTH_PORTS: ports }), HOME: home, PATH: process.env.PATH ?? '' }
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  return {
    fake,
    async window() {
      const server = startBuiltServer(env)
      await server.request(0, 'initialize', hello)
      server.send({ method: 'notifications/initialized' })
      return server
    },
  }
}

/** What the user has said in the last question that the fake was asked. */
function lastSaid({ seen }: FakeOpenAI): string[] {
  const { body } = seen.requests.filter(({ path }) => path.endsWith('/responses')).at(-1) ?? {}
  const { input } = body as { input: SentItem[] }
  return input.filter(({ role }) => role === 'user').map(wordsOf)
}

test('3. Conversations: two windows write one, 500 turns and several at a time, killed again and again, and lose none', {
  timeout: 240_000,
}, async () => {
  const { fake, window } = await place()
  const finished: string[] = []
  let asked = 0
  let kills = 0

  /** Asks one question after the other until the server is killed, or enough are answered. */
  async function askIn(server: BuiltServer, onAnswer: () => void): Promise<void> {
    while (finished.length < 500) {
      asked += 1
      const prompt = `Question ${asked}?`
      const result = await server.call('codex_query', { prompt, conversation: TALK }).catch(() => undefined)
      if (result === undefined) return
      expect(result.isError).toBe(false)
      expect(result.text).not.toContain('Note:')
      finished.push(prompt)
      onAnswer()
    }
  }

  async function oneWindowAfterTheOther(): Promise<void> {
    while (finished.length < 500) {
      const server = await window()
      let left = 15 + Math.floor(Math.random() * 30)
      const onAnswer = () => {
        left -= 1
        if (left !== 0 || kills >= 8) return
        kills += 1
        // Three others are somewhere between their question and its last byte on the disk.
        setTimeout(() => server.child.kill('SIGKILL'), Math.random() * 20)
      }
      await Promise.all([1, 2, 3, 4].map(() => askIn(server, onAnswer)))
      await server.endBy(() => void server.child.stdin.end())
    }
  }

  await Promise.all([oneWindowAfterTheOther(), oneWindowAfterTheOther()])
  expect(kills).toBe(8)
  const last = await window()
  expect((await last.call('codex_query', { prompt: 'Last?', conversation: TALK })).text).not.toContain('Note:')
  const said = lastSaid(fake)
  expect(finished.filter((prompt) => !said.includes(prompt))).toEqual([])
  expect(new Set(said).size).toBe(said.length)
  expect(fake.seen.refusals).toEqual([])
  const { data } = await last.call('codex_status')
  expect(data.conversations).toMatchObject([{ name: TALK, turns: said.length, last_prompt: 'Last?' }])
})

test('3. Conversations: what one window has asked, another one goes on with, and a later one too', async () => {
  const { fake, window } = await place()
  for (const prompt of ['One?', 'Two?', 'Three?']) {
    const server = await window()
    await server.call('codex_query', { prompt, conversation: TALK })
    await server.endBy(() => void server.child.kill('SIGKILL'))
  }
  expect(lastSaid(fake)).toEqual(['One?', 'Two?', 'Three?'])
})

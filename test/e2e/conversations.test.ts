import { expect, test } from 'vitest'
import type { BuiltServer } from '../support/built-server.ts'
import { wordsOf } from '../support/query-app.ts'
import { startWindows, type Windows } from '../support/windows.ts'

const TALK = 'shared'

/** What the user has said in the last question that the fake was asked. */
function lastSaid({ asked }: Windows): string[] {
  const items = asked().at(-1)?.items ?? []
  return items.filter(({ role }) => role === 'user').map(wordsOf)
}

test('3. Conversations: two windows write one, 500 turns and several at a time, killed again and again, and lose none', {
  timeout: 240_000,
}, async () => {
  const windows = await startWindows()
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
      const server = await windows.open()
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
  const last = await windows.open()
  expect((await last.call('codex_query', { prompt: 'Last?', conversation: TALK })).text).not.toContain('Note:')
  const said = lastSaid(windows)
  expect(finished.filter((prompt) => !said.includes(prompt))).toEqual([])
  expect(new Set(said).size).toBe(said.length)
  expect(windows.fake.seen.refusals).toEqual([])
  const { data } = await last.call('codex_status')
  expect(data.conversations).toMatchObject([{ name: TALK, turns: said.length, last_prompt: 'Last?' }])
})

test('3. Conversations: what one window has asked, another one goes on with, and a later one too', async () => {
  const windows = await startWindows()
  for (const prompt of ['One?', 'Two?', 'Three?']) {
    const server = await windows.open()
    await server.call('codex_query', { prompt, conversation: TALK })
    await server.endBy(() => void server.child.kill('SIGKILL'))
  }
  expect(lastSaid(windows)).toEqual(['One?', 'Two?', 'Three?'])
})

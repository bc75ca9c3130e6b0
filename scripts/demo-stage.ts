import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { FakeOpenAI } from '../test/support/fake-openai.ts'
import { answerEvents, sse } from '../test/support/fake-sse.ts'

export const ANSWER =
  'A Map keeps its keys in a hash table of its own, whatever their type, while an object with a fixed set of ' +
  'keys gets a hidden class and inline caches: reading a known field is then a single load. Use an object for ' +
  'records with known fields, a Map for a growing collection of keys.'

/** Where the demo is played: a real server under a real client, the fake OpenAI, and what is said about it. */
export interface Stage {
  fake: FakeOpenAI
  client: Client
  /** The server's folder of credentials. */
  folder: string
  /** Begins a step, numbered from 1. */
  step(title: string): void
  show(text: unknown): void
  /** Says whether this holds; the demo fails when one does not. */
  check(what: string, holds: boolean): void
  /** Calls a tool and shows its progress as it comes. */
  call(name: string, args?: Record<string, unknown>): Promise<Outcome>
  /** The credentials file as JSON. */
  stored(): Record<string, Record<string, unknown>>
  /** Lets the access token of this record run out. */
  expire(record: string): void
}

export interface Outcome {
  text: string
  data: Record<string, unknown>
  isError: boolean
}

export interface StageDeps extends Pick<Stage, 'fake' | 'client' | 'folder'> {
  words: Words
}

export function createStage({ fake, client, folder, words }: StageDeps): Stage & { failures(): number } {
  const { say, bold, dim, green, red } = words
  const file = `${folder}/auth.json`
  const stored = () => JSON.parse(readFileSync(file, 'utf8'))
  let steps = 0
  let failures = 0

  return {
    fake,
    client,
    folder,
    failures: () => failures,
    step: (title) => say(`\n${bold(`${++steps}. ${title}`)}`),
    show: (text) => say(String(text).replace(/^/gm, '    ')),
    check(what, holds) {
      say(`  ${holds ? green('✓') : red('✗')} ${what}`)
      if (!holds) failures += 1
    },
    async call(name, args = {}) {
      say(dim(`  → ${name} ${JSON.stringify(args)}`))
      const result = (await client.callTool({ name, arguments: args }, undefined, {
        onprogress: ({ message = '' }) => say(dim(`    … ${message}`)),
      })) as CallToolResult
      const texts = result.content.map((block) => (block.type === 'text' ? block.text : ''))
      const data = (result.structuredContent ?? {}) as Record<string, unknown>
      return { text: texts.join('\n'), data, isError: result.isError === true }
    },
    stored,
    expire(record) {
      const all = stored()
      Object.assign(all[record] ?? {}, { expires_at: Math.floor(Date.now() / 1000) - 1 })
      writeFileSync(file, JSON.stringify(all, null, 2))
    },
  }
}

export type Words = ReturnType<typeof createWords>

/** Lines on standard output, in colour where there is some. */
export function createWords() {
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR
  const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const say = (text: string) => process.stdout.write(`${text}\n`)
  return { say, bold: paint(1), dim: paint(2), green: paint(32), red: paint(31) }
}

/** `ANSWER` as this model writes it: a little at a time. */
export async function* slowly(model: string): AsyncGenerator<string> {
  for (const event of answerEvents(ANSWER, { model, deltas: 40, reasoning: 'Comparing the two' })) {
    yield sse([event])
    await sleep(30)
  }
}

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { startFakeOpenAI } from './fake-openai.ts'
import type { Body } from './fake-script.ts'
import { answer, answerEvents, type StreamEvent, sse } from './fake-sse.ts'
import { recordOf } from './start-app.ts'

export interface StreamMemory {
  /** What the server has read, in bytes. */
  read: number
  /** How much more memory it held at most while it read than after short answers, in bytes. */
  more: number
  /** Characters of the answer that arrived. */
  characters: number
}

const MIB = 1_048_576
/**
 * Garbage is collected soon, so that what is left is what the server holds on to. By itself V8 lets some 50 MB of it lie
 * about. A server that wants more than this ends, and its call with it.
 */
const TIGHT = ['--max-old-space-size=32', '--max-semi-space-size=1']
const LOOK_MS = 50
const SHORT_ANSWERS = 5
/** One delta of text, as short as those of the service. */
const WORD = 'word and '

/**
 * Has the built server read a stream of at least `bytes`, a fiftieth of which is text of the answer, and watches its
 * memory from outside.
 */
export async function measureStream(serverFile: string, bytes: number): Promise<StreamMemory> {
  const home = mkdtempSync(join(realpathSync(tmpdir()), 'codex-oauth-'))
  const fake = await startFakeOpenAI()
  const claude = join(home, '.claude')
  mkdirSync(claude, { mode: 0o700 })
  writeFileSync(join(claude, 'auth.json'), JSON.stringify({ codex: recordOf(fake.issueTokens()) }), { mode: 0o600 })
  const env = { ...fake.env(), HOME: home, PATH: process.env.PATH ?? '' }
  const transport = new StdioClientTransport({ command: process.execPath, args: [...TIGHT, serverFile], env })
  const client = new Client({ name: 'memory', version: '1' })
  try {
    await client.connect(transport)
    const ask = () => client.callTool({ name: 'codex_query', arguments: { prompt: 'Why?' } }, undefined, WAITING)
    // Everything that is loaded with the first questions is there before.
    for (let count = 0; count < SHORT_ANSWERS; count += 1) {
      fake.script.responses.push({ sse: answer('short') })
      await ask()
    }
    const stream = longStream(bytes)
    fake.script.responses.push({ sse: stream.body })
    const before = residentBytes(transport.pid)
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, residentBytes(transport.pid))
    }, LOOK_MS)
    const result = await ask().finally(() => clearInterval(watch))
    const [, footer] = result.content as { text: string }[]
    const characters = Number(/of (\d+)\./.exec(footer?.text ?? '')?.[1])
    return { read: stream.sent(), more: peak - before, characters }
  } finally {
    await client.close()
    await fake.close()
    rmSync(home, { recursive: true, force: true })
  }
}

/** No client of a test waits so long by itself; its progress shows that the server lives. */
const WAITING = { timeout: 600_000, onprogress: () => {} }

/** Thoughts, comments, events that nobody knows, and words; then the words again as a whole, and the end. */
function longStream(bytes: number): { body: Body; sent: () => number } {
  const [begin, finish] = ends()
  const piece = Buffer.from(onePiece())
  const words = Math.ceil(bytes / piece.length)
  let sent = 0
  async function* pieces() {
    yield begin
    for (let count = 0; count < words; count += 1) {
      yield piece
      sent += piece.length
    }
    yield finish(WORDS_IN_PIECE * words)
  }
  return { body: { [Symbol.asyncIterator]: pieces }, sent: () => sent }
}

const WORDS_IN_PIECE = 120

function onePiece(): string {
  const thought: StreamEvent = {
    type: 'response.reasoning_summary_text.delta',
    item_id: 'rs_FAKE_0',
    delta: 'thinking about it, and about everything that comes after it, '.repeat(4),
  }
  const unknown: StreamEvent = { type: 'response.of_tomorrow', payload: 'x'.repeat(2000) }
  const word: StreamEvent = { type: 'response.output_text.delta', item_id: 'msg_FAKE_0', delta: WORD }
  const some = (event: StreamEvent, count: number) => sse(Array.from({ length: count }, () => event))
  return [some(thought, 40), ': keep-alive\n\n'.repeat(50), some(unknown, 12), some(word, WORDS_IN_PIECE)].join('')
}

/** What comes before the first word, and what comes after so many. */
function ends(): [string, (words: number) => string] {
  const begin = sse(answerEvents('', { reasoning: '**Weighing**', end: 'cut', deltas: 0, items: false }).slice(0, -3))
  return [
    begin,
    (words) => {
      const events = answerEvents(WORD.repeat(words), { deltas: 0 })
      return sse(events.filter(({ type }) => /item\.done|completed/.test(type)))
    },
  ]
}

function residentBytes(pid: number | null): number {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }).stdout) * 1024
}

/** In words, as the script prints it. */
export function memoryWords({ read, more }: StreamMemory): string {
  return `${Math.round(read / MIB)} MB read, ${Math.round(more / MIB)} MB more memory`
}

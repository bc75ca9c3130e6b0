import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { idIn } from '../support/asking-app.ts'
import { type BuiltServer, startBuiltServer } from '../support/built-server.ts'
import { type FakeOpenAI, startFakeOpenAI } from '../support/fake-openai.ts'
import { after as behind, gate, parts, type Step } from '../support/fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from '../support/fake-sse.ts'
import { recordOf } from '../support/start-app.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

/** "Never lost" with real processes: clients that vanish, servers that are ended and killed, a window beside them. */

const RESPONSES = '/backend-api/codex/responses'
const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
const QUESTION = { prompt: 'Why is the sky blue?' }
/** Of characters of every length in UTF-8, so that a count of anything but characters would show. */
const TEXT = 'Weil ë die 汉字 👩‍🚀 streut. '.repeat(40).trim()
const PIECES = 20

interface Place {
  fake: FakeOpenAI
  env: Record<string, string>
  folder: string
  start(): Promise<BuiltServer>
  files(): string[]
}

/** A home with a login in it, and servers over it. */
async function place(): Promise<Place> {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const home = tempFolder()
  const claude = join(home, '.claude')
  mkdirSync(claude, { mode: 0o700 })
  writeFileSync(join(claude, 'auth.json'), JSON.stringify({ codex: recordOf(fake.issueTokens()) }), { mode: 0o600 })
  const env = { ...fake.env(), HOME: home, PATH: process.env.PATH ?? '' }
  const folder = join(claude, 'codex-oauth', 'answers')
  return {
    fake,
    env,
    folder,
    async start() {
      const server = startBuiltServer(env)
      await server.request('hello', 'initialize', hello)
      server.send({ method: 'notifications/initialized' })
      return server
    },
    files: () => (existsSync(folder) ? readdirSync(folder) : []),
  }
}

interface Stage {
  name: string
  /** What the service does until then; what it does behind `never`, it does not do. */
  step(never: Promise<void>): Step
  /** What the client is told when it has come so far; undefined: the client reads nothing at all. */
  hears: RegExp | undefined
  /** What has come of the answer. */
  text: string
}

const EVENTS = answerEvents(TEXT, { queued: true, reasoning: '**Weighing** it', deltas: PIECES })
const WHOLE = sse(EVENTS)
/** How much of the text the first three pieces are. */
const THREE = TEXT.slice(0, 3 * Math.ceil(TEXT.length / PIECES))

/** The stream before the first event of this type, or before a later one. */
function before(type: string, count = 1): string {
  const places = EVENTS.flatMap((event, index) => (event.type === type ? [index] : []))
  return sse(EVENTS.slice(0, places[count - 1]))
}

const inText = before('response.output_text.delta', 4)

const STAGES: Stage[] = [
  { name: 'before the headers', step: (never) => behind(never), hears: /^Asking Codex/, text: '' },
  {
    name: 'after the headers',
    step: (never) => ({ sse: parts(never) }),
    hears: /has the question/,
    text: '',
  },
  {
    name: 'in the queue',
    step: (never) => ({
      sse: parts(before('response.in_progress'), never),
    }),
    hears: /has the question/,
    text: '',
  },
  {
    name: 'while it thinks',
    step: (never) => ({
      sse: parts(before('response.output_text.delta'), never),
    }),
    hears: /thinking: Weighing/,
    text: '',
  },
  {
    name: 'in the middle of the text',
    step: (never) => ({ sse: parts(inText, never) }),
    hears: /writing/,
    text: THREE,
  },
  {
    name: 'at the last byte before the end',
    step: (never) => ({ sse: parts(Buffer.from(WHOLE).subarray(0, -1), never) }),
    hears: /writing/,
    text: TEXT,
  },
  { name: 'when all has come and nothing was read', step: () => ({ sse: WHOLE }), hears: undefined, text: TEXT },
]

const WAYS: Record<string, (server: BuiltServer) => void> = {
  'by closing the input': ({ child }) => child.stdin.end(),
  'by SIGTERM': ({ child }) => void child.kill('SIGTERM'),
  'by SIGKILL': ({ child }) => void child.kill('SIGKILL'),
}

describe.each(Object.entries(WAYS))('a client that vanishes %s', (way, leave) => {
  test.each(STAGES.map((stage) => [stage.name, stage] as const))('%s', async (_name, { step, hears, text }) => {
    const { fake, start, files, folder } = await place()
    const { promise: never, open } = gate()
    onTestFinished(open)
    fake.script.responses.push(step(never))
    const [server, other] = await Promise.all([start(), start()])
    const said: string[] = []
    if (hears === undefined) server.child.stdout.pause()
    const asked = server.call('codex_query', QUESTION, { onProgress: (message) => said.push(message) })
    asked.catch(() => {})
    await fake.arrival(RESPONSES)
    await (hears === undefined
      ? until(() => files().some((name) => readFileSync(join(folder, name), 'utf8').includes('"end":"finished"')))
      : until(() => said.some((message) => hears.test(message))))

    const { ms, code } = await server.endBy(() => leave(server))
    expect(ms).toBeLessThan(2000)
    expect(code).toBe(way === 'by SIGKILL' ? null : 0)
    expect(server.strays).toEqual([])

    const id = files()[0]?.replace('.jsonl', '') ?? ''
    if (hears !== undefined) expect(idIn(said[0] ?? '')).toBe(id)
    const { result } = await other.request('collect', 'tools/call', {
      name: 'codex_query',
      arguments: { collect: id },
    })
    const [first, footer = ''] = result.content.map((block: { text: string }) => block.text)
    if (text === '') {
      expect(result.isError).toBe(true)
      expect(first).toMatch(/^The server that asked has ended\. Nothing of the answer had come .*\[INCOMPLETE\]$/)
    } else if (hears === undefined) {
      expect([first, footer]).toEqual([TEXT, expect.stringMatching(/^Answered by Codex/)])
    } else {
      if (way === 'by SIGKILL') {
        // Whoever is killed in the middle of a turn had that turn in memory; what was told had been written before.
        const told = Number(/writing, ([\d,]+)/.exec(said.at(-1) ?? '')?.[1]?.replace(',', ''))
        expect(first.length).toBeGreaterThanOrEqual(told)
        expect(text.slice(0, first.length)).toBe(first)
      } else {
        expect(first).toBe(text)
      }
      expect(footer).toMatch(/^INCOMPLETE ANSWER: only part of it came\. The server that asked has ended\./)
    }
    expect(fake.seen.counts[RESPONSES]).toBe(1)
  })
})

test('a client that stops waiting, in the words of Claude Code: the same server goes on and has all of it', async () => {
  const { fake, start } = await place()
  const { promise, open } = gate()
  const at = Math.floor(WHOLE.length / 3)
  fake.script.responses.push({ sse: parts(WHOLE.slice(0, at), promise, WHOLE.slice(at)) })
  const server = await start()
  const said: string[] = []
  void server.call('codex_query', QUESTION, { id: 7, onProgress: (message) => said.push(message) }).catch(() => {})
  await until(() => said.some((message) => message.includes('writing')))
  server.send({ method: 'notifications/cancelled', params: { requestId: 7, reason: 'timed out after 60s' } })
  const id = idIn(said[0] ?? '')
  expect((await server.call('codex_status')).data.answers).toMatchObject([{ id, state: 'running' }])
  const collected = server.call('codex_query', { collect: id })
  open()
  expect((await collected).text).toMatch(new RegExp(`^${TEXT}\nAnswered by Codex`))
  // The cancelled call is answered by nobody.
  expect(server.frames.filter((frame) => frame.id === 7)).toEqual([])
})

test('a client that stops the call, in the words of Claude Code: nothing more is asked, and the part is there', async () => {
  const { fake, start } = await place()
  fake.script.responses.push({ sse: endlessDeltas() })
  const server = await start()
  const said: string[] = []
  void server.call('codex_query', QUESTION, { id: 0, onProgress: (message) => said.push(message) }).catch(() => {})
  await until(() => said.some((message) => message.includes('writing')))
  const reason = 'AbortError: The operation was aborted.'
  server.send({ method: 'notifications/cancelled', params: { requestId: 0, reason } })
  await fake.clientGone()
  const { text, isError } = await server.call('codex_query', { collect: idIn(said[0] ?? '') })
  expect([isError, text]).toEqual([
    false,
    expect.stringMatching(/^(and on )+[\s\S]*^INCOMPLETE ANSWER: .* was cancelled\./m),
  ])
})

describe('two windows', () => {
  test('one waits for what the other one writes', async () => {
    const { fake, start } = await place()
    const { promise, open } = gate()
    const at = Math.floor(WHOLE.length / 2)
    fake.script.responses.push({ sse: parts(WHOLE.slice(0, at), promise, WHOLE.slice(at)) })
    const [server, other] = await Promise.all([start(), start()])
    const id = idIn((await server.call('codex_query', { ...QUESTION, background: true })).text)
    const said: string[] = []
    const collected = other.call('codex_query', { collect: id }, { onProgress: (message) => said.push(message) })
    await until(() => said.some((message) => message.includes('writing')))
    open()
    expect((await collected).text).toMatch(new RegExp(`^${TEXT}\nAnswered by Codex`))
    expect((await other.call('codex_status')).data.answers).toMatchObject([{ id, state: 'finished' }])
  })

  test('one is killed while the other one waits: the wait ends with what there is', async () => {
    const { fake, start } = await place()
    const { promise: never, open } = gate()
    onTestFinished(open)
    fake.script.responses.push({ sse: parts(inText, never) })
    const [server, other] = await Promise.all([start(), start()])
    const id = idIn((await server.call('codex_query', { ...QUESTION, background: true })).text)
    const said: string[] = []
    const collected = other.call('codex_query', { collect: id }, { onProgress: (message) => said.push(message) })
    await until(() => said.some((message) => message.includes('writing')))
    await server.endBy(() => void server.child.kill('SIGKILL'))
    expect((await collected).text).toMatch(new RegExp(`^${THREE.trim()}\\s*\nINCOMPLETE ANSWER: .* has ended\\.`))
  })
})

describe('with answers in the background the server ends in time, and keeps them:', () => {
  test.each(Object.entries(WAYS).filter(([way]) => way !== 'by SIGKILL'))('%s', async (_way, leave) => {
    const { fake, start } = await place()
    fake.script.responses.always({ sse: endlessDeltas() })
    const [server, other] = await Promise.all([start(), start()])
    const asked = Array.from({ length: 5 }, () => server.call('codex_query', { ...QUESTION, background: true }))
    const ids = (await Promise.all(asked)).map(({ text }) => idIn(text))
    const written = async () => (await server.call('codex_status')).data.answers
    for (;;) {
      if ((await written()).every(({ characters }: { characters: number }) => characters > 0)) break
    }
    const ending = await server.endBy(() => leave(server))
    expect(ending).toMatchObject({ code: 0, signal: null })
    expect(ending.ms).toBeLessThan(2000)
    const { answers } = (await other.call('codex_status')).data
    expect(answers.map(({ id, state }: { id: string; state: string }) => [id, state]).sort()).toEqual(
      ids.map((id) => [id, 'interrupted']).sort(),
    )
    expect(answers.every(({ characters }: { characters: number }) => characters > 0)).toBe(true)
    expect([server.strays, server.stderr()]).toEqual([[], ''])
  })
})

test('stdout holds frames only, whatever becomes of an answer', async () => {
  const { fake, env } = await place()
  const server = startBuiltServer({ ...env, CODEX_DEBUG: '1' })
  await server.request('hello', 'initialize', hello)
  server.send({ method: 'notifications/initialized' })
  fake.script.responses.push(
    { sse: answer('half', { end: 'cut' }) },
    { sse: answer('half'), cutAfter: 700 },
    { status: 400, json: { detail: 'No.' } },
  )
  const ids: string[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const said: string[] = []
    await server.call('codex_query', QUESTION, { onProgress: (message) => said.push(message) })
    ids.push(idIn(said[0] ?? ''))
  }
  ids.push(idIn((await server.call('codex_query', { ...QUESTION, background: true })).text), 'a-0123456789')
  for (const id of ids) await server.call('codex_query', { collect: id })
  await server.endBy(() => server.child.stdin.end())
  expect(server.strays).toEqual([])
  expect(server.stderr()).toMatch(/^(codex-oauth \w+( \w+=\S+)*\n)+$/)
  expect(server.stderr()).not.toMatch(/sky|half/)
})

import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type AskingApp, ask, idIn, openWindow, startAskingApp } from './support/asking-app.ts'
import { after as behind, gate, parts } from './support/fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from './support/fake-sse.ts'
import { createHandClock } from './support/hand-clock.ts'
import { type StartedApp, startApp } from './support/start-app.ts'
import { until } from './support/until.ts'

/** Section 2 of issue 5, "Never lost": through the whole program. */

const RESPONSES = '/backend-api/codex/responses'
const TEXT = 'The first half and the second half'
const HALF = TEXT.slice(0, TEXT.length / 2)

/** The service says half of the answer, and the rest when the test says so. */
function halfAnswer() {
  const { promise, open } = gate()
  onTestFinished(open)
  const events = answerEvents(TEXT)
  const at = events.findIndex(({ type }) => type === 'response.output_text.delta') + 1
  return { step: { sse: parts(sse(events.slice(0, at)), promise, sse(events.slice(at))) }, goOn: open }
}

/** Somebody asks, and half of the answer has come. */
async function startHalf(args: Record<string, unknown> = {}, options: Parameters<typeof startAskingApp>[0] = {}) {
  const started = await startAskingApp(options)
  const { step, goOn } = halfAnswer()
  started.fake.script.responses.push(step)
  const leaving = new AbortController()
  const asked = ask(started.app, { prompt: 'Why is the sky blue?', ...args }, { signal: leaving.signal })
  if (args.background !== true) await asked.hears('writing')
  return { ...started, ...asked, goOn, leave: (reason?: string) => leaving.abort(reason) }
}

const collect = (app: StartedApp, id: string) => app.call('codex_query', { collect: id })
const listed = async (app: StartedApp) => (await app.call('codex_status')).data.answers ?? []

/** Until the answer with this id has ended, in the eyes of this window. */
async function ended(app: StartedApp, id: string): Promise<{ state: string }> {
  for (;;) {
    const found = (await listed(app)).find((one: { id: string }) => one.id === id)
    if (found?.state !== 'running') return found
    await setImmediate()
  }
}

describe('every question has an id from its first second', () => {
  test('the first message tells it, before the service has been asked, and it can be collected from then on', async () => {
    const started = await startAskingApp()
    const { promise, open } = gate()
    started.fake.script.models.push(behind(promise))
    const { outcome, said } = ask(started.app, { prompt: 'Why?' })
    await started.fake.arrival('/backend-api/codex/models')
    expect(started.fake.seen.counts[RESPONSES]).toBeUndefined()
    const id = idIn(said[0] ?? '')
    expect(Object.keys(started.files())).toEqual([id])
    expect(await listed(await openWindow(started))).toMatchObject([{ id, state: 'running', characters: 0 }])
    open()
    expect(idIn((await outcome).texts[1] ?? '')).toBe(id)
  })

  test('no two have the same', async () => {
    const { app } = await startAskingApp()
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => app.call('codex_query', { prompt: 'Why?' })))
    expect(new Set(outcomes.map(({ texts }) => idIn(texts[1] ?? ''))).size).toBe(8)
  })
})

describe('the text is kept as it arrives', () => {
  test('beside the credentials, for their owner alone, whatever the umask is', async () => {
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const { answers, id, files } = await startHalf()
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
    const kept = (await id()) ?? ''
    expect(files()[kept]).toContain(HALF)
    expect([modeOf(answers), modeOf(join(answers, `${kept}.jsonl`))]).toEqual(['700', '600'])
    expect(answers).toMatch(/\.claude\/codex-oauth\/answers$/)
  })

  test('and nothing of it is anywhere else', async () => {
    const { outcome, goOn, app, answers } = await startHalf()
    goOn()
    await outcome
    const names = readdirSync(app.home, { recursive: true, encoding: 'utf8' })
    const holding = names.map((name) => join(app.home, name)).filter((path) => statSync(path).isFile())
    const withText = holding.filter((path) => readFileSync(path, 'utf8').includes('half'))
    expect(withText.every((path) => path.startsWith(answers))).toBe(true)
    expect(withText).toHaveLength(1)
  })

  test('where a file stands in the place of the folder, in memory', async () => {
    const started = await startAskingApp()
    await started.app.call('codex_models')
    writeFileSync(started.answers, 'not ours')
    const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
    expect((await collect(started.app, idIn(texts[1] ?? ''))).texts).toEqual(texts)
  })
})

describe('collect gives an answer', () => {
  test('that is finished as it was shown, in this window and in another', async () => {
    const started = await startAskingApp()
    const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
    const other = await openWindow(started)
    for (const app of [started.app, other, started.app]) {
      expect(await collect(app, idIn(texts[1] ?? ''))).toMatchObject({ texts, isError: false })
    }
    // It is read, not asked again.
    expect(started.fake.seen.counts[RESPONSES]).toBe(1)
  })

  test.each(['this', 'another'])(
    'that runs in %s window as soon as it ends, with progress until then',
    async (where) => {
      const started = await startHalf()
      const app = where === 'this' ? started.app : await openWindow(started)
      const { outcome, hears } = ask(app, { collect: await started.id() })
      await hears(/writing, 17 characters/)
      started.goOn()
      expect((await outcome).texts).toEqual((await started.outcome).texts)
    },
  )

  test.each(['this', 'another'])('that runs in %s window, as far as it is, after 45 seconds', async (where) => {
    const clock = createHandClock()
    const started = await startHalf({}, { edges: { clock } })
    const app = where === 'this' ? started.app : await openWindow(started, { edges: { clock } })
    const { outcome, said } = ask(app, { collect: await started.id() })
    let isOver = false
    const over = outcome.then(() => {
      isOver = true
    })
    await until(() => said.length > 0)
    await clock.pass(44)
    expect(isOver).toBe(false)
    // Every five seconds, with the time since the question.
    expect(said.length).toBeGreaterThanOrEqual(9)
    expect(said.at(-1)).toMatch(/^Codex is writing, 17 characters \(4\d s\)$/)
    await clock.pass(2)
    await over
    const { texts, isError } = await outcome
    expect([texts[0], isError]).toEqual([HALF, false])
    expect(texts[1]).toMatch(/is still being written \(17 characters after 45 seconds\)\..* collect "a-.{10}" again\.$/)
  })

  test('that runs and has no text yet says so', async () => {
    const clock = createHandClock()
    const started = await startAskingApp({ edges: { clock } })
    const { promise, open } = gate()
    onTestFinished(open)
    started.fake.script.responses.push(behind(promise))
    const { id } = ask(started.app, { prompt: 'Why?' })
    const collected = ask(started.app, { collect: await id() })
    await until(() => collected.said.length > 0)
    await clock.pass(46)
    expect((await collected.outcome).texts).toEqual([expect.stringMatching(/is still being written \(0 characters/)])
  })

  test('that was cancelled, with the part that came', async () => {
    const { app, id, leave, outcome } = await startHalf()
    leave()
    await outcome.catch(() => {})
    await ended(app, await id())
    const { texts, isError } = await collect(app, await id())
    expect([texts[0], isError]).toEqual([HALF, false])
    expect(texts[1]).toMatch(
      /^INCOMPLETE ANSWER: only part of it came\. The call was cancelled\. .*\[INCOMPLETE\]\nAnswer a-/,
    )
  })

  test('that was cancelled before any text: that, as an error', async () => {
    const { fake, app } = await startAskingApp()
    const { promise, open } = gate()
    onTestFinished(open)
    fake.script.responses.push(behind(promise))
    const leaving = new AbortController()
    const { outcome, id } = ask(app, { prompt: 'Why?' }, { signal: leaving.signal })
    await fake.arrival(RESPONSES)
    leaving.abort()
    await outcome.catch(() => {})
    await ended(app, await id())
    const { text, isError } = await collect(app, await id())
    expect([text, isError]).toEqual([
      'The call was cancelled. Nothing of the answer had come by then. Ask again for the whole answer. [INCOMPLETE]',
      true,
    ])
  })

  test('whose repair failed, with the text and the reason', async () => {
    const { fake, app } = await startAskingApp()
    // The repair of an answer without the form that was asked for.
    fake.script.responses.push({ sse: answer('No JSON at all.') }, { status: 400, json: { detail: 'Not today.' } })
    const schema = { type: 'object', properties: {} }
    const { text, isError } = await app.call('codex_query', { prompt: 'Why?', output_schema: schema })
    expect([text, isError]).toEqual([expect.stringMatching(/^No JSON at all\.\n.*Not today/), false])
    const [{ id, state }] = await listed(app)
    expect(state).toBe('incomplete')
    const collected = await collect(app, id)
    expect([collected.texts[0], collected.isError]).toEqual(['No JSON at all.', false])
    expect(collected.texts[1]).toMatch(/^INCOMPLETE ANSWER: .*Not today.*\[RESPONSE_INVALID\]$/m)
  })

  test('that failed without text, in the background: the error', async () => {
    const started = await startAskingApp()
    started.fake.script.responses.always({ status: 404, json: { detail: 'Model not found' } })
    const { text } = await started.app.call('codex_query', { prompt: 'Why?', model: 'gpt-9', background: true })
    const id = idIn(text)
    const whole = await started.app.call('codex_query', { prompt: 'Why?', model: 'gpt-9' })
    await ended(started.app, id)
    for (const app of [started.app, await openWindow(started)]) {
      expect(await collect(app, id)).toMatchObject({ isError: true, text: whole.text })
    }
  })

  test('that was interrupted, with the part that came', async () => {
    const started = await startHalf({ conversation: 'sky' })
    const other = await openWindow(started)
    await started.app.app.stop()
    const { texts, isError } = await collect(other, await started.id())
    expect([texts[0], isError]).toEqual([HALF, false])
    expect(texts[1]).toMatch(/^INCOMPLETE ANSWER: only part of it came\. The server that asked has ended\./)
    // The turn is in no conversation, so nobody is sent there.
    expect(texts[1]).not.toContain('conversation')
  })

  test('whose window is killed while another waits for it', async () => {
    const started = await startHalf()
    const other = await openWindow(started)
    const collected = ask(other, { collect: await started.id() })
    await collected.hears('writing')
    await started.app.app.stop()
    expect((await collected.outcome).texts[0]).toBe(HALF)
  })

  test('to all who collect it at once', async () => {
    const started = await startHalf()
    const other = await openWindow(started)
    const id = await started.id()
    const collected = [started.app, other, started.app, other].map((app) => ask(app, { collect: id }))
    await Promise.all(collected.map(({ hears }) => hears('writing')))
    started.goOn()
    const { texts } = await started.outcome
    for (const { outcome } of collected) expect((await outcome).texts).toEqual(texts)
  })

  test('and one who leaves takes nothing along', async () => {
    const started = await startHalf()
    const leaving = new AbortController()
    const left = ask(started.app, { collect: await started.id() }, { signal: leaving.signal })
    await left.hears('writing')
    leaving.abort()
    await expect(left.outcome).rejects.toThrow()
    started.goOn()
    expect((await started.outcome).texts[0]).toBe(TEXT)
    expect((await collect(started.app, await started.id())).texts[0]).toBe(TEXT)
  })

  test('that fails while another window waits is told as gone: its own call knows why', async () => {
    const started = await startAskingApp()
    const { promise, open } = gate()
    started.fake.script.responses.push(behind(promise, { status: 400, json: { detail: 'Not today.' } }))
    const asked = ask(started.app, { prompt: 'Why?' })
    await started.fake.arrival(RESPONSES)
    const other = await openWindow(started)
    const collected = ask(other, { collect: await asked.id() })
    await collected.hears('Asking Codex')
    open()
    expect((await asked.outcome).isError).toBe(true)
    expect((await collected.outcome).text).toMatch(/^This answer is no longer kept: .*\[INPUT_INVALID\]$/)
  })

  test.each([
    'a-0123456789',
    'A-0123456789',
    'a-01234',
    '../../auth',
    '../auth.json',
    'a-0123456789/../../auth',
    '/etc/passwd',
    'a-0123456789.jsonl',
    'a-0123456789@',
    'a-0123456789@-1',
    'a-0123456789@1e3',
    'a-0123456789@9999999999',
    '__proto__',
    'constructor',
    'models',
    '*',
    'a-0123456789\u0000',
    '\u202ea-0123456789',
  ])('and for the id %j says that there is none', async (id) => {
    const { app } = await startAskingApp()
    await app.call('codex_query', { prompt: 'Why?' })
    const { text, isError } = await collect(app, id)
    expect([text, isError]).toEqual([
      'No answer is kept under this id. codex_status lists recent ids. The newest 50 answers are kept, for a week; none is kept ' +
        'where an error came before any text. [INPUT_INVALID]',
      true,
    ])
  })

  test('damaged on disk is told as that', async () => {
    const started = await startAskingApp()
    const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
    const id = idIn(texts[1] ?? '')
    writeFileSync(join(started.answers, `${id}.jsonl`), '{"ans')
    expect((await collect(started.app, id)).text).toMatch(/is damaged: .*\[STORAGE_CORRUPT\]$/)
  })
})

describe('an answer that is larger than the client takes', () => {
  // Characters of two units stand on both sides of every place where a page could end.
  const LONG = `x${'😀'.repeat(450_000)}`
  const SIZES = { 'claude-code': 400_000, 'codex-mcp-client': 10_000, 'somebody-else': 80_000 }

  test.each(Object.entries(SIZES))('comes in pages of what %s takes, until all of it is read', async (name, size) => {
    const started = await startAskingApp({ clientName: name })
    const long = name === 'codex-mcp-client' ? LONG.slice(0, 95_001) : LONG
    started.fake.script.responses.push({ sse: answer(long, { deltas: 40 }) })
    const pages = [await started.app.call('codex_query', { prompt: 'Why?' })]
    for (;;) {
      const [, next] = /The rest: codex_query with collect "(a-.{10}@\d+)"/.exec(pages.at(-1)?.texts[1] ?? '') ?? []
      if (next === undefined) break
      pages.push(await collect(started.app, next))
    }
    const texts = pages.map((page) => page.texts[0] ?? '')
    expect(texts.join('')).toBe(long)
    expect(pages).toHaveLength(Math.ceil(long.length / size))
    for (const text of texts) {
      expect(text.length).toBeLessThanOrEqual(size)
      expect(text).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/)
    }
    // Each says where it stands, and the last one what stands below the whole.
    expect(pages[1]?.texts[1]).toMatch(/^Characters \d+ to \d+ of \d+\./)
    expect(pages.at(-1)?.texts[1]).toMatch(/Answered by Codex/)
  })

  test('can be begun anywhere, but not inside a character, and not behind its end', async () => {
    const { fake, app } = await startAskingApp()
    fake.script.responses.push({ sse: answer('ab😀cd') })
    const { texts } = await app.call('codex_query', { prompt: 'Why?' })
    const id = idIn(texts[1] ?? '')
    const from = async (offset: number) => (await collect(app, `${id}@${offset}`)).texts[0]
    expect([await from(0), await from(1), await from(3), await from(4), await from(5)]).toEqual([
      'ab😀cd',
      'b😀cd',
      '😀cd',
      'cd',
      'd',
    ])
    expect((await collect(app, `${id}@6`)).text).toMatch(/^The answer ends after 6 characters\..*\[INPUT_INVALID\]$/)
  })

  test('is more to come, and no error, behind what there is of one that runs', async () => {
    const clock = createHandClock()
    const { app, id } = await startHalf({}, { edges: { clock } })
    const { outcome, hears } = ask(app, { collect: `${await id()}@17` })
    await hears('writing')
    await clock.pass(46)
    const { texts, isError } = await outcome
    expect([texts, isError]).toEqual([[expect.stringMatching(/is still being written \(17 characters/)], false])
  })
})

describe('a client that is stopped by its user', () => {
  test('stops the question at the service, and the part stays', async () => {
    const { fake, app } = await startAskingApp()
    fake.script.responses.push({ sse: endlessDeltas() })
    const leaving = new AbortController()
    const { outcome, id, hears } = ask(app, { prompt: 'Why?' }, { signal: leaving.signal })
    await hears('writing')
    leaving.abort()
    await fake.clientGone()
    await expect(outcome).rejects.toThrow()
    expect(await ended(app, await id())).toMatchObject({ state: 'cancelled' })
    expect((await collect(app, await id())).texts[0]).toMatch(/^(and on )+/)
  })
})

describe('a client that has only stopped waiting', () => {
  test('by the limit of its SDK: the answer goes on, and is there in whole', async () => {
    const started = await startAskingApp()
    const { step, goOn } = halfAnswer()
    started.fake.script.responses.push(step)
    const { outcome, id } = ask(started.app, { prompt: 'Why?' }, { timeout: 300 })
    await expect(outcome).rejects.toThrow('Request timed out')
    expect(await listed(started.app)).toMatchObject([{ id: await id(), state: 'running' }])
    goOn()
    const { texts, isError } = await collect(started.app, await id())
    expect([texts[0], isError]).toEqual([TEXT, false])
    expect(started.fake.seen.aborted).toBe(0)
  })

  test.each(['Request timed out', 'request timeout', 'timed out after 60s'])(
    'in the words “%s”: the same, and nothing more is sent for the dead request',
    async (reason) => {
      const clock = createHandClock()
      const { app, said, outcome, id, leave, goOn, fake } = await startHalf({}, { edges: { clock } })
      const frames: object[] = []
      const { transport } = app.client
      const deliver = transport?.onmessage
      leave(reason)
      await expect(outcome).rejects.toThrow()
      const before = said.length
      if (transport !== undefined) {
        transport.onmessage = (message, extra) => {
          frames.push(message)
          deliver?.(message, extra)
        }
      }
      await clock.pass(30)
      expect([frames, said.length]).toEqual([[], before])
      goOn()
      expect(await ended(app, await id())).toMatchObject({ state: 'finished' })
      expect((await collect(app, await id())).texts[0]).toBe(TEXT)
      expect(fake.seen.aborted).toBe(0)
    },
  )

  test('and whose question then fails can read why', async () => {
    const { fake, app } = await startAskingApp()
    const { promise, open } = gate()
    fake.script.responses.push(behind(promise, { status: 400, json: { detail: 'Not today.' } }))
    const leaving = new AbortController()
    const { outcome, id } = ask(app, { prompt: 'Why?' }, { signal: leaving.signal })
    await fake.arrival(RESPONSES)
    leaving.abort('Request timed out')
    await outcome.catch(() => {})
    open()
    await ended(app, await id())
    expect((await collect(app, await id())).text).toMatch(/Not today.*\[CODEX_FAILED\]$/)
  })
})

describe('in the background', () => {
  test('the id comes at once, and the answer goes on', async () => {
    const started = await startHalf({ background: true })
    const { text, isError } = await started.outcome
    expect([isError, text]).toEqual([false, expect.stringMatching(/in the background.*collect "a-.{10}"/)])
    const id = idIn(text)
    expect(await listed(started.app)).toMatchObject([{ id, state: 'running' }])
    const { outcome, hears } = ask(started.app, { collect: id })
    await hears('writing')
    started.goOn()
    expect((await outcome).texts).toEqual([TEXT, expect.stringMatching(/^Answered by Codex .* answer a-/)])
  })

  test('it is in its conversation when it is there', async () => {
    const { app } = await startAskingApp()
    const { text } = await app.call('codex_query', { prompt: 'Why?', conversation: 'sky', background: true })
    await collect(app, idIn(text))
    expect((await app.call('codex_status')).data.conversations).toMatchObject([{ name: 'sky', turns: 1 }])
  })

  test('nobody signed in is an error to be collected', async () => {
    const started = await startAskingApp()
    await started.app.call('codex_clear')
    const { text } = await started.app.call('codex_query', { prompt: 'Why?', background: true })
    await ended(started.app, idIn(text))
    expect(await collect(started.app, idIn(text))).toMatchObject({
      isError: true,
      text: expect.stringMatching(/\[NOT_AUTHENTICATED\]$/),
    })
  })

  test('what is wrong with the request is told at once', async () => {
    const { app } = await startAskingApp()
    const { text, isError } = await app.call('codex_query', { prompt: 'Why?', files: ['none.ts'], background: true })
    expect([text, isError]).toEqual([expect.stringMatching(/none\.ts.*\[INPUT_INVALID\]$/), true])
    expect(await listed(app)).toEqual([])
  })
})

describe('codex_status', () => {
  test('lists ids with age, state, model and the first words, newest first', async () => {
    const clock = createHandClock()
    const started = await startAskingApp({ edges: { clock } })
    await started.app.call('codex_query', { prompt: 'Why is\nthe sky blue?', model: 'gpt-5.5', conversation: 'sky' })
    await clock.pass(65)
    const { step } = halfAnswer()
    started.fake.script.responses.push(step)
    const { hears } = ask(started.app, { prompt: `And at night? ${'x '.repeat(500)}` })
    await hears('writing')
    await clock.pass(2)
    for (const app of [started.app, await openWindow(started, { edges: { clock } })]) {
      const [running, finished, ...others] = await listed(app)
      expect(others).toEqual([])
      expect(finished).toMatchObject({ state: 'finished', age_seconds: 67, model: 'gpt-5.5', conversation: 'sky' })
      expect(finished.prompt).toBe('Why is the sky blue?')
      expect(running).toMatchObject({ state: 'running', age_seconds: 2, characters: HALF.length })
      expect(running.model).toMatch(/^gpt-/)
      expect([running.prompt.length, running.prompt]).toEqual([80, expect.stringMatching(/^And at night\? x x/)])
    }
  })

  test('does not list what failed and was told', async () => {
    const started = await startAskingApp()
    await started.app.call('codex_clear')
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await started.app.call('codex_query', { prompt: 'Why?' })).isError).toBe(true)
    }
    expect([await listed(started.app), started.files()]).toEqual([[], {}])
  })
})

describe('with CODEX_OAUTH_KEEP_ANSWERS=0', () => {
  const OFF = { CODEX_OAUTH_KEEP_ANSWERS: '0' }

  /** Names of files below the home that have to do with answers. */
  const onDisk = ({ app }: AskingApp) =>
    readdirSync(app.home, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('answers'))

  test('nothing is on disk, and what this process knows can be had', async () => {
    const started = await startHalf({ background: true }, { env: OFF })
    const id = idIn((await started.outcome).text)
    const { outcome, hears } = ask(started.app, { collect: id })
    await hears('writing')
    expect(onDisk(started)).toEqual([])
    started.goOn()
    expect((await outcome).texts[0]).toBe(TEXT)
    expect(await listed(started.app)).toMatchObject([{ id, state: 'finished' }])
    expect(onDisk(started)).toEqual([])
    const other = await openWindow(started)
    expect((await collect(other, id)).text).toMatch(/\[INPUT_INVALID\]$/)
  })

  test('what lies there from before is left alone, and not shown', async () => {
    const started = await startAskingApp()
    const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
    const off = await openWindow(started, { env: OFF })
    expect(await listed(off)).toEqual([])
    expect((await collect(off, idIn(texts[1] ?? ''))).text).toMatch(/\[INPUT_INVALID\]$/)
    expect(Object.keys(started.files())).toEqual([idIn(texts[1] ?? '')])
  })
})

describe('room', () => {
  /** It is made after an answer, when nobody waits for one. */
  const SOON_S = 3

  test('is for the newest fifty', async () => {
    const clock = createHandClock()
    const started = await startAskingApp({ edges: { clock } })
    const ids: string[] = []
    for (let turn = 0; turn < 53; turn += 1) {
      const { texts } = await started.app.call('codex_query', { prompt: `Question ${turn}` })
      ids.push(idIn(texts[1] ?? ''))
      clock.jump(1)
    }
    expect(Object.keys(started.files()).sort()).toEqual([...ids].sort())
    await clock.pass(SOON_S)
    expect(Object.keys(started.files()).sort()).toEqual(ids.slice(3).sort())
    expect((await collect(started.app, ids[2] ?? '')).isError).toBe(true)
    expect((await collect(started.app, ids[3] ?? '')).isError).toBe(false)
  })

  test('is for a week', async () => {
    const WEEK_S = 7 * 86_400
    const now = Math.floor(Date.now() / 1000) * 1000
    const [before, within] = [WEEK_S + 60, WEEK_S - 60].map((seconds) => createHandClock(now - 1000 * seconds))
    const started = await startAskingApp({ edges: { clock: before ?? createHandClock() } })
    const old = idIn((await started.app.call('codex_query', { prompt: 'Old' })).text)
    // Written then, by the clock of the file system too.
    for (const name of readdirSync(started.answers)) utimesSync(join(started.answers, name), 0, 0)
    const younger = await openWindow(started, { edges: { clock: within ?? createHandClock() } })
    const young = idIn((await younger.call('codex_query', { prompt: 'Young' })).text)
    expect(Object.keys(started.files()).sort()).toEqual([old, young].sort())
    const clock = createHandClock(now)
    const today = await openWindow(started, { edges: { clock } })
    const fresh = idIn((await today.call('codex_query', { prompt: 'Today' })).text)
    await clock.pass(SOON_S)
    expect(Object.keys(started.files()).sort()).toEqual([young, fresh].sort())
  })

  test('is never made by what is still being written', async () => {
    const started = await startHalf()
    const other = await openWindow(started)
    for (let turn = 0; turn < 51; turn += 1) await other.call('codex_query', { prompt: `Question ${turn}` })
    started.goOn()
    expect((await started.outcome).texts[0]).toBe(TEXT)
    expect((await collect(other, await started.id())).texts[0]).toBe(TEXT)
  })

  test('made while somebody reads: the answer, or that it is gone', async () => {
    const clock = createHandClock()
    const started = await startAskingApp({ edges: { clock } })
    const { texts } = await started.app.call('codex_query', { prompt: 'The first' })
    const other = await openWindow(started)
    const readers: Promise<{ text: string; texts: string[] }>[] = []
    for (let turn = 0; turn < 52; turn += 1) {
      readers.push(collect(other, idIn(texts[1] ?? '')))
      await started.app.call('codex_query', { prompt: `Question ${turn}` })
      await clock.pass(SOON_S)
    }
    const outcomes = await Promise.all(readers)
    const whole = outcomes.filter((outcome) => outcome.texts[0] === texts[0])
    const gone = outcomes.filter(({ text }) => /(No answer|no longer) .*kept.*\[INPUT_INVALID\]$/.test(text))
    expect(whole.length + gone.length).toBe(outcomes.length)
    expect([whole.length > 0, gone.length > 0]).toEqual([true, true])
  })
})

test('a second program over another home has nothing of it', async () => {
  const started = await startAskingApp()
  const { texts } = await started.app.call('codex_query', { prompt: 'Why?' })
  const stranger = await startApp(started.fake)
  expect((await collect(stranger, idIn(texts[1] ?? ''))).isError).toBe(true)
  expect(existsSync(join(stranger.home, '.claude', 'codex-oauth', 'answers'))).toBe(false)
})

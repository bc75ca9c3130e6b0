import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { after, gate, parts } from '../support/fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from '../support/fake-sse.ts'
import { writeFiles } from '../support/git-repo.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

const RESPONSES = '/backend-api/codex/responses'

async function signedIn(env: Record<string, string> = {}) {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake, { env })
  cli.seed(recordOf(fake.issueTokens()))
  /** The body of the last question. */
  const asked = () => fake.seen.requests.filter(({ path }) => path === RESPONSES).at(-1)?.body
  return { fake, cli, asked }
}

describe('into a pipe', () => {
  test('the answer goes as a whole, and nothing but the answer; where it comes from goes to standard error', async () => {
    const { fake, cli } = await signedIn()
    const text = 'First.\n\n\u001b[31mred\u001b[0m\n'
    fake.script.responses.push({ sse: answer(text, { commentary: ['Let me see.'] }) })
    const { code, stdout, stderr } = await cli.run(['ask', 'Why?'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${text}\n` })
    expect(stderr).toMatch(
      /^Answered by Codex \(gpt-6\.1-sol\) · effort low · 11 tokens in .* · ChatGPT pro plan · answer a-\w{10}\n$/,
    )
  })

  test('of an answer that breaks off, what came goes there, the reason to standard error: exit code 1', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('Half an ans', { end: 'cut', items: false }) })
    const { code, stdout, stderr } = await cli.run(['ask', 'Why?'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'Half an ans\n' })
    expect(stderr).toMatch(/^INCOMPLETE ANSWER: .*\[INCOMPLETE\]\nAnswered by Codex .* · answer a-\w{10}\n$/)
  })

  test('nothing is said of what is going on', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('Yes.', { reasoning: '**Comparing**' }) })
    const { stderr } = await cli.run(['ask', '--web-search', 'Why?'], { terminal: ['stdout'] })
    expect(stderr).toMatch(/^Answered by .*\n$/)
  })
})

describe('on a terminal', () => {
  const terminal = ['stdout', 'stderr'] as const
  const plain = { env: { TERM: 'dumb' }, terminal }

  test('the answer comes as it is written', async () => {
    const { fake, cli } = await signedIn()
    const { promise, open } = gate()
    const events = answerEvents('Twelve chars', { deltas: 2 })
    const half = events.findIndex(({ type }) => type.endsWith('delta')) + 1
    fake.script.responses.push({ sse: parts(sse(events.slice(0, half)), promise, sse(events.slice(half))) })
    const run = cli.begin(['ask', 'Why?'], plain)
    expect(await run.said('Twelve')).toBe('Twelve')
    open()
    expect((await run.ended).stdout).toBe('Twelve chars\n')
  })

  test('says what is going on until then, in one line that disappears', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('Yes.', { reasoning: 'Hm.' }) })
    const { stdout, stderr } = await cli.run(['ask', 'Why?'], { terminal })
    expect(stdout).toBe('Yes.\n')
    const erase = '\r\u001b[K'
    const said = [/^$/, /^Asking Codex \(0 s\)/, /^Codex has the question/, /^Codex is thinking/, /2mAnswered by Codex/]
    const lines = stderr.split(erase)
    expect(lines).toHaveLength(said.length)
    for (const [index, words] of said.entries()) expect(lines[index]).toMatch(words)
    expect(stderr.match(/\n/g)).toHaveLength(1)
  })

  test('what was shown and is not the answer is set apart from it', async () => {
    const { fake, cli } = await signedIn()
    const events = answerEvents('The answer.').map((event) =>
      event.type === 'response.output_text.delta' ? { ...event, delta: 'draft ' } : event,
    )
    fake.script.responses.push({ sse: sse(events) })
    expect((await cli.run(['ask', 'Why?'], plain)).stdout).toBe('draft draft \n\n---\n\nThe answer.\n')
  })

  test('what no bit has brought comes at the end', async () => {
    const { fake, cli } = await signedIn()
    const events = answerEvents('Twelve chars', { deltas: 2 })
    const last = events.findLastIndex(({ type }) => type.endsWith('delta'))
    fake.script.responses.push({ sse: sse(events.toSpliced(last, 1)) }, { sse: answer('Whole.', { deltas: 0 }) })
    expect((await cli.run(['ask', 'Why?'], plain)).stdout).toBe('Twelve chars\n')
    expect((await cli.run(['ask', 'Why?'], plain)).stdout).toBe('Whole.\n')
  })

  test('it cannot steer the terminal', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('a\u001b[2Jb\u009bc\r\nd\te', { deltas: 9 }) })
    expect((await cli.run(['ask', 'Why?'], plain)).stdout).toBe('a[2Jbc\nd\te\n')
  })

  test('an answer that breaks off is shown as far as it came, and then why', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('Half an ans', { end: 'cut', items: false }) })
    const run = await cli.run(['ask', 'Why?'], plain)
    expect(run).toMatchObject({ code: 1, stdout: 'Half an ans\n', stderr: expect.stringContaining('[INCOMPLETE]') })
  })
})

test('notes come one to a line', async () => {
  const { cli } = await signedIn()
  const { stderr } = await cli.run(['ask', '--temperature', '0.5', 'x'])
  expect(stderr).toMatch(/^Answered by .*\nNote: temperature was ignored.*\.\n$/)
})

test('nobody signed in is exit code 3', async () => {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake)
  const { code, stdout, stderr } = await cli.run(['ask', 'Why?'])
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toMatch(/^error: .*\n.*`codex-oauth-mcp login`.*\[NOT_AUTHENTICATED\]\n$/)
})

describe('a cancel', () => {
  test('closes the stream at the service, and the last line says how to get what came', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: endlessDeltas() })
    const run = cli.begin(['ask', 'Why?'], { terminal: ['stdout'] })
    await run.said('and on and on')
    run.cancel()
    const { code, stderr } = await run.ended
    await fake.clientGone()
    expect(code).toBe(1)
    const [, id = ''] = /--collect (a-\w{10})` gets it\. \[CANCELLED\]\n$/.exec(stderr) ?? []
    const kept = await cli.run(['ask', '--collect', id])
    expect(kept).toMatchObject({ code: 1, stdout: expect.stringMatching(/^and on and on/) })
    expect(kept.stderr).toMatch(/^INCOMPLETE ANSWER: .* The call was cancelled\./)
  })

  test('before any text promises nothing', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push(after(new Promise(() => {})))
    const run = cli.begin(['ask', 'Why?'])
    await fake.arrival(RESPONSES)
    run.cancel()
    expect((await run.ended).stderr).toBe('error: The command was cancelled. [CANCELLED]\n')
  })

  test('promises nothing either where answers are not kept', async () => {
    const { fake, cli } = await signedIn({ CODEX_OAUTH_KEEP_ANSWERS: '0' })
    fake.script.responses.push({ sse: endlessDeltas() })
    const run = cli.begin(['ask', 'Why?'], { terminal: ['stdout'] })
    await run.said('and on and on')
    run.cancel()
    expect((await run.ended).stderr).toBe('error: The command was cancelled. [CANCELLED]\n')
  })
})

describe('--collect', () => {
  const idIn = (text: string) => /answer (a-\w{10})/.exec(text)?.[1] ?? ''

  test('gets an answer as it was, whole or from a character on, and asks nobody', async () => {
    const { fake, cli } = await signedIn()
    const first = await cli.run(['ask', 'Why?'])
    const id = idIn(first.stderr)
    expect(await cli.run(['ask', '--collect', id])).toEqual(first)
    expect((await cli.run(['ask', '--collect', `${id}@6`])).stdout).toBe('from the fake Codex.\n')
    expect(fake.seen.counts[RESPONSES]).toBe(1)
  })

  test('waits for one that is still being written, by whomever', async () => {
    const { fake, cli } = await signedIn()
    const { promise, open } = gate()
    const events = answerEvents('Twelve chars', { deltas: 2 })
    const half = events.findIndex(({ type }) => type.endsWith('delta')) + 1
    fake.script.responses.push({ sse: parts(sse(events.slice(0, half)), promise, sse(events.slice(half))) })
    const [, id = ''] =
      /id (a-\w{10})/.exec((await cli.call('codex_query', { prompt: 'x', background: true })).text) ?? []
    const run = cli.begin(['ask', '--collect', id], { terminal: ['stderr'] })
    await run.said('Codex is writing')
    open()
    expect(await run.ended).toMatchObject({ code: 0, stdout: 'Twelve chars\n' })
  })

  test('goes on waiting where a tool would give up', async () => {
    const { cli } = await signedIn()
    const given = [
      { texts: ['Answer a-0000000000 is still being written (0 characters after 45 seconds).'], isIncomplete: true },
      { texts: ['Half', 'Answer a-0000000000 is still being written (4 characters).'], isIncomplete: true },
      { texts: ['Whole', 'Answered by Codex'] },
    ]
    const states = ['running', 'running', 'finished']
    const answers = { list: () => [], look: () => ({ state: states.shift() }) as never }
    const outcome = await cli.run(['ask', '--collect', 'a-0000000000'], { services: { answers }, query: given })
    expect(outcome).toEqual({ code: 0, stdout: 'Whole\n', stderr: 'Answered by Codex\n' })
  })

  test('of one without any text yet leaves standard output empty', async () => {
    const { cli } = await signedIn()
    const query = [
      {
        texts: ['Answer a-0000000000 is still being written. Again: codex_query with collect "a-0000000000".'],
        isIncomplete: true,
      },
    ]
    expect(await cli.run(['ask', '--collect', 'a-0000000000'], { query })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Answer a-0000000000 is still being written. Again: `codex-oauth-mcp ask --collect a-0000000000`.\n',
    })
  })

  test('of one that is not there is an input that cannot be used', async () => {
    const { cli } = await signedIn()
    const { code, stdout, stderr } = await cli.run(['ask', '--collect', 'a-0000000000'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error: No answer is kept.*\n`codex-oauth-mcp status` lists .*\[INPUT_INVALID\]\n$/)
  })
})

describe('--schema', () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'integer' } },
    required: ['a'],
    additionalProperties: false,
  }

  async function withSchema() {
    const started = await signedIn()
    const file = join(started.cli.home, 'schema.json')
    writeFileSync(file, JSON.stringify(schema))
    return { ...started, file }
  }

  test('on a terminal, too, nothing is written but the JSON that was checked', async () => {
    const { fake, cli, asked, file } = await withSchema()
    fake.script.responses.push(
      { sse: answer('{"a": "one"}', { deltas: 3 }) },
      { sse: answer('{"a": 1}', { deltas: 3 }) },
    )
    const { code, stdout, stderr } = await cli.run(['ask', '--schema', file, 'x'], { terminal: ['stdout'] })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"a": 1}\n' })
    expect(stderr).toMatch(/\nNote: the first answer did not fit the schema/)
    expect(asked()).toMatchObject({ text: { format: { type: 'json_schema', schema } } })
  })

  test('what does not fit is told as such: exit code 1', async () => {
    const { fake, cli, file } = await withSchema()
    fake.script.responses.always({ sse: answer('No.') })
    const { code, stdout, stderr } = await cli.run(['ask', '--schema', file, 'x'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'No.\n' })
    expect(stderr).toMatch(/^INCOMPLETE ANSWER: .*\[RESPONSE_INVALID\]\n/)
  })
})

test('what stands below an answer speaks of commands, and leaves names and addresses as they are', async () => {
  const { fake, cli } = await signedIn()
  writeFiles(cli.home, { 'codex_query.md': 'x' })
  const sources = [{ url: 'https://example.com/codex_login', title: 'codex_status' }]
  fake.script.responses.push({ sse: answer('Yes.', { search: [{ query: 'x', sources }] }) })
  const { stderr } = await cli.run(['ask', '--web-search', '--file', 'codex_query.md', 'Why?'])
  expect(stderr).toContain('\nSent: codex_query.md (1 B)\n')
  expect(stderr).toContain('\nSources:\n1. codex_status: https://example.com/codex_login\n')
})

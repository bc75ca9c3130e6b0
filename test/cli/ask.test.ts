import { describe, expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { gate, parts } from '../support/fake-script.ts'
import { answer, answerEvents, endlessDeltas, sse } from '../support/fake-sse.ts'
import { recordOf } from '../support/start-app.ts'
import { startCli } from '../support/start-cli.ts'

const RESPONSES = '/backend-api/codex/responses'

async function signedIn() {
  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const cli = await startCli(fake)
  cli.seed(recordOf(fake.issueTokens()))
  /** The body of the last question. */
  const asked = () => fake.seen.requests.filter(({ path }) => path === RESPONSES).at(-1)?.body as Asked
  return { fake, cli, asked }
}

interface Asked {
  model: string
  instructions: string
  reasoning: { effort: string }
  input: { content: { text: string }[] }[]
}

const promptOf = ({ input }: Asked) => input.at(-1)?.content[0]?.text

describe('into a pipe', () => {
  test('the answer goes as a whole, and nothing but the answer; where it comes from goes to standard error', async () => {
    const { fake, cli } = await signedIn()
    const text = 'First.\n\n\u001b[31mred\u001b[0m\n'
    fake.script.responses.push({ sse: answer(text, { commentary: ['Let me see.'] }) })
    const { code, stdout, stderr } = await cli.run(['ask', 'Why?'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${text}\n` })
    expect(stderr).toMatch(/^Answered by Codex \(gpt-6\.1-sol\) · effort low · 11 tokens in .* · ChatGPT pro plan\n$/)
  })

  test('an answer that breaks off leaves nothing on standard output', async () => {
    const { fake, cli } = await signedIn()
    fake.script.responses.push({ sse: answer('Half an ans', { end: 'cut', items: false }) })
    const { code, stdout, stderr } = await cli.run(['ask', 'Why?'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: .*\nAsk again\. \[INCOMPLETE\]\n$/)
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
    const said = ['Asking Codex', 'Codex has the question', 'Codex is thinking', '\u001b[2mAnswered by Codex']
    expect(stderr.startsWith(erase + said.join(erase))).toBe(true)
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

describe('the question', () => {
  test('is all words, with options anywhere among them', async () => {
    const { cli, asked } = await signedIn()
    const options = ['--model', 'gpt-5.5', '--effort=high', '--system', 'Be brief.']
    expect((await cli.run(['ask', 'Why', ...options, 'is it?'])).code).toBe(0)
    expect(asked()).toMatchObject({ model: 'gpt-5.5', instructions: 'Be brief.', reasoning: { effort: 'high' } })
    expect(promptOf(asked())).toBe('Why is it?')
  })

  test('comes from standard input with -, byte for byte but for blanks around it', async () => {
    const { cli, asked } = await signedIn()
    expect((await cli.run(['ask', '-'], { stdin: '\n Why?\r\nÄh…\n\n' })).code).toBe(0)
    expect(promptOf(asked())).toBe('Why?\r\nÄh…')
  })

  test('a dash among words is a dash', async () => {
    const { cli, asked } = await signedIn()
    await cli.run(['ask', 'Why', '-', 'so?'], { stdin: 'not this' })
    expect(promptOf(asked())).toBe('Why - so?')
  })

  test('somebody at a terminal is told how to end it', async () => {
    const { cli } = await signedIn()
    const { code, stderr } = await cli.run(['ask', '-'], { stdin: 'Why?\n', terminal: ['stdin'] })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^Type the question and end it with Ctrl-D/)
  })

  test.each<[string, string[], string, RegExp]>([
    ['is missing', ['ask'], '', /^error: PROMPT is missing; - reads it from standard input\.\n/],
    ['is empty', ['ask', ' '], '', /^error: PROMPT: must not be empty\.\n/],
    ['is nothing but blanks', ['ask', '-'], ' \n', /^error: PROMPT: must not be empty\.\n/],
    ['is longer than a million characters', ['ask', '-'], 'x'.repeat(1_000_001), /^error: PROMPT: .*1000000/],
    ['is larger than could ever be', ['ask', '-'], 'x'.repeat(4_000_001), /^error: Standard input holds more than/],
    ['has no model', ['ask', '--model=', 'x'], '', /^error: --model: must not be empty\.\n/],
    ['has no effort', ['ask', '--effort', ' ', 'x'], '', /^error: --effort: must not be empty\.\n/],
    ['has an odd temperature', ['ask', '--temperature', 'warm', 'x'], '', /^error: --temperature: .*expected number/],
    ['has an empty temperature', ['ask', '--temperature=', 'x'], '', /^error: --temperature: .*expected number/],
    ['is too hot', ['ask', '--temperature', '1.5', 'x'], '', /^error: --temperature: .*1/],
    ['is wrong twice', ['ask', '--temperature', '2', '--model=', 'x'], '', /--model: .*; --temperature: /],
  ])('that %s is refused as wrong usage, and nothing is sent', async (_, args, stdin, expected) => {
    const { fake, cli } = await signedIn()
    const { code, stdout, stderr } = await cli.run(args, { stdin })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(stderr).toMatch(/\[INPUT_INVALID\]\n$/)
    expect(fake.seen.requests).toEqual([])
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

test('a cancel closes the stream at the service', async () => {
  const { fake, cli } = await signedIn()
  fake.script.responses.push({ sse: endlessDeltas() })
  const run = cli.begin(['ask', 'Why?'], { terminal: ['stdout'] })
  await run.said('and on and on')
  run.cancel()
  expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('[CANCELLED]') })
  await fake.clientGone()
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI } from '../support/fake-openai.ts'
import { gitRepo, writeFiles } from '../support/git-repo.ts'
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
  tools: unknown[]
  input: { role?: string; content: { text: string }[] }[]
}

const promptOf = ({ input }: Asked) => input.at(-1)?.content.at(-1)?.text
/** What goes before the question in the same message. */
const attachedIn = ({ input }: Asked) =>
  (input.at(-1)?.content ?? [])
    .slice(0, -1)
    .map(({ text }) => text)
    .join('')

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
    [
      'is longer than a million characters',
      ['ask', '-'],
      'x'.repeat(1_000_001),
      /^error: PROMPT: is longer than 1,000,000 characters/,
    ],
    ['is larger than could ever be', ['ask', '-'], 'x'.repeat(4_000_001), /^error: Standard input holds more than/],
    ['has no model', ['ask', '--model=', 'x'], '', /^error: --model: must not be empty\.\n/],
    ['has no effort', ['ask', '--effort', ' ', 'x'], '', /^error: --effort: must not be empty\.\n/],
    ['has an odd temperature', ['ask', '--temperature', 'warm', 'x'], '', /^error: --temperature: .*expected number/],
    ['has an empty temperature', ['ask', '--temperature=', 'x'], '', /^error: --temperature: .*expected number/],
    ['is too hot', ['ask', '--temperature', '1.5', 'x'], '', /^error: --temperature: .*1/],
    ['has no conversation', ['ask', '--conversation=', 'x'], '', /^error: --conversation: must not be empty\.\n/],
    ['has no file', ['ask', '--file=', 'x'], '', /^error: --file: must not be empty\.\n/],
    ['has no changes', ['ask', '--diff= ', 'x'], '', /^error: --diff: must not be empty\.\n/],
    ['has its schema on standard input', ['ask', '--schema', '-', '-'], '{}', /^error: --schema needs a file/],
    ['has a schema that is not there', ['ask', '--schema', '/nowhere', 'x'], '', /^error: The file of --schema cannot/],
    ['is beside --collect', ['ask', '--collect', 'a', 'x'], '', /^error: --collect stands alone, without PROMPT\.\n/],
    ['has options beside --collect', ['ask', '--collect', 'a', '--model', 'b'], '', /alone, without --model\.\n/],
    ['is neither there nor collected', ['ask', '--collect', ' '], '', /^error: --collect: must not be empty\.\n/],
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

describe('a schema', () => {
  test.each<[string, string, RegExp]>([
    ['is not JSON', '{', /^error: The file of --schema is not JSON\.\n/],
    [
      'has a name twice',
      '{"type": "object", "properties": {"age": {"type": "string"}, "age": {"type": "number"}}}',
      /^error: The file of --schema has “age” twice in one object, so it is not clear which one counts\.\n.*\[INPUT_INVALID\]/,
    ],
    ['is a list', '[]', /^error: --schema: /],
    ['is no schema', '{"type": "thing"}', /^error: --schema cannot be used\. .*\nCorrect --schema, or leave it out\./],
    ['is too large', `{"a": "${'x'.repeat(1_000_000)}"}`, /^error: The file of --schema holds more than/],
  ])('that %s is refused, and nothing is sent', async (_, text, expected) => {
    const { fake, cli } = await signedIn()
    const file = join(cli.home, 'schema.json')
    writeFileSync(file, text)
    const { code, stderr } = await cli.run(['ask', '--schema', file, 'x'])
    expect(code).toBe(2)
    expect(stderr).toMatch(expected)
    expect(fake.seen.requests).toEqual([])
  })
})

describe('beside the question go', () => {
  test('files, as many as are named, and what a pattern means', async () => {
    const { cli, asked } = await signedIn()
    writeFiles(cli.home, {
      'src/a.ts': 'AAA',
      'src/b.ts': 'BBB',
      'src/b.test.ts': 'TTT',
      'notes.md': 'one\ntwo\nthree\n',
    })
    const files = ['--file', 'src/*.ts', '--file=!**/*.test.ts', '--file', 'notes.md:2-3']
    const { code, stderr } = await cli.run(['ask', ...files, 'What', 'is it?'])
    expect(code).toBe(0)
    expect(promptOf(asked())).toBe('What is it?')
    for (const there of ['AAA', 'BBB', 'two', 'three']) expect(attachedIn(asked())).toContain(there)
    for (const gone of ['TTT', 'one']) expect(attachedIn(asked())).not.toContain(gone)
    expect(stderr).toMatch(/\nSent: .*src\/a\.ts \(3 B\).*notes\.md:2-3 .*; 3 files, /)
  })

  test('changes', async () => {
    const { cli, asked } = await signedIn()
    const repo = gitRepo(cli.home)
    writeFiles(cli.home, { '.gitignore': '.claude/\n' })
    repo.commit({ 'a.ts': 'before\n' })
    repo.write({ 'a.ts': 'after\n' })
    expect((await cli.run(['ask', '--diff', 'working', 'Review'])).stderr).toContain('\nSent: diff working (')
    expect(attachedIn(asked())).toMatch(/-before\n\+after/)
  })

  test('what was said before in the conversation, and nothing without one', async () => {
    const { cli, asked } = await signedIn()
    const texts = () => asked().input.flatMap(({ content = [] }) => content.map(({ text }) => text))
    await cli.run(['ask', '--conversation', 'my talk', 'One?'])
    const { stderr } = await cli.run(['ask', '--conversation', 'my talk', 'Two?'])
    expect(stderr).toContain('\nConversation “my talk”, turn 2\n')
    expect(texts()).toEqual(expect.arrayContaining(['One?', 'Hello from the fake Codex.', 'Two?']))
    await cli.run(['ask', 'Three?'])
    expect(texts()).not.toContain('One?')
  })

  test('leave to search the web', async () => {
    const { cli, asked } = await signedIn()
    await cli.run(['ask', '--web-search', 'What is new?'])
    expect(JSON.stringify(asked())).toContain('web_search')
    await cli.run(['ask', 'What is new?'])
    expect(JSON.stringify(asked())).not.toContain('web_search')
  })

  test.each([
    ['--file', '.env', /“\.env” has a name that files with secrets have/],
    ['--file', '../x', /name it from the current folder/],
    ['--file', 'nothing.ts', /“nothing\.ts” does not exist/],
    [
      '--diff',
      'staged',
      /^error: The current folder is not in a git repository.*\nLeave --diff out, .* with --file\. /,
    ],
  ])('%s %s: what cannot be sent is said in the words of the command line, and nothing is sent', async (...args) => {
    const [option, value, expected] = args
    const { fake, cli } = await signedIn()
    writeFiles(cli.home, { '.env': 'A=1' })
    const { code, stdout, stderr } = await cli.run(['ask', option, value, 'x'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(fake.seen.counts[RESPONSES]).toBeUndefined()
  })
})

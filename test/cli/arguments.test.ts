import { describe, expect, test } from 'vitest'
import { readArguments } from '../../src/cli/arguments.ts'
import { defineCommand } from '../../src/cli/command.ts'
import { isCodexError } from '../../src/errors.ts'

const run = async () => 0
const status = defineCommand({ name: 'status', summary: '', options: { json: { type: 'boolean', summary: '' } }, run })
const ask = defineCommand({
  name: 'ask',
  summary: '',
  options: {
    model: { type: 'string', value: 'ID', summary: '' },
    file: { type: 'string', value: 'PATTERN', repeats: true, summary: '' },
    json: { type: 'boolean', summary: '' },
  },
  words: 'PROMPT',
  run,
})
const commands = [status, ask]
const read = (...args: string[]) => readArguments(args, commands)

/** The words of the refusal, which are ours alone. */
function refused(...args: string[]): string {
  try {
    read(...args)
  } catch (error) {
    if (isCodexError(error, 'INPUT_INVALID')) return `${error.message} ${error.hint}`
    throw error
  }
  throw new Error(`accepted: ${args.join(' ')}`)
}

describe('what is understood:', () => {
  test.each<[string[], object]>([
    [['--version'], { kind: 'version' }],
    [['-v'], { kind: 'version' }],
    [['--help'], { kind: 'help', command: undefined }],
    [['-h'], { kind: 'help', command: undefined }],
    [['status', '--help'], { kind: 'help', command: status }],
    [['ask', '-h', '--nonsense'], { kind: 'help', command: ask }],
    [['status'], { kind: 'run', command: status, options: {}, words: [] }],
    [['status', '--json'], { kind: 'run', command: status, options: { json: true }, words: [] }],
    [['ask', 'Why', 'so?'], { kind: 'run', command: ask, options: {}, words: ['Why', 'so?'] }],
    [['ask', '-'], { kind: 'run', command: ask, options: {}, words: ['-'] }],
    [['ask', 'Why?', '--model', 'a'], { kind: 'run', command: ask, options: { model: 'a' }, words: ['Why?'] }],
    [['ask', '--model=-a', 'Why?'], { kind: 'run', command: ask, options: { model: '-a' }, words: ['Why?'] }],
    [['ask', '--model=', 'Why?'], { kind: 'run', command: ask, options: { model: '' }, words: ['Why?'] }],
    [
      ['ask', '--model', 'a', '--model', 'b', 'x'],
      { kind: 'run', command: ask, options: { model: 'b' }, words: ['x'] },
    ],
    [
      ['ask', '--file', 'a', 'x', '--file=b', '--file', 'a'],
      { kind: 'run', command: ask, options: { file: ['a', 'b', 'a'] }, words: ['x'] },
    ],
    [['ask', '--', '--help', '-x'], { kind: 'run', command: ask, options: {}, words: ['--help', '-x'] }],
    [['ask', 'what does --help do'], { kind: 'run', command: ask, options: {}, words: ['what does --help do'] }],
  ])('%j', (args, expected) => {
    expect(read(...args)).toEqual(expected)
  })
})

describe('what is refused says what was probably meant:', () => {
  test.each<[string[], RegExp]>([
    [['stauts'], /^Unknown command\. Did you mean status\? .*--help/],
    [['sta'], /Did you mean status\?/],
    [['aks'], /^Unknown command\. There are status, ask\./],
    [[''], /^Unknown command\. There are status, ask\./],
    [['sign-in-please'], /There are status, ask\./],
    [['--hlep'], /^Unknown option before a command\. Did you mean --help\?/],
    [['--stdio'], /^Unknown option before a command\. `codex-oauth-mcp --help`/],
    [['status', '--jsno'], /^Unknown option of `status`\. Did you mean --json\? `codex-oauth-mcp status --help`/],
    [['status', '--verbose'], /^Unknown option of `status`\. `/],
    [['status', '--__proto__'], /^Unknown option of `status`\./],
    [['status', '-x'], /^Unknown option of `status`\./],
    [['status', 'now'], /^`status` takes options only\./],
    [['status', '--json=yes'], /^--json takes no value\./],
    [['ask', '--model'], /^--model needs a value\./],
    [['ask', '--file', 'a', '--file'], /^--file needs a value\./],
    [['ask', '--file', 'a', '--file', '--json'], /^--file needs a value\./],
    [['ask', '--model', '--json'], /^--model needs a value\./],
    [['ask', 'what', 'is', '-5', 'degrees'], /What stands behind -- is taken as it is\./],
  ])('%j', (args, expected) => {
    expect(refused(...args)).toMatch(expected)
  })

  test('and never repeats what was typed', () => {
    const secret = 'hunter2secret'
    for (const args of [
      [secret],
      [`--${secret}`],
      ['status', secret],
      ['status', `--${secret}`],
      ['ask', `-${secret}`],
    ]) {
      expect(refused(...args)).not.toContain(secret)
    }
    expect(refused('status', `--json=${secret}`)).not.toContain(secret)
  })
})

describe('a key among the arguments is refused before anything else is looked at:', () => {
  test.each([
    [['sk-FAKE-0001']],
    [['status', 'sk-proj-FAKE1234']],
    [['login', '--with-api-key', 'sk-FAKE-0001']],
    [['login', '--with-api-key=sk-FAKE-0001']],
    [['ask', 'Is sk-proj-FAKE1234abcd still good?']],
    [['ask', '--', 'sess-FAKE12345678']],
    [['ask', 'key=sk-FAKEFAKEFAKEFAKEFAKEFAKEFAKE']],
    [['--help', 'sk-FAKE-0001']],
  ])('%j', (args) => {
    expect(refused(...args)).toMatch(/^An argument looks like an API key\..*login --with-api-key/)
    expect(refused(...args)).not.toMatch(/FAKE/)
  })

  test.each(['Explain sk-learn-pipelines', 'task-12345678 and disk-0123456789', 'sk-learn 1.5', 'What does sk- mean?'])(
    'but not %j',
    (words) => {
      expect(read('ask', words)).toMatchObject({ words: [words] })
    },
  )
})

import { whatIsWrong } from '../tools/issue-words.ts'
import type { Tool } from '../tools/tool.ts'
import type { CommandCall } from './command.ts'
import { repeatedKey } from './repeated-key.ts'
import { wrongUsage } from './words.ts'

/** What `ask` is typed with. */
export interface AskOptions {
  model?: string
  effort?: string
  system?: string
  temperature?: string
  conversation?: string
  file?: readonly string[]
  diff?: string
  'web-search'?: true
  schema?: string
  collect?: string
}

/** A million characters, as the tool takes them, may be four million bytes. */
const MAX_PROMPT_BYTES = 4_000_000
/** More than the largest schema that is taken. */
const MAX_SCHEMA_BYTES = 1_000_000

/** Which option or word an argument of the tool comes from. */
const NAMES: Readonly<Record<string, string>> = {
  prompt: 'PROMPT',
  model: '--model',
  system_prompt: '--system',
  temperature: '--temperature',
  reasoning_effort: '--effort',
  conversation: '--conversation',
  files: '--file',
  diff: '--diff',
  web_search: '--web-search',
  output_schema: '--schema',
  collect: '--collect',
}

/** The arguments of `codex_query`, as its schema has accepted them. @throws CodexError INPUT_INVALID */
export async function askArguments(options: AskOptions, schema: Tool['input'], call: CommandCall): Promise<unknown> {
  const parsed = schema.safeParse(options.collect === undefined ? await asked(options, call) : collected(options, call))
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map((issue) => `${NAMES[String(issue.path[0])]}: ${whatIsWrong(issue)}`)
  throw wrongUsage(`${wrong.join('; ')}.`, 'ask')
}

async function asked(options: AskOptions, call: CommandCall): Promise<Record<string, unknown>> {
  // First what can be wrong at once, and only then what somebody has to type.
  const schema = options.schema === undefined ? undefined : await schemaIn(options.schema, call)
  return {
    prompt: await promptOf(call),
    ...given('model', options.model),
    ...given('reasoning_effort', options.effort),
    ...given('system_prompt', options.system),
    ...given('temperature', numberOf(options.temperature)),
    ...given('conversation', options.conversation),
    ...given('files', options.file),
    ...given('diff', options.diff),
    ...given('web_search', options['web-search']),
    ...given('output_schema', schema),
  }
}

function collected({ collect, ...others }: AskOptions, { words }: CommandCall): Record<string, unknown> {
  const beside = [...(words.length > 0 ? ['PROMPT'] : []), ...Object.keys(others).map((name) => `--${name}`)]
  if (beside.length > 0) throw wrongUsage(`--collect stands alone, without ${beside.join(', ')}.`, 'ask')
  return { collect }
}

async function promptOf({ words, terminal, input }: CommandCall): Promise<string> {
  if (words.length === 0) throw wrongUsage('PROMPT is missing; - reads it from standard input.', 'ask')
  if (words.length > 1 || words[0] !== '-') return words.join(' ')
  if (input.isTerminal()) terminal.say('Type the question and end it with Ctrl-D on a line of its own.')
  return input.all(MAX_PROMPT_BYTES)
}

async function schemaIn(path: string, { input }: CommandCall): Promise<unknown> {
  if (path === '-') throw wrongUsage('--schema needs a file: standard input is for the question.', 'ask')
  const text = await input.file(path, 'schema', MAX_SCHEMA_BYTES)
  const schema = jsonIn(text)
  const twice = repeatedKey(text)
  if (twice === undefined) return schema
  const name = twice.length > 100 ? `${twice.slice(0, 100)}…` : twice
  throw wrongUsage(
    `The file of --schema has “${name}” twice in one object, so it is not clear which one counts.`,
    'ask',
  )
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrongUsage('The file of --schema is not JSON.', 'ask')
  }
}

function given(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value }
}

/** No number at all becomes NaN, which the schema refuses. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return text.trim() === '' ? Number.NaN : Number(text)
}

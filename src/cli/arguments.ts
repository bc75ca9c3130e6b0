import { parseArgs } from 'node:util'
import { CodexError } from '../errors.ts'
import type { Command } from './command.ts'
import { nearest, PROGRAM, wrongUsage } from './words.ts'

/** True for a flag, all its values for an option that repeats. */
export type OptionValue = string | true | readonly string[]

export type Request =
  | { kind: 'version' }
  | { kind: 'help'; command: Command | undefined }
  | { kind: 'run'; command: Command; options: Readonly<Record<string, OptionValue>>; words: readonly string[] }

/** What the arguments ask for. @throws CodexError INPUT_INVALID */
export function readArguments(args: readonly string[], commands: readonly Command[]): Request {
  if (args.some(holdsKey)) throw keyAsArgument()
  const [name = '', ...rest] = args
  if (name === '--version' || name === '-v') return { kind: 'version' }
  if (name === '--help' || name === '-h') return { kind: 'help', command: undefined }
  const command = commands.find((known) => known.name === name)
  if (command === undefined) throw unknownCommand(name, commands)
  const end = rest.indexOf('--')
  const beforeEnd = end < 0 ? rest : rest.slice(0, end)
  if (beforeEnd.some((arg) => arg === '--help' || arg === '-h')) return { kind: 'help', command }
  return { kind: 'run', command, ...readOptions(command, rest) }
}

/** Something like `sk-…` or `sess-…` of a length and a look that words of a language do not have. */
const KEY = /(?<![\w-])(?:sk|sess)-(?:(?=[\w-]*\d)[\w-]{8,}|[\w-]{24,})/

/** Other programs and the shell's history can read arguments. */
function holdsKey(arg: string): boolean {
  return KEY.test(arg)
}

function keyAsArgument(): CodexError {
  return new CodexError('INPUT_INVALID', 'An argument looks like an API key. Keys do not belong into arguments.', {
    hint: `Other programs can read them there: consider replacing this one. Give it on standard input: \`printenv NAME | ${PROGRAM} login --with-api-key\`.`,
  })
}

function unknownCommand(name: string, commands: readonly Command[]): CodexError {
  const names = commands.map((command) => command.name)
  if (name.startsWith('-')) {
    const meant = nearest(name, ['--help', '--version'])
    return wrongUsage(`Unknown option before a command.${meant === undefined ? '' : ` Did you mean ${meant}?`}`)
  }
  const meant = nearest(name, names)
  return wrongUsage(
    `Unknown command. ${meant === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${meant}?`}`,
  )
}

function readOptions(command: Command, args: readonly string[]) {
  const known = command.options
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...known },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const options: Record<string, OptionValue> = {}
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined
    if (option === undefined) throw unknownOption(token.rawName, command)
    const { value, inlineValue } = token
    if (option.type === 'boolean') {
      if (value !== undefined) throw wrongUsage(`--${token.name} takes no value.`, command.name)
      options[token.name] = true
    } else {
      // An option in the place of a value is more often a value forgotten.
      const isForgotten = value === undefined || (inlineValue === false && value.length > 1 && value.startsWith('-'))
      if (isForgotten) throw wrongUsage(`--${token.name} needs a value.`, command.name)
      const earlier = options[token.name]
      options[token.name] = option.repeats ? [...(Array.isArray(earlier) ? earlier : []), value] : value
    }
  }
  if (command.words === undefined && words.length > 0) {
    throw wrongUsage(`\`${command.name}\` takes options only.`, command.name)
  }
  return { options, words }
}

function unknownOption(rawName: string, { name, options, words }: Command): CodexError {
  const meant = nearest(rawName.replace(/^-+/, ''), [...Object.keys(options), 'help'])
  const tip = meant === undefined ? '' : ` Did you mean --${meant}?`
  const literally = words === undefined ? '' : ' What stands behind -- is taken as it is.'
  return wrongUsage(`Unknown option of \`${name}\`.${tip}${literally}`, name)
}

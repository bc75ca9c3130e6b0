import type { Command } from './command.ts'
import { PROGRAM } from './words.ts'

/** What each exit code means. `test/readme.test.ts` compares the README's list. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [1, 'failed; the error ends with its code'],
  [2, 'wrong usage, or an input that cannot be used'],
  [3, 'nobody is signed in'],
  [130, 'cancelled with Ctrl-C (143: by SIGTERM, 129: the terminal has gone)'],
]

/** All commands. */
export function mainHelp(commands: readonly Command[]): string {
  return `${PROGRAM}: ask OpenAI's Codex models with the ChatGPT login you already have.

Usage:
  ${PROGRAM}                      serves MCP on standard input and output, for an MCP client
  ${PROGRAM} <command> [options]  for people and scripts; from a clone: node dist/main.js <command>

Commands:
${table(commands.map(({ name, summary }) => [name, summary]))}

Options:
${table([
  ['--help', 'this text; behind a command, the options of that command'],
  ['--version', 'the version'],
])}

Results go to standard output, everything else to standard error.

Exit codes:
${table(EXIT_CODES.map(([code, meaning]) => [String(code), meaning]))}

Settings are environment variables; the README lists them.
`
}

/** One command. */
export function commandHelp({ name, summary, options, words, notes = [] }: Command): string {
  const rows = Object.entries(options).map(([option, { summary: meaning, ...kind }]) => {
    const value = kind.type === 'string' ? ` ${kind.value}` : ''
    const again = kind.type === 'string' && kind.repeats ? '; may be repeated' : ''
    return [`--${option}${value}`, `${meaning}${again}`] as const
  })
  const usage = [PROGRAM, name, ...(rows.length === 0 ? [] : ['[options]']), ...(words === undefined ? [] : [words])]
  const parts = [
    `${summary}.`,
    `Usage: ${usage.join(' ')}`,
    ...(rows.length === 0 ? [] : [`Options:\n${table(rows)}`]),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
  ]
  return `${parts.join('\n\n')}\n`
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

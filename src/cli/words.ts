import { CodexError } from '../errors.ts'
import type { Piece } from './terminal.ts'

/** What this program is called where people type it. */
export const PROGRAM = 'codex-oauth-mcp'

const COMMAND_OF: Readonly<Record<string, string>> = {
  codex_query: 'ask',
  codex_status: 'status',
  codex_login: 'login',
  codex_models: 'models',
  codex_clear: 'logout',
}

const BOTH_WAYS = new RegExp(`\\bcodex_\\w+, or (\`${PROGRAM} [^\`]+\`)(?: in a terminal| on the command line)?`, 'g')

const COLLECT = /\bcodex_query with collect "([^"]*)"?/g

/** What only a tool has, to the letter as every hint spells it, and what a command has instead. */
const SPELLINGS: readonly (readonly [string, string])[] = [
  ['codex_login with method "device"', `\`${PROGRAM} login --device\``],
  ['codex_login with method "browser"', `\`${PROGRAM} login --no-browser\``],
  ['codex_login with route "plan" and force: true', `\`${PROGRAM} login --plan --force\``],
  ['codex_login with route "plan" and method "browser"', `\`${PROGRAM} login --plan --no-browser\``],
  ['codex_login with route "codex" and force: true', `\`${PROGRAM} login --codex --force\``],
  ['codex_login with route "plan"', `\`${PROGRAM} login --plan\``],
  ['codex_login with route "codex" and method "device"', `\`${PROGRAM} login --codex --device\``],
  ['codex_login with route "codex"', `\`${PROGRAM} login --codex\``],
  ['codex_login with force: true', `\`${PROGRAM} login --force\``],
  ['codex_login as callback_url', `\`${PROGRAM} login\` on standard input`],
  ['clear this conversation', `remove it with \`${PROGRAM} forget\``],
  // Beside both ways, where the command says it already.
  [' with method "device"', ' with --device'],
  ['the environment of the server', 'the environment'],
  [' and restart the server', ''],
  ['The server that asked', 'The program that asked'],
  // The program that has it ends with it.
  ['so it can be collected only until this server ends', 'so it cannot be collected later'],
  // Options have names of their own, and files come from somewhere else.
  ['output_schema', '--schema'],
  ['Leave diff out', 'Leave --diff out'],
  ['without diff', 'without --diff'],
  ['diff names a revision', '--diff names a revision'],
  ['two ends of diff', 'two ends of --diff'],
  ['with files', 'with --file'],
  ['name it in files', 'name it with --file'],
  ['A pattern in files', 'A pattern of --file'],
  ['The project folder is not in', 'The current folder is not in'],
  ['from the project folder', 'from the current folder'],
  ['Open a folder in the client', 'Change to the folder of the project'],
]

/** A sentence of the services, which speak of tools, for somebody who types commands. */
export function inCommands(text: string): string {
  return SPELLINGS.reduce(
    (rest, [tool, command]) => rest.replaceAll(tool, command),
    text.replace(BOTH_WAYS, '$1').replace(COLLECT, `\`${PROGRAM} ask --collect $1\``),
  ).replace(/\bcodex_(?:query|status|login|models|clear)\b/g, (tool) => `\`${PROGRAM} ${COMMAND_OF[tool]}\``)
}

/** `error: <what happened>`, then what to do next, if anything, and the code. */
export function errorLines({ code, message, hint }: CodexError): (readonly Piece[])[] {
  const lead: Piece = { style: 'red', text: 'error:' }
  if (hint === undefined) return [[lead, ` ${inCommands(message)} [${code}]`]]
  return [[lead, ` ${inCommands(message)}`], [`${inCommands(hint)} [${code}]`]]
}

/** The command line is not one of ours. What it says is never repeated: it may be a secret. */
export function wrongUsage(message: string, command?: string): CodexError {
  const help = command === undefined ? `${PROGRAM} --help` : `${PROGRAM} ${command} --help`
  return new CodexError('INPUT_INVALID', message, { hint: `\`${help}\` shows how it is used.` })
}

/** The login that is meant, where one is named. @throws CodexError INPUT_INVALID */
export function routeAsked(
  { plan, codex }: { plan?: true; codex?: true },
  command: string,
): 'plan' | 'codex' | undefined {
  if (plan && codex) throw wrongUsage('--plan and --codex exclude each other.', command)
  return plan ? 'plan' : codex && 'codex'
}

/** Of a few known words the one that was probably meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, away: name.startsWith(word) && word !== '' ? 0 : distance(word, name) }))
    .sort((one, other) => one.away - other.away)
  const [best] = ranked
  return best !== undefined && best.away <= (best.name.length > 3 ? 2 : 1) ? best.name : undefined
}

/** How many letters have to be added, taken away or changed (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...one.slice(0, 40)].entries()) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j += 1) {
      const changed = (row[j] ?? 0) + (letter === other[j] ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readArguments } from '../src/cli/arguments.ts'
import { COMMANDS } from '../src/cli/cli.ts'
import { EXIT_CODES } from '../src/cli/help.ts'
import { loadConfig } from '../src/config.ts'
import { ERROR_CODES } from '../src/errors.ts'
import { secretName } from '../src/services/files/secret-file.ts'
import { SETTINGS } from '../src/settings.ts'
import { createTools, type Services } from '../src/tools/index.ts'
import { PROMPTS } from '../src/tools/prompts.ts'
import { withTables } from './support/readme-tables.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the tables of tools and settings are what the code says (npm run docs writes them)', () => {
  expect(readme).toBe(withTables(readme))
})

test('every error code has its row, and no row is left from a code that is gone', () => {
  const section = readme.slice(readme.indexOf('## Errors'), readme.indexOf('## Troubleshooting'))
  const codes = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
  expect(codes.sort()).toEqual([...ERROR_CODES].sort())
})

test('the exit codes are those of the command line', () => {
  const section = readme.slice(readme.indexOf('## Command line'), readme.indexOf('## Settings'))
  const rows = [...section.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, meaning = '']) => [Number(code), meaning])
  const withoutLinks = rows.map(([code, meaning]) => [code, String(meaning).replace(/\[(.*?)\]\(.*?\)/g, '$1')])
  expect(withoutLinks).toEqual(EXIT_CODES)
})

test('the two set-up commands stand in the README as people type them', () => {
  expect(readme).toContain('npm ci && npm run demo')
  expect(readme).toContain('npm ci && npm test')
})

const section = (heading: string, level = '###') => {
  const start = readme.indexOf(`\n${level} ${heading}\n`)
  if (start < 0) throw new Error(`The README has no section ${heading}.`)
  const rest = readme.slice(start + 1)
  const end = rest.search(/\n##+ /)
  return end < 0 ? rest : rest.slice(0, end)
}
const tools = createTools({} as Services)
const argumentsOf = (name: string) => Object.keys(tools.find((tool) => tool.name === name)?.input.shape ?? {})

describe('what the README names is there:', () => {
  test('every argument of codex_query has its use in the table, and the table has no other', () => {
    const named = [...section('What can be asked').matchAll(/^\| [^|]+ \| ([^|]+) \|$/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)(?::[^`]*)?`/g)].map(([, name = '']) => name),
    )
    const notUses = ['prompt', 'system_prompt', 'temperature']
    expect(new Set([...named.filter((name) => name !== 'argument'), ...notUses])).toEqual(
      new Set(argumentsOf('codex_query')),
    )
  })

  test('tools, prompts and settings', () => {
    const mentioned = [...readme.matchAll(/\bcodex_(?!plan\b)[a-z]+\b/g)].map(([name]) => name)
    expect(new Set(mentioned)).toEqual(new Set(tools.map(({ name }) => name)))
    const prompts = [...section('Reviews, and prompts for every client').matchAll(/^\| `([\w-]+)` \|/gm)]
    expect(prompts.map(([, name]) => name).sort()).toEqual(PROMPTS.map(({ name }) => name).sort())
    const ours = [...readme.matchAll(/\bCODEX_OAUTH_[A-Z_]+\b/g)].map(([name]) => name)
    expect(new Set(ours)).toEqual(
      new Set(SETTINGS.map(({ name }) => name).filter((name) => name.startsWith('CODEX_OAUTH_'))),
    )
  })

  test('every line of the command line is one that is understood, and every command and option of ask has its line', () => {
    const block = /```sh\n([\s\S]*?)```/.exec(section('Command line', '##'))?.[1] ?? ''
    const lines = block.split('\n').flatMap((line) => /codex-oauth-mcp ([^#|>]*)/.exec(line)?.[1]?.trim() ?? [])
    const requests = lines.map((line) => readArguments(wordsOf(line), COMMANDS))
    const run = requests.flatMap((request) => (request.kind === 'run' ? [request] : []))
    expect(run).toHaveLength(lines.length)
    expect(new Set(run.map(({ command }) => command.name))).toEqual(new Set(COMMANDS.map(({ name }) => name)))
    const ask = COMMANDS.find(({ name }) => name === 'ask')
    const shown = run.filter(({ command }) => command === ask).flatMap(({ options }) => Object.keys(options))
    const common = ['model', 'system', 'temperature']
    expect(new Set([...shown, ...common])).toEqual(new Set(Object.keys(ask?.options ?? {})))
  })

  test('links within lead to headings', () => {
    const anchors = [...readme.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/ /g, '-'),
    )
    const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
    expect(links.length).toBeGreaterThan(10)
    expect(links.filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([])
  })
})

describe('what the README says is so:', () => {
  test('the limits of an answer, in seconds', () => {
    const { config } = loadConfig({}, () => '/home/me')
    const text = section('While it works').replace(/\s+/g, ' ')
    const limits = [config.headerTimeoutMs, config.firstEventTimeoutMs, config.idleTimeoutMs].map((ms) => ms / 1000)
    expect(text).toContain(
      `has ${limits[0]} seconds to accept a question, then ${limits[1]} to begin its answer, and may then be silent for ${limits[2]} at most`,
    )
  })

  test('files that are never sent', () => {
    const cell = /^\| file names that usually mean secrets: (.*?) \|/m.exec(section('Files and changes'))?.[1] ?? ''
    const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace('*', 'x').replace('…', '.json'))
    expect(names.length).toBeGreaterThan(8)
    const sent = names.filter((name) => secretName(name) === undefined && secretName(`${name}/x`) === undefined)
    expect(sent).toEqual([])
    expect(secretName('src/credentials.ts')).toBeUndefined()
  })
})

/** As a shell splits them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain = '']) => quoted ?? plain)
}

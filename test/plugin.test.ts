import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ACCOUNT, STORED_KEY } from '../src/services/login/credential-name.ts'
import { createTools, type Services } from '../src/tools/index.ts'
import { REVIEW_QUESTION } from '../src/tools/prompts.ts'
import { listed } from '../src/tools/tool.ts'
import { VERDICT_SCHEMA } from '../src/tools/verdict-schema.ts'
import { strictProblems } from './support/strict-schema.ts'

const root = join(import.meta.dirname, '..')
const text = (path: string) => readFileSync(join(root, path), 'utf8')
const json = (path: string) => JSON.parse(text(path))

const toolNames = createTools({} as Services).map(({ name }) => name)
const { name: plugin } = json('.claude-plugin/plugin.json')
const [server] = Object.keys(json('.mcp.json').mcpServers)
/** How Claude Code names a tool of a plugin's server. */
const fullName = (tool: string) => `mcp__plugin_${plugin}_${server}__${tool}`

/** The front matter of a command or skill: flat `key: value` lines. */
function frontMatter(path: string): Record<string, string> {
  const [, block = ''] = /^---\n([\s\S]*?)\n---\n/.exec(text(path)) ?? []
  return Object.fromEntries(block.split('\n').map((line) => line.split(/:\s(.*)/).slice(0, 2)))
}

const commands = readdirSync(join(root, 'commands'))

test('there is one version', () => {
  const { version } = json('package.json')
  expect(json('.claude-plugin/plugin.json').version).toBe(version)
  expect(json('.claude-plugin/marketplace.json').plugins[0].version).toBe(version)
  expect(text('dist/main.js')).toContain(`"${version}"`)
})

test('names are those of the contract', () => {
  expect(json('package.json')).toMatchObject({ name: 'codex-oauth-mcp', bin: { 'codex-oauth-mcp': 'dist/main.js' } })
  expect([plugin, server]).toEqual(['codex-oauth', 'codex'])
})

test('the server entry starts the built file with plain node and is loaded at once', () => {
  expect(json('.mcp.json').mcpServers.codex).toEqual({
    command: 'node',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the host replaces it
    args: ['${CLAUDE_PLUGIN_ROOT}/dist/main.js'],
    alwaysLoad: true,
  })
  expect(statSync(join(root, 'dist/main.js')).mode & 0o111).toBe(0o111)
  expect(text('dist/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/)
})

test('the built file stands alone: it imports nothing but modules of Node', () => {
  const imports = [...text('dist/main.js').matchAll(/^import [^"]*"([^"]+)";$/gm)].map(([, name]) => name)
  expect(imports.filter((name) => !name?.startsWith('node:'))).toEqual([])
  expect(existsSync(join(root, 'dist/THIRD-PARTY-NOTICES.txt'))).toBe(true)
})

test('there are four commands', () => {
  expect(commands.sort()).toEqual(['codex-clear.md', 'codex-config.md', 'codex-review.md', 'codex.md'])
})

test.each(commands)('%s: bare name, arguments, and only tools that exist, by their full names', (file) => {
  const path = `commands/${file}`
  const front = frontMatter(path)
  expect(front.name).toBe(file.replace(/\.md$/, ''))
  expect(front.description).toBeTruthy()
  expect(text(path).split('$ARGUMENTS')).toHaveLength(2)
  // The host replaces these too, attaches files for the one, and runs a shell for the other.
  expect(text(path).replace('$ARGUMENTS', '')).not.toMatch(/\$[\w{]|(?<!\w)@\w|!`/)
  const allowed = (front['allowed-tools'] ?? '').split(/,\s*/)
  expect(allowed.length).toBeGreaterThan(0)
  for (const tool of allowed) expect(toolNames.map(fullName)).toContain(tool)
  for (const [mentioned] of text(path).matchAll(/mcp__\w[\w-]*/g)) expect(allowed).toContain(mentioned)
})

test('only /codex needs words; where they may be left out, the hint says so in YAML that is none but a text', () => {
  const hints = commands.map((file) => [file, frontMatter(`commands/${file}`)['argument-hint']])
  expect(Object.fromEntries(hints)).toEqual({
    'codex.md': '<your question>',
    'codex-review.md': '"[focus]"',
    'codex-config.md': '"[plan | codex]"',
    'codex-clear.md': '"[conversation <name>]"',
  })
})

describe('/codex-review', () => {
  const review = text('commands/codex-review.md')
  /** The fenced block of this language. */
  const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(review)?.[1] ?? ''

  test('asks for the verdict of the code, which strict outputs take', () => {
    const schema = JSON.parse(block('json'))
    expect(schema).toEqual(VERDICT_SCHEMA)
    expect(strictProblems(schema)).toEqual([])
  })

  test('asks what the prompt for other clients asks', () => {
    expect(block('text').replace(/\s+/g, ' ').trim()).toBe(REVIEW_QUESTION)
  })

  test('makes one call, of the working tree unless told, and reads nothing before it', () => {
    expect(review.match(/Call `mcp__\w[\w-]*__codex_query` once/g)).toHaveLength(1)
    expect(review).toMatch(/Read no file, run no git and check no status before it/)
    expect(review).toMatch(/`diff`: `working`;.*\n?.*`staged`.*`main\.\.HEAD`/)
  })

  test('shows each verdict and severity there is, and keeps remarks apart', () => {
    for (const verdict of VERDICT_SCHEMA.properties.verdict.enum) {
      expect(review).toContain(`**Codex: ${verdict.replace('_', ' ')}**`)
    }
    const headings = [...review.matchAll(/\*\*(\w+)\*\*/g)].map(([, word = '']) => word.toLowerCase())
    expect(headings).toEqual(VERDICT_SCHEMA.properties.findings.items.properties.severity.enum)
    expect(review).toMatch(/under a heading of your own/)
  })
})

test.each(['commands/codex.md', 'commands/codex-review.md', 'skills/codex-integration/SKILL.md'])(
  '%s: files and diff are read by the server, nobody else pays, and INCOMPLETE ANSWER says how to go on',
  (path) => {
    for (const word of [
      '`files`',
      '`diff`',
      '`working`',
      'USAGE_LIMIT',
      'PLAN_REQUIRED',
      'INCOMPLETE ANSWER',
      'never switch',
    ]) {
      expect(text(path).replace(/\s+/g, ' ')).toContain(word)
    }
    expect(text(path)).toMatch(/the server\s+reads/i)
  },
)

test.each(['commands/codex.md', 'skills/codex-integration/SKILL.md'])('%s says when to use what', (path) => {
  for (const word of ['conversation', 'web_search: true', 'output_schema', 'background: true', 'collect']) {
    expect(text(path)).toContain(`\`${word}\``)
  }
})

test('one conversation is forgotten without signing out, and after a yes', () => {
  const [before = ''] = text('commands/codex-clear.md').split('\n1. ')
  expect(before.replace(/\s+/g, ' ')).toMatch(/confirm, call `\S+codex_clear` with its name as `conversation`.*stop/)
})

test('/codex-config shows what is used of the plan', () => {
  expect(text('commands/codex-config.md')).toMatch(/codex_status` with `usage: true`/)
})

test('/codex-clear goes on where a stored sign-in cannot be opened: it is there to be removed', () => {
  const [, step = ''] = /^1\. ([\s\S]*?)^2\. /m.exec(text('commands/codex-clear.md')) ?? []
  expect(step.replace(/\s+/g, ' ')).toMatch(/`storage\.problem`.*cannot be opened.*go on/)
})

test('command and skill ask at once, and offer to sign in only when the answer says so', () => {
  for (const path of ['commands/codex.md', 'skills/codex-integration/SKILL.md']) {
    const asks = text(path).indexOf('codex_query`')
    const offer = text(path).search(/`NOT_AUTHENTICATED`, offer/)
    expect(asks).toBeGreaterThan(0)
    expect(offer).toBeGreaterThan(asks)
    expect(text(path).replace(/\s+/g, ' ')).toMatch(/(?:do not|without) check(?:ing)? the status first/i)
  }
})

test('the skill is named like its folder and says when to use it', () => {
  const front = frontMatter('skills/codex-integration/SKILL.md')
  expect(front.name).toBe('codex-integration')
  for (const word of ['Codex', 'second opinion', "another AI's view"]) expect(front.description).toContain(word)
})

describe.each([...commands.map((file) => `commands/${file}`), 'skills/codex-integration/SKILL.md'])('%s', (path) => {
  const tools = createTools({} as Services)
  const plain = text(path)
    .replace(/```[\s\S]*?```/g, '')
    .replaceAll(fullName(''), '')
  const shapeOf = (shape: object | undefined): [string, unknown][] => Object.entries(Object(shape))
  /** What a word of a text may be: an argument, a field of a result, or a value that one of these can have. */
  const inputs = new Map(tools.map(({ name, input }) => [name, new Set(Object.keys(input.shape))]))
  const words = new Set([
    ...toolNames,
    ...tools.flatMap(({ input, output }) => [...shapeOf(input.shape), ...shapeOf(output?.shape)]).map(([name]) => name),
    ...tools
      .flatMap((tool) => [...JSON.stringify(listed(tool)).matchAll(/"enum":\[([^\]]*)\]/g)])
      .flatMap(([, list = '']) => JSON.parse(`[${list}]`) as string[]),
    ...['working', 'staged', ACCOUNT, STORED_KEY, 'chatgpt', 'chatgpt_plan'],
  ])

  test('names no word of a tool that is not there', () => {
    const named = [...plain.matchAll(/`([a-z_]+)(?:\.(?:problem|state))?(?:: [^`]*)?`/g)].map(([, word = '']) => word)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((word) => !words.has(word))).toEqual([])
  })

  test('gives each tool only arguments that it takes', () => {
    const given = [...plain.matchAll(/(codex_\w+)`[^.;`]*? with(?:\s+(?:its name as|that|the))?\s+`(\w+)/g)]
    // In lists and tables what stands in front are arguments of a question.
    const isQuestion = plain.includes('codex_query')
    const listedOnes = isQuestion ? [...plain.matchAll(/^(?: +- |\s+\|.*\| )`(\w+)(?:: [^`]*)?`.*$/gm)] : []
    const all = [
      ...given.map(([, tool = '', argument = '']) => [tool, argument] as const),
      ...listedOnes.map(([, argument = '']) => ['codex_query', argument] as const),
    ]
    if (path !== 'commands/codex-clear.md') expect(all.length).toBeGreaterThan(0)
    expect(all.filter(([tool, argument]) => inputs.get(tool)?.has(argument) !== true)).toEqual([])
  })
})

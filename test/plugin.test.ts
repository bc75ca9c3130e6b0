import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTools, type Services } from '../src/tools/index.ts'

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

test('there are the three commands of the contract', () => {
  expect(commands.sort()).toEqual(['codex-clear.md', 'codex-config.md', 'codex.md'])
})

test.each(commands)('%s: bare name, arguments, and only tools that exist, by their full names', (file) => {
  const path = `commands/${file}`
  const front = frontMatter(path)
  expect(front.name).toBe(file.replace(/\.md$/, ''))
  expect(front.description).toBeTruthy()
  expect(text(path)).toContain('$ARGUMENTS')
  const allowed = (front['allowed-tools'] ?? '').split(/,\s*/)
  expect(allowed.length).toBeGreaterThan(0)
  for (const tool of allowed) expect(toolNames.map(fullName)).toContain(tool)
  for (const [mentioned] of text(path).matchAll(/mcp__\w[\w-]*/g)) expect(allowed).toContain(mentioned)
})

test('only /codex takes a hint, because only it needs words', () => {
  expect(frontMatter('commands/codex.md')['argument-hint']).toBeTruthy()
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
    expect(text(path)).toMatch(/(?:do not|without) check(?:ing)? the status first/i)
  }
})

test('the skill is named like its folder and says when to use it', () => {
  const front = frontMatter('skills/codex-integration/SKILL.md')
  expect(front.name).toBe('codex-integration')
  for (const word of ['Codex', 'second opinion', "another AI's view"]) expect(front.description).toContain(word)
})

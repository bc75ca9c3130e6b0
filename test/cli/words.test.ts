import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorLines, inCommands, nearest } from '../../src/cli/words.ts'
import { loadConfig } from '../../src/config.ts'
import { CodexError } from '../../src/errors.ts'
import { createTools, type Services } from '../../src/tools/index.ts'
import { textsOf } from '../support/source-text.ts'

const textOf = (error: CodexError) =>
  errorLines(error).map((line) => line.map((piece) => (typeof piece === 'string' ? piece : piece.text)).join(''))

test('an error is what happened, then what to do next and its code', () => {
  expect(textOf(new CodexError('NETWORK', 'No way.', { hint: 'Try again.' }))).toEqual([
    'error: No way.',
    'Try again. [NETWORK]',
  ])
  expect(textOf(new CodexError('CANCELLED', 'Gone.'))).toEqual(['error: Gone. [CANCELLED]'])
})

test('a setting is corrected in the environment, and there is no server to start again', () => {
  const { problem } = loadConfig({ CODEX_OAUTH_PORTS: 'many' }, () => '/home/me')
  expect(textOf(problem as CodexError).at(-1)).toBe('Correct or remove it in the environment. [CONFIG_INVALID]')
})

test('every tool has its command', () => {
  for (const { name } of createTools({} as Services)) {
    expect(inCommands(`Call ${name}.`)).toMatch(/^Call `codex-oauth-mcp (ask|status|login|models|logout)`\.$/)
  }
})

test.each([
  ['To sign in anew: codex_login with force: true.', 'To sign in anew: `codex-oauth-mcp login --force`.'],
  ['Ask again (codex_login with method "device").', 'Ask again (`codex-oauth-mcp login --device`).'],
  ['Or codex_login with method "browser".', 'Or `codex-oauth-mcp login --no-browser`.'],
  ['A code: codex_login with route "codex" and method "device".', 'A code: `codex-oauth-mcp login --codex --device`.'],
  ['Give it to codex_login as callback_url.', 'Give it to `codex-oauth-mcp login` on standard input.'],
  [
    'Sign in: codex_login, or `codex-oauth-mcp login --device` in a terminal.',
    'Sign in: `codex-oauth-mcp login --device`.',
  ],
  [
    'For the rest, codex_query with collect "a-1@20" again.',
    'For the rest, `codex-oauth-mcp ask --collect a-1@20` again.',
  ],
  [
    'Repair it, or clear this conversation and begin it anew.',
    'Repair it, or remove it with `codex-oauth-mcp forget` and begin it anew.',
  ],
  [
    'Note: this answer could not be kept on disk (the disk is full), so it can be collected only until this server ends.',
    'Note: this answer could not be kept on disk (the disk is full), so it cannot be collected later.',
  ],
  ['output_schema cannot be used.', '--schema cannot be used.'],
  [
    'Leave diff out, and name the files that matter with files.',
    'Leave --diff out, and name the files that matter with --file.',
  ],
  ['Replace it in the environment of the server and restart the server.', 'Replace it in the environment.'],
  ['Remove it from the environment of the server.', 'Remove it from the environment.'],
])('%j is %j on the command line', (sentence, expected) => {
  expect(inCommands(sentence)).toBe(expected)
})

describe('every sentence of the program', () => {
  const src = join(import.meta.dirname, '../../src')
  const files = ['services', 'infrastructure', 'tools'].flatMap((room) =>
    readdirSync(join(src, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(src, room, name)),
  )
  const sentences = [...files, join(src, 'config.ts'), join(src, 'errors.ts')]
    .flatMap((file) => textsOf(readFileSync(file, 'utf8')))
    .filter((text) =>
      /\bcodex_[a-z]|\bmethod\b|callback_url|\bforce\b|\bserver\b|collect|output_schema|\b(?:files|diff)\b/.test(text),
    )

  test('is found', () => {
    expect(sentences.length).toBeGreaterThan(50)
    expect(sentences.join('\n')).toMatch(/with force: true[\s\S]*callback_url/)
  })

  test('speaks of no tool, argument or server on the command line', () => {
    const foreign =
      /\bmethod "?(?:device|browser)|callback_url|\b(?:with force|force:? true)|codex_(?:query|status|login|models|clear)|of the (?:MCP )?server|restart the server|with collect "|output_schema|\b(?:with|in) files\b|without diff\b|Leave diff\b|in the client\b/
    expect(sentences.map(inCommands).filter((sentence) => foreign.test(sentence))).toEqual([])
  })
})

describe('the nearest word', () => {
  test.each([
    ['lgoin', 'login'],
    ['logn', 'login'],
    ['log', 'login'],
    ['modles', 'models'],
    ['as', 'ask'],
    ['asks', 'ask'],
    ['', undefined],
    ['query', undefined],
    ['x'.repeat(100_000), undefined],
  ])('to %j is %j', (word, expected) => {
    expect(nearest(word, ['login', 'logout', 'models', 'ask'])).toBe(expected)
  })
})

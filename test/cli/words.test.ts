import { describe, expect, test } from 'vitest'
import { errorLines, inCommands, nearest } from '../../src/cli/words.ts'
import { loadConfig } from '../../src/config.ts'
import { CodexError } from '../../src/errors.ts'
import { createTools, type Services } from '../../src/tools/index.ts'

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
  ['Use force: true to sign in anew.', 'Use --force to sign in anew.'],
  [
    'Sign in: codex_login, or `codex-oauth-mcp login --device` in a terminal.',
    'Sign in: `codex-oauth-mcp login --device`.',
  ],
  ['Or with method "device" where there is none.', 'Or with --device where there is none.'],
  ['Sign in again with codex_login (force: true).', 'Sign in again with `codex-oauth-mcp login --force`.'],
  ['Sign in again (codex_login with force); or ask.', 'Sign in again (`codex-oauth-mcp login --force`); or ask.'],
  ['Replace it in the environment of the server and restart the server.', 'Replace it in the environment.'],
  ['A key in the environment of the server does too.', 'A key in the environment does too.'],
])('%j is %j on the command line', (sentence, expected) => {
  expect(inCommands(sentence)).toBe(expected)
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

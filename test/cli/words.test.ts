import { describe, expect, test } from 'vitest'
import { errorLines, inCommands, nearest } from '../../src/cli/words.ts'
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

test('a setting is corrected in the environment, not in that of a server', () => {
  const error = new CodexError('CONFIG_INVALID', 'X is bad.', { hint: 'Restart the server.' })
  expect(textOf(error)).toEqual(['error: X is bad.', 'Correct or remove it in the environment. [CONFIG_INVALID]'])
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

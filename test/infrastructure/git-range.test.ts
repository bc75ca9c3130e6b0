import { expect, test } from 'vitest'
import { readDiffArgument } from '../../src/infrastructure/git-range.ts'
import { errorOf } from '../support/error-of.ts'

test.each([
  ['staged', { kind: 'staged' }],
  ['working', { kind: 'working' }],
  ['HEAD~3', { kind: 'since', revision: 'HEAD~3' }],
  ['@{u}', { kind: 'since', revision: '@{u}' }],
  ['v1.0^{commit}', { kind: 'since', revision: 'v1.0^{commit}' }],
  ['feature/#12-größe', { kind: 'since', revision: 'feature/#12-größe' }],
  ['main..HEAD', { kind: 'between', from: 'main', to: 'HEAD', fork: false }],
  ['main...topic/a.b', { kind: 'between', from: 'main', to: 'topic/a.b', fork: true }],
  ['main..', { kind: 'between', from: 'main', to: 'HEAD', fork: false }],
  ['..main', { kind: 'between', from: 'HEAD', to: 'main', fork: false }],
  ['HEAD..staged', { kind: 'between', from: 'HEAD', to: 'staged', fork: false }],
])('%s', (text, request) => {
  expect(readDiffArgument(text)).toEqual(request)
})

test.each([
  '',
  '..',
  '...',
  '-p',
  '--output=/tmp/x',
  'main..--output=/tmp/x',
  '--no-index..x',
  'a..b..c',
  'a....b',
  'main HEAD',
  'main\nHEAD',
  'main\u0000',
  'main;touch x',
  '$(touch x)',
  '`touch x`',
  'HEAD:.env',
  '^main',
  'main|x',
  'main*',
  '"main"',
  '../secret',
  'x'.repeat(201),
])('%j is refused before git sees it', async (text) => {
  expect(await errorOf(() => readDiffArgument(text))).toMatchObject({ code: 'INPUT_INVALID' })
})

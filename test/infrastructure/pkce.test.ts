import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { challengeOf, createPkce, createState, isSameSecret } from '../../src/infrastructure/pkce.ts'

test('the challenge is the one of RFC 7636, appendix B', () => {
  expect(challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
})

test('a verifier is 86 unreserved characters made of 64 random bytes, with its own challenge', () => {
  const { verifier, challenge } = createPkce((size) => Buffer.alloc(size, 0xff))
  expect(verifier).toBe(`${'_'.repeat(85)}w`)
  expect(challenge).toBe(challengeOf(verifier))
})

test('a state is 43 unreserved characters made of 32 random bytes', () => {
  expect(createState((size) => new Uint8Array(size))).toBe('A'.repeat(43))
})

test('no two verifiers and no two states are alike', () => {
  const made = Array.from({ length: 100 }, () => [createPkce(randomBytes).verifier, createState(randomBytes)]).flat()
  expect(new Set(made).size).toBe(200)
  expect(made.filter((text) => !/^[\w-]{43,128}$/.test(text))).toEqual([])
})

test.each([
  ['', '', true],
  ['a', 'a', true],
  ['ünï', 'ünï', true],
  ['a', 'b', false],
  ['a', '', false],
  ['a', 'aa', false],
  ['state', 'state ', false],
  ['state', 'STATE', false],
  ['state', 'state\0', false],
  // Both become U+FFFD in UTF-8.
  ['\ud800', '\ud801', false],
  ['x'.repeat(100_000), 'x'.repeat(100_001), false],
])('the secrets %j and %j are told apart or not (case %#)', (a, b, same) => {
  expect(isSameSecret(a, b)).toBe(same)
  expect(isSameSecret(b, a)).toBe(same)
})

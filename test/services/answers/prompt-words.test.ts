import { expect, test } from 'vitest'
import { firstWords } from '../../../src/services/answers/prompt-words.ts'
import { jwtOf } from '../../support/jwt-of.ts'

test.each([
  ['a short question', 'Why is the sky blue?', 'Why is the sky blue?'],
  ['lines', '  Why\r\n\tis\u2028the  sky\0 blue?\n', 'Why is the sky blue?'],
  ['marks that a terminal or a host would follow', '\u001b[31m<b>`rm`</b>\u202e', '[31mbrm/b'],
  ['nothing', ' \n ', ''],
  ['a path', 'Look at src/services/answer-store.ts:10-80 please', 'Look at src/services/answer-store.ts:10-80 please'],
  ['long words', 'Donaudampfschifffahrtsgesellschaft', 'Donaudampfschifffahrtsgesellschaft'],
])('%s', (_, prompt, words) => {
  expect(firstWords(prompt)).toBe(words)
})

test('a long question is cut at 80 characters, and no sign is halved', () => {
  expect(firstWords('a'.repeat(81))).toBe(`${'a'.repeat(79)}…`)
  expect(firstWords('😀'.repeat(81))).toBe(`${'😀'.repeat(79)}…`)
  expect(firstWords(`Explain ${'this '.repeat(1_000_000)}`)).toHaveLength(80)
})

const LONG_KEY = 'k3Y'.repeat(1500)

test.each([
  ['an API key', 'sk-proj-s3cretS3cret'],
  ['a token', jwtOf({ sub: 's3cret' })],
  ['a header', 'Authorization: Bearer s3cret.s3cret'],
  ['a field', '"refresh_token": "rt_s3cret"'],
  ['a key of another service', 'ghp_s3cretS3cretS3cretS3cretS3cret012'],
  ['one in capitals', 'AKIAS3CRET7EXAMPLE00'],
  ['one with slashes', 'wJalrXUtnFEMI/K7MDENG/bPxRfis3cretEXAMPLEKEY'],
  ['a hash', '0123456789abcdef0123456789abcdef'],
  ['a password in an address', 'https://person:s3cret@example.com/'],
  ['one that is longer than what is looked at', LONG_KEY],
])('%s is left out', (_, secret) => {
  for (const prompt of [secret, `Why does ${secret} not work?`, `${'a '.repeat(1990)}${secret} ?`, `x ${secret}`]) {
    const words = firstWords(prompt)
    expect(words).not.toMatch(/s3cret/i)
    expect(words).not.toContain('k3Y')
    expect(words).not.toContain('0123456789abcdef')
  }
  expect(firstWords(`Why does ${secret} fail?`)).toMatch(/^Why does/)
})

test('half a key at the end of what is looked at is none of the first words', () => {
  const hidden = `sk-${'x'.repeat(640)} `.repeat(6)
  const start = `${hidden}${'- '.repeat(4)}`
  for (let at = 3980; at < 4000; at++) {
    const prompt = `${start}${' '.repeat(at - start.length)}${LONG_KEY} and more`
    expect(firstWords(prompt)).toMatch(/^(\[hidden\] ){6}- - - -$/)
  }
})

test('a word without an end takes no time', () => {
  const startedAt = performance.now()
  firstWords('a'.repeat(10_000_000))
  firstWords(`${'a1/'.repeat(1300)} ${'//'.repeat(10_000)}`)
  expect(performance.now() - startedAt).toBeLessThan(200)
})

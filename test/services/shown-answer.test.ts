import { expect, test } from 'vitest'
import { incompleteWords } from '../../src/services/shown-answer.ts'

const BROKEN = { code: 'NETWORK', message: 'The connection broke.' } as const

test('a part of an answer says that it is one, why, and how to go on', () => {
  expect(incompleteWords(BROKEN, undefined)).toBe(
    'INCOMPLETE ANSWER: only a part came. The connection broke. Ask again. [NETWORK]',
  )
  expect(incompleteWords({ ...BROKEN, hint: 'Wait.' }, 'design')).toBe(
    'INCOMPLETE ANSWER: only a part came. The connection broke. To go on where it stopped, ask on in the conversation “design”. Wait. [NETWORK]',
  )
})

test('a whole answer in the wrong form is no part of one, and there is no place to go on from', () => {
  const misfit = { code: 'RESPONSE_INVALID', message: 'It does not fit.', hint: 'Ask again.' } as const
  expect(incompleteWords(misfit, 'design')).toBe('INCOMPLETE ANSWER: It does not fit. Ask again. [RESPONSE_INVALID]')
})

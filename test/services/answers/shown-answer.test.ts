import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { type AnswerParts, incompleteWords, shownFacts } from '../../../src/services/answers/shown-answer.ts'
import { aResult } from '../../support/a-result.ts'
import { aTurn } from '../../support/a-turn.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const BROKEN = new CodexError('NETWORK', 'The connection broke.', { hint: 'Ask again.', cause: new Error('s3cret') })

const facts = (more: Partial<AnswerParts> = {}) =>
  shownFacts({
    ...{ id: 'a-0000000001', result: aResult(), attached: undefined, conversation: undefined, remarks: [], nowMs: NOW },
    ...more,
  })
const lines = (more: Partial<AnswerParts>) => facts(more).footer.split('\n')

test('an answer about which there is little to say has one line', () => {
  expect(facts()).toEqual({ footer: 'Answered by Codex (gpt-x) · ChatGPT plan · answer a-0000000001' })
})

test('what it cost is told, as far as it is known', () => {
  const usage = { inputTokens: 1200, cachedTokens: 1000, outputTokens: 30, reasoningTokens: 20 }
  expect(lines({ result: aResult({ effort: 'high', usage }) })).toEqual([
    'Answered by Codex (gpt-x) · effort high · 1200 tokens in (1000 cached), 30 out (20 reasoning) · ChatGPT plan · answer a-0000000001',
  ])
  const few = { inputTokens: 5, cachedTokens: 0, outputTokens: 6, reasoningTokens: undefined }
  expect(lines({ result: aResult({ usage: few }) })[0]).toContain(' · 5 tokens in, 6 out · ')
})

test('everything else has a line of its own, in the order of its weight', () => {
  const result = aResult({
    incomplete: BROKEN,
    notes: ['the model was another one'],
    sources: [{ title: 'A page', url: 'https://example.com/' }],
    limits: { primary: { usedPercent: 96, windowMinutes: 300, resetsAt: NOW + 3_600_000 } },
  })
  const found = lines({
    result,
    attached: { sent: [{ name: 'a.ts', kind: 'text', bytes: 12 }], left: ['b.ts: secret'] },
    conversation: { name: 'sky', turns: [aTurn('One'), aTurn('Two')] },
    remarks: ['it was removed'],
  })
  expect(found[0]).toBe(
    'INCOMPLETE ANSWER: only part of it came. The connection broke. To go on where it stopped, ask on in the conversation “sky”. [NETWORK]',
  )
  expect(found.slice(1)).toEqual([
    'Answered by Codex (gpt-x) · ChatGPT plan · answer a-0000000001',
    expect.stringMatching(/^Plan usage: /),
    'Conversation “sky”, turn 3',
    expect.stringMatching(/^Sent: a\.ts/),
    'Left out: b.ts: secret',
    'Note: the model was another one.',
    'Note: it was removed.',
    expect.stringMatching(/^Note: 96 % /),
    'Sources:',
    '1. A page: https://example.com/',
  ])
})

describe('an incomplete answer', () => {
  test('says why as data too, without its cause', () => {
    const { incomplete } = facts({ result: aResult({ incomplete: BROKEN }) })
    expect(incomplete).toEqual({ code: 'NETWORK', message: 'The connection broke.', hint: 'Ask again.' })
    expect(JSON.stringify(facts({ result: aResult({ incomplete: BROKEN }) }))).not.toContain('s3cret')
  })

  test('says what to do, also where the reason does not', () => {
    expect(incompleteWords(new CodexError('INCOMPLETE', 'It ended.'))).toBe(
      'INCOMPLETE ANSWER: only part of it came. It ended. Ask again. [INCOMPLETE]',
    )
  })
})

test('what is shown is plain JSON: it comes back from disk as it was', () => {
  const shown = facts({ result: aResult({ incomplete: new CodexError('INCOMPLETE', 'It ended.') }) })
  expect(JSON.parse(JSON.stringify(shown))).toEqual(shown)
})

test('a part of an answer says that it is one, why, and how to go on', () => {
  expect(incompleteWords(BROKEN)).toBe(
    'INCOMPLETE ANSWER: only part of it came. The connection broke. Ask again. [NETWORK]',
  )
  expect(
    incompleteWords({ code: 'NETWORK', message: 'The connection broke.', hint: 'Wait.' }, { conversation: 'design' }),
  ).toBe(
    'INCOMPLETE ANSWER: only part of it came. The connection broke. To go on where it stopped, ask on in the conversation “design”. Wait. [NETWORK]',
  )
})

test('a whole answer in the wrong form is no part of one, and there is no place to go on from', () => {
  const misfit = { code: 'RESPONSE_INVALID', message: 'It does not fit.', hint: 'Ask again.' } as const
  expect(incompleteWords(misfit, { conversation: 'design', isMisfit: true })).toBe(
    'INCOMPLETE ANSWER: It does not fit. Ask again. [RESPONSE_INVALID]',
  )
})

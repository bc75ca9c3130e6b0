import { describe, expect, test } from 'vitest'
import { historyOf } from '../../../src/services/conversations/conversation-items.ts'
import type { Turn } from '../../../src/services/conversations/conversation-turn.ts'
import { fitHistory, inputRoom } from '../../../src/services/conversations/history-fit.ts'
import { estimateItemTokens } from '../../../src/services/conversations/token-estimate.ts'
import { aTurn } from '../../support/a-turn.ts'

const OWNER = 'FAKE-owner'

test.each([
  [272_000, 231_200],
  [500_000, 443_000],
  [8000, 6800],
  [undefined, 108_800],
])('a model with a window of %s tokens is sent %i at most', (contextWindow, room) => {
  expect(inputRoom(contextWindow)).toBe(room)
})

test('what fits is kept whole', () => {
  const turns = [aTurn('one'), aTurn('two')]
  const asked = { turns, owner: OWNER, questionTokens: 100, contextWindow: 272_000 }
  expect(fitHistory(asked)).toEqual({ turns, dropped: 0 })
  expect(fitHistory({ ...asked, turns: [] })).toEqual({ turns: [], dropped: 0 })
})

test('to the last token', () => {
  const turns = [aTurn('one'), aTurn('two')]
  const cost = estimateItemTokens(historyOf(turns, OWNER))
  const questionTokens = inputRoom(8000) - cost
  const asked = { turns, owner: OWNER, contextWindow: 8000 }
  expect(fitHistory({ ...asked, questionTokens }).dropped).toBe(0)
  expect(fitHistory({ ...asked, questionTokens: questionTokens + 1 })).toEqual({ turns: turns.slice(1), dropped: 1 })
})

test('a question that does not fit alone is asked without history', () => {
  const turns = [aTurn('one')]
  expect(fitHistory({ turns, owner: OWNER, questionTokens: 10_000, contextWindow: 8000 })).toEqual({
    turns: [],
    dropped: 1,
  })
})

test('an older turn does not slip in past one that does not fit', () => {
  const turns = [aTurn('small'), aTurn('large '.repeat(10_000)), aTurn('small')]
  expect(fitHistory({ turns, owner: OWNER, questionTokens: 0, contextWindow: 8000 })).toEqual({
    turns: turns.slice(2),
    dropped: 2,
  })
})

describe('what the service has counted', () => {
  const words = 'word '.repeat(4000)
  const fitted = (changes: Partial<Turn>) =>
    fitHistory({ turns: [aTurn(words, changes)], owner: OWNER, questionTokens: 0, contextWindow: 8000 }).dropped

  test('counts where it is less than the estimate', () => {
    expect(fitted({})).toBe(1)
    expect(fitted({ inputTokens: 4010, outputTokens: 20 })).toBe(0)
  })

  test('does not where it has the history of its time in it', () => {
    const long = { inputTokens: 7_000_000, outputTokens: 20 }
    const asked = { owner: OWNER, questionTokens: 0, contextWindow: 8000 }
    expect(fitHistory({ ...asked, turns: [aTurn('short', long)] }).dropped).toBe(0)
  })

  test.each([0, -1])('does not where it is %i', (inputTokens) => {
    expect(fitted({ inputTokens })).toBe(1)
  })
})

test('reasoning of another owner costs nothing: it is not sent', () => {
  const sealed = { type: 'reasoning', summary: [], content: null, encrypted_content: 'A'.repeat(100_000) }
  const turns = [aTurn('one', { output: [sealed, ...aTurn('one').output] })]
  const asked = { turns, questionTokens: 0, contextWindow: 8000 }
  expect([fitHistory({ ...asked, owner: OWNER }).dropped, fitHistory({ ...asked, owner: 'other' }).dropped]).toEqual([
    1, 0,
  ])
})

/** Numbers as by chance, the same in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

test('of any history the newest whole turns are kept, as many as fit', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const below = chance(seed * 7919)
    const turns = Array.from({ length: below(12) }, (_, n) => {
      const counted = below(3) === 0 ? { inputTokens: 1 + below(5000), outputTokens: 1 + below(3000) } : {}
      return aTurn(`${n} ${'words 漢字 '.repeat(below(600))}`, { owner: below(4) === 0 ? 'other' : OWNER, ...counted })
    })
    const contextWindow = 1000 + below(40_000)
    const questionTokens = below(contextWindow)
    const asked = { owner: OWNER, questionTokens, contextWindow }
    const { turns: kept, dropped } = fitHistory({ ...asked, turns })

    expect(kept).toEqual(turns.slice(dropped))
    const measured = kept.some((turn) => turn.inputTokens !== undefined)
    if (kept.length > 0 && !measured) {
      expect(questionTokens + estimateItemTokens(historyOf(kept, OWNER))).toBeLessThanOrEqual(inputRoom(contextWindow))
    }
    // What is kept is kept whole when it stands alone, and one turn more would be too much.
    expect(fitHistory({ ...asked, turns: kept }).dropped).toBe(0)
    if (dropped > 0) expect(fitHistory({ ...asked, turns: turns.slice(dropped - 1) }).dropped).toBe(1)
  }
})

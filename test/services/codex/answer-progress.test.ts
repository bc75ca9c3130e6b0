import { describe, expect, test } from 'vitest'
import { createProgressReader, isPhase } from '../../../src/services/codex/answer-progress.ts'
import { answerEvents } from '../../support/fake-sse.ts'

type Event = { type: string; [field: string]: unknown }

/** What is told after each event, without repeats. */
function told(events: readonly Event[]): string[] {
  const reader = createProgressReader()
  const seen = events.map((event) => {
    reader.accept(event.type, event)
    const { phase, headline } = reader.current()
    return headline === undefined ? phase : `${phase}: ${headline}`
  })
  return seen.filter((one, index) => one !== seen[index - 1])
}

const added = (type: string): Event => ({ type: 'response.output_item.added', item: { type } })
const summary = (delta: unknown): Event => ({ type: 'response.reasoning_summary_text.delta', delta })
const nextPart: Event = { type: 'response.reasoning_summary_part.added' }
const text: Event = { type: 'response.output_text.delta', delta: 'x' }
const search = (state: string): Event => ({ type: `response.web_search_call.${state}` })

test('an answer is queued, thought about and written', () => {
  expect(told(answerEvents('Hello', { reasoning: '**Looking around**' }))).toEqual([
    'queued',
    'thinking',
    'thinking: Looking around',
    'writing',
  ])
})

test('one that needs the web is searched for, and thought about again', () => {
  const events = [added('reasoning'), added('web_search_call'), search('searching'), search('completed'), text]
  expect(told(events)).toEqual(['thinking', 'searching', 'thinking', 'writing'])
})

describe('the headline', () => {
  test('is what stands in bold, as soon as it is complete', () => {
    expect(told([summary('**Weigh'), summary('ing both'), summary('**\n\nFirst …')])).toEqual([
      'thinking',
      'thinking: Weighing both',
    ])
  })

  test('is the newest one, and stays until there is another', () => {
    expect(told([summary('**One**'), nextPart, summary('**T'), summary('wo**')])).toEqual([
      'thinking: One',
      'thinking: Two',
    ])
  })

  test('is gone when the model does something else', () => {
    expect(told([summary('**One**'), text])).toEqual(['thinking: One', 'writing'])
  })

  test.each([
    ['**a\u0007b\u202ec**', 'a b c'],
    ['**<b>`x`</b>**', 'bx/b'],
    [`**${'y'.repeat(120)}**`, `${'y'.repeat(79)}…`],
    ['**   **', undefined],
    ['no bold at all', undefined],
  ])('of %j is one harmless line', (delta, headline) => {
    const reader = createProgressReader()
    reader.accept('response.reasoning_summary_text.delta', summary(delta))
    expect(reader.current().headline).toBe(headline)
  })

  test('does not grow with a summary without an end', () => {
    const reader = createProgressReader()
    for (let round = 0; round < 1_000; round += 1) {
      reader.accept('response.reasoning_summary_text.delta', summary('y'.repeat(1000)))
    }
    reader.accept('response.reasoning_summary_text.delta', summary('**late**'))
    expect(reader.current().headline).toBeUndefined()
  })
})

test.each([{ type: 'response.unknown' }, added('of_tomorrow'), { type: 'response.output_item.added', item: null }])(
  'what nobody knows changes nothing: %j',
  (event) => {
    expect(told([text, event])).toEqual(['writing'])
  },
)

test('a word that was kept is a phase, or it is none', () => {
  const words = ['connecting', 'queued', 'thinking', 'searching', 'writing', 'of_tomorrow', '', undefined, '__proto__']
  expect(words.filter(isPhase)).toEqual(words.slice(0, 5))
})

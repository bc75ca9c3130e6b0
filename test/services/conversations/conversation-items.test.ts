import { describe, expect, test } from 'vitest'
import { fieldOf, parseJson } from '../../../src/services/codex/remote-text.ts'
import { historyOf, outputItems, withoutImages } from '../../../src/services/conversations/conversation-items.ts'
import { aTurn } from '../../support/a-turn.ts'
import { fixture } from '../../support/fake-fixture.ts'

/** As they were captured in the second turn of the official client, less ids, states and empty lists. */
const THOUGHTS = {
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: '**Thinking**' }],
  content: null,
  encrypted_content: 'gAAAA_fake_encrypted',
}
const WORDS = {
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'Hello from the fake backend.' }],
}

/** The items of a captured stream. */
function itemsOf(stream: string): unknown[] {
  const events = stream.split('\n').filter((line) => line.startsWith('data: '))
  return events
    .map((line) => parseJson(line.slice('data: '.length)))
    .filter((event) => fieldOf(event, 'type') === 'response.output_item.done')
    .map((event) => fieldOf(event, 'item'))
}

describe('of an answer', () => {
  test('reasoning and words are sent again as the official client does, without ids and what comes with them', () => {
    expect(outputItems(itemsOf(fixture('sse-reasoning.txt')))).toEqual([THOUGHTS, WORDS])
  })

  test('a part that the model declined goes too, and what a message was for', () => {
    const content = [
      { type: 'output_text', text: 'Some.', annotations: [{ type: 'url_citation', url: 'x' }] },
      { type: 'refusal', refusal: 'Not that.', logprobs: [] },
      { type: 'audio', data: 'x' },
    ]
    expect(outputItems([{ ...WORDS, id: 'msg_1', phase: 'final_answer', content }])).toEqual([
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'Some.' },
          { type: 'refusal', refusal: 'Not that.' },
        ],
        phase: 'final_answer',
      },
    ])
  })

  test.each([
    ['a search', { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } }],
    ['a call of a function', { type: 'function_call', name: 'x', arguments: '{}', call_id: 'c' }],
    ['reasoning that is not sealed', { ...THOUGHTS, encrypted_content: null }],
    ['reasoning that is sealed with nothing', { ...THOUGHTS, encrypted_content: '' }],
    ['a message that says nothing', { ...WORDS, content: [] }],
    ['a message without content', { ...WORDS, content: undefined }],
    ['no object', 5],
    ['null', null],
    ['what has no type', {}],
  ])('%s is not sent again', (_what, item) => {
    expect(outputItems([item, WORDS])).toEqual([WORDS])
  })

  test('an unknown purpose of a message is left out', () => {
    expect(outputItems([{ ...WORDS, phase: 'x'.repeat(1000) }])).toEqual([WORDS])
  })

  test('no id of the service is left anywhere', () => {
    const items = outputItems(itemsOf(fixture('sse-reasoning.txt')))
    expect(JSON.stringify(items)).not.toMatch(/"id"|rs_fake|msg_fake|resp_fake/)
  })
})

describe('a history', () => {
  const turn = (prompt: string, changes = {}) => aTurn(prompt, { output: [THOUGHTS, WORDS], ...changes })

  test('is every question with its answer, oldest first', () => {
    const turns = [turn('one'), turn('two')]
    expect(historyOf(turns, 'FAKE-owner')).toEqual(turns.flatMap(({ input, output }) => [...input, ...output]))
    expect(historyOf([], 'FAKE-owner')).toEqual([])
  })

  test('has the words of another owner and not its reasoning', () => {
    const turns = [turn('one', { owner: 'other' }), turn('two')]
    expect(historyOf(turns, 'FAKE-owner').map(({ type }) => type)).toEqual([
      'message',
      'message',
      'message',
      'reasoning',
      'message',
    ])
  })

  test('has no reasoning that no words followed', () => {
    const turns = [
      turn('one', { output: [THOUGHTS, WORDS, THOUGHTS], incomplete: true }),
      turn('two', { output: [THOUGHTS] }),
    ]
    expect(historyOf(turns, 'FAKE-owner').map(({ type }) => type)).toEqual([
      'message',
      'reasoning',
      'message',
      'message',
    ])
  })

  test('leaves the turns as they are', () => {
    const turns = [turn('one', { owner: 'other' })]
    historyOf(turns, 'FAKE-owner')
    expect(turns[0]?.output).toEqual([THOUGHTS, WORDS])
  })
})

describe('for a model that takes no images', () => {
  const IMAGE = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' }
  const TEXT = { type: 'input_text', text: 'What is this?' }

  test('words stand where they were, and the turn itself stays as it is', () => {
    const seen = aTurn('one', { input: [{ type: 'message', role: 'user', content: [IMAGE, TEXT] }] })
    const { input, ...rest } = withoutImages(seen)
    const words = { type: 'input_text', text: expect.stringContaining('left out') }
    expect(input).toEqual([{ type: 'message', role: 'user', content: [words, TEXT] }])
    expect({ ...rest, input: seen.input }).toEqual(seen)
    expect(seen.input[0]?.content).toContain(IMAGE)
  })

  test('a turn without any is the same turn', () => {
    const plain = aTurn('one', { input: [{ type: 'message', role: 'user', content: 'Just words.' }] })
    expect(withoutImages(plain)).toBe(plain)
  })
})

import { expect, test } from 'vitest'
import { answer, answerEvents, type StreamEvent } from './fake-sse.ts'

const SOURCES = [{ url: 'https://a.example/', title: 'A' }, { url: 'https://b.example/' }]

const typesOf = (events: readonly StreamEvent[]) => events.map(({ type }) => type)
const doneIn = (events: readonly StreamEvent[]) =>
  events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item as Record<string, unknown>)

test('an answer that searches tells each step, then cites what it found', () => {
  const search = [{ query: 'node 26', sources: SOURCES }, { open: 'https://a.example/' }]
  const events = answerEvents('So.', { reasoning: 'Hm.', search, commentary: ['I search.'] })
  const [reasoning, first, second, comment, last] = doneIn(events)
  expect([reasoning?.id, first?.id, second?.id]).toEqual(['rs_FAKE_0', 'ws_FAKE_1', 'ws_FAKE_2'])
  expect(first?.action).toEqual({ type: 'search', query: 'node 26', queries: ['node 26'] })
  expect(second?.action).toEqual({ type: 'open_page', url: 'https://a.example/' })
  expect(comment).toMatchObject({ id: 'msg_FAKE_3', content: [{ annotations: [] }] })
  expect(last).toMatchObject({
    id: 'msg_FAKE_4',
    content: [{ text: 'So.', annotations: SOURCES.map(({ url }) => ({ type: 'url_citation', url, start_index: 3 })) }],
  })
  expect(typesOf(events).filter((type) => type.includes('search'))).toEqual([
    ...['response.web_search_call.in_progress', 'response.web_search_call.searching'],
    'response.web_search_call.completed',
    ...['response.web_search_call.in_progress', 'response.web_search_call.searching'],
    'response.web_search_call.completed',
  ])
  expect(typesOf(events).filter((type) => type === 'response.output_text.annotation.added')).toHaveLength(2)
})

test('a search lists its sources where that is asked for', () => {
  const [item] = doneIn(answerEvents('So.', { search: [{ query: 'x', sources: SOURCES }], searchSources: true }))
  expect(item?.action).toMatchObject({ sources: SOURCES.map(({ url }) => ({ type: 'url', url })) })
})

test('an answer that waits says so before it begins', () => {
  const events = answerEvents('So.', { queued: true })
  expect(typesOf(events).slice(0, 3)).toEqual(['response.created', 'response.queued', 'response.in_progress'])
  expect(events.slice(0, 3).map(({ response }) => (response as { status: string }).status)).toEqual([
    'queued',
    'queued',
    'in_progress',
  ])
})

test('an answer of JSON has it as its text', () => {
  expect(doneIn(answerEvents({ a: [1] }))).toMatchObject([{ content: [{ text: '{"a":[1]}' }] }])
})

test('no two answers have the same sealed reasoning', () => {
  const sealed = () => /"encrypted_content":"(gAAAA[^"]+)"/.exec(answer('So.', { reasoning: 'Hm.' }))?.[1]
  expect(sealed()).toMatch(/./)
  expect(sealed()).not.toBe(sealed())
})

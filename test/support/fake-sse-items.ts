import { randomUUID } from 'node:crypto'
import type { StreamEvent } from './fake-sse.ts'

/** What the service did on the web before it answered: a search, or a page it opened. */
export type FakeSearch = { query: string; sources?: readonly FakeSource[] } | { open: string }

export interface FakeSource {
  url: string
  title?: string
}

interface Message {
  text: string
  refusal: string | undefined
  phase: string | undefined
  /** They are cited at the end of the text. */
  sources: readonly FakeSource[]
}

export function messageEvents(
  { text, refusal, phase, sources }: Message,
  { index, deltas, items }: { index: number; deltas: number; items: boolean },
): StreamEvent[] {
  const id = `msg_FAKE_${index}`
  const item = { id, type: 'message', role: 'assistant', ...(phase !== undefined && { phase }) }
  const place = { item_id: id, output_index: index, content_index: 0 }
  const annotations = sources.map(({ url, title = '' }) => {
    return { type: 'url_citation', start_index: text.length, end_index: text.length, url, title }
  })
  const part = { type: 'output_text', annotations, logprobs: [], text }
  const content = [
    ...(text === '' && refusal !== undefined ? [] : [part]),
    ...(refusal === undefined ? [] : [{ type: 'refusal', refusal }]),
  ]
  const done = { ...item, status: 'completed', content }
  return [
    { type: 'response.output_item.added', output_index: index, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...place, part: { ...part, annotations: [], text: '' } },
    ...piecesOf(text, deltas).map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    ...annotations.map((annotation, annotation_index) => {
      return { type: 'response.output_text.annotation.added', ...place, annotation_index, annotation }
    }),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part },
    ...(items ? [{ type: 'response.output_item.done', output_index: index, item: done }] : []),
  ]
}

/** No two answers carry the same sealed reasoning. Whoever is sent it may send it back (`fake-reasoning.ts`). */
export function reasoningEvents(text: string): StreamEvent[] {
  const place = { item_id: 'rs_FAKE_0', output_index: 0, summary_index: 0 }
  const part = { type: 'summary_text', text }
  const sealed = `gAAAA_FAKE_${randomUUID()}`
  const item = { id: 'rs_FAKE_0', type: 'reasoning', summary: [part], content: [], encrypted_content: sealed }
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, summary: [], encrypted_content: '' } },
    { type: 'response.reasoning_summary_part.added', ...place, part: { ...part, text: '' } },
    { type: 'response.reasoning_summary_text.delta', ...place, delta: text },
    { type: 'response.reasoning_summary_text.done', ...place, text },
    { type: 'response.reasoning_summary_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
}

/** `withSources` as for those who ask for `web_search_call.action.sources`. */
export function searchEvents(search: FakeSearch, index: number, withSources: boolean): StreamEvent[] {
  const id = `ws_FAKE_${index}`
  const place = { output_index: index, item_id: id }
  const item = { id, type: 'web_search_call' }
  const begun = { ...item, status: 'in_progress' }
  const done = { ...item, status: 'completed', action: actionOf(search, withSources) }
  return [
    { type: 'response.output_item.added', output_index: index, item: begun },
    { type: 'response.web_search_call.in_progress', ...place },
    { type: 'response.web_search_call.searching', ...place },
    { type: 'response.web_search_call.completed', ...place },
    { type: 'response.output_item.done', output_index: index, item: done },
  ]
}

function actionOf(search: FakeSearch, withSources: boolean): Record<string, unknown> {
  if ('open' in search) return { type: 'open_page', url: search.open }
  const { query, sources = [] } = search
  const listed = withSources ? { sources: sources.map(({ url }) => ({ type: 'url', url })) } : {}
  return { type: 'search', query, queries: [query], ...listed }
}

function piecesOf(text: string, count: number): string[] {
  const size = Math.ceil(text.length / count)
  if (text === '' || count === 0) return []
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}

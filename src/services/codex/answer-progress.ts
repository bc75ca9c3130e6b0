import { cleanRemote, fieldOf, textField } from './remote-text.ts'
import { searchWords } from './web-sources.ts'

const PHASES = ['connecting', 'queued', 'thinking', 'searching', 'writing'] as const

export type AnswerPhase = (typeof PHASES)[number]

/** How far an answer is: for progress only. */
export interface AnswerProgress {
  phase: AnswerPhase
  /** What the model is about, in its own words: text from outside, cleaned and cut. */
  headline?: string | undefined
  /** Of the text that has come. */
  characters: number
}

/** Follows the events of an answer for those who wait for it. */
export interface ProgressReader {
  accept(type: string, event: unknown): void
  current(): Omit<AnswerProgress, 'characters'>
}

/** Whether a word that was kept is a phase. */
export function isPhase(word: string | undefined): word is AnswerPhase {
  return PHASES.some((phase) => phase === word)
}

/** A summary is a few sentences; what is longer is none. */
const MAX_SUMMARY = 4_000
const MAX_HEADLINE = 80

export function createProgressReader(): ProgressReader {
  let current: { phase: AnswerPhase; headline?: string } = { phase: 'queued' }
  let summary = ''

  function begin(next: AnswerPhase): void {
    if (current.phase !== next) current = { phase: next }
  }

  function about(headline: string | undefined): void {
    if (headline !== undefined && headline !== current.headline) current = { phase: current.phase, headline }
  }

  /** Summaries put what they are about in bold, in front (facts: wire-protocol 11). */
  function summarise(delta: string): void {
    begin('thinking')
    const room = MAX_SUMMARY - summary.length
    if (room <= 0) return
    summary += delta.slice(0, room)
    about(boldIn(summary))
  }

  /** What is searched for may be known only when it is found. */
  function item(type: string, value: unknown): void {
    const next = PHASE_OF[textField(value, 'type') ?? '']
    if (next === undefined || (type === 'response.output_item.done' && next !== 'searching')) return
    begin(next)
    about(searchWords(value))
  }

  return {
    accept(type, event) {
      switch (type) {
        // First, because most are these.
        case 'response.output_text.delta':
          return begin('writing')
        case 'response.in_progress':
          if (current.phase === 'queued') begin('thinking')
          return
        case 'response.output_item.added':
        case 'response.output_item.done':
          return item(type, fieldOf(event, 'item'))
        case 'response.reasoning_summary_part.added':
          summary = ''
          return begin('thinking')
        case 'response.reasoning_summary_text.delta':
          return summarise(textField(event, 'delta') ?? '')
        case 'response.web_search_call.in_progress':
        case 'response.web_search_call.searching':
          return begin('searching')
        case 'response.web_search_call.completed':
          return begin('thinking')
      }
    },

    current: () => current,
  }
}

const PHASE_OF: Readonly<Record<string, AnswerPhase>> = {
  reasoning: 'thinking',
  web_search_call: 'searching',
}

/** The last text in bold that is complete. */
function boldIn(summary: string): string | undefined {
  const bold = [...summary.matchAll(/\*\*([^*\n]{1,200})\*\*/g)].at(-1)?.[1]
  return cleanRemote(bold ?? '', MAX_HEADLINE) || undefined
}

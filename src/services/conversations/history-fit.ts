import { sentAgain } from './conversation-items.ts'
import type { Turn } from './conversation-turn.ts'
import { estimateItemTokens } from './token-estimate.ts'

export interface HistoryToFit {
  /** Oldest first. */
  turns: readonly Turn[]
  /** Who asks now: the reasoning of others is not sent, so it costs nothing. */
  owner: string
  /** All of the request but the history: instructions, the question, what is attached to it. */
  questionTokens: number
  /** Of the model; undefined when its list does not say. */
  contextWindow: number | undefined
}

export interface FittedHistory {
  /** Whole turns, the newest without a gap. None when not even the question fits: that is for the caller to say. */
  turns: readonly Turn[]
  /** How many older ones are left out. */
  dropped: number
}

/** The backend refuses input from about 95 percent of a model's window on (facts: users-and-peers W13). */
const USABLE = 0.95
/** For the answer and the thoughts before it: where they count in the window, they would have no place in a full one. */
const ANSWER_SHARE = 0.1
const ANSWER_TOKENS = 32_000
/** The smallest window among the models that this kind of request can go to. */
const UNKNOWN_WINDOW = 128_000

/** How many tokens of input a model with this window can be sent. */
export function inputRoom(contextWindow: number | undefined): number {
  const window = contextWindow ?? UNKNOWN_WINDOW
  return Math.floor(window * USABLE - Math.min(window * ANSWER_SHARE, ANSWER_TOKENS))
}

/** As much of the history as fits, oldest turns left out first. */
export function fitHistory({ turns, owner, questionTokens, contextWindow }: HistoryToFit): FittedHistory {
  let room = inputRoom(contextWindow) - questionTokens
  let dropped = turns.length
  for (const turn of turns.toReversed()) {
    room -= turnTokens(turn, owner)
    if (room < 0) break
    dropped -= 1
  }
  return { turns: turns.slice(dropped), dropped }
}

/** What a turn costs when it is sent again: the lower of two figures that are both too high. */
function turnTokens(turn: Turn, owner: string): number {
  // What the service counted for a question has the history of that time in it.
  const asked = atMost(estimateItemTokens(turn.input), turn.inputTokens)
  // And for an answer, what of it is not sent again.
  return asked + atMost(estimateItemTokens(sentAgain(turn, owner)), turn.outputTokens)
}

function atMost(estimate: number, measured: number | undefined): number {
  return measured !== undefined && measured > 0 ? Math.min(estimate, measured) : estimate
}

import type { CodexError } from '../../errors.ts'
import type { SseEvent } from '../../infrastructure/sse.ts'
import { createGrowingText } from '../answers/growing-text.ts'
import { endedEarly, endless, incomplete, noAnswer, notAStream, refused } from './answer-failure.ts'
import { type AnswerProgress, createProgressReader } from './answer-progress.ts'
import { failureOf } from './codex-failure.ts'
import { fieldOf, listField, numberField, parseJson, quoteRemote, textField } from './remote-text.ts'

export interface Usage {
  inputTokens: number
  cachedTokens: number | undefined
  outputTokens: number
  reasoningTokens: number | undefined
}

export interface Answer {
  text: string
  /** Why that is not all of it. */
  incomplete?: CodexError
  /** The finished items as they came. */
  output: readonly unknown[]
  /** The model that answered, by its own account. */
  model: string | undefined
  usage: Usage | undefined
  notes: readonly string[]
}

/**
 * Reads an answer event by event (facts: wire-protocol 11). Finished items are the only source of its text; deltas
 * count for progress, and as the answer when a completed stream brought no item at all. `response.completed` ends it,
 * whatever else the connection does; its own `output` may be empty and is not read, and a message need not have a
 * `phase` (facts: plan-usage 3.3). An `error` event that does not say why is only remembered: the service tells the
 * reason in the `response.failed` behind it (facts: plan-usage 3.3).
 */
export interface AnswerReader {
  /** True when the answer is complete. @throws CodexError as `readFailure`; INCOMPLETE, REFUSED */
  accept(event: SseEvent): boolean
  /** Whether an error is remembered: little can come any more, and `finish` throws it if nothing does. */
  isEnding(): boolean
  /** Whether any event has come. */
  hasBegun(): boolean
  progress(): AnswerProgress
  /** What is done just now. */
  doing(): Pick<AnswerProgress, 'phase' | 'headline'>
  /** What has come of an answer that `reason` keeps from being complete; undefined where that is no text. */
  partial(reason: CodexError): Answer | undefined
  /**
   * The complete answer.
   *
   * @throws CodexError the one that is remembered; INCOMPLETE the stream ended early; RESPONSE_INVALID; REFUSED
   */
  finish(): Answer
}

/** Far above what any model writes; it keeps a stream without an end from filling the memory. */
const MAX_CHARACTERS = 8_000_000
/** The same for finished items, as they come. */
const MAX_ITEM_CHARACTERS = 32_000_000

/**
 * The start of events that say once more, and as a whole, what came in pieces or comes with the item that is done: of a
 * long answer each is as long, and nothing of it is wanted.
 */
const REPEATS = /^\{"type":"response\.(?:output_text|content_part|reasoning_summary_(?:text|part))\.done",/

interface Message {
  phase: string | undefined
  text: string
  refusal: string
}

/**
 * `onText` is told the answer bit by bit, as far as one can know that it is the answer: comments on the way to it are
 * left out, and messages stand apart. What counts is the text of `finish`. `readFailure` knows the error codes of the
 * route; CODEX_FAILED is what it makes of one that says nothing. `onLimits` is told what the stream says of the usage
 * limits, as it came.
 */
export function createAnswerReader(
  onText: (delta: string) => void = () => {},
  readFailure: (error: unknown) => CodexError = failureOf,
  onLimits: (event: unknown) => void = () => {},
): AnswerReader {
  const messages: Message[] = []
  const output: unknown[] = []
  const comments = new Set<string>()
  const progress = createProgressReader()
  // Two characters stand between messages, and no message is shorter than one.
  const shown = createGrowingText(3 * MAX_CHARACTERS)
  let told: { item: string | undefined } | undefined
  let characters = 0
  let itemCharacters = 0
  let events = 0
  let completed: unknown
  let remembered: CodexError | undefined
  let model: string | undefined

  function tell(item: string | undefined, delta: string): void {
    characters += delta.length
    if (characters > MAX_CHARACTERS) throw endless()
    if (delta === '' || (item !== undefined && comments.has(item))) return
    const text = told === undefined || told.item === item ? delta : `\n\n${delta}`
    shown.put(shown.length, text)
    onText(text)
    told = { item }
  }

  /** Counts what is kept of an item. */
  function keep(data: string): void {
    itemCharacters += data.length
    if (itemCharacters > MAX_ITEM_CHARACTERS) throw endless()
  }

  /** The answer, out of messages that are finished. */
  function spoken(from: readonly Message[]): string {
    const final = from.filter((message) => message.phase === 'final_answer')
    return (final.length > 0 ? final : lastSpoken(from)).map((message) => message.text).join('\n\n')
  }

  /** Why the response failed: where it does not say so, what the error before it said. */
  function reasonOf(error: unknown): CodexError {
    const isNamed = ['code', 'type', 'error'].some((name) => textField(error, name) !== undefined)
    return (isNamed ? undefined : remembered) ?? readFailure(error)
  }

  return {
    accept({ data }) {
      if (REPEATS.test(data)) {
        events += 1
        return false
      }
      const event = parseJson(data)
      const type = textField(event, 'type')
      if (type === undefined) return false
      events += 1
      progress.accept(type, event)
      // Most events are these, and they say nothing of the response.
      if (type === 'response.output_text.delta') {
        tell(textField(event, 'item_id'), textField(event, 'delta') ?? '')
        return false
      }
      const response = fieldOf(event, 'response')
      model = textField(response, 'model') ?? model
      switch (type) {
        case 'response.output_item.added':
          if (itemPhase(event) === 'commentary') {
            keep(data)
            comments.add(textField(fieldOf(event, 'item'), 'id') ?? '')
          }
          return false
        case 'response.output_item.done':
          keep(data)
          output.push(fieldOf(event, 'item'))
          if (itemType(event) === 'message') messages.push(readMessage(fieldOf(event, 'item')))
          return false
        case 'codex.rate_limits':
          onLimits(event)
          return false
        case 'response.completed':
          completed = response ?? {}
          return true
        case 'response.failed':
          throw reasonOf(errorIn(response))
        case 'response.incomplete':
          throw incomplete(textField(fieldOf(response, 'incomplete_details'), 'reason'))
        case 'error': {
          const failure = readFailure(errorIn(event))
          if (failure.code !== 'CODEX_FAILED') throw failure
          remembered ??= failure
          return false
        }
        default:
          // New event types appear without notice; none of them changes what was said.
          return false
      }
    },

    isEnding: () => remembered !== undefined,

    hasBegun: () => events > 0,

    progress: () => ({ ...progress.current(), characters }),

    doing: progress.current,

    partial(reason) {
      // Comments stand for an answer only where the model has said that there will be no other.
      const text = shown.toString() || spoken(messages.filter(({ phase }) => phase !== 'commentary'))
      if (text === '') return undefined
      return { text, model, usage: undefined, notes: [], output, incomplete: reason }
    },

    finish() {
      if (completed === undefined) throw remembered ?? (events === 0 ? notAStream() : endedEarly(characters))
      const text = messages.length === 0 ? shown.toString() : spoken(messages)
      const refusal = messages
        .map((message) => message.refusal)
        .join(' ')
        .trim()
      if (text === '') throw refusal === '' ? noAnswer() : refused(refusal)
      const notes = refusal === '' ? [] : [`the model declined a part: ${quoteRemote(refusal)}`]
      return { text, model, usage: readUsage(fieldOf(completed, 'usage')), notes, output }
    },
  }
}

/** What says why: the object in `error`, or what holds it, where that is a text or not there. */
function errorIn(holder: unknown): unknown {
  const error = fieldOf(holder, 'error')
  return typeof error === 'object' && error !== null ? error : holder
}

/** Without phases, the last message that says something is the result, as in the official client. */
function lastSpoken(messages: readonly Message[]): Message[] {
  return messages.filter((message) => message.text !== '').slice(-1)
}

function itemType(event: unknown): string | undefined {
  return textField(fieldOf(event, 'item'), 'type')
}

function itemPhase(event: unknown): string | undefined {
  return textField(fieldOf(event, 'item'), 'phase')
}

function readMessage(item: unknown): Message {
  const parts = listField(item, 'content')
  const join = (type: string, field: string) =>
    parts
      .filter((part) => textField(part, 'type') === type)
      .map((part) => textField(part, field) ?? '')
      .join('')
  return {
    phase: textField(item, 'phase'),
    text: join('output_text', 'text'),
    refusal: join('refusal', 'refusal'),
  }
}

function readUsage(usage: unknown): Usage | undefined {
  const inputTokens = numberField(usage, 'input_tokens')
  const outputTokens = numberField(usage, 'output_tokens')
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  return {
    inputTokens,
    cachedTokens: numberField(fieldOf(usage, 'input_tokens_details'), 'cached_tokens'),
    outputTokens,
    reasoningTokens: numberField(fieldOf(usage, 'output_tokens_details'), 'reasoning_tokens'),
  }
}

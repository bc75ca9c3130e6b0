import { CodexError } from '../../errors.ts'
import { withoutImages } from '../conversations/conversation-items.ts'
import type { Turn } from '../conversations/conversation-turn.ts'
import { fitHistory, inputRoom } from '../conversations/history-fit.ts'
import { estimateItemTokens, estimateTokens } from '../conversations/token-estimate.ts'
import { sizeWords } from '../files/sent-words.ts'
import { shownName } from '../files/shown-name.ts'
import type { Model } from '../models/builtin-models.ts'
import type { Question } from './codex-request.ts'

/** What is sent of a conversation, and what has to be said about that. */
export interface Fitted {
  turns: readonly Turn[]
  notes: readonly string[]
}

export interface QuestionToFit {
  question: Question
  modelId: string
  /** Undefined for one that is not listed. */
  model: Model | undefined
  /** Who asks, as turns name it. */
  owner: string
}

/** The instructions, and what stands around everything. */
const OVERHEAD_TOKENS = 500

/**
 * As much of the conversation as there is room for beside the question. It is counted before anything is sent, because
 * a question that is too long costs time, and its refusal says nothing of what was too much.
 *
 * @throws CodexError CONTEXT_TOO_LONG not even the question fits; INPUT_INVALID the model takes no images
 */
export function fitQuestion(asked: QuestionToFit): Fitted {
  const { question, modelId, model, owner } = asked
  assertImagesAreTaken(question, modelId, model)
  const questionTokens = tokensOf(question)
  const contextWindow = model?.contextWindow
  // Of a model whose window nobody knows, only the service can tell what is too long.
  if (contextWindow !== undefined && questionTokens > inputRoom(contextWindow)) throw tooLong(asked, questionTokens)
  const { turns = [] } = question.talk ?? {}
  const readable = takesImages(model) ? turns : turns.map(withoutImages)
  const fitted = fitHistory({ turns: readable, owner, questionTokens, contextWindow })
  const { dropped } = fitted
  if (question.talk?.needsLast === true && dropped === turns.length) throw noRoomBeside(modelId)
  return {
    turns: fitted.turns,
    notes: [
      ...(dropped === 0 ? [] : [droppedNote(dropped, turns.length, modelId)]),
      ...(fitted.turns.every((turn) => turns.includes(turn)) ? [] : [imagesNote(modelId)]),
    ],
  }
}

function droppedNote(dropped: number, all: number, modelId: string): string {
  const reach = `did not fit into what ${modelId} can read at once`
  if (dropped === all) return `nothing of what was said before in this conversation was sent, because it ${reach}`
  const oldest = dropped === 1 ? 'the oldest turn' : `the oldest ${dropped} turns`
  return `${oldest} of ${all} in this conversation ${reach} and ${dropped === 1 ? 'was' : 'were'} not sent`
}

function imagesNote(modelId: string): string {
  return `${modelId} takes no images, so those of earlier turns in this conversation were not sent`
}

function tokensOf({ prompt, systemPrompt, attached, schema }: Question): number {
  const content = [...(attached?.parts ?? []), { type: 'input_text', text: prompt }]
  const form = schema === undefined ? 0 : estimateTokens(JSON.stringify(schema.schema))
  return (
    OVERHEAD_TOKENS + form + estimateTokens(systemPrompt ?? '') + estimateItemTokens([{ type: 'message', content }])
  )
}

function assertImagesAreTaken({ attached }: Question, modelId: string, model: Model | undefined): void {
  const hasImage = attached?.parts.some(({ type }) => type === 'input_image') ?? false
  if (!hasImage || takesImages(model)) return
  throw new CodexError('INPUT_INVALID', `${modelId} takes no images.`, {
    hint: 'Leave the images out, or name a model that takes them.',
  })
}

/** Of a model that does not say, only the service knows. */
function takesImages(model: Model | undefined): boolean {
  return model?.inputs?.includes('image') ?? true
}

function noRoomBeside(modelId: string): CodexError {
  return new CodexError('CONTEXT_TOO_LONG', `${modelId} cannot read this and the turn before it at once.`, {
    hint: 'Send less, or name a model that can read more.',
  })
}

function tooLong({ question, modelId, model }: QuestionToFit, tokens: number): CodexError {
  const room = inputRoom(model?.contextWindow)
  const message = `The question has about ${rounded(tokens)} tokens, and ${modelId} can read about ${rounded(room)} at once. Nothing was sent.`
  const hint =
    (question.attached?.sent.length ?? 0) === 0
      ? 'Shorten the prompt, or split it.'
      : `The largest parts are ${largestOf(question)}: send fewer of them, or name the lines that matter.`
  return new CodexError('CONTEXT_TOO_LONG', message, { hint })
}

/** What a picture counts for, because its bytes are not text. */
const IMAGE_BYTES = 12_000
const MANY_BYTES = 50_000

function largestOf({ prompt, systemPrompt, attached }: Question): string {
  const sent = (attached?.sent ?? []).map(({ name, kind, bytes }) => {
    const shown = kind === 'diff' ? `the diff ${shownName(name)}` : shownName(name)
    return { name: shown, bytes, weight: kind === 'image' ? IMAGE_BYTES : bytes }
  })
  const written = Object.entries({ 'the prompt': prompt, system_prompt: systemPrompt ?? '' })
    .map(([name, text]) => ({ name, bytes: Buffer.byteLength(text), weight: Buffer.byteLength(text) }))
    // Of a short one nobody could spare anything.
    .filter(({ bytes }) => bytes >= MANY_BYTES)
  return [...sent, ...written]
    .sort((a, b) => b.weight - a.weight)
    .slice(0, 3)
    .map(({ name, bytes }) => `${name} (${sizeWords(bytes)})`)
    .join(', ')
}

function rounded(tokens: number): string {
  return (Math.ceil(tokens / 1000) * 1000).toLocaleString('en')
}
